"""Whether something that the server shows is what was asked for, field by field."""

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


def differing_fields(asked: Mapping[str, Any], shown: Mapping[str, Any]) -> list[str]:
    """The fields in which one does not show what was asked for; absent means unset."""
    return [name for name, value in asked.items() if not _same(value, shown.get(name))]


def differing_shown_fields(asked: Mapping[str, Any], shown: Mapping[str, Any]) -> list[str]:
    """The same, of fields that an answer may leave out or empty, though they are set."""
    unset: tuple[Any, ...] = (None, "", [], {})
    return differing_fields(
        {name: value for name, value in asked.items() if shown.get(name) not in unset}, shown
    )


def fields_not_shown(asked: Mapping[str, Any], shown: Mapping[str, Any]) -> list[str]:
    """The entries that are not shown as asked for; None asks for an entry to be gone."""
    return [
        name
        for name, value in asked.items()
        if (value is None) != (shown.get(name) is None) or _text(value) != _text(shown.get(name))
    ]


def stuck_state(image: Mapping[str, Any]) -> list[str]:
    """The state, of an image that is neither being made nor published: nothing tells when it was begun."""
    return [] if image.get("published_at") or image.get("state") == "creating" else ["state"]


def unfinished_state(image: Mapping[str, Any]) -> list[str]:
    """The state, of an image whose import was broken off, or still goes on."""
    return [] if image.get("state") == "active" else ["state"]


def _same(asked: Any, shown: Any) -> bool:
    if isinstance(asked, Mapping) and isinstance(shown, Mapping):
        return asked.keys() == shown.keys() and all(
            _same(value, shown[name]) for name, value in asked.items()
        )
    if isinstance(asked, list) and isinstance(shown, list):
        return sorted(map(_text, asked)) == sorted(map(_text, shown))
    return (not asked and not shown) or _text(asked) == _text(shown)


def _text(value: Any) -> str:
    """As the server may write it: booleans and numbers can come back as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
