"""The diagrams of the documentation: ``python -m tests.docs.diagrams`` writes them into docs/diagrams.

Their content comes from the code: the states of machines in the emulator, the docstrings of modules, the
table of lost answers. The positions in a picture are set here. They are SVG that is part of the page, in the
page's colours.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from itertools import pairwise
from typing import get_args

from smartdc.arguments.states import MachineState
from smartdc.emulator import Emulator
from tests.contract.row import AGAIN, ERROR, FOUND, UNKNOWN
from tests.docs.blocks import ROOT
from tests.faults.lost_answers import expected
from tests.operations import OPERATIONS

FOLDER = ROOT / "docs" / "diagrams"

Point = tuple[float, float]

_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}"\n'
    '  style="width: 100%; max-width: {width}px; height: auto; overflow: visible"\n'
    '  font-family="sans-serif" font-size="13" fill="currentColor" stroke="none">\n'
    '<defs><marker id="{name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8"'
    ' orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="currentColor"/></marker></defs>\n'
)


class Drawing:
    """An SVG that is drawn part by part."""

    def __init__(self, name: str, title: str, width: int, height: int) -> None:
        self.name = name
        self._parts = [_HEAD.format(name=f"tip-{name}", title=escape(title), width=width, height=height)]

    def box(self, at: Point, size: Point, *lines: str) -> None:
        """A box with a title and lines below it."""
        (x, y), (width, height) = at, size
        self._parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="none"'
            ' stroke="currentColor"/>\n'
        )
        top = y + height / 2 - 8 * (len(lines) - 1) + 4
        for number, line in enumerate(lines):
            weight = ' font-weight="bold"' if not number else ' font-size="11"'
            self.text((x + width / 2, top + 16 * number), line, weight)

    def text(self, at: Point, line: str, more: str = "", anchor: str = "middle") -> None:
        """One line of text."""
        self._parts.append(
            f'<text x="{at[0]:g}" y="{at[1]:g}" text-anchor="{anchor}"{more}>{escape(line)}</text>\n'
        )

    def arrow(self, *points: Point, label: str = "", at: Point | None = None, anchor: str = "middle") -> None:
        """A line through these points, with a tip at its end."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="currentColor"'
            f' marker-end="url(#tip-{self.name})"/>\n'
        )
        if label:
            (x, y), (x2, y2) = points[0], points[-1]
            self.text(at or ((x + x2) / 2, (y + y2) / 2 - 5), label, ' font-size="11"', anchor)

    def __str__(self) -> str:
        return "".join([*self._parts, "</svg>\n"])


def pieces() -> Drawing:
    """The pieces: a script, the library, and the two clouds that it can connect to."""
    drawing = Drawing(
        "pieces", "Your script uses smartdc, which speaks to CloudAPI or to the emulator", 740, 250
    )
    drawing.box((0, 70), (150, 70), "your script", "a service, a notebook,", "the console")
    drawing.box(
        (220, 50),
        (190, 110),
        "smartdc",
        "DataCenter, Machine, fleet",
        "signs, retries, waits,",
        "keeps to the rate",
    )
    drawing.box((220, 200), (190, 45), "your SSH key", "a file, or the ssh-agent")
    drawing.box((530, 0), (210, 60), "CloudAPI of Triton", "a public or a private cloud")
    drawing.box((530, 95), (210, 60), "smartdc.emulator", "CloudAPI on your computer")
    drawing.box((530, 200), (210, 45), "pytest, triton, terraform", "tests and other clients")
    drawing.arrow((150, 105), (220, 105))
    drawing.arrow((315, 200), (315, 160))
    drawing.arrow((410, 80), (530, 30), label="HTTPS", at=(462, 46))
    drawing.arrow((410, 125), (530, 125), label="HTTPS, the same")
    drawing.arrow((635, 200), (635, 155))
    return drawing


#: The modules from the call to the wire.
MODULES = (
    "_http/endpoint",
    "_http/connection",
    "_http/exchange",
    "_http/throttle",
    "http_signature",
    "_http/transport",
    "_http/pool",
)


def request_way() -> Drawing:
    """The modules that a request goes through, each with the beginning of its docstring."""
    height = 52 * len(MODULES) + 150
    drawing = Drawing("request", "The modules that a request goes through", 740, height)
    drawing.box((0, 0), (740, 36), "sdc.machines(), machine.stop(), ...")
    y = 60.0
    for module in MODULES:
        drawing.arrow((60, y - 24 if module == MODULES[0] else y - 16), (60, y))
        drawing.box((0, y), (180, 36), module.removeprefix("_http/"))
        drawing.text((195, y + 22), _about(module), ' font-size="12"', "start")
        y += 52
    drawing.arrow((60, y - 16), (60, y + 4))
    drawing.box((0, y + 4), (740, 36), "CloudAPI")
    drawing.text(
        (195, y + 62),
        "a failure goes back to exchange, which asks retry whether to try again",
        ' font-size="12"',
        "start",
    )
    return drawing


