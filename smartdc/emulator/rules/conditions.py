"""The types of a policy's conditions: how each compares what a request has with what a rule says.

They are node-aperture's. Times are seconds since 1970; days and times of day are those of UTC.
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

#: What a condition's type is when the rule does not say it (aperture-config).
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
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT_DAYS = {"m": 1, "t": 2, "w": 3, "th": 4, "f": 5, "s": 6, "su": 7}

Comparison = Callable[[Any, str], bool]


class RuleError(ValueError):
    """A rule that cannot be read, or that cannot be applied to a request."""


@dataclass(frozen=True)
class Kind:
    """A type: its comparisons, and what raises ValueError for a value that a rule may not have."""

    comparisons: Mapping[str, Comparison]
    check: Callable[[str, str], object]

    def comparison(self, operation: str, name: str) -> Comparison:
        """The comparison of this name.

        Raises:
            RuleError: The type has none such.
        """
        if operation not in self.comparisons:
            raise RuleError(f'unsupported operation "{operation}" on type "{name}"')
        return self.comparisons[operation]


def kind_of(condition: str, named: str | None) -> str:
    """The type of a condition: the one that the rule names, or the usual one.

    Raises:
        RuleError: There is none, or it is unknown.
    """
    name = named or TYPE_TABLE.get(condition)
    if name is None:
        raise RuleError(f'no type for "{condition}"')
    if name not in KINDS:
        raise RuleError(f'unknown type "{name}"')
    return name


def _compared(own: Callable[[Any], Any], said: Callable[[str], Any], *names: str) -> dict[str, Comparison]:
    signs = {
        "=": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        ">": operator.gt,
        "<=": operator.le,
        ">=": operator.ge,
    }

    def comparing(compare: Callable[[Any, Any], bool]) -> Comparison:
        return lambda context, value: bool(compare(own(context), said(value)))

    return {name: comparing(signs[name]) for name in names or signs}


def _moment(text: str) -> float:
    """What JavaScript's Date makes of a text."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = parsedate_to_datetime(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _weekday(moment: float) -> int:
    return datetime.fromtimestamp(moment, UTC).isoweekday()


def _day(text: str) -> int:
    word = text.lower()
    for number, name in enumerate(_DAYS, 1):
        if word in (name, name[:3]):
            return number
    if word in _SHORT_DAYS:
        return _SHORT_DAYS[word]
    if re.fullmatch(r"\d+", text):
        if not 1 <= int(text) <= 7:
            raise ValueError("a day is between 1 (Monday) and 7 (Sunday)")
        return int(text)
    return _weekday(_moment(text))


def _seconds(moment: float) -> int:
    time = datetime.fromtimestamp(moment, UTC)
    return time.hour * 3600 + time.minute * 60 + time.second


def _time(text: str) -> int:
    parts = text.split(":")
    if len(parts) == 3 and all(part.isdigit() for part in parts):
        hours, minutes, seconds = map(int, parts)
        return (hours * 3600 + minutes * 60 + seconds) % 86400
    return _seconds(_moment(text))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RuleError("not a number")
    return value


def _boolean(value: Any) -> str:
    if not isinstance(value, bool):
        raise RuleError("not a boolean")
    return "true" if value else "false"


def _is_boolean(operation: str, text: str) -> None:
    if text not in ("true", "false"):
        raise ValueError('boolean: must be "true" or "false"')


def _in_network(address: Any, network: str) -> bool:
    if not isinstance(address, str):
        raise RuleError("not an address")
    own, said = ipaddress.ip_address(address), ipaddress.ip_network(network, strict=False)
    if own.version == 4 and said.version == 6:
        own = ipaddress.ip_address(f"::ffff:{own}")
    elif isinstance(own, ipaddress.IPv6Address) and said.version == 4 and own.ipv4_mapped:
        own = own.ipv4_mapped
    return own in said


def _like(text: Any, pattern: str) -> bool:
    body, _, flags = pattern[1:].rpartition("/")
    return re.search(body, str(text), re.IGNORECASE if "i" in flags else 0) is not None


def _check_like(operation: str, text: str) -> None:
    if operation == "like":
        try:
            re.compile(text[1:].rpartition("/")[0])
        except re.error as error:
            raise ValueError(str(error)) from error


def _check_array(operation: str, text: str) -> None:
    """Its only operation takes any text."""


def _same(value: Any) -> Any:
    return value


KINDS: dict[str, Kind] = {
    "array": Kind({"contains": lambda context, value: value in context}, _check_array),
    "boolean": Kind(_compared(_boolean, _same, "=", "!="), _is_boolean),
    "date": Kind(_compared(_same, _moment), lambda operation, text: _moment(text)),
    "day": Kind(_compared(_weekday, _day), lambda operation, text: _day(text)),
    "ip": Kind(
        {"=": _in_network, "!=": lambda context, value: not _in_network(context, value)},
        lambda operation, text: ipaddress.ip_network(text, strict=False),
    ),
    "number": Kind(_compared(_number, float), lambda operation, text: float(text)),
    "string": Kind(_compared(_same, _same) | {"like": _like}, _check_like),
    "time": Kind(_compared(_seconds, _time), lambda operation, text: _time(text)),
}
