"""A run that ends early: what it reports, and that it makes no more requests; and its pauses."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from smartdc import DataCenter, Machine, WaitTimeout, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.fleet.watcher import Watcher
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer, datacenter_at

IDS = [f"1000000{number}-0000-4000-8000-000000000000" for number in range(3)]
SECONDS = 10  # longer than anything here takes


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


def test_any_exception_that_ends_the_run_has_the_result(machines: list[Machine]) -> None:
    stop = GeneratorExit("enough")
    with pytest.raises(GeneratorExit) as caught:
        fleet.run(machines, fleet.until("stopped"), progress=ending(stop, lambda counts: True, []))
    assert caught.value is stop
    assert vars(stop)["result"].keys == machines


def test_after_sys_exit_no_other_step_begins(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machines = [sdc.machine(site.add_machine(f"m{number}").uuid, lazy=True) for number in range(2)]

    def leave(machine: Machine) -> None:
        if machine == machines[1]:
            raise SystemExit

    with pytest.raises(fleet.FleetExit) as caught:
        fleet.run(machines, leave, Machine.delete, workers=1)
    assert cloud.calls == []
    assert caught.value.code is None
    # In one thread, the second step of the first machine comes after the first step of the second.
    assert caught.value.result.under_way == {machines[0]: 1, machines[1]: 0}
    assert caught.value.result.unknown == [machines[1]]


def test_a_step_in_the_middle_of_its_requests_is_cancelled(stub: StubServer) -> None:
    stub.otherwise = Reply({"id": IDS[1], "state": "running"})
    asked, ended = threading.Event(), threading.Event()

    def step(machine: Machine) -> None:
        if machine.id == IDS[0]:
            assert asked.wait(SECONDS)
            raise SystemExit(1)
        try:
            while True:
                machine.refresh()
                asked.set()
        finally:
            ended.set()

    with datacenter_at(stub.url) as sdc:
        leaving, asking = (sdc.machine(ident, lazy=True) for ident in IDS[:2])
        with pytest.raises(fleet.FleetExit) as caught:
            fleet.run([leaving, asking], step, workers=2)
        assert ended.wait(SECONDS)
    result = caught.value.result
    assert (result.done, result.untried, result.errors) == ([], [], {})
    assert result.under_way == {leaving: 0, asking: 0}
    assert result.unknown == [leaving, asking]


class TurnAfter(Instant):
    """A clock whose sleeps end when the thread `idle` has ended.

    Attributes:
        asleep: Set when a thread sleeps.
        idle: The thread, if there is one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asleep = threading.Event()
        self.idle: threading.Thread | None = None

    def sleep(self, seconds: float, /) -> None:
        super().sleep(seconds)
        self.asleep.set()
        if self.idle is not None:
            self.idle.join(SECONDS)


def test_a_machine_whose_first_request_waited_for_its_turn_is_untried(stub: StubServer) -> None:
    # A turn every 10 s, of which the first is taken.
    stub.answer(Reply({"id": IDS[0]}))
    clock, ended = TurnAfter(), threading.Event()
    together = threading.Barrier(3)

    def step(machine: Machine) -> None:
        if machine == quick:
            clock.idle = threading.current_thread()
        together.wait(SECONDS)
        if machine == leaving:
            assert clock.asleep.wait(SECONDS)
            raise SystemExit(1)
        if machine == queued:
            try:
                machine.stop()
            finally:
                ended.set()

    with DataCenter(stub.url, login="bob", clock=clock, rate=0.1) as sdc:
        quick, leaving, queued = (sdc.machine(ident, lazy=True) for ident in IDS)
        quick.refresh()
        with pytest.raises(fleet.FleetExit) as caught:
            fleet.run([quick, leaving, queued], step, workers=3)
        assert ended.wait(SECONDS)
    result = caught.value.result
    assert (result.done, result.untried, result.unknown) == ([quick], [queued], [leaving])
    assert len(stub.asked) == 1


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
    stub.otherwise = Reply({"id": IDS[0], "state": "running"})
    with datacenter_at(stub.url) as sdc:
        fleet.run([sdc.machine(IDS[0], lazy=True)], step)
    # Twenty times a second, and when a job is done. Without a pause there would be thousands.
    assert len(checks) <= 20 + 2 * (checks[-1] - checks[0]) / 0.05


def test_a_look_without_an_answer_does_not_keep_the_run(stub: StubServer) -> None:
    stub.otherwise = Reply(hang=True)
    began = time.monotonic()
    with datacenter_at(stub.url, timeout=60) as sdc:
        machine = sdc.machine(IDS[0], lazy=True)
        with pytest.raises(fleet.FleetError) as caught:
            fleet.wait([machine], "stopped", 0.1)
        assert isinstance(caught.value.errors[machine], WaitTimeout)
        assert time.monotonic() - began < 20
