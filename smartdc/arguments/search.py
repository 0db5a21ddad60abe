"""Choosing locally among what the server listed: by regular expression, or by its mark as default."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from smartdc.errors import ConfigurationError

__all__ = ["marked_default", "search_dicts"]

_D = TypeVar("_D", bound=Mapping[str, Any])


def search_dicts(dicts: Iterable[_D], search: str | None, fields: Sequence[str]) -> list[_D]:
    """Those of `dicts` in which one of `fields` matches, whatever the case; all when `search` is None."""
    if search is None:
        return list(dicts)
    if isinstance(fields, str):
        fields = (fields,)
    if not isinstance(search, str):
        raise ConfigurationError(f"{search!r} is not a regular expression: it is not text")
    try:
        pattern = re.compile(search, re.IGNORECASE)
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        raise ConfigurationError(f"{search!r} is not a regular expression: {error}") from error
    return [entry for entry in dicts if any(pattern.search(str(entry.get(field) or "")) for field in fields)]


def marked_default(dicts: Iterable[_D]) -> _D | None:
    """The first that the server marks as default, None when it marks none; old servers do it in text."""
    return next((entry for entry in dicts if entry.get("default") in (True, "true")), None)
