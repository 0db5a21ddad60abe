"""The types of a policy's conditions: how each compares what a request has with what a rule says.

They are node-aperture's (its types/). Days and times of day are those of UTC.
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

#: What a condition's type is, where the rule does not say it, when a policy is made (aperture-config).
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
#: The same when a request is judged (sdc-cloudapi etc/aperture.json.in): it knows less.
CLOUDAPI_TYPE_TABLE = {"ip": "ip", "sourceip": "ip", "user-agent": "string"}

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT_DAYS = {"m": 1, "t": 2, "w": 3, "th": 4, "f": 5, "s": 6, "su": 7}
_DAY_SECONDS = 86400
#: So far from now no time is; beyond it JavaScript has no dates.
_MOST_SECONDS = 8.6e12

Comparison = Callable[[Any, str], bool]


class RuleError(ValueError):
    """A rule that cannot be read, or that cannot be applied to a request."""


@dataclass(frozen=True)
class Kind:
    """A type.

    Attributes:
        comparisons: What it can compare.
        check: Raises ValueError for a value that a rule may not have with this operation.
        checks_text: Whether that fails for everything but text.
    """

    comparisons: Mapping[str, Comparison] = field(repr=False)
    check: Callable[[str, str], object]
    checks_text: bool = False

    def comparison(self, operation: str, name: str) -> Comparison:
        """The comparison of this name.

        Raises:
            RuleError: The type has none such.
        """
        if (
            operation == "validate"
        ):  # the original looks the operation up among all that the type's module has
            return self._validates
        if operation not in self.comparisons:
            raise RuleError(f'unsupported operation "{operation}" on type "{name}"')
        return self.comparisons[operation]

    def _validates(self, context: Any, value: str) -> bool:
        if self.checks_text and not isinstance(context, str):
            raise RuleError("not a string")
        self.check(value, as_text(context))
        return False


def kind_of(condition: str, named: str | None, table: Mapping[str, str]) -> str:
    """The type of a condition: the one that the rule names, or the table's.

    Raises:
        RuleError: There is none, or it is unknown.
    """
    name = named or table.get(condition)
    if name is None:
        raise RuleError(f'no type for "{condition}"')
    if name not in KINDS:
        raise RuleError(f'unknown type "{name}"')
    return name


def _signs(order: Callable[[Any, str], float]) -> dict[str, Comparison]:
    """The six comparisons; `order` is below, at or above 0, or NaN where only ``!=`` holds."""
    return {
        "=": lambda own, said: order(own, said) == 0,
        "!=": lambda own, said: order(own, said) != 0,
        "<": lambda own, said: order(own, said) < 0,
        ">": lambda own, said: order(own, said) > 0,
        "<=": lambda own, said: order(own, said) <= 0,
        ">=": lambda own, said: order(own, said) >= 0,
    }


def _moment(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise RuleError("not a date")
    return value


def _date_order(own: Any, said: str) -> float:
    return round(_moment(own).timestamp() * 1000) - _rounded(parse_date(said) * 1000)


def _rounded(value: float) -> float:
    """The nearest whole number; NaN stays what it is."""
    return value if math.isnan(value) else round(value)


def _day_order(own: Any, said: str) -> float:
    return _moment(own).isoweekday() - _day(said)


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


def _time_order(own: Any, said: str) -> float:
    moment = _moment(own)
    return moment.hour * 3600 + moment.minute * 60 + moment.second - _time(said)


def _time(text: str) -> float:
    """The second of the day: of ``7:30:00``, whatever JavaScript calls a number between the colons."""
    parts = [to_number(part) for part in text.split(":")]
    if len(parts) == 3 and all(abs(part) < _MOST_SECONDS / 3600 for part in parts):
        hours, minutes, seconds = (int(part) for part in parts)
        return (hours * 3600 + minutes * 60 + seconds) % _DAY_SECONDS
    return parse_date(text) // 1 % _DAY_SECONDS


def _number_order(own: Any, said: str) -> float:
    if isinstance(own, bool) or not isinstance(own, int | float):
        raise RuleError("not a number")
    number = to_number(said)
    return 0 if own == number else own - number


def _is_true(own: Any, said: str) -> bool:
    if not isinstance(own, bool):
        raise RuleError("not a boolean")
    return said == ("true" if own else "false")


def _is_within(own: Any, said: str) -> bool:
    if not isinstance(own, str):
        raise RuleError("not a string")
    network, prefix = read_network(said)
    return read_address(own).is_within(network, prefix)


def _contains(own: Any, said: str) -> bool:
    if not isinstance(own, list):
        raise RuleError("not a list")
    return said in own


def _text_order(own: Any, said: str) -> float:
    """Texts by their letters; JavaScript makes numbers of a number or a boolean and a text."""
    if isinstance(own, bool | int | float):
        one, other = to_number(own), to_number(said)
        return 0 if one == other else one - other
    one_text, other_text = (text.encode("utf-16-be", "surrogatepass") for text in (as_text(own), said))
    return (one_text > other_text) - (one_text < other_text)


def _like(own: Any, pattern: str) -> bool:
    return _pattern(pattern).found_in(as_text(own))


def _pattern(text: str) -> Pattern:
    """The expression between slashes; of a text without, the first character, and all of it the flags."""
    last = text.rfind("/")
    if last < 1:
        return Pattern(text[:1], text[last + 1 :])
    return Pattern(text[1:last], text[last + 1 :])


def _check_not_nan(read: Callable[[str], float]) -> Callable[[str, str], None]:
    def check(operation: str, text: str) -> None:
        if math.isnan(read(text)):
            raise ValueError("not one")

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
    "=": lambda own, said: isinstance(own, str) and own == said,
    "!=": lambda own, said: not (isinstance(own, str) and own == said),
    "like": _like,
}

KINDS: dict[str, Kind] = {
    "array": Kind({"contains": _contains}, _check_array),
    "boolean": Kind({"=": _is_true, "!=": lambda own, said: not _is_true(own, said)}, _check_boolean),
    "date": Kind(_signs(_date_order), _check_not_nan(parse_date)),
    "day": Kind(_signs(_day_order), _check_day, checks_text=True),
    "ip": Kind(
        {"=": _is_within, "!=": lambda own, said: not _is_within(own, said)},
        lambda operation, text: read_network(text),
        checks_text=True,
    ),
    "number": Kind(_signs(_number_order), _check_not_nan(to_number)),
    "string": Kind(_TEXT, _check_like),
    "time": Kind(_signs(_time_order), _check_not_nan(_time), checks_text=True),
}
