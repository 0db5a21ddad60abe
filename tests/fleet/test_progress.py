"""What `progress` is told, and the bar that it shows."""

from __future__ import annotations

import io
import re
import sys
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.fleet.progress import reporter
from tests.fleet.machines import fleet_of

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
        super().__init__(**arguments | {"file": io.StringIO(), "miniters": 1000, "mininterval": 1000})
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
    assert bar.dynamic_ncols
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
    fleet.run(fleet_of(sdc, site, 3), step, progress=True)
    (bar,) = bars
    assert (bar.n, bar.total, bar.postfix, bar.disable) == (3, 3, "done=3", True)


def test_the_bar_is_closed_when_the_run_ends_early(sdc: DataCenter, site: Site, bars: list[Any]) -> None:
    def leave(machine: Machine) -> None:
        raise SystemExit

    with pytest.raises(fleet.FleetExit):
        fleet.run(fleet_of(sdc, site, 1), leave, progress=True)
    assert bars[0].disable


def test_the_bar_of_tqdm(capsys: pytest.CaptureFixture[str]) -> None:
    report, close = reporter(True, 4)
    assert report is not None
    report(counts(3, 0, 0, 1, 0))
    report(counts(0, 0, 0, 3, 1))
    close()
    last = capsys.readouterr().err.split("\r")[-1]
    assert re.search(r"100%.* 4/4 \[.*[0-9?. ](machine/s|s/machine), done=3, failed=1\]", last)


def test_a_bar_is_shown(sdc: DataCenter, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.run(fleet_of(sdc, site, 4), Machine.stop, progress=True)
    assert "4/4" in capsys.readouterr().err


def test_the_bar_has_the_characters_of_the_stream_and_flushes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(written, encoding="utf-8"))
    report, close = reporter(True, 2)
    assert report is not None
    report(counts(1, 0, 0, 1, 0))
    close()
    assert "\u2588" in written.getvalue().decode()  # others than UTF-8 get a bar of #


class Broken(io.StringIO):
    """A stream whose reader goes away after some writes."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self.writes = writes

    def write(self, text: str) -> int:
        self.writes -= 1
        if self.writes < 0:
            raise BrokenPipeError(32, "Broken pipe")
        return super().write(text)


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize(
    ("stderr", "problem"),
    [
        (lambda: Broken(0), "stderr cannot be written to: BrokenPipeError: [Errno 32] Broken pipe"),
        (lambda: Broken(1), "stderr cannot be written to: BrokenPipeError: [Errno 32] Broken pipe"),
        (closed, "stderr cannot be written to: ValueError: I/O operation on closed file"),
        (lambda: None, "there is no stderr"),
    ],
    ids=["broken", "broken later", "closed", "none"],
)
def test_a_bar_that_cannot_be_shown_does_not_end_the_run(
    sdc: DataCenter,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stderr: Any,
    problem: str,
) -> None:
    machines = fleet_of(sdc, site, 4)
    monkeypatch.setattr(sys, "stderr", stderr())
    steps = Machine.stop, fleet.until("stopped"), Machine.delete
    assert len(fleet.run(machines, *steps, progress=True).done) == 4
    warned = [(entry.name, entry.getMessage()) for entry in caplog.records if entry.levelname == "WARNING"]
    assert warned == [("smartdc", f"no progress bar is shown from now on, and the run goes on: {problem}")]
    drawn = threading.Event()

    def draw() -> None:
        with tqdm.get_lock():
            drawn.set()

    threading.Thread(target=draw, daemon=True).start()
    assert drawn.wait(5)  # tqdm itself keeps its lock if it cannot write


def test_without_tqdm_a_bar_is_refused_before_anything_is_done(
    cloud: Emulator, sdc: DataCenter, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines = fleet_of(sdc, site, 2)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    message = r"^progress=True needs the extra 'progress': pip install 'smartdc\[progress\]'$"
    with pytest.raises(ConfigurationError, match=message):
        fleet.run(machines, Machine.delete, progress=True)
    assert len(cloud.calls) == 1


@pytest.mark.parametrize("progress", [1, "yes", {"done": 1}])
def test_what_cannot_be_told(progress: Any) -> None:
    kind = type(progress).__name__
    with pytest.raises(ConfigurationError, match=f"^progress is True, False or a function, not {kind}$"):
        reporter(progress, 3)


@pytest.mark.parametrize(("progress", "expected"), [(False, None), (None, None), (print, print)])
def test_no_bar(progress: Any, expected: Any) -> None:
    report, close = reporter(progress, 4)
    assert report is expected
    close()


def test_no_progress(sdc: DataCenter, site: Site) -> None:
    result = fleet.run(fleet_of(sdc, site, 6), Machine.status, progress=None)  # type: ignore[arg-type]
    assert len(result.done) == 6


@pytest.mark.parametrize("size", [0, 1, 3])
def test_the_last_report_has_the_end_of_all(sdc: DataCenter, site: Site, size: int) -> None:
    machines = fleet_of(sdc, site, size)
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
    stopping, failing, working = machines = fleet_of(sdc, site, 3)
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


def test_a_step_after_a_wait_is_under_way(sdc: DataCenter, site: Site) -> None:
    entered, seen, during = threading.Event(), threading.Event(), list[fleet.Counts]()

    def step(machine: Machine) -> None:
        entered.set()
        assert seen.wait(5)

    def report(counts: fleet.Counts) -> None:
        if entered.is_set() and not seen.is_set():
            during.append(dict(counts))
            seen.set()

    fleet.run(fleet_of(sdc, site, 1), fleet.until("running"), step, progress=report).raise_errors()
    assert during == [counts(0, 1, 0, 0, 0)]


def test_progress_is_reported(sdc: DataCenter, site: Site) -> None:
    reported: list[dict[str, int]] = []

    def fail(machine: Machine) -> None:
        raise ValueError(machine.name)

    fleet.run(
        fleet_of(sdc, site, 8),
        Machine.stop,
        fleet.until("stopped"),
        fail,
        progress=lambda now: reported.append(dict(now)),
    )
    assert all(sum(each.values()) == 8 for each in reported)
    assert reported[-1] == counts(0, 0, 0, 0, 8)


AGAIN = "^the progress function failed, and is not called again: ZeroDivisionError: no counts$"


def test_a_progress_function_that_fails_is_not_called_again(sdc: DataCenter, site: Site) -> None:
    called: list[fleet.Counts] = []

    def fail(counts: fleet.Counts) -> None:
        called.append(counts)
        raise ZeroDivisionError("no counts")

    with pytest.warns(RuntimeWarning, match=AGAIN) as warned:
        result = fleet.run(fleet_of(sdc, site, 8), Machine.stop, fleet.until("stopped"), progress=fail)
    assert len(result.done) == 8
    assert len(called) == 1
    assert warned[0].filename == __file__


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_progress_function_that_fails_does_not_end_the_run_where_warnings_are_errors(
    sdc: DataCenter, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    def report(counts: fleet.Counts) -> None:
        raise ZeroDivisionError("no counts")

    result = fleet.run(fleet_of(sdc, site, 6), Machine.status, progress=report)
    assert len(result.done) == 6
    assert AGAIN.strip("^$") in caplog.messages
