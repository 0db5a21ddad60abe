"""CloudAPI's JSON schemas; a check refuses the first error, with the message of CloudAPI's validator.

CloudAPI checks only fabrics and the account's configuration with schemas. As in JavaScript, the text of a
number passes as an integer, but its bounds are not checked; messages are in lower case throughout.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smartdc.emulator.http.answers import Refusal, invalid_argument
from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.state.fields import UUID

UUID_PATTERN = f"^{UUID.pattern}$"
_OCTET = r"(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])"
IPV4 = rf"^(?:{_OCTET}\.){{3}}{_OCTET}$"
NAME = r"^[a-zA-Z][a-zA-Z0-9_\./-]{1,255}$"

_INTEGER = re.compile(r"\s*(?:[+-]?[0-9]+(?:\.0*)?)?\s*")


@dataclass(frozen=True)
class Property:
    """The schema of one property.

    Attributes:
        type: The name of its JavaScript type, or ``any``.
        items: The schema of each item of an array.
    """

    type: str
    required: bool = False
    pattern: str | None = None
    minimum: int | None = None
    maximum: int | None = None
    items: Property | None = None


def check(schema: Mapping[str, Property], params: Mapping[str, Any]) -> None:
    """Refuse parameters that do not match the schema, or that it does not know.

    Raises:
        Refusal: 409 InvalidArgument about the first error.
    """
    for name, expected in schema.items():
        if name not in params:
            if expected.required:
                raise _refusal(name, "is missing and it is required")
            continue
        _check_one(name, params[name], expected)
    for name in params:
        if name not in schema:
            raise _refusal(name.lower(), "unsupported property")


def _check_one(name: str, value: Any, expected: Property) -> None:
    found = _type_of(value)
    fits = expected.type in ("any", found) or (expected.type == "array" and isinstance(value, list))
    if not (fits or (expected.type == "integer" and _is_integer(value))):
        raise _refusal(name, f"{as_text(value)} - {found} value found, but a {expected.type} is required")
    if expected.items is not None and isinstance(value, list):
        for number, item in enumerate(value):
            _check_one(f"{name}[{number}]", item, expected.items)
    if expected.pattern is not None and isinstance(value, str) and not _matches(expected.pattern, value):
        if expected.pattern == IPV4:
            raise invalid_argument(f'property "{name}": must be an IPv4 address')
        raise _refusal(name, f"does not match the regex pattern {expected.pattern}")
    if found == "number":
        if expected.minimum is not None and value < expected.minimum:
            raise _refusal(name, f"must have a minimum value of {expected.minimum}")
        if expected.maximum is not None and value > expected.maximum:
            raise _refusal(name, f"must have a maximum value of {expected.maximum}")


def as_number(value: Any) -> float:
    """Convert a value that passes as an integer to a number, as JavaScript does."""
    if value is None or isinstance(value, int | float):
        return value or 0
    return float(as_text(value).strip() or 0)


def _matches(pattern: str, value: str) -> bool:
    return re.fullmatch(pattern, value, re.ASCII) is not None


def _refusal(name: str, reason: str) -> Refusal:
    return invalid_argument(f'property "{name}": {reason.lower()}')


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "object"


def _is_integer(value: Any) -> bool:
    """JavaScript's ``value % 1 === 0``, which holds for texts of numbers, blanks and null as well."""
    if isinstance(value, dict):
        return False
    if isinstance(value, int | float):
        return value % 1 == 0
    return value is None or _INTEGER.fullmatch(as_text(value)) is not None
