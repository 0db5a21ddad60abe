"""`fleet.run`: steps over many machines, pipelined, with the errors by machine."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, InvalidStateError, Machine, SmartDCError, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.fleet.machines import fleet_of
from tests.helpers.recorded import sent


def test_the_teardown(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    result = fleet.run(fleet_of(sdc, site, 12), Machine.stop, fleet.until("stopped"), Machine.delete)
    cloud.clock.advance(60)
    assert sdc.machines() == []
    assert result.errors == {}
    assert len(result.done) == 12
    assert result.values == [None] * 12
    assert (result.untried, result.under_way, result.unknown) == ([], {}, [])
    result.raise_errors()
    asked = Counter((call.method, call.query.get("action")) for call in sent(cloud))
    assert (asked["POST", "stop"], asked["DELETE", None]) == (12, 12)


def test_values_are_in_the_order_of_the_machines(sdc: DataCenter, site: Site) -> None:
    machines = fleet_of(sdc, site, 12)
    result = fleet.run([*reversed(machines), machines[0]], lambda machine: machine.name, workers=3)
    assert result.keys == [*reversed(machines)]
    assert result.values == [machine.name for machine in reversed(machines)]


def test_two_data_centers_and_two_kinds_of_steps(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    with sdc.datacenter("us-east-1") as east:
        machines = fleet_of(sdc, site, 3) + fleet_of(east, cloud.site("us-east-1"), 3)
        result = fleet.run(machines, Machine.stop, fleet.until("stopped"), Machine.status)
    assert result.values == ["stopped"] * 6


def test_a_failure_stops_its_machine_only(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machines = fleet_of(sdc, site, 30)
    guarded = machines[:3]
    for machine in guarded:
        machine.enable_deletion_protection()
    cloud.clock.advance(5)
    result = fleet.run(machines, Machine.stop, fleet.until("stopped"), Machine.delete)
    cloud.clock.advance(60)
    assert {*result.errors} == {*guarded} == {*sdc.machines()}
    assert len(result.done) == 27
    assert result.untried == []
    for machine, error in result.errors.items():
        assert isinstance(error, InvalidStateError)
        assert error.__notes__ == [f"with machine {machine.id} ({machine.name})"]
    with pytest.raises(fleet.FleetError, match="3 of 30 failed: machine ") as caught:
        result.raise_errors()
    for machine in guarded:
        assert f"machine {machine.id} ({machine.name}): DELETE" in str(caught.value)
    assert isinstance(caught.value, SmartDCError)
    assert caught.value.errors == result.errors
    assert caught.value.machines == result.done


@pytest.mark.parametrize(
    ("raised", "kind"), [(KeyboardInterrupt(), fleet.FleetInterrupted), (SystemExit(3), fleet.FleetExit)]
)
def test_a_progress_function_can_end_the_run(
    cloud: Emulator, sdc: DataCenter, site: Site, raised: BaseException, kind: type[BaseException]
) -> None:
    machines = fleet_of(sdc, site, 60)

    def end(counts: fleet.Counts) -> None:
        raise raised

    with pytest.raises(kind) as caught:
        fleet.run(machines, Machine.stop, fleet.until("stopped"), Machine.delete, progress=end)
    assert isinstance(caught.value, fleet.FleetInterrupted | fleet.FleetExit)
    assert caught.value.result.keys == machines
    assert len(caught.value.result.done) < 60
    asked = len(cloud.calls)
    for thread in threading.enumerate():
        if thread.name.startswith("smartdc-fleet"):
            thread.join(5)
    assert len(cloud.calls) == asked


STEP = "a step is a function of a machine, such as Machine.stop; "
SEPARATELY = "pass the steps as separate arguments: fleet.run(machines, Machine.stop, Machine.delete)"


async def later(machine: Machine) -> None:
    """Not called."""


def one_by_one(machine: Machine) -> Iterator[None]:
    machine.stop()
    yield


async def later_one_by_one(machine: Machine) -> AsyncIterator[None]:
    machine.stop()
    yield


class Called:
    """Objects whose call does not run anything."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


