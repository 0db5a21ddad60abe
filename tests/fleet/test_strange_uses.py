"""Fleets where one would not expect them: in other threads, processes and event loops, with odd steps."""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site


@pytest.fixture
def given(sdc: DataCenter, site: Site) -> list[Machine]:
    for number in range(6):
        site.add_machine(f"web{number}", networks=())
    return sdc.machines()


def test_no_machines(cloud: Emulator, sdc: DataCenter) -> None:
    before = len(cloud.calls)
    assert fleet.run([], Machine.stop).keys == []
    fleet.wait([], "running", push=True)
    assert fleet.create(sdc, []) == []
    assert len(cloud.calls) == before


def test_one_machine_in_two_objects_is_one(sdc: DataCenter, given: list[Machine]) -> None:
    again = sdc.machine(given[0].id)
    assert len(fleet.run((machine for machine in [*given, again]), Machine.status).keys) == 6


def test_a_step_that_leaves_the_program_ends_the_run_with_a_report(
    cloud: Emulator, given: list[Machine]
) -> None:
    def leave(machine: Machine) -> None:
        sys.exit("no more")

    before = len(cloud.calls)
    with pytest.raises(fleet.FleetExit, match="no more") as caught:
        fleet.run(given, leave, Machine.delete)
    assert len(cloud.calls) == before
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (copy.code, copy.result.keys, copy.result.done) == ("no more", given, [])


def test_what_is_no_error_ends_the_run(cloud: Emulator, given: list[Machine]) -> None:
    def end(machine: Machine) -> None:
        raise GeneratorExit

    before = len(cloud.calls)
    with pytest.raises(GeneratorExit):
        fleet.run(given, end, Machine.delete)
    assert len(cloud.calls) == before


def test_ctrl_c_raised_by_a_step_has_a_report(cloud: Emulator, given: list[Machine]) -> None:
    def interrupt(machine: Machine) -> None:
        raise KeyboardInterrupt

    before = len(cloud.calls)
    with pytest.raises(fleet.FleetInterrupted) as caught:
        fleet.run(given, interrupt, Machine.delete)
    assert caught.value.result.done == []
    assert len(cloud.calls) == before


def test_one_exception_for_all_machines_has_a_note_for_each_once(given: list[Machine]) -> None:
    trouble = ValueError("the same")

    def fail(machine: Machine) -> None:
        raise trouble

    fleet.run(given, fail)
    result = fleet.run(given, fail)
    assert len(trouble.__notes__) == len(result.errors) == 6
    with pytest.raises(fleet.FleetError) as caught:
        result.raise_errors()
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert {*copy.errors} == {*given}


def test_a_fleet_in_a_step_of_another(given: list[Machine]) -> None:
    def of_all(machine: Machine) -> int:
        return len(fleet.run(given, Machine.status).done)

    assert fleet.run(given, of_all, workers=2).values == [6] * 6


def test_a_fleet_in_an_event_loop_and_beside_one(given: list[Machine]) -> None:
    async def both() -> list[int]:
        here = fleet.run(given, Machine.status)  # as in a notebook's cell
        there = await asyncio.to_thread(lambda: fleet.run(given, Machine.status))
        return [len(here.done), len(there.done)]

    assert asyncio.run(both()) == [6, 6]


def test_a_fleet_in_a_forked_process(given: list[Machine]) -> None:
    fleet.run(given, Machine.status)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if len(fleet.run(given, Machine.status).done) == 6 else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def test_machines_of_a_data_center_that_was_closed(cloud: Emulator, given: list[Machine]) -> None:
    with cloud.datacenter() as sdc:
        theirs = sdc.machines()
    assert len(fleet.run(theirs, Machine.status).done) == 6  # it connects again, as any operation does


async def coroutine(machine: Machine) -> None:
    """Nobody awaits it."""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"push": "yes"}, "push must be True or False"),
        ({"push": None}, "push must be True or False"),
        ({"workers": True}, "workers must be"),
        ({"progress": 1}, "progress is"),
    ],
)
def test_options_of_a_wrong_kind(given: list[Machine], arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        fleet.run(given, Machine.status, **arguments)


def test_steps_that_nobody_would_await(given: list[Machine]) -> None:
    with pytest.raises(ConfigurationError, match="is a coroutine"):
        fleet.run(given, coroutine)


def test_no_progress(given: list[Machine]) -> None:
    assert len(fleet.run(given, Machine.status, progress=None).done) == 6  # type: ignore[arg-type]


@pytest.mark.parametrize("specs", [None, "web", {"name": "web"}, 3])
def test_specifications_of_a_wrong_kind(sdc: DataCenter, specs: Any) -> None:
    with pytest.raises(ConfigurationError, match="specs is a list of dicts"):
        fleet.create(sdc, specs)


def test_a_data_center_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="datacenter is a DataCenter, not str"):
        fleet.create("us-sw-1", [{"name": "web"}])  # type: ignore[arg-type]
