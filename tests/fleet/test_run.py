"""`fleet.run`: steps over many machines, pipelined, with the errors by machine."""

from __future__ import annotations

import pickle
import threading
import time
from collections import Counter
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, InvalidStateError, Machine, SmartDCError, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import sent


def existing_machines(sdc: DataCenter, site: Site, size: int, **fields: object) -> list[Machine]:
    """Machines that exist already."""
    for number in range(size):
        site.add_machine(f"test-{number}", **fields)  # type: ignore[arg-type]
    return sdc.machines()


def test_the_teardown(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    result = fleet.run(existing_machines(sdc, site, 12), Machine.stop, fleet.until("stopped"), Machine.delete)
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
    machines = existing_machines(sdc, site, 12)
    result = fleet.run([*reversed(machines), machines[0]], lambda machine: machine.name, workers=3)
    assert result.keys == [*reversed(machines)]
    assert result.values == [machine.name for machine in reversed(machines)]


def test_two_data_centers_and_two_kinds_of_steps(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    with sdc.datacenter("us-east-1") as east:
        machines = existing_machines(sdc, site, 3) + existing_machines(east, cloud.site("us-east-1"), 3)
        result = fleet.run(machines, Machine.stop, fleet.until("stopped"), Machine.status)
    assert result.values == ["stopped"] * 6


def test_a_failure_stops_its_machine_only(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machines = existing_machines(sdc, site, 30)
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


def failing(machine: Machine) -> None:
    raise (KeyError if machine.name in ("test-1", "test-2") else ValueError)(machine.name)


def test_errors_are_split_and_pickled(sdc: DataCenter, site: Site) -> None:
    result = fleet.run(existing_machines(sdc, site, 5), failing)
    groups: list[BaseExceptionGroup] = []
    try:
        result.raise_errors()
    except* KeyError as group:
        groups.append(group)
    except* ValueError as group:
        groups.append(group)
    picked = [group for group in groups if isinstance(group, fleet.FleetError)]
    assert [sorted(m.name for m in part.errors if isinstance(m, Machine)) for part in picked] == [
        ["test-1", "test-2"],
        ["test-0", "test-3", "test-4"],
    ]
    copy = pickle.loads(pickle.dumps(picked[0]))  # noqa: S301
    assert isinstance(copy, fleet.FleetError)
    assert str(copy) == str(picked[0])
    assert {*copy.errors} == {*picked[0].errors}
    assert [type(error) for error in copy.exceptions] == [KeyError, KeyError]
    assert [error.__notes__ for error in copy.exceptions] == [
        error.__notes__ for error in picked[0].exceptions
    ]


class NeedsTwo(LookupError):
    """An error that pickle cannot restore, as it does not know the second argument."""

    def __init__(self, name: str, value: int) -> None:
        super().__init__(f"{name} is {value}")


def test_errors_that_cannot_be_pickled_have_stand_ins(sdc: DataCenter, site: Site) -> None:
    class Local(ValueError):
        """Other processes cannot import it."""

    errors = [
        NeedsTwo("size", 3),
        Local("of a function"),
        OSError(5, threading.Lock()),
        KeyError("unchanged"),
        ExceptionGroup("a group", [Local("in a group")]),
    ]
    left = [*errors]
    machines = existing_machines(sdc, site, len(errors))

    def fail(machine: Machine) -> None:
        raise left.pop(0)

    result = fleet.run(machines, fail, workers=1)
    with pytest.raises(fleet.FleetError) as caught:
        result.raise_errors()
    copies = [pickle.loads(pickle.dumps(thing)) for thing in (caught.value, result)]  # noqa: S301
    for copy in copies:
        assert {*copy.errors} == {*machines}
        assert [type(copy.errors[machine]) for machine in machines] == [
            LookupError, ValueError, OSError, KeyError, Exception
        ]  # fmt: skip
        assert [str(copy.errors[machine]) for machine in machines[:2]] == [
            "NeedsTwo: size is 3", "Local: of a function"
        ]  # fmt: skip
        assert [copy.errors[machine].__notes__ for machine in machines] == [
            [f"with machine {machine.id} ({machine.name})"] for machine in machines
        ]
    # Pickling does not change the original, and a copy can be pickled again.
    assert [*caught.value.errors.values()] == errors
    assert str(pickle.loads(pickle.dumps(copies[0]))) == str(caught.value)  # noqa: S301


def test_progress_is_reported(sdc: DataCenter, site: Site) -> None:
    reported: list[dict[str, int]] = []
    fleet.run(
        existing_machines(sdc, site, 8),
        Machine.stop,
        fleet.until("stopped"),
        failing,
        progress=lambda counts: reported.append(dict(counts)),
    )
    assert all(sum(counts.values()) == 8 for counts in reported)
    assert reported[-1] == {"untried": 0, "under way": 0, "waiting": 0, "done": 0, "failed": 8}


def test_a_bar_is_shown(sdc: DataCenter, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.run(existing_machines(sdc, site, 4), Machine.stop, progress=True)
    assert "4/4" in capsys.readouterr().err


def test_without_tqdm_a_bar_is_refused_before_anything_is_done(
    cloud: Emulator, sdc: DataCenter, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines = existing_machines(sdc, site, 2)
    monkeypatch.setitem(__import__("sys").modules, "tqdm.auto", None)
    message = r"^progress=True needs the extra 'progress': pip install 'smartdc\[progress\]'$"
    with pytest.raises(ConfigurationError, match=message):
        fleet.run(machines, Machine.delete, progress=True)
    assert len(cloud.calls) == 1


AGAIN = "^the progress function failed, and is not called again: ZeroDivisionError: no counts$"


def test_a_progress_function_that_fails_is_not_called_again(sdc: DataCenter, site: Site) -> None:
    called: list[fleet.Counts] = []

    def fail(counts: fleet.Counts) -> None:
        called.append(counts)
        raise ZeroDivisionError("no counts")

    with pytest.warns(RuntimeWarning, match=AGAIN) as warned:
        result = fleet.run(
            existing_machines(sdc, site, 8), Machine.stop, fleet.until("stopped"), progress=fail
        )
    assert len(result.done) == 8
    assert len(called) == 1
    assert warned[0].filename == __file__


@pytest.mark.parametrize(
    ("raised", "kind"), [(KeyboardInterrupt(), fleet.FleetInterrupted), (SystemExit(3), fleet.FleetExit)]
)
def test_a_progress_function_can_end_the_run(
    cloud: Emulator, sdc: DataCenter, site: Site, raised: BaseException, kind: type[BaseException]
) -> None:
    machines = existing_machines(sdc, site, 60)

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


async def later(machine: Machine) -> None:
    """Not called."""


@pytest.mark.parametrize(
    ("steps", "more", "message"),
    [
        ([], {}, "fleet.run needs at least one step, such as Machine.stop"),
        (["stop"], {}, f"{STEP}'stop' is not callable"),
        (["s" * 100], {}, f"{STEP}'{'s' * 59} is not callable"),
        (
            [[Machine.stop, Machine.delete]],
            {},
            f"{STEP}pass the steps as separate arguments: fleet.run(machines, Machine.stop, Machine.delete)",
        ),
        (
            [(Machine.stop,)],
            {},
            f"{STEP}pass the steps as separate arguments: fleet.run(machines, Machine.stop, Machine.delete)",
        ),
        (
            [{Machine.stop}],
            {},
            f"{STEP}pass the steps as separate arguments: fleet.run(machines, Machine.stop, Machine.delete)",
        ),
        (
            [Machine.stop, fleet.until],
            {},
            f"{STEP}until is a function of the state: fleet.until('stopped')",
        ),
        ([later], {}, f"{STEP}{later!r:.60} is a coroutine function, which is not supported"),
        ([Machine.stop], {"workers": 0}, "workers must be None or a number from 1, not 0"),
        ([Machine.stop], {"workers": True}, "workers must be None or a number from 1, not True"),
        ([Machine.stop], {"workers": "w" * 99}, f"workers must be None or a number from 1, not '{'w' * 59}"),
        ([Machine.stop], {"push": None}, "push must be True or False, not None"),
        ([Machine.stop], {"push": 1}, "push must be True or False, not 1: leave it out to set neither"),
        ([Machine.stop], {"progress": "bar"}, "progress is True, False or a function, not str"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, str) else "",
)
def test_what_cannot_be_a_step_is_refused(
    cloud: Emulator, sdc: DataCenter, site: Site, steps: list[Any], more: dict[str, Any], message: str
) -> None:
    machines = existing_machines(sdc, site, 2)
    asked = len(cloud.calls)
    with pytest.raises(ConfigurationError) as caught:
        fleet.run(machines, *steps, **more)
    assert str(caught.value) == message
    assert len(cloud.calls) == asked


def test_what_cannot_be_a_fleet_or_a_wait_is_refused(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machines = existing_machines(sdc, site, 2)
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
    fleet.run(existing_machines(sdc, site, 20), Machine.stop, fleet.until("stopped"), push=push)
    left = {*threading.enumerate()} - before
    assert [thread.name for thread in left if thread.name.startswith("smartdc")] == []


def test_looks_do_not_wait_for_steps_that_take_long() -> None:
    with Emulator(rate=50) as cloud, cloud.datacenter() as sdc:
        stopping, other = existing_machines(sdc, cloud.site(), 2)
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
    (machine,) = existing_machines(sdc, site, 1)
    machine.stop()
    fleet.until("stopped", 60)(machine)
    assert machine.state == "stopped"
