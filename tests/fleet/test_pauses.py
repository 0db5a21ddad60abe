"""What a run does while nothing happens, and how long it waits for threads at its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from smartdc import DataCenter, Machine, WaitTimeout, fleet
from smartdc.emulator.state.site import Site
from smartdc.fleet.watcher import Watcher
from tests.helpers.servers import Reply, StubServer, datacenter_at

ID = "10000000-8b2f-4c42-9d3f-0123456789ab"
SECONDS = 10  # longer than anything here takes


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the run checked the waits."""
    times: list[float] = []
    check_waits = Watcher.check_waits

    def counting(watcher: Watcher) -> float:
        times.append(time.monotonic())
        return check_waits(watcher)

    monkeypatch.setattr(Watcher, "check_waits", counting)
    return times


def work(machine: Machine) -> None:
    time.sleep(0.2)


@pytest.mark.parametrize("step", [work, fleet.until("stopped", 0.2, 60)], ids=["work", "wait"])
def test_a_run_sleeps_while_nothing_happens(
    stub: StubServer, checks: list[float], step: Callable[[Machine], object]
) -> None:
    stub.otherwise = Reply({"id": ID, "state": "running"})
    with datacenter_at(stub.url) as sdc:
        fleet.run([sdc.machine(ID, lazy=True)], step)
    # Twenty times a second, and when a job is done. Without a pause there would be thousands.
    assert len(checks) <= 20 + 2 * (checks[-1] - checks[0]) / 0.05


def test_a_look_without_an_answer_does_not_keep_the_run(stub: StubServer) -> None:
    stub.otherwise = Reply(hang=True)
    began = time.monotonic()
    with datacenter_at(stub.url, timeout=60) as sdc:
        machine = sdc.machine(ID, lazy=True)
        with pytest.raises(fleet.FleetError) as caught:
            fleet.wait([machine], "stopped", 0.1)
        assert isinstance(caught.value.errors[machine], WaitTimeout)
        assert time.monotonic() - began < 20


def test_a_run_that_is_over_has_ended_its_threads(sdc: DataCenter, site: Site) -> None:
    for number in range(20):
        site.add_machine(f"m{number}")
    before = {*threading.enumerate()}
    used: set[threading.Thread] = set()
    together = threading.Barrier(20)

    def step(machine: Machine) -> None:
        together.wait(SECONDS)
        used.add(threading.current_thread())

    fleet.run(sdc.machines(), step, workers=20)
    assert len(used - before) == 20
    assert not any(thread.is_alive() for thread in used)
