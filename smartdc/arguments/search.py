"""Selects entries of a list in the client: by regular expression, or by the mark as default."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from smartdc.arguments.ids import plain, shown
from smartdc.errors import ConfigurationError

__all__ = ["marked_default", "searching"]

_D = TypeVar("_D", bound=Mapping[str, Any])


def searching(search: str | None, fields: Iterable[str]) -> Callable[[Mapping[str, Any]], bool]:
    """Return a function that tells whether a field matches `search`, ignoring case; None matches all.

    Raises:
        ConfigurationError: `search` is not a regular expression, or an empty one, which would match
            everything; or `fields` are not names.
    """
    names = _field_names(fields)
    if search is None:
        return lambda entry: True
    search = plain(search)
    if not isinstance(search, str):
        raise ConfigurationError(f"search must be a regular expression as text, not {shown(search)}")
    if not search:
        raise ConfigurationError("search is empty, which matches everything: leave it out to list all")
    try:
        pattern = re.compile(search, re.IGNORECASE)
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        raise ConfigurationError(f"search: {shown(search)} is not a regular expression: {error}") from error
    return lambda entry: any(
        entry.get(name) is not None and pattern.search(str(entry[name])) is not None for name in names
    )


def _field_names(fields: Any) -> list[str]:
    fields = plain(fields)
    names = [fields] if isinstance(fields, str) else fields
    names = [plain(name) for name in names] if isinstance(names, Iterable) else []
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ConfigurationError(f"fields must be names of fields, such as ('name',), not {shown(fields)}")
    return names


def marked_default(dicts: Iterable[_D]) -> _D | None:
    """Return the first entry marked as default, also by the text of old servers; None without one."""
    return next((entry for entry in dicts if entry.get("default") in (True, "true")), None)
