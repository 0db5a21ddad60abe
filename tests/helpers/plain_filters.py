"""Each filter of a list, in plain Python: the entries of the whole list that it selects.

Each takes all entries and the filter's value, and returns None for a value that cannot be applied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

__all__ = [
    "Expected",
    "alive",
    "first",
    "in_fields",
    "in_state",
    "number",
    "plain",
    "public",
    "rest",
    "searched",
    "state_or_alive",
    "tagged",
    "text",
    "truth",
    "whole",
    "wildcard",
]

Expected = Callable[[list[Any], Any], list[Any] | None]
"""What a plain filter selects; None if the value is not of a kind that can be applied."""


def plain(value: Any) -> Any:
    value = value.value if isinstance(value, Enum) else value
    return "".join(value) if isinstance(value, str) else value


def as_text(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 1024 and not re.search("[\ud800-\udfff]", value)


def whole(value: Any, least: int = 0) -> int | None:
    if isinstance(value, str) and re.fullmatch("[0-9]{1,15}", value):
        value = int(value)
    fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= 2**53
    return value if fits else None


def text(field: str) -> Expected:
    def select(every: list[Any], value: Any) -> list[Any] | None:
        return [one for one in every if one.get(field) == value] if is_text(value) else None

    return select


def wildcard(field: str) -> Expected:
    def select(every: list[Any], value: Any) -> list[Any] | None:
        if not is_text(value):
            return None
        pattern = re.compile(".*".join(map(re.escape, value.split("*"))), re.DOTALL)
        return [one for one in every if pattern.fullmatch(str(one.get(field, "")))]

    return select


def number(field: str, least: int = 0) -> Expected:
    def select(every: list[Any], value: Any) -> list[Any] | None:
        wanted = whole(value, least)
        return None if wanted is None else [one for one in every if one.get(field) == wanted]

    return select


def truth(field: str) -> Expected:
    def select(every: list[Any], value: Any) -> list[Any] | None:
        return [one for one in every if bool(one.get(field)) is value] if isinstance(value, bool) else None

    return select


def in_state(every: list[Any], value: Any) -> list[Any] | None:
    if not is_text(value):
        return None
    states = {"destroyed": "deleted"}
    if value == "active":
        return [one for one in every if one["state"] not in ("deleted", "failed")]
    return [one for one in every if one["state"] == states.get(value, value)]


def tagged(every: list[Any], value: Any) -> list[Any] | None:
    if value == "*" and isinstance(value, str):
        return [one for one in every if one["tags"]]
    if not isinstance(value, Mapping):
        return None
    wanted = {plain(name): plain(each) for name, each in value.items()}
    # Names that are numbers are sent as text, as py-smartdc did.
    wanted = {
        str(n) if isinstance(n, int | float) and not isinstance(n, bool) else n: v for n, v in wanted.items()
    }
    for name, each in wanted.items():
        if not isinstance(name, str) or not name or not isinstance(each, str | int | float):
            return None
        if (
            each != each
            or each in (float("inf"), float("-inf"))
            or (isinstance(each, int) and abs(each) > 2**53)
        ):
            return None
    return [
        one
        for one in every
        if all(n in one["tags"] and (v == "*" or alike(one["tags"][n], v)) for n, v in wanted.items())
    ]


def alike(own: Any, wanted: Any) -> bool:
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (own, wanted))
    return own == wanted if numbers else as_text(own) == as_text(wanted)


def public(every: list[Any], value: Any) -> list[Any] | None:
    words = {"public": True, "true": True, "private": False, "false": False}
    value = words.get(value) if isinstance(value, str) else value
    return [one for one in every if one["public"] is value] if isinstance(value, bool) else None


def searched(fields: tuple[str, ...]) -> Expected:
    def select(every: list[Any], value: Any) -> list[Any] | None:
        if not isinstance(value, str) or not value:
            return None
        try:
            pattern = re.compile(value, re.IGNORECASE)
        except (re.error, OverflowError, ValueError, RecursionError):
            return None
        return [one for one in every if any(pattern.search(str(one[f])) for f in fields if f in one)]

    return select


def in_fields(every: list[Any], value: Any) -> list[Any] | None:
    names = [value] if isinstance(value, str) else value
    if (
        not isinstance(names, Iterable)
        or not names
        or not all(isinstance(plain(name), str) and name for name in names)
    ):
        return None
    return [
        one for one in every if any(re.search("g4", str(one.get(plain(n), "")), re.IGNORECASE) for n in names)
    ]


def first(every: list[Any], value: Any) -> list[Any] | None:
    wanted = whole(value, 1)
    return None if wanted is None else every[:wanted]


def rest(every: list[Any], value: Any) -> list[Any] | None:
    wanted = whole(value)
    return None if wanted is None else every[wanted:]


def alive(machines: list[Any]) -> list[Any]:
    return [one for one in machines if one["state"] not in ("deleted", "failed")]


def state_or_alive(machines: list[Any], filters: Mapping[str, Any]) -> list[Any]:
    """The machines that are listed by default: neither deleted nor failed ones."""
    return machines if "state" in filters else alive(machines)
