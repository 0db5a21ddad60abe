"""CloudAPI's JSON schemas, and the first thing that they find wrong, in the words of its validator.

Only fabrics (and the account's configuration) are checked so. The validator is JavaScript's: the text of a
number counts as an integer, and its bounds are then not looked at; messages are in small letters throughout.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smartdc.emulator.http.answers import Refusal, invalid_argument
from smartdc.emulator.http.parameters import as_text

UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_OCTET = r"(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])"
IPV4 = rf"^(?:{_OCTET}\.){{3}}{_OCTET}$"
NAME = r"^[a-zA-Z][a-zA-Z0-9_\./-]{1,255}$"

_INTEGER = re.compile(r"\s*(?:[+-]?[0-9]+(?:\.0*)?)?\s*")


@dataclass(frozen=True)
class Property:
    """What one property must be.

    Attributes:
        type: JavaScript's word for it, or ``any``.
        items: Of an array, what each item must be.
    """

    type: str
    required: bool = False
    pattern: str | None = None
    minimum: int | None = None
    maximum: int | None = None
    items: Property | None = None


def check(schema: Mapping[str, Property], params: Mapping[str, Any]) -> None:
    """Refuse parameters that do not fit, or that the schema does not know.

    Raises:
        Refusal: 409 InvalidArgument about the first.
    """
    for name, wanted in schema.items():
        if name not in params:
            if wanted.required:
                raise _refusal(name, "is missing and it is required")
            continue
        _check_one(name, params[name], wanted)
    for name in params:
        if name not in schema:
            raise _refusal(name.lower(), "unsupported property")


def _check_one(name: str, value: Any, wanted: Property) -> None:
    found = _type_of(value)
    fits = wanted.type in ("any", found) or (wanted.type == "array" and isinstance(value, list))
    if not (fits or (wanted.type == "integer" and _is_integer(value))):
        raise _refusal(name, f"{as_text(value)} - {found} value found, but a {wanted.type} is required")
    if wanted.items is not None and isinstance(value, list):
        for number, item in enumerate(value):
            _check_one(f"{name}[{number}]", item, wanted.items)
    if wanted.pattern is not None and isinstance(value, str) and not _matches(wanted.pattern, value):
        if wanted.pattern == IPV4:
            raise invalid_argument(f'property "{name}": must be an IPv4 address')
        raise _refusal(name, f"does not match the regex pattern {wanted.pattern}")
    if found == "number":
        if wanted.minimum is not None and value < wanted.minimum:
            raise _refusal(name, f"must have a minimum value of {wanted.minimum}")
        if wanted.maximum is not None and value > wanted.maximum:
            raise _refusal(name, f"must have a maximum value of {wanted.maximum}")


def as_number(value: Any) -> float:
    """JavaScript's number of what passes as an integer here."""
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
    """JavaScript's ``value % 1 === 0``, which holds for much."""
    if isinstance(value, dict):
        return False
    if isinstance(value, int | float):
        return value % 1 == 0
    return value is None or _INTEGER.fullmatch(as_text(value)) is not None
