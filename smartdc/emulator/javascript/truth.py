"""Which values JavaScript takes as true."""

from __future__ import annotations

from typing import Any


def is_true(value: Any) -> bool:
    """Whether JavaScript takes a JSON value as true: unlike in Python, an empty list or object is."""
    return isinstance(value, list | dict) or bool(value)
