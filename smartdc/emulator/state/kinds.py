"""Kinds of values: the checks of arguments and of fields in files, and the words of their errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from typing import Any


class WrongField(ValueError):
    """An argument or a field is invalid; `field` is its name."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


def _nothing(_value: Any) -> str:
    return ""


def shown(value: Any) -> str:
    """Write a value for a message, shortened."""
    if isinstance(value, Mapping | list | tuple):
        return "a table" if isinstance(value, Mapping) else "a list"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    Attributes:
        name: What a value must be.
        fits: Whether a value is of this kind.
        hint: What follows the refused value in a message.
        written: How a refused value is written.
    """

    name: str
    fits: Callable[[Any], bool]
    hint: Callable[[Any], str] = _nothing
    written: Callable[[Any], str] = shown

    def problem(self, value: Any) -> str | None:
        """Return why this value is refused, to follow the name of its field; None if it fits."""
        if self.fits(value):
            return None
        return f"must be {self.name}, not {self.written(value)}{self.hint(value)}"


def check(kinds: Mapping[str, Kind], values: Mapping[str, Any], required: Sequence[str] = ()) -> None:
    """Check arguments.

    Args:
        kinds: The kind of each argument; others are not checked.
        values: The arguments. None is one that is not set.
        required: The arguments that cannot be None.

    Raises:
        WrongField: One of them is of another kind.
    """
    for name, value in values.items():
        if name in kinds and (value is not None or name in required):
            problem = kinds[name].problem(value)
            if problem is not None:
                raise WrongField(name, f"{name} {problem}")


def check_names(what: str, record: Any, others: Mapping[str, Any]) -> None:
    """Check that a record has these fields.

    Raises:
        TypeError: It does not have one of them; `what` is what the record is of.
    """
    known = _names(record)
    for name in others:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise TypeError(f"{what} has no field {name!r}{hint}")


@cache
def _names(record: Any) -> frozenset[str]:
    return frozenset(known.name for known in fields(record))


def is_number(value: Any) -> bool:
    """Whether a value is a number; True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: Any) -> bool:
    """Whether a value is a whole number; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def number_from(low: int, high: int) -> Kind:
    """Return the kind of whole numbers from `low` to `high`."""
    return Kind(f"a number from {low} to {high}", lambda value: is_integer(value) and low <= value <= high)


def words(*listed: str, others: Sequence[str] = ()) -> Kind:
    """Return the kind of some words: those that messages list, and others."""

    def hint(value: Any) -> str:
        near = get_close_matches(value, listed, n=1) if isinstance(value, str) else []
        return f"; did you mean {near[0]}?" if near else ""

    known = {*listed, *others}
    return Kind(f"one of {', '.join(listed)}", lambda value: isinstance(value, str) and value in known, hint)


def name_kind(name: str, fits: Callable[[str], bool], rule: str) -> Kind:
    """Return a kind of names; `rule` says in words which fit."""
    return Kind(name, lambda value: isinstance(value, str) and fits(value), lambda _value: f"; {rule}")


def _list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list | tuple) and all(map(fits, value))


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _written_values(value: Any) -> str:
    if not isinstance(value, Mapping):
        return shown(value)
    return next(f"{key} = {shown(each)}" for key, each in value.items() if not _is_scalar(each))


TEXT = Kind("text", lambda value: isinstance(value, str) and value != "")
INTEGER = Kind("a whole number", is_integer)
NUMBER = Kind("a number", is_number)
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
TEXTS = Kind("a list of texts", _list_of(TEXT.fits))
TABLE = Kind("a table", lambda value: isinstance(value, Mapping))
TABLES = Kind("a list of tables", _list_of(TABLE.fits))
VALUES = Kind(
    "a table of texts, numbers and flags",
    lambda value: isinstance(value, Mapping) and all(map(_is_scalar, value.values())),
    written=_written_values,
)
MIB = Kind("a number of MiB above 0", lambda value: is_integer(value) and value > 0)
