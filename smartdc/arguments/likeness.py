"""Compares what the server shows with what was requested, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "differing_fields",
    "differing_shown_fields",
    "fields_not_shown",
    "stuck_state",
    "unfinished_state",
]


def differing_fields(requested: Mapping[str, Any], existing: Mapping[str, Any]) -> list[str]:
    """Return the fields whose values differ; an absent field counts as unset."""
    return [name for name, value in requested.items() if not _same(value, existing.get(name))]


def differing_shown_fields(requested: Mapping[str, Any], existing: Mapping[str, Any]) -> list[str]:
    """Return the fields whose values differ, except those that the answer leaves out or empty."""
    unset: tuple[Any, ...] = (None, "", [], {})
    return differing_fields(
        {name: value for name, value in requested.items() if existing.get(name) not in unset}, existing
    )


def fields_not_shown(requested: Mapping[str, Any], existing: Mapping[str, Any]) -> list[str]:
    """Return the entries that do not have the requested value; None requests that an entry is absent."""
    return [
        name
        for name, value in requested.items()
        if (value is None) != (existing.get(name) is None) or _text(value) != _text(existing.get(name))
    ]


def stuck_state(image: Mapping[str, Any]) -> list[str]:
    """Return ``['state']`` for an image that is neither published nor being created: its age is unknown."""
    return [] if image.get("published_at") or image.get("state") == "creating" else ["state"]


def unfinished_state(image: Mapping[str, Any]) -> list[str]:
    """Return ``['state']`` for an image whose import was broken off, or still goes on."""
    return [] if image.get("state") == "active" else ["state"]


def _same(requested: Any, existing: Any) -> bool:
    if isinstance(requested, Mapping) and isinstance(existing, Mapping):
        return requested.keys() == existing.keys() and all(
            _same(value, existing[name]) for name, value in requested.items()
        )
    if isinstance(requested, list) and isinstance(existing, list):
        return sorted(map(_text, requested)) == sorted(map(_text, existing))
    return (not requested and not existing) or _text(requested) == _text(existing)


def _text(value: Any) -> str:
    """Return the text that the server may write: booleans and numbers can come back as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
