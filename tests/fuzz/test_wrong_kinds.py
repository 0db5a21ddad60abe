"""Each argument of every public method with values of wrong kinds: only a short SmartDCError is raised."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from smartdc import DataCenter, SmartDCError
from tests.helpers.every_argument import ARGUMENTS, call
from tests.helpers.odd_values import ID
from tests.helpers.servers import StubServer


class Unwritable:
    """An object whose repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError


def _deep() -> Any:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    return deep


WRONG: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "true": lambda: True,
    "minus": lambda: -1,
    "nan": lambda: float("nan"),
    "huge": lambda: 10**400,
    "too long to be written": lambda: 10**5000,
    "without a repr": Unwritable,
    "deep": _deep,
    "blank": lambda: " ",
    "bytes": lambda: b"web\x00\xff",
    "list": lambda: [{"a": "x" * 1000}] * 100,
    "nested": lambda: [[["x"]]],
    "dict": lambda: {"a": {"b": ["x" * 5000]}},
    "odd keys": lambda: {None: 1, 5: 2},
    "set": lambda: {"a", 5},
    "object": object,
    "class": lambda: dict,
    "generator": lambda: (part for part in ("a", 5)),
    "long": lambda: "x" * 100_000,
    "control": lambda: "a\x1b[2J\r\nb\x00",
    "half": lambda: "a\ud800b",
    "empty": lambda: "",
}


@contextmanager
def at_most_refused(place: str) -> Iterator[None]:
    """Allow the block to pass or to raise a short `SmartDCError`."""
    try:
        yield
    except SmartDCError as error:
        text = str(error)
        assert len(text) <= 300, f"{place}: {len(text)} characters: {text[:400]}"
        assert text.isprintable(), f"{place}: {text!r}"
    except Exception as error:
        raise AssertionError(f"{place}: {type(error).__name__}: {str(error)[:200]}") from error


@pytest.fixture
def sdc(at_missing: DataCenter) -> DataCenter:
    return at_missing


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("cls", "name", "argument"), ARGUMENTS, ids=lambda part: getattr(part, "__name__", part)
)
def test_an_argument_of_a_wrong_kind(sdc: DataCenter, cls: type, name: str, argument: str) -> None:
    for kind, make in WRONG.items():
        value = make()
        owner = sdc if cls is DataCenter else sdc.machine(ID, lazy=True)
        args, more = call(cls, name, argument, value)
        place = f"{cls.__name__}.{name}({argument}={kind})"
        with at_most_refused(place):
            getattr(owner, name)(*args, **more)


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("argument", list(inspect.signature(DataCenter).parameters))
def test_an_argument_of_the_constructor_of_a_wrong_kind(missing: StubServer, argument: str) -> None:
    for kind, make in WRONG.items():
        place = f"DataCenter({argument}={kind})"
        with (
            at_most_refused(place),
            DataCenter(**{"location": missing.url, "retry": "none", argument: make()}) as sdc,
        ):
            sdc.account()
