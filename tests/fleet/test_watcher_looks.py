"""What a look at a waiting machine means: the wait goes on, ends or fails."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from smartdc import DataCenter, Machine, NotAuthorizedError, WaitFailed, WaitTimeout, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.faults import HTML_502, Fault, HalfBody, Status
from smartdc.emulator.state.site import Site
from tests.fleet.machines import fleet_of
from tests.fleet.waits import GET, LIST, UNKNOWN, Waits, waits

__all__ = ["waits"]

REFUSED = Status(403, {"code": "NotAuthorized", "message": "no"})
NOT_JSON = Status(200, b'[{"id":')


def test_two_machines_are_looked_at_by_lists(waits: Waits) -> None:
    for machine in waits.machines[:2]:
        waits.add(machine)
    for _ in range(3):
        assert waits.check() == (0.0, [LIST])
        waits.advance(2)


def test_a_machine_that_the_list_lacks_is_looked_at_by_itself(waits: Waits) -> None:
    unknown = waits.sdc.machine(UNKNOWN, lazy=True)
    for machine in (waits.machines[0], unknown):
        waits.add(machine)
    assert waits.check() == (0.0, [LIST, GET])
    assert waits.ended == {}  # a new machine may be unknown for a while
    assert waits.pause() == 2
    waits.advance(40)
    assert waits.check() == (0.0, [LIST, GET])
    assert isinstance(waits.ended[unknown], WaitFailed)
    assert str(waits.ended[unknown]) == f"machine {UNKNOWN} is deleted: it will not become 'stopped'"


def test_a_wait_that_another_one_ends_during_a_look(waits: Waits) -> None:
    one, other, third, fourth = waits.machines
    data = {**other.raw, "state": "stopped"}
    waits.add(one, then=lambda: waits.watcher.take_feed_data(other.id, cast(Any, data), 0.0))
    for machine in (other, third, fourth):
        waits.add(machine)
    for machine in (one, third):
        waits.set(machine, "stopped")
    assert waits.check() == (0.0, [LIST])
    assert waits.ended == {one: None, other: None, third: None}


@pytest.mark.parametrize("size", [1, 2])
def test_a_look_that_fails_is_repeated_and_named_at_the_end(waits: Waits, cloud: Emulator, size: int) -> None:
    machines = waits.machines[:size]
    looks = [GET] if size == 1 else [LIST, GET, GET]
    for machine in machines:
        waits.add(machine, timeout=3)
    assert waits.check() == (0.0, looks[:1])
    for operation in looks:
        cloud.faults.add(operation, Status(503), times=9)
    waits.advance(2)
    assert waits.check() == (0.0, looks)
    assert waits.pause() == 1
    waits.advance(1)
    assert waits.check() == (0.0, looks[-size:])
    waits.pause()
    for machine in machines:
        error = waits.ended[machine]
        assert isinstance(error, WaitTimeout)
        assert error.__cause__ is not None
        assert str(error) == (
            f"gave up after 3 s: machine {machine.id} is not yet 'stopped', last seen 'running'; "
            f"the last look failed: {error.__cause__}"
        )


def test_a_wait_that_saw_nothing(waits: Waits, cloud: Emulator) -> None:
    cloud.faults.add(GET, Status(503), times=9)
    (machine, *_) = waits.machines
    waits.add(machine, timeout=0)
    waits.check()
    waits.pause()
    error = waits.ended[machine]
    assert isinstance(error, WaitTimeout)
    assert error.state is None
    assert str(error) == (
        f"gave up after 0 s: machine {machine.id} is not yet 'stopped'; "
        f"the last look failed: {error.__cause__}"
    )


@pytest.mark.parametrize(
    "fault",
    [
        Status(500, {}),
        Status(404, {"code": "ResourceNotFound", "message": "x"}),
        HalfBody(),
        HTML_502,
        NOT_JSON,
    ],
    ids=["500", "404", "half", "502", "not JSON"],
)
def test_a_list_that_fails_leaves_the_decision_to_single_looks(
    waits: Waits, cloud: Emulator, fault: Fault
) -> None:
    cloud.faults.add(LIST, fault)
    one, other, *_ = waits.machines
    waits.set(one, "stopped")
    for machine in (one, other):
        waits.add(machine)
    assert waits.check() == (0.0, [LIST, GET, GET])
    assert waits.ended == {one: None}


def test_a_list_is_not_repeated_before_machines_are_looked_at_one_by_one(
    cloud: Emulator, sdc: DataCenter, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    machines = fleet_of(sdc, site, 3)
    cloud.faults.add(LIST, Status(503))
    before = len(cloud.calls)
    with caplog.at_level(logging.INFO, "smartdc"):
        fleet.wait(machines, "running", timeout=5)
    assert [call.operation for call in cloud.calls[before:]] == [LIST, GET, GET, GET]
    (failed,) = caplog.messages
    assert failed.startswith("a list of the machines that are waited for failed: GET /my/machines: 503 ")
    assert failed.endswith("; each is looked at")


def test_a_list_that_is_throttled_is_repeated(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machines = fleet_of(sdc, site, 3)
    cloud.faults.add(LIST, Status(429, {"code": "RequestThrottled", "message": "x"}), times=1)
    before = len(cloud.calls)
    fleet.wait(machines, "running", timeout=50)
    assert [call.operation for call in cloud.calls[before:]] == [LIST, LIST]


def test_a_list_that_fails_again_is_asked_for_less_often(waits: Waits, cloud: Emulator) -> None:
    cloud.faults.add(LIST, Status(503))
    for machine in waits.machines[:2]:
        waits.add(machine)
    lists_after = []
    for seconds in range(0, 120, 2):
        operations = waits.check()[1]
        assert operations.count(GET) == 2
        if LIST in operations:
            lists_after.append(seconds)
        waits.advance(2)
    assert lists_after == [0, 2, 6, 14, 30, 60, 90]
    cloud.faults.clear()
    waits.advance(30)
    for _ in range(3):
        assert waits.check() == (0.0, [LIST])
        waits.advance(2)


def test_single_looks_leave_room_for_steps(waits: Waits, cloud: Emulator) -> None:
    machines = fleet_of(waits.sdc, cloud.site(), 25)
    cloud.faults.add(LIST, Status(503))
    for machine in machines:
        waits.add(machine, timeout=10)
    assert waits.check() == (0.0, [LIST] + [GET] * 10)
    waits.crew.queue_first_step(lambda: None)
    assert waits.pause() == 0.5
    waits.advance(0.5)
    assert waits.pause() == 0.0  # steps have their turn
    waits.crew._first_steps.clear()
    assert waits.check() == (0.0, [GET] * 10)
    waits.advance(0.5)
    assert waits.check() == (0.0, [GET] * 5)
    waits.advance(8.99)
    waits.check()
    waits.advance(0.01)
    last = waits.check()[1]
    assert last.count(GET) == 25  # each is looked at once more before its timeout


def test_a_look_that_is_refused_ends_the_wait(waits: Waits, cloud: Emulator) -> None:
    one, other, *_ = waits.machines
    cloud.faults.add(LIST, REFUSED)
    cloud.faults.add(GET, REFUSED, times=1)
    for machine in (one, other):
        waits.add(machine)
    assert waits.check() == (0.0, [LIST, GET, GET])
    assert {machine: type(error) for machine, error in waits.ended.items()} == {one: NotAuthorizedError}
    assert waits.pause() == 2  # for the other machine


def test_a_machine_that_cannot_reach_the_state(waits: Waits) -> None:
    fails, goes, stays, _ = waits.machines
    for machine in (fails, goes, stays):
        waits.add(machine, "running" if machine == stays else "stopped")
    waits.set(fails, "failed")
    goes.delete()
    waits.advance(60)
    operations = waits.check()[1]
    assert operations == [LIST, GET, GET]
    assert {machine: str(error) for machine, error in waits.ended.items()} == {
        fails: f"machine {fails.id} is failed: it will not become 'stopped'",
        goes: f"machine {goes.id} is deleted: it will not become 'stopped'",
        stays: "None",
    }
    error = waits.ended[fails]
    assert isinstance(error, WaitFailed)
    assert error.state == "failed"


@pytest.mark.parametrize("state", ["failed", "deleted"])
def test_an_end_that_is_waited_for(waits: Waits, state: str) -> None:
    (machine, other, *_) = waits.machines
    if state == "deleted":
        machine.delete()
        waits.advance(60)
    else:
        waits.set(machine, state)
    waits.add(machine, state)
    waits.add(other, state)
    waits.check()
    assert waits.ended == {machine: None}
    assert machine.state == state


def test_other_errors_of_a_look_end_the_wait(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine, *_) = waits.machines
    trouble = ValueError("trouble")

    def fail(*arguments: object, **more: object) -> None:
        raise trouble

    monkeypatch.setattr(machine, "_fetch", fail)
    waits.add(machine)
    assert waits.check() == (0.0, [])
    assert waits.ended == {machine: trouble}


def test_a_second_wait_does_not_know_what_the_first_one_saw(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    def fail_from_now_on(machine: Machine) -> None:
        for operation in (LIST, GET):
            cloud.faults.add(operation, Status(503))

    steps = fleet.until("running"), fail_from_now_on, fleet.until("stopped", 20)
    with pytest.raises(fleet.FleetError) as caught:
        fleet.run(fleet_of(sdc, site, 3), *steps).raise_errors()
    assert len(caught.value.errors) == 3
    for machine, error in caught.value.errors.items():
        assert isinstance(error, WaitTimeout)
        assert isinstance(machine, Machine)
        assert str(error).startswith(
            f"gave up after 20 s: machine {machine.id} is not yet 'stopped'; the last look failed: "
            f"GET /my/machines/{machine.id}: 503"
        )
