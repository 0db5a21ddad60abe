"""What results and errors of a run say, and how they are copied."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import pytest

from smartdc import DataCenter, Machine, fleet
from smartdc.emulator.state.site import Site
from smartdc.fleet.outcome import Result
from tests.fleet.machines import fleet_of

ID = "b6c9a5e0-8b2f-4c42-9d3f-0123456789ab"


@pytest.fixture
def machines(sdc: DataCenter) -> list[Machine]:
    """Seven machines, of which the first has a name; no requests are made."""
    data = [{"id": f"{number}{ID[1:]}", "name": "web" if number == 1 else ""} for number in range(1, 8)]
    return [
        Machine(sdc, data=data[0]),
        Machine(sdc, data=data[1]),
        *(sdc.machine(each["id"], lazy=True) for each in data[2:]),
    ]


def test_a_result_says_how_many(machines: list[Machine]) -> None:
    a, b, c, d, e, f, g = machines
    result: Result[Machine, Any] = Result(
        machines, [1] * 7, errors={a: ValueError()}, done=[b, c], untried=[d], under_way={e: 1, f: 2, g: 0}
    )
    assert str(result) == "of 7: 2 done, 1 failed, 3 under way, 1 untried"
    assert repr(result) == "<Result of 7: 2 done, 1 failed, 3 under way, 1 untried>"
    interrupted = fleet.FleetInterrupted(result)
    assert str(interrupted) == "interrupted; of 7: 2 done, 1 failed, 3 under way, 1 untried; see .result"
    assert interrupted.result is result


@pytest.mark.parametrize("code", [None, 3, "no more"])
def test_an_exit_keeps_its_code_and_the_result(code: str | int | None) -> None:
    result: Result[int, Machine] = Result([0], [None], untried=[0])
    exiting = fleet.FleetExit(code, result)
    copy = pickle.loads(pickle.dumps(exiting))  # noqa: S301 - our own
    assert (copy.code, copy.result, exiting.code) == (code, result, code)
    assert exiting.result is result


def test_without_errors_nothing_is_raised(machines: list[Machine]) -> None:
    Result(machines, [None] * 7, done=machines).raise_errors()


def test_an_error_of_each_machine_is_named(machines: list[Machine]) -> None:
    a, b, c, *rest = machines
    errors: dict[Machine, Exception] = {a: ValueError("one\ntwo"), b: KeyError(), c: OSError("x" * 300)}
    result: Result[Machine, Any] = Result(machines, [None] * 7, errors=errors, done=rest)
    with pytest.raises(fleet.FleetError) as caught:
        result.raise_errors()
    assert caught.value.message == (
        f"3 of 7 failed: machine {a.id} (web): one; machine {b.id}: KeyError; machine {c.id}: {'x' * 200}"
    )
    assert (caught.value.errors, caught.value.machines) == (errors, rest)
    assert caught.value.exceptions == tuple(errors.values())


@pytest.mark.parametrize(("count", "more"), [(5, ""), (6, "; and 1 more"), (7, "; and 2 more")])
def test_five_errors_are_shown(count: int, more: str) -> None:
    errors: dict[int, Exception] = {number: ValueError(f"no {number}") for number in range(count)}
    result: Result[int, Machine] = Result([*range(9)], [None] * 9, errors=errors)
    with pytest.raises(fleet.FleetError) as caught:
        result.raise_errors()
    shown = "; ".join(f"specification {number}: no {number}" for number in range(5))
    assert caught.value.message == f"{count} of 9 failed: {shown}{more}"
    assert caught.value.machines == []


def test_machines_that_were_created_beside_errors(machines: list[Machine]) -> None:
    made: Result[int, Machine] = Result([0, 1, 2], [machines[0], None, machines[1]], errors={1: ValueError()})
    with pytest.raises(fleet.FleetError) as caught:
        made.raise_errors()
    assert caught.value.machines == machines[:2]


def test_a_part_of_the_errors(machines: list[Machine]) -> None:
    a, b, *rest = machines
    errors: dict[Machine, Exception] = {a: ValueError("v"), b: KeyError("k")}
    result: Result[Machine, Any] = Result(machines, [None] * 7, errors=errors, done=rest)
    with pytest.raises(fleet.FleetError) as caught:
        result.raise_errors()
    part = caught.value.subgroup(KeyError)
    assert isinstance(part, fleet.FleetError)
    assert (part.errors, part.machines, part.message) == ({b: errors[b]}, rest, caught.value.message)


class Mute(ValueError):
    """An error that does not repeat its argument."""

    def __init__(self, text: str) -> None:
        super().__init__("mute")


class OfTwo(Mute):
    """An error that pickle takes and cannot restore, for it does not know the second argument."""

    def __init__(self, one: str, two: str) -> None:
        ValueError.__init__(self, f"{one} and {two}")


class Late(Exception):
    """An error that pickle takes and cannot restore."""

    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("x",)


class WithMore(ValueError):
    """An error with an attribute."""

    def __init__(self, text: str, more: object = None) -> None:
        super().__init__(text)
        self.more = more


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ValueError("fine"), ValueError, "fine"),
        (WithMore("a lock", threading.Lock()), WithMore, "a lock"),
        (OfTwo("a", "b"), ValueError, "OfTwo: a and b"),
        (Late("late"), Exception, "Late: late"),
    ],
    ids=["fine", "lock", "of two", "late"],
)
def test_what_is_pickled_in_the_place_of_an_error(error: Exception, kind: type, text: str) -> None:
    error.add_note("a note")
    result: Result[int, Machine] = Result([0], [None], errors={0: error})
    with pytest.raises(fleet.FleetError) as caught:
        result.raise_errors()
    for thing in (result, caught.value):
        copy = pickle.loads(pickle.dumps(thing)).errors[0]  # noqa: S301 - our own
        assert (type(copy), copy.__notes__) == (kind, ["a note"])
        assert str(copy) == text
    assert result.errors[0] is error


def test_an_error_that_can_be_pickled_keeps_its_attributes() -> None:
    result: Result[int, Machine] = Result([0], [None], errors={0: WithMore("text", [5])})
    copy = pickle.loads(pickle.dumps(result)).errors[0]  # noqa: S301 - our own
    assert (type(copy), str(copy), copy.more) == (WithMore, "text", [5])


class Textless(Exception):
    """An error that has no text and takes no notes."""

    def __str__(self) -> str:
        raise ValueError("no text")

    def add_note(self, note: str) -> None:
        raise ValueError("no notes")


def test_an_error_without_a_text_hides_no_other(sdc: DataCenter, site: Site) -> None:
    machines = fleet_of(sdc, site, 3)

    def fail(machine: Machine) -> None:
        raise Textless if machine == machines[0] else KeyError(machine.name)

    result = fleet.run(machines, fail)
    with pytest.raises(fleet.FleetError) as caught:
        result.raise_errors()
    assert {type(error) for error in caught.value.errors.values()} == {Textless, KeyError}
    assert f"machine {machines[0].id} (web0): Textless; " in caught.value.message
    for thing in (result, caught.value):
        copy = pickle.loads(pickle.dumps(thing))  # noqa: S301 - our own
        assert str(copy.errors[machines[1]]) == "'web1'"
        assert len(copy.errors) == 3


def failing(machine: Machine) -> None:
    raise (KeyError if machine.name in ("web1", "web2") else ValueError)(machine.name)


def test_errors_are_split_and_pickled(sdc: DataCenter, site: Site) -> None:
    result = fleet.run(fleet_of(sdc, site, 5), failing)
    groups: list[BaseExceptionGroup] = []
    try:
        result.raise_errors()
    except* KeyError as group:
        groups.append(group)
    except* ValueError as group:
        groups.append(group)
    picked = [group for group in groups if isinstance(group, fleet.FleetError)]
    assert [sorted(m.name for m in part.errors if isinstance(m, Machine)) for part in picked] == [
        ["web1", "web2"],
        ["web0", "web3", "web4"],
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
    machines = fleet_of(sdc, site, len(errors))

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