class Later(Called):
    async def __call__(self, machine: Machine) -> None:
        """Not called."""


class OneByOne(Called):
    def __call__(self, machine: Machine) -> Iterator[None]:
        machine.stop()
        yield


@pytest.mark.parametrize(
    ("steps", "more", "message"),
    [
        ([], {}, "fleet.run needs at least one step, such as Machine.stop"),
        (["stop"], {}, f"{STEP}'stop' is not callable"),
        (["s" * 100], {}, f"{STEP}'{'s' * 59} is not callable"),
        ([[Machine.stop, Machine.delete]], {}, f"{STEP}{SEPARATELY}"),
        ([(Machine.stop,)], {}, f"{STEP}{SEPARATELY}"),
        ([{Machine.stop}], {}, f"{STEP}{SEPARATELY}"),
        ([Machine.stop, fleet.until], {}, f"{STEP}until is a function of the state: fleet.until('stopped')"),
        ([later], {}, f"{STEP}{later!r:.60} is a coroutine function, which is not supported"),
        ([one_by_one], {}, f"{STEP}{one_by_one!r:.60} is a generator function, which is not supported"),
        (
            [later_one_by_one],
            {},
            f"{STEP}{later_one_by_one!r:.60} is a generator function, which is not supported",
        ),
        ([Later("x")], {}, f"{STEP}x is a coroutine function, which is not supported"),
        ([OneByOne("x")], {}, f"{STEP}x is a generator function, which is not supported"),
        (
            [partial(partial(one_by_one))],
            {},
            f"{STEP}{partial(one_by_one)!r:.60} is a generator function, which is not supported",
        ),
        (
            [Machine.stop],
            {"progress": later},
            "progress is a function that runs when it is called, not a coroutine function",
        ),
        ([Machine.stop], {"workers": 0}, "workers must be None or a number from 1, not 0"),
        ([Machine.stop], {"workers": True}, "workers must be None or a number from 1, not True"),
        ([Machine.stop], {"workers": "w" * 99}, f"workers must be None or a number from 1, not '{'w' * 59}"),
        ([Machine.stop], {"push": None}, "push must be True or False, not None"),
        ([Machine.stop], {"push": 1}, "push must be True or False, not 1: leave it out to set neither"),
        (
            [Machine.stop],
            {"push": "yes"},
            "push must be True or False, not 'yes': leave it out to set neither",
        ),
        ([Machine.stop], {"progress": 1}, "progress is True, False or a function, not int"),
        ([Machine.stop], {"progress": "bar"}, "progress is True, False or a function, not str"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, str) else "",
)
def test_what_cannot_be_a_step_or_an_option_is_refused(
    cloud: Emulator, sdc: DataCenter, site: Site, steps: list[Any], more: dict[str, Any], message: str
) -> None:
    machines = fleet_of(sdc, site, 2)
    asked = len(cloud.calls)
    with pytest.raises(ConfigurationError) as caught:
        fleet.run(machines, *steps, **more)
    assert str(caught.value) == message
    assert len(cloud.calls) == asked


def test_what_cannot_be_a_fleet_or_a_wait_is_refused(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machines = fleet_of(sdc, site, 2)
    asked = len(cloud.calls)
    with pytest.raises(ConfigurationError, match=r"^machines is a list of Machine; one in it is str$"):
        fleet.run([machines[0].id], Machine.stop)  # type: ignore[list-item]
    with pytest.raises(ConfigurationError, match=r"^machines is a list of Machine, not Machine$"):
        fleet.run(machines[0], Machine.stop)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"^'Stopped' is not a state of a machine: .*mean 'st"):
        fleet.until("Stopped")
    with pytest.raises(ConfigurationError, match=r"^interval must be a number of seconds from 0, not -1$"):
        fleet.until("stopped", interval=-1)
    with pytest.raises(
        ConfigurationError, match=r"^timeout must be None or a number of seconds from 0, not nan$"
    ):
        fleet.until("stopped", float("nan"))
    assert fleet.until("stopped") == fleet.Until("stopped", None, 2)
    assert fleet.until("odd", 5, 0, any_state=True) == fleet.Until("odd", 5, 0)
    assert len(cloud.calls) == asked
    assert fleet.run([], Machine.stop).values == []


@pytest.mark.parametrize("push", [False, True])
def test_no_thread_is_left(sdc: DataCenter, site: Site, push: bool) -> None:
    before = {*threading.enumerate()}
    used: set[threading.Thread] = set()
    together = threading.Barrier(20)

    def step(machine: Machine) -> None:
        together.wait(10)
        used.add(threading.current_thread())

    fleet.run(fleet_of(sdc, site, 20), step, Machine.stop, fleet.until("stopped"), push=push, workers=20)
    assert len(used - before) == 20
    assert not any(thread.is_alive() for thread in used)
    left = {*threading.enumerate()} - before
    assert [thread.name for thread in left if thread.name.startswith("smartdc")] == []


def test_looks_do_not_wait_for_steps_that_take_long() -> None:
    with Emulator(rate=50) as cloud, cloud.datacenter() as sdc:
        stopping, other = fleet_of(sdc, cloud.site(), 2)
        seen: list[str] = []

        def step(machine: Machine) -> None:
            machine.stop()
            if machine == stopping:
                return
            end = time.monotonic() + 20
            while stopping.state != "stopped" and time.monotonic() < end:
                time.sleep(0.01)
            seen.append(stopping.state)

        fleet.run([stopping, other], step, fleet.until("stopped", 200), workers=1)
    assert seen == ["stopped"]


def test_until_is_a_step_that_can_be_called(sdc: DataCenter, site: Site) -> None:
    (machine,) = fleet_of(sdc, site, 1)
    machine.stop()
    fleet.until("stopped", 60)(machine)
    assert machine.state == "stopped"


def test_the_first_machines_of_a_run_finish_early(sdc: DataCenter, site: Site) -> None:
    queued = threading.Event()
    steps: list[str] = []

    def first(machine: Machine) -> None:
        assert queued.wait(10)
        steps.append(f"first {machine.name}")

    def later(machine: Machine) -> None:
        steps.append(f"later {machine.name}")

    fleet.run(fleet_of(sdc, site, 6), first, later, workers=1, progress=lambda counts: queued.set())
    assert steps == [
        "first web0", "first web1", "later web0", "first web2", "first web3", "later web1", "first web4",
        "first web5", "later web2", "later web3", "later web4", "later web5",
    ]  # fmt: skip


def test_a_machine_that_was_changed_is_looked_at_an_interval_later(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    machines = fleet_of(sdc, site, 3)

    def stopped(step: Callable[[Machine], object]) -> tuple[float, int]:
        """How long the run takes, and how many lists."""
        began, before = cloud.clock.monotonic(), len(cloud.calls)
        fleet.run(machines, step, fleet.until("stopped", interval=60)).raise_errors()
        lists = [call.operation for call in cloud.calls[before:]].count("ListMachines")
        return cloud.clock.monotonic() - began, lists

    assert stopped(Machine.stop) == (60, 1)
    assert stopped(Machine.status)[0] < 5  # nothing was changed: the first look is at once


@pytest.mark.parametrize(
    ("function", "kind"),
    [(later, "coroutine"), (one_by_one, "generator"), (later_one_by_one, "async generator")],
)
def test_a_step_that_has_not_run_has_failed(
    cloud: Emulator, sdc: DataCenter, site: Site, function: Callable[[Machine], object], kind: str
) -> None:
    machines = fleet_of(sdc, site, 3)
    result = fleet.run(machines, lambda machine: function(machine), Machine.delete)
    assert [str(error) for error in result.errors.values()] == [
        f"the step returned a {kind}, whose code has not run: a step must do its work before it returns"
    ] * 3
    assert {type(error) for error in result.errors.values()} == {ConfigurationError}
    assert [call.operation for call in cloud.calls] == ["ListMachines"]
