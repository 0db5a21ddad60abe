"""What a run reports, when it is interrupted and when it looks at machines that it has changed."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from smartdc import DataCenter, Machine, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site


@pytest.fixture
def machines(sdc: DataCenter, site: Site) -> list[Machine]:
    """Four machines; the last is stopped."""
    made = [site.add_machine(f"web{number}", state="running") for number in range(3)]
    made.append(site.add_machine("web3", state="stopped"))
    return [sdc.machine(vm.uuid, lazy=True) for vm in made]


def ending(
    error: BaseException, condition: Callable[[fleet.Counts], bool], reported: list[fleet.Counts]
) -> Callable[[fleet.Counts], None]:
    """A progress function that ends the run as soon as the counts fit."""

    def report(counts: fleet.Counts) -> None:
        reported.append(dict(counts))
        if condition(counts):
            raise error

    return report


def test_an_interrupted_run_with_machines_at_each_stage(machines: list[Machine]) -> None:
    fails, *waiting, stopped = machines

    def first(machine: Machine) -> None:
        if machine == fails:
            raise ValueError("no")

    reported: list[fleet.Counts] = []
    counts = {"untried": 0, "under way": 0, "waiting": 2, "done": 1, "failed": 1}
    report = ending(KeyboardInterrupt(), lambda now: now == counts, reported)
    with pytest.raises(fleet.FleetInterrupted) as caught:
        fleet.run(machines, first, fleet.until("stopped"), lambda machine: machine.id, progress=report)
    result = caught.value.result
    assert (result.keys, result.values) == (machines, [None, None, None, stopped.id])
    assert {machine: str(error) for machine, error in result.errors.items()} == {fails: "no"}
    assert (result.done, result.untried, result.unknown) == ([stopped], [], [])
    assert result.under_way == dict.fromkeys(waiting, 1)
    assert reported[-1] == counts


def test_an_interrupted_step_may_have_been_carried_out(machines: list[Machine]) -> None:
    entered, release = threading.Event(), threading.Event()

    def step(machine: Machine) -> None:
        entered.set()
        release.wait(5)

    reported: list[fleet.Counts] = []
    report = ending(KeyboardInterrupt(), lambda counts: entered.is_set(), reported)
    with pytest.raises(fleet.FleetInterrupted) as caught:
        fleet.run(machines, step, workers=1, progress=report)
    result = caught.value.result
    release.set()
    assert (result.done, result.errors, result.values) == ([], {}, [None] * 4)
    assert (result.untried, result.under_way) == (machines[1:], {machines[0]: 0})
    assert result.unknown == [machines[0]]
    assert reported[-1] == {"untried": 3, "under way": 1, "waiting": 0, "done": 0, "failed": 0}


def test_a_step_that_has_not_begun_is_not_in_doubt(machines: list[Machine]) -> None:
    queued, entered, release = threading.Event(), threading.Event(), threading.Event()

    def first(machine: Machine) -> None:
        if machine == machines[0]:
            assert queued.wait(5)
        else:
            entered.set()
            release.wait(5)

    def report(counts: fleet.Counts) -> None:
        queued.set()
        if entered.is_set():
            raise KeyboardInterrupt

    with pytest.raises(fleet.FleetInterrupted) as caught:
        fleet.run(machines, first, Machine.delete, workers=1, progress=report)
    release.set()
    result = caught.value.result
    assert result.under_way == {machines[0]: 1, machines[1]: 0}
    assert (result.unknown, result.untried) == ([machines[1]], machines[2:])


def test_a_step_after_a_wait_is_under_way(machines: list[Machine]) -> None:
    entered, seen, during = threading.Event(), threading.Event(), list[fleet.Counts]()

    def step(machine: Machine) -> None:
        entered.set()
        assert seen.wait(5)

    def report(counts: fleet.Counts) -> None:
        if entered.is_set() and not seen.is_set():
            during.append(dict(counts))
            seen.set()

    fleet.run(machines[:1], fleet.until("running"), step, progress=report).raise_errors()
    assert during == [{"untried": 0, "under way": 1, "waiting": 0, "done": 0, "failed": 0}]


def test_first_steps_come_twice_as_often_as_later_ones(machines: list[Machine]) -> None:
    queued, order = threading.Event(), list[tuple[str, int]]()

    def first(machine: Machine) -> None:
        assert queued.wait(5)
        order.append(("first", machines.index(machine)))

    def second(machine: Machine) -> None:
        order.append(("second", machines.index(machine)))

    fleet.run(machines, first, second, workers=1, progress=lambda counts: queued.set()).raise_errors()
    assert order == [
        ("first", 0), ("first", 1), ("second", 0), ("first", 2), ("first", 3), ("second", 1), ("second", 2),
        ("second", 3),
    ]  # fmt: skip


def test_any_exception_that_ends_the_run_has_the_result(machines: list[Machine]) -> None:
    stop = GeneratorExit("enough")
    with pytest.raises(GeneratorExit) as caught:
        fleet.run(machines, fleet.until("stopped"), progress=ending(stop, lambda counts: True, []))
    assert caught.value is stop
    assert vars(stop)["result"].keys == machines


def test_a_machine_that_was_changed_is_looked_at_an_interval_later(
    cloud: Emulator, machines: list[Machine]
) -> None:
    def stopped(step: Callable[[Machine], object]) -> tuple[float, int]:
        """How long the run takes, and how many lists."""
        began, before = cloud.clock.monotonic(), len(cloud.calls)
        fleet.run(machines[:3], step, fleet.until("stopped", interval=60)).raise_errors()
        lists = [call.operation for call in cloud.calls[before:]].count("ListMachines")
        return cloud.clock.monotonic() - began, lists

    assert stopped(Machine.stop) == (60, 1)
    assert stopped(Machine.status)[0] < 5  # nothing was changed: the first look is at once


def test_an_error_names_its_machine_once(machines: list[Machine]) -> None:
    error = ValueError("no")

    def fail(machine: Machine) -> None:
        raise error

    machine = machines[0]
    for _ in range(2):
        fleet.run([machine], fail)
    assert error.__notes__ == [f"with machine {machine.id}"]
