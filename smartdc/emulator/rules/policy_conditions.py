"""The types of a policy's conditions: how each compares the value of a request with the value in a rule.

They are the types of node-aperture (its types/). Days and times of day are in UTC.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.javascript.dates import parse_date
from smartdc.emulator.javascript.numbers import to_number
from smartdc.emulator.javascript.patterns import Pattern
from smartdc.emulator.rules.policy_addresses import read_address, read_network

#: The type of a condition whose rule names none, when a policy is created (aperture-config).
TYPE_TABLE = {
    "activeRoles": "array",
    "date": "date",
    "day": "day",
    "fromjob": "boolean",
    "method": "string",
    "overwrite": "boolean",
    "owner": "string",
    "sourceip": "ip",
    "time": "time",
    "user-agent": "string",
}
#: The same when a request is authorized, with fewer conditions (sdc-cloudapi etc/aperture.json.in).
CLOUDAPI_TYPE_TABLE = {"ip": "ip", "sourceip": "ip", "user-agent": "string"}

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT_DAYS = {"m": 1, "t": 2, "w": 3, "th": 4, "f": 5, "s": 6, "su": 7}
_DAY_SECONDS = 86400
#: JavaScript's dates end about this many seconds from 1970.
_MOST_SECONDS = 8.6e12

Comparison = Callable[[Any, str], bool]


class RuleError(ValueError):
    """A rule cannot be parsed, or cannot be applied to a request."""


@dataclass(frozen=True)
class Kind:
    """A type of conditions.

    Attributes:
        comparisons: Its comparisons, by operation.
        check: Raises ValueError for a value that a rule must not have with this operation.
        checks_text: Whether `check` fails for every value that is not a text.
    """

    comparisons: Mapping[str, Comparison] = field(repr=False)
    check: Callable[[str, str], object]
    checks_text: bool = False

    def comparison(self, operation: str, name: str) -> Comparison:
        """The comparison of this name.

        Raises:
            RuleError: The type has no such comparison.
        """
        if operation == "validate":  # aperture finds this function in the type's module
            return self._validate
        if operation not in self.comparisons:
            raise RuleError(f'unsupported operation "{operation}" on type "{name}"')
        return self.comparisons[operation]

    def _validate(self, context: Any, value: str) -> bool:
        if self.checks_text and not isinstance(context, str):
            raise RuleError("not a string")
        self.check(value, as_text(context))
        return False


def kind_of(condition: str, type_in_rule: str | None, table: Mapping[str, str]) -> str:
    """The type of a condition: the one that the rule names, or the table's.

    Raises:
        RuleError: Neither names a type, or the type is unknown.
    """
    name = type_in_rule or table.get(condition)
    if name is None:
        raise RuleError(f'no type for "{condition}"')
    if name not in KINDS:
        raise RuleError(f'unknown type "{name}"')
    return name


def _signs(order: Callable[[Any, str], float]) -> dict[str, Comparison]:
    """The six comparisons by the sign of `order`; only ``!=`` holds if it is NaN."""
    return {
        "=": lambda actual, expected: order(actual, expected) == 0,
        "!=": lambda actual, expected: order(actual, expected) != 0,
        "<": lambda actual, expected: order(actual, expected) < 0,
        ">": lambda actual, expected: order(actual, expected) > 0,
        "<=": lambda actual, expected: order(actual, expected) <= 0,
        ">=": lambda actual, expected: order(actual, expected) >= 0,
    }


def _moment(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise RuleError("not a date")
    return value


def _date_order(actual: Any, expected: str) -> float:
    return round(_moment(actual).timestamp() * 1000) - _rounded(parse_date(expected) * 1000)


def _rounded(value: float) -> float:
    """The nearest whole number; NaN stays NaN."""
    return value if math.isnan(value) else round(value)


def _day_order(actual: Any, expected: str) -> float:
    return _moment(actual).isoweekday() - _day(expected)


def _day(text: str) -> float:
    word = text.lower()
    for place, name in enumerate(_DAYS, 1):
        if word in (name, name[:3]):
            return place
    number = float(_SHORT_DAYS[word]) if word in _SHORT_DAYS else to_number(text)
    if not math.isnan(number):
        return number
    moment = parse_date(text)
    return moment if math.isnan(moment) else (moment // _DAY_SECONDS + 3) % 7 + 1


def _time_order(actual: Any, expected: str) -> float:
    moment = _moment(actual)
    return moment.hour * 3600 + moment.minute * 60 + moment.second - _time(expected)


def _time(text: str) -> float:
    """The second of the day of a text such as ``7:30:00``, whose parts JavaScript converts to numbers."""
    parts = [to_number(part) for part in text.split(":")]
    if len(parts) == 3 and all(abs(part) < _MOST_SECONDS / 3600 for part in parts):
        hours, minutes, seconds = (int(part) for part in parts)
        return (hours * 3600 + minutes * 60 + seconds) % _DAY_SECONDS
    return parse_date(text) // 1 % _DAY_SECONDS


def _number_order(actual: Any, expected: str) -> float:
    if isinstance(actual, bool) or not isinstance(actual, int | float):
        raise RuleError("not a number")
    number = to_number(expected)
    return 0 if actual == number else actual - number


def _is_true(actual: Any, expected: str) -> bool:
    if not isinstance(actual, bool):
        raise RuleError("not a boolean")
    return expected == ("true" if actual else "false")


def _is_within(actual: Any, expected: str) -> bool:
    if not isinstance(actual, str):
        raise RuleError("not a string")
    network, prefix = read_network(expected)
    return read_address(actual).is_within(network, prefix)


def _contains(actual: Any, expected: str) -> bool:
    if not isinstance(actual, list):
        raise RuleError("not a list")
    return expected in actual


def _text_order(actual: Any, expected: str) -> float:
    """Compare texts by their letters; JavaScript compares a number or a boolean with a text as numbers."""
    if isinstance(actual, bool | int | float):
        one, other = to_number(actual), to_number(expected)
        return 0 if one == other else one - other
    one_text, other_text = (text.encode("utf-16-be", "surrogatepass") for text in (as_text(actual), expected))
    return (one_text > other_text) - (one_text < other_text)


def _like(actual: Any, pattern: str) -> bool:
    return _pattern(pattern).found_in(as_text(actual))


def _pattern(text: str) -> Pattern:
    """The expression between slashes; without slashes, the first character with the whole text as flags."""
    last = text.rfind("/")
    if last < 1:
        return Pattern(text[:1], text[last + 1 :])
    return Pattern(text[1:last], text[last + 1 :])


def _check_not_nan(read: Callable[[str], float]) -> Callable[[str, str], None]:
    def check(operation: str, text: str) -> None:
        if math.isnan(read(text)):
            raise ValueError("not a number")

    return check


def _check_day(operation: str, text: str) -> None:
    if not 1 <= _day(text) <= 7:
        raise ValueError("day: day must be between 1 (Monday) and 7 (Sunday)")


def _check_boolean(operation: str, text: str) -> None:
    if text not in ("true", "false"):
        raise ValueError('boolean: must be "true" or "false"')


def _check_like(operation: str, text: str) -> None:
    if operation == "like":
        _pattern(text)


def _check_array(operation: str, text: str) -> None:
    if operation != "contains" and not isinstance(json.loads(text), list):
        raise ValueError("array: unable to parse array")


_TEXT = _signs(_text_order) | {
    "=": lambda actual, expected: isinstance(actual, str) and actual == expected,
    "!=": lambda actual, expected: not (isinstance(actual, str) and actual == expected),
    "like": _like,
}

KINDS: dict[str, Kind] = {
    "array": Kind({"contains": _contains}, _check_array),
    "boolean": Kind(
        {"=": _is_true, "!=": lambda actual, expected: not _is_true(actual, expected)}, _check_boolean
    ),
    "date": Kind(_signs(_date_order), _check_not_nan(parse_date)),
    "day": Kind(_signs(_day_order), _check_day, checks_text=True),
    "ip": Kind(
        {"=": _is_within, "!=": lambda actual, expected: not _is_within(actual, expected)},
        lambda operation, text: read_network(text),
        checks_text=True,
    ),
    "number": Kind(_signs(_number_order), _check_not_nan(to_number)),
    "string": Kind(_TEXT, _check_like),
    "time": Kind(_signs(_time_order), _check_not_nan(_time), checks_text=True),
}
