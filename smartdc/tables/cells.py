"""Formats one value of a table as text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from smartdc._times import parse_time
from smartdc.arguments.ids import escaped, plain

__all__ = ["NONE", "age", "cell_text", "size"]

NONE = "-"
"""Shown for a missing value."""

_LARGEST = 2.0**80
_UNITS = "BKMGTPEZ"
_AGES = (("y", 365 * 86400), ("w", 7 * 86400), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def cell_text(value: Any) -> str:
    """Return any value as one line without control characters; a dash for None."""
    value = plain(value)
    if value is None:
        return NONE
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, list | tuple) and value and all(isinstance(entry, str) for entry in value):
        return escaped(", ".join(value))
    if isinstance(value, Mapping | Sequence) and not isinstance(value, bytes | bytearray):
        return escaped(_structure(value))
    return escaped(_text(value))


def size(value: Any, unit: int) -> str:
    """Return a size with its unit, cut to one decimal as by the triton command; other values as text.

    Args:
        value: The number of units.
        unit: How many bytes one unit has: 1, or 1024 ** 2 for sizes in MiB.
    """
    # A NaN is never within the bounds.
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_LARGEST < value < _LARGEST:
        return cell_text(value)
    left = abs(value) * unit
    power = 0
    while left >= 1024 and power < len(_UNITS) - 1:
        left /= 1024
        power += 1
    tenths = math.floor(left * 10)
    number = f"{tenths // 10}" if left == int(left) else f"{tenths // 10}.{tenths % 10}"
    return f"{'-' if value < 0 else ''}{number}{_UNITS[power]}"


def age(created: Any, now: float) -> str:
    """Return the age in the largest unit that fits at least once: ``3w``; ``0s`` for a time in the future."""
    then = created if isinstance(created, datetime) else parse_time(created)
    if then is None:
        return NONE
    seconds = round(now - then.replace(tzinfo=then.tzinfo or UTC).timestamp())
    for unit, length in _AGES:
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return "0s"


def _structure(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=_text)
    except (TypeError, ValueError, RecursionError):  # keys that are not text; a list that contains itself
        return _text(value)


def _text(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # an int with thousands of digits, or an object whose constructor failed
        return f"<{type(value).__name__}>"
