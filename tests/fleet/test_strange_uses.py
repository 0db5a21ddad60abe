"""Unusual uses of fleets: in other threads, processes and event loops, with odd steps."""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
import threading
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.fleet.machines import fleet_of


@pytest.fixture
def machines(sdc: DataCenter, site: Site) -> list[Machine]:
    return fleet_of(sdc, site, 6)


def test_no_machines(cloud: Emulator, sdc: DataCenter) -> None:
    before = len(cloud.calls)
    assert fleet.run([], Machine.stop).keys == []
    fleet.wait([], "running", push=True)
    assert fleet.create(sdc, []) == []
    assert len(cloud.calls) == before


def test_one_machine_in_two_objects_is_one(sdc: DataCenter, machines: list[Machine]) -> None:
    again = sdc.machine(machines[0].id)
    assert len(fleet.run((machine for machine in [*machines, again]), Machine.status).keys) == 6


def test_a_step_that_leaves_the_program_ends_the_run_with_a_report(
    cloud: Emulator, machines: list[Machine]
) -> None:
    def leave(machine: Machine) -> None:
        sys.exit("no more")

    before = len(cloud.calls)
    with pytest.raises(fleet.FleetExit, match="no more") as caught:
        fleet.run(machines, leave, Machine.delete)
    assert len(cloud.calls) == before
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (copy.code, copy.result.keys, copy.result.done) == ("no more", machines, [])


def test_another_base_exception_ends_the_run(cloud: Emulator, machines: list[Machine]) -> None:
    def end(machine: Machine) -> None:
        raise GeneratorExit

    before = len(cloud.calls)
    with pytest.raises(GeneratorExit) as caught:
        fleet.run(machines, end, Machine.delete)
    assert len(cloud.calls) == before
    assert caught.value.result.keys == machines  # type: ignore[attr-defined]
    assert caught.value.result.done == []  # type: ignore[attr-defined]


def test_one_id_in_two_data_centers_is_two_machines(cloud: Emulator, machines: list[Machine]) -> None:
    with cloud.datacenter("us-east-1") as east, cloud.datacenter(login="other") as other:
        twins = [Machine(place, data={**machines[0].raw}) for place in (east, other)]
        result = fleet.run([machines[0], *twins, machines[0]], failing_by_place)
        assert [machine.datacenter for machine in result.keys] == [machines[0].datacenter, east, other]
    assert len(result.errors) == 3
    assert [*result.errors] == result.keys


def failing_by_place(machine: Machine) -> None:
    raise ValueError(machine.datacenter.url)


@pytest.mark.parametrize("other", ["web0", {"id": "x"}, ["web0"]])
def test_other_objects_than_machines_are_refused(machines: list[Machine], other: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"one in it is {type(other).__name__}"):
        fleet.run([machines[0], other], Machine.status)


def test_when_no_thread_can_be_started_nothing_is_done(
    cloud: Emulator, machines: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")  # since Python 3.12

    before = len(cloud.calls)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(ConfigurationError) as caught:
            fleet.run(machines, Machine.stop, push=True)
    assert str(caught.value) == (
        "no thread can be started, and nothing was done: can't create new thread at interpreter shutdown; "
        "give fewer workers, or start the run before the program ends"
    )
    assert len(cloud.calls) == before


def test_ctrl_c_raised_by_a_step_has_a_report(cloud: Emulator, machines: list[Machine]) -> None:
    def interrupt(machine: Machine) -> None:
        raise KeyboardInterrupt

    before = len(cloud.calls)
    with pytest.raises(fleet.FleetInterrupted) as caught:
        fleet.run(machines, interrupt, Machine.delete)
    assert caught.value.result.done == []
    assert len(cloud.calls) == before


def test_one_exception_for_all_machines_has_a_note_for_each_once(
    sdc: DataCenter, machines: list[Machine]
) -> None:
    without_name = sdc.machine(machines.pop().id, lazy=True)
    notes = {f"with machine {machine.id} ({machine.name})" for machine in machines}
    machines.append(without_name)
    trouble = ValueError("the same")

    def fail(machine: Machine) -> None:
        raise trouble

    fleet.run(machines, fail)
    result = fleet.run(machines, fail)
    assert len(trouble.__notes__) == len(result.errors) == 6
    assert {*trouble.__notes__} == {*notes, f"with machine {without_name.id}"}
    with pytest.raises(fleet.FleetError) as caught:
        result.raise_errors()
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert {*copy.errors} == {*machines}


def test_a_fleet_in_a_step_of_another(machines: list[Machine]) -> None:
    def of_all(machine: Machine) -> int:
        return len(fleet.run(machines, Machine.status).done)

    assert fleet.run(machines, of_all, workers=2).values == [6] * 6


def test_a_fleet_in_an_event_loop_and_beside_one(machines: list[Machine]) -> None:
    async def both() -> list[int]:
        here = fleet.run(machines, Machine.status)  # as in a notebook's cell
        there = await asyncio.to_thread(lambda: fleet.run(machines, Machine.status))
        return [len(here.done), len(there.done)]

    assert asyncio.run(both()) == [6, 6]


def test_a_fleet_in_a_forked_process(machines: list[Machine]) -> None:
    fleet.run(machines, Machine.status)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if len(fleet.run(machines, Machine.status).done) == 6 else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def test_machines_of_a_data_center_that_was_closed(cloud: Emulator, machines: list[Machine]) -> None:
    with cloud.datacenter() as sdc:
        theirs = sdc.machines()
    assert len(fleet.run(theirs, Machine.status).done) == 6  # it connects again, as any operation does
