"""One wait of a run: what its error says, and how late its looks may be."""

from __future__ import annotations

import math

import pytest

from smartdc import DataCenter, Machine, WaitTimeout, fleet
from smartdc._http.waiting import STANDSTILL, Absence
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Status
from smartdc.emulator.state.site import Site
from smartdc.fleet.watcher import Watch

ID = "b6c9a5e0-8b2f-4c42-9d3f-0123456789ab"


def watch(sdc: DataCenter, until: fleet.Until, began_at: float = 0.0) -> Watch:
    absence = Absence(sdc.clock, 30.0)
    return Watch(sdc.machine(ID, lazy=True), until, lambda _: None, began_at, absence, began_at)


@pytest.mark.parametrize(
    ("timeout", "interval", "slack"),
    [(None, 2, 0.5), (None, 1, 0.25), (1, 2, 0.25), (0.4, 2, 0.1), (100, 100, 0.5), (0, 2, 0.0)],
)
def test_how_late_a_look_may_be(
    sdc: DataCenter, timeout: float | None, interval: float, slack: float
) -> None:
    one = watch(sdc, fleet.Until("running", timeout, interval), 1000.0)
    assert one.slack == slack
    assert one.end == (math.inf if timeout is None else 1000.0 + timeout)
    assert one.interval == interval


def test_an_interval_of_zero_passes_some_time(sdc: DataCenter) -> None:
    assert watch(sdc, fleet.Until("running", None, 0)).interval == STANDSTILL > 0


FAILED = OSError("no")


@pytest.mark.parametrize(
    ("state", "error", "rest"),
    [
        (None, None, ""),
        ("running", None, ", now 'running'"),
        ("running", FAILED, ", last seen 'running'; the last look failed: no"),
        (None, FAILED, "; the last look failed: no"),
    ],
    ids=["no answer", "state", "state and failure", "failure"],
)
def test_the_error_at_the_end_of_the_timeout(
    sdc: DataCenter, state: str | None, error: OSError | None, rest: str
) -> None:
    one = watch(sdc, fleet.Until("stopped", 1.50, 2))
    one.last_state, one.last_error = state, error
    raised = one.timeout()
    assert str(raised) == f"gave up after 1.5 s: machine {ID} is not yet 'stopped'{rest}"
    assert (raised.state, raised.__cause__) == (state, error)


def test_a_look_that_fails_after_one_that_did_not(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machines = [sdc.machine(site.add_machine(f"web{number}").uuid, lazy=True) for number in range(3)]

    def fail_from_now_on(machine: Machine) -> None:
        cloud.faults.add("ListMachines", Status(503))

    with pytest.raises(fleet.FleetError) as caught:
        fleet.run(
            machines, fleet.until("running"), fail_from_now_on, fleet.until("stopped", 20)
        ).raise_errors()
    for machine, error in caught.value.errors.items():
        assert isinstance(error, WaitTimeout)
        assert isinstance(machine, Machine)
        assert str(error).startswith(
            f"gave up after 20 s: machine {machine.id} is not yet 'stopped'; the last look failed: "
            "GET /my/machines: 503"
        )


def test_two_machines_are_listed_unless_the_list_has_as_many_pages(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    for number in range(2):
        site.add_machine(f"web{number}")

    def operations(machines: list[Machine]) -> list[str | None]:
        first = len(cloud.calls)
        with pytest.raises(fleet.FleetError, match=r"gave up after 2 s: .*, now 'running'"):
            fleet.wait(machines, "stopped", timeout=2)
        return [call.operation for call in cloud.calls[first:]]

    assert operations(sdc.machines()) == ["ListMachines"] * 2
    for number in range(1000):
        site.add_machine(f"other{number}")
    # Each page of a list costs as much as one of the machines.
    assert operations(sdc.machines()[-2:]) == ["ListMachines"] * 2 + ["GetMachine"] * 2
