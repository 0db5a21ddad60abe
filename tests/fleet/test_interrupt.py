"""Ctrl-C during `fleet.run`: back at the prompt at once, no request after that, and a correct report."""

from __future__ import annotations

import json
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from smartdc import DataCenter, Machine, fleet
from smartdc.emulator.state.site import Site
from tests.fleet.machines import fleet_of
from tests.helpers.sizes import in_two_sizes

PROGRAM = Path(__file__).with_name("interrupted.py")
RANDOM = random.Random(15)  # noqa: S311 - the same moments in each run


@pytest.mark.stress
@in_two_sizes(sample=2, whole=20)
@pytest.mark.parametrize(("slow", "push"), [(0, False), (1.5, False), (0.3, True)])
def test_ctrl_c_at_random_moments(note: Callable[[str], None], size: int, slow: float, push: bool) -> None:
    moments = [str(RANDOM.randrange(1, 40 if slow > 1 else 120)) for _ in range(size)]
    # Several run at once, as each sleeps most of the time.
    at_once = min(5, size)
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-W",
                "error",
                str(PROGRAM),
                str(slow),
                str(int(push)),
                *moments[first::at_once],
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for first in range(at_once)
    ]
    reports = []
    for process in processes:
        output, errors = process.communicate(timeout=240)
        assert (process.returncode, errors) == (0, "")
        reports += [json.loads(line) for line in output.splitlines()]
    assert len(reports) == size
    for report in reports:
        agrees(report)
    backs = sorted(report["back"] for report in reports)
    note(
        f"Ctrl-C after {', '.join(moments)} requests of {slow} s (push={push}): "
        f"back after at most {backs[-1]:.2f} s"
    )


def agrees(report: dict[str, object]) -> None:
    """Compare what the report says with what the emulator has carried out."""
    stopped, deleted = set(report["stopped"]), set(report["deleted"])  # type: ignore[call-overload]
    done, untried, unknown = (set(report[name]) for name in ("done", "untried", "unknown"))  # type: ignore[call-overload]
    under_way: dict[str, int] = report["under_way"]  # type: ignore[assignment]
    assert report["back"] < 1, report  # type: ignore[operator]
    assert report["later"] == 0
    assert report["failed"] == []
    assert sorted([*done, *untried, *under_way]) == sorted(report["keys"])  # type: ignore[call-overload]
    assert done <= stopped & deleted
    assert not untried & (stopped | deleted)
    assert unknown <= under_way.keys()
    for ident, steps in under_way.items():
        assert steps < 1 or ident in stopped
        assert ident not in deleted or (steps == 2 and ident in unknown)
        assert steps > 0 or ident in unknown
    assert report["text"] == (
        f"interrupted; of 60: {len(done)} done, 0 failed, {len(under_way)} under way, {len(untried)} "
        "untried; see .result"
    )


@pytest.mark.parametrize("first", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()], ids=repr)
def test_a_second_ctrl_c_ends_the_run_at_once_with_a_result(
    sdc: DataCenter, site: Site, monkeypatch: pytest.MonkeyPatch, first: BaseException
) -> None:
    monkeypatch.setattr("smartdc.fleet.supervisor.LAST_ANSWERS_SECONDS", 60)
    machines = fleet_of(sdc, site, 3)
    release, over = threading.Event(), threading.Event()

    def press() -> None:
        if not over.wait(0.2):
            os.kill(os.getpid(), signal.SIGINT)

    def progress(counts: fleet.Counts) -> None:
        if counts["under way"] == 3:
            threading.Thread(target=press).start()
            raise first

    began = time.monotonic()
    try:
        with pytest.raises(type(first)) as caught:
            fleet.run(machines, lambda machine: release.wait(60), progress=progress)
    finally:
        over.set()
        release.set()
    assert time.monotonic() - began < 30
    assert caught.value.result.unknown == machines  # type: ignore[attr-defined]


def test_the_interruption_is_pickled() -> None:
    with DataCenter("https://cloud.example") as sdc:
        machine = Machine(sdc, "10000000-0000-4000-8000-000000000000", lazy=True)
        result: fleet.Result[Machine, object] = fleet.Result([machine], [None], untried=[machine])
        copy = pickle.loads(pickle.dumps(fleet.FleetInterrupted(result)))  # noqa: S301
    assert isinstance(copy, fleet.FleetInterrupted)
    assert copy.result.untried == [machine]
    assert str(copy) == "interrupted; of 1: 0 done, 0 failed, 0 under way, 1 untried; see .result"
