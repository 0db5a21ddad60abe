"""What `progress` is told, and the bar that it shows."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, fleet
from smartdc.emulator.state.site import Site
from smartdc.fleet.progress import reporter

STAGES = ("untried", "under way", "waiting", "done", "failed")


def counts(*numbers: int) -> dict[str, int]:
    return dict(zip(STAGES, numbers, strict=True))


tqdm: Any = import_module("tqdm.std").tqdm


class Bar(tqdm):  # type: ignore[misc]
    """A bar that writes to memory.

    Attributes:
        made: All bars.
        drawn: How often it was drawn.
    """

    made: list[Any] = []  # noqa: RUF012

    def __init__(self, **arguments: Any) -> None:
        self.drawn = 0
        # Advancing does not draw it.
        super().__init__(file=io.StringIO(), miniters=1000, mininterval=1000, **arguments)
        self.made.append(self)

    def refresh(self, *arguments: Any, **more: Any) -> None:
        self.drawn += 1
        super().refresh(*arguments, **more)


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    Bar.made.clear()
    yield Bar.made
    Bar.made.clear()


def test_the_bar_counts_machines_that_are_over(bars: list[Any]) -> None:
    report, close = reporter(True, 8)
    (bar,) = bars
    assert report is not None
    assert (bar.total, bar.unit, bar.n, bar.drawn) == (8, "machine", 0, 1)
    for reported, over, postfix in [
        (counts(8, 0, 0, 0, 0), 0, ""),
        (counts(2, 3, 0, 2, 1), 3, "untried=2, under way=3, done=2, failed=1"),
        (counts(0, 0, 4, 2, 2), 4, "waiting=4, done=2, failed=2"),
        (counts(0, 0, 0, 5, 3), 8, "done=5, failed=3"),
    ]:
        report(reported)
        assert (bar.n, bar.postfix) == (over, postfix or "untried=8")
        assert bar.drawn == 1  # when to draw is left to tqdm
    assert not bar.disable
    close()
    assert bar.disable


@pytest.mark.parametrize("step", [Machine.status, Machine.delete])
def test_the_bar_is_closed_at_the_end(sdc: DataCenter, site: Site, bars: list[Any], step: Any) -> None:
    for number in range(3):
        site.add_machine(f"m{number}")
    fleet.run(sdc.machines(), step, progress=True)
    (bar,) = bars
    assert (bar.n, bar.total, bar.postfix, bar.disable) == (3, 3, "done=3", True)


def test_the_bar_is_closed_when_the_run_ends_early(sdc: DataCenter, site: Site, bars: list[Any]) -> None:
    site.add_machine("m0")

    def leave(machine: Machine) -> None:
        raise SystemExit

    with pytest.raises(fleet.FleetExit):
        fleet.run(sdc.machines(), leave, progress=True)
    assert bars[0].disable


def test_no_report() -> None:
    for progress in (False, None):
        report, close = reporter(progress, 3)  # type: ignore[arg-type]
        assert report is None
        close()


@pytest.mark.parametrize("progress", [1, "yes", {"done": 1}])
def test_what_cannot_be_told(progress: Any) -> None:
    kind = type(progress).__name__
    with pytest.raises(ConfigurationError, match=f"^progress is True, False or a function, not {kind}$"):
        reporter(progress, 3)


def test_the_extra_for_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ConfigurationError) as caught:
        reporter(True, 3)
    assert str(caught.value) == "progress=True needs the extra 'progress': pip install 'smartdc[progress]'"


@pytest.mark.parametrize("size", [0, 1, 3])
def test_the_last_report_has_the_end_of_all(sdc: DataCenter, site: Site, size: int) -> None:
    for number in range(size):
        site.add_machine(f"m{number}")
    machines = sdc.machines()
    reported: list[dict[str, int]] = []
    told = threading.Event()

    def report(now: fleet.Counts) -> None:
        reported.append(dict(now))
        told.set()

    def step(machine: Machine) -> None:
        assert told.wait(10)  # the first report comes before the end

    began = time.monotonic()
    fleet.run(machines, step, progress=report)
    seconds = time.monotonic() - began
    assert reported[-1] == counts(0, 0, 0, size, 0)
    assert all([*each] == [*STAGES] and sum(each.values()) == size for each in reported)
    assert len(reported) <= 2 + seconds / 0.1  # at most ten times a second, and at the end


def test_a_machine_is_counted_by_what_it_does(sdc: DataCenter, site: Site) -> None:
    for number in range(3):
        site.add_machine(f"m{number}")
    stopping, failing, working = machines = sorted(sdc.machines(), key=lambda machine: machine.name)
    seen: list[dict[str, int]] = []

    def step(machine: Machine) -> None:
        if machine == stopping:
            machine.stop()
        elif machine == failing:
            raise ValueError("trouble")
        else:
            end = time.monotonic() + 10
            while counts(0, 1, 1, 0, 1) not in seen and time.monotonic() < end:
                time.sleep(0.005)

    fleet.run(
        machines, step, fleet.until("stopped", 30), progress=lambda told: seen.append(dict(told)), workers=3
    )
    assert counts(0, 1, 1, 0, 1) in seen
    assert working not in [machine for machine in machines if machine.state == "stopped"]
