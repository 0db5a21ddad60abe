"""What counts as true for JavaScript."""

from __future__ import annotations

from typing import Any


def is_true(value: Any) -> bool:
    """Whether JavaScript takes a value of JSON for true: an empty list or object is, unlike in Python."""
    return isinstance(value, list | dict) or bool(value)
