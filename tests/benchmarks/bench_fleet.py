"""How many requests it takes to stop and delete a fleet, and how long, under the server's throttle.

Run it: ``.venv/bin/python tests/benchmarks/bench_fleet.py --svg docs/fleets.svg``. Each way uses an emulated
cloud that admits 10 requests a second, 30 at once, and whose clock runs four times as fast as the real one.
docs/fleets.md has the picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from operator import methodcaller
from pathlib import Path

from smartdc import DataCenter, Machine, fleet
from smartdc.emulator import Emulator

RATE, BURST = 10, 30
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 760, 420, 70, 50, 30
COLOURS = ("#c0392b", "#d68910", "#2471a3", "#1e8449")


class Times:
    """A stream for `verbose` that records the time of each request."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.all: list[float] = []

    def write(self, text: str) -> int:
        self.all.append(self._now())
        return len(text)

    def flush(self) -> None:
        """Do nothing: there is no buffer."""


def with_a_pool(machines: list[Machine]) -> None:
    with ThreadPool(8) as simultaneous:
        simultaneous.map(methodcaller("stop"), machines)
        simultaneous.map(methodcaller("poll_until", "stopped"), machines)
        simultaneous.map(methodcaller("delete"), machines)


def with_fleet(machines: list[Machine]) -> None:
    fleet.run(machines, Machine.stop, fleet.until("stopped"), Machine.delete).raise_errors()


def with_push(machines: list[Machine]) -> None:
    fleet.run(machines, Machine.stop, fleet.until("stopped"), Machine.delete, push=True).raise_errors()


WAYS: dict[str, tuple[Callable[[list[Machine]], None], bool]] = {
    "8 threads, each polls its machine": (with_a_pool, False),
    "8 threads that share looks": (with_a_pool, True),
    "fleet.run": (with_fleet, True),
    "fleet.run, push=True": (with_push, True),
}


def measured(way: Callable[[list[Machine]], None], size: int, share_polls: bool) -> list[float]:
    """When each request was made, in seconds after the first."""
    with Emulator(rate=4) as cloud:
        for number in range(size):
            cloud.site().add_machine(f"test-{number}", networks=())
        times = Times(cloud.clock.monotonic)
        sdc: DataCenter
        with cloud.datacenter(share_polls=share_polls) as sdc:
            machines = sdc.machines()
            cloud.throttle(RATE, BURST)
            sdc.verbose = times  # type: ignore[assignment]
            way(machines)
    return [time - times.all[0] for time in times.all]


def picture(lines: dict[str, list[float]]) -> str:
    """Requests over time as SVG, with the most that the server admits."""
    longest = max(times[-1] for times in lines.values())
    most = max(len(times) for times in lines.values())

    def point(seconds: float, requests: float) -> str:
        x = LEFT + seconds / longest * (WIDTH - LEFT - 20)
        return f"{x:.1f},{HEIGHT - BOTTOM - requests / most * (HEIGHT - BOTTOM - TOP):.1f}"

    def text(x: float, y: float, words: str, more: str = "") -> str:
        return f'<text x="{x:.0f}" y="{y:.0f}" {more}>{words}</text>'

    bound = min(longest, (most - BURST) / RATE)
    drawn = [f'<polyline points="{point(0, BURST)} {point(bound, BURST + RATE * bound)}" '
             'fill="none" stroke="#888" stroke-dasharray="6 4"/>']  # fmt: skip
    for number, (name, times) in enumerate(lines.items()):
        step = max(1, len(times) // 150)
        points = [point(times[count], count + 1) for count in range(0, len(times), step)]
        points.append(point(times[-1], len(times)))
        drawn.append(
            f'<polyline points="{" ".join(points)}" fill="none" stroke="{COLOURS[number]}" stroke-width="2"/>'
        )
        words = f"{name}: {len(times)} requests, {times[-1]:.0f} s"
        drawn.append(text(LEFT + 20, TOP + 5 + 18 * number, words, f'fill="{COLOURS[number]}"'))
    drawn.append(text(LEFT + 20, TOP + 5 + 18 * len(lines), "what the server admits", 'fill="#888"'))
    for part in range(5):
        seconds, requests = longest * part / 4, most * part / 4
        x, y = (float(place) for place in point(seconds, requests).split(","))
        drawn.append(text(x, HEIGHT - BOTTOM + 20, f"{seconds:.0f} s", 'text-anchor="middle"'))
        drawn.append(text(LEFT - 8, y + 4, f"{requests:.0f}", 'text-anchor="end"'))
    edge = f'<path d="M {LEFT} {TOP} V {HEIGHT - BOTTOM} H {WIDTH - 20}" fill="none" stroke="#444"/>'
    title = text(LEFT, 16, "Requests over time, while machines are stopped and deleted", 'font-weight="bold"')
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        title, edge, *drawn, "</svg>", "",
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--machines", type=int, default=300)
    parser.add_argument("--svg", type=Path, help="where to write the picture")
    options = parser.parse_args()
    lines = {}
    for name, (way, share_polls) in WAYS.items():
        lines[name] = measured(way, options.machines, share_polls)
        print(f"{name}: {len(lines[name])} requests, {lines[name][-1]:.1f} s", flush=True)
    bound = (2 * options.machines - BURST) / RATE
    print(f"the least: {2 * options.machines} requests, {bound:.1f} s")
    if options.svg:
        options.svg.write_text(picture(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