def _about(module: str) -> str:
    """The beginning of a module's docstring, up to its first colon or full stop."""
    path = ROOT / "smartdc" / module
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    docstring = " ".join((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split())
    return re.split(r"[:.;](?: |$)", docstring, maxsplit=1)[0]


#: The positions of the states.
PLACES: dict[str, Point] = {
    "provisioning": (20, 20),
    "running": (290, 20),
    "stopping": (560, 20),
    "ready": (290, 130),
    "stopped": (560, 130),
    "failed": (20, 130),
    "deleted": (20, 240),
    "offline": (560, 240),
    "unknown": (290, 240),
}
_BOX = (150, 40)


def seen_transitions() -> set[tuple[str, str, str]]:
    """The changes of state of emulated machines: the old state, the call, the new state."""
    seen: set[tuple[str, str, str]] = set()
    with Emulator(random_seed=7) as cloud, cloud.datacenter() as sdc:

        def create(name: str) -> None:
            sdc.create_machine(name, package="g4-highcpu-1G", image="base-64")

        def follow(name: str, call: str, act: Callable[[], object]) -> None:
            before = next((vm.state for vm in cloud.site().machines.values() if vm.alias == name), "")
            act()
            (vm,) = [vm for vm in cloud.site().machines.values() if vm.alias == name]
            states = [before, vm.state]
            for _ in range(80):
                cloud.clock.advance(0.5)
                states.append(vm.state)
            for old, new in pairwise(states):
                if old != new:
                    seen.add((SHOWN.get(old, old), call, SHOWN.get(new, new)))

        follow("a", "create", lambda: create("a"))
        machine = sdc.machine("a")
        for call in ("reboot", "stop", "start", "delete"):
            follow("a", call, getattr(machine, call))
        create("b")
        cloud.clock.advance(60)
        machine = sdc.machine("b")
        for call in ("stop", "delete"):
            follow("b", call, getattr(machine, call))
        cloud.site().fail_next_provision = "on server"
        follow("c", "create", lambda: create("c"))
    return seen


SHOWN = {"destroyed": "deleted", "unreachable": "offline"}


def states(transitions: Iterable[tuple[str, str, str]]) -> Drawing:
    """The states of a machine."""
    assert set(PLACES) == set(get_args(MachineState))
    drawing = Drawing("states", "The states of a machine", 740, 330)
    for state, at in PLACES.items():
        drawing.box(at, _BOX, state)
    calls: dict[tuple[str, str], list[str]] = {}
    for old, call, new in sorted(transitions):
        calls.setdefault((old, new), []).append(call)
    for (old, new), by in calls.items():
        if old and old != new:
            _between(drawing, PLACES[old], PLACES[new], ", ".join(by), back=(new, old) in calls)
    drawing.text(
        (0, 315),
        "offline: its server is away; it may come back. unknown: another word of the server.",
        ' font-size="12"',
        "start",
    )
    return drawing


def _between(drawing: Drawing, start: Point, end: Point, label: str, *, back: bool) -> None:
    (x, y), (x2, y2), (width, height) = start, end, _BOX
    if y == y2:
        shift = (-8 if x < x2 else 8) if back else 0
        here, there = (x + width, x2) if x < x2 else (x, x2 + width)
        middle = y + height / 2 + shift
        drawing.arrow(
            (here, middle),
            (there, middle),
            label=label,
            at=((here + there) / 2, middle + (14 if shift > 0 else -5)),
        )
        return
    shift = (-12 if y < y2 else 12) if back else 0
    here, there = (y + height, y2) if y < y2 else (y, y2 + height)
    x, x2 = x + width / 2 + shift, x2 + width / 2 + shift
    across, down = (x + x2) / 2, (here + there) / 2
    if x == x2:
        drawing.arrow((x, here), (x2, there), label=label, at=(across + 6, down + 4), anchor="start")
    else:  # beside the line, on the side away from the arrow back
        at = (across + 3 * shift, down + (-8 if shift > 0 else 16))
        drawing.arrow((x, here), (x2, there), label=label, at=at)


def lost_answer(counts: Mapping[str, int]) -> Drawing:
    """The outcomes of operations whose answer is lost, each with the number of operations."""
    drawing = Drawing("lost", "What becomes of an operation whose answer is lost", 740, 250)
    drawing.box((0, 90), (150, 60), "the answer is lost", "of which operation?")
    rows = (
        ("reads", "it only reads: made again"),
        (AGAIN, "it sets what it names, or deletes: made again"),
        (FOUND, "it creates: looked for, found, and returned as if answered"),
        (UNKNOWN, "it creates what cannot be told apart: OutcomeUnknown, with candidates"),
        (ERROR, "the failure is raised: look before you ask for it again"),
    )
    for number, (what, text) in enumerate(rows):
        y = 50 * number
        drawing.arrow((150, 120), (200, y + 20))
        drawing.box((200, y), (540, 40), text, f"{counts[what]} operations")
    return drawing


def lost_counts() -> dict[str, int]:
    """How many operations have which outcome."""
    return Counter("reads" if row.verb in ("GET", "HEAD") else expected(row)[0] for row in OPERATIONS)


def drawings() -> Iterator[Drawing]:
    """All drawings."""
    yield pieces()
    yield request_way()
    yield states(seen_transitions())
    yield lost_answer(lost_counts())


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for drawing in drawings():
        (FOLDER / f"{drawing.name}.svg").write_text(str(drawing), encoding="utf-8")
