"""Kinds of values that the OpenAPI description cannot tell apart: one value of each is validated.

It requires that text is a UUID, a time, or one of some words, and the same of each entry of a list. So
answers are of one kind if they differ only in UUIDs, in times, in other text, or in the number of entries of
a kind. `test_kinds` checks that the description requires nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from datetime import datetime
from typing import Any

__all__ = ["IGNORED_KEYWORDS", "Kinds", "keywords"]

IGNORED_KEYWORDS = frozenset(
    {
        "const",
        "contains",
        "maxItems",
        "maxLength",
        "minItems",
        "minLength",
        "not",
        "pattern",
        "prefixItems",
        "uniqueItems",
    }
)
"""Other requirements that a schema may have for text and lists, and that kinds ignore."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT.*", re.ASCII)


class Kinds:
    """The kinds of values that a description tells apart.

    Args:
        raw: The description.
    """

    def __init__(self, raw: Any) -> None:
        self._words = frozenset(
            word for name, words in keywords(raw) if name == "enum" for word in words if isinstance(word, str)
        )

    def of(self, value: Any) -> Hashable:
        """The kind of a value."""
        if isinstance(value, dict):
            return tuple((name, self.of(each)) for name, each in value.items())
        if isinstance(value, list):
            return frozenset(map(self.of, value))
        if not isinstance(value, str):
            return (type(value), value)
        return value if value in self._words else _of_text(value)

    def of_path(self, path: str) -> Hashable:
        """The kind of a path: all its parts count but for UUIDs."""
        return tuple("a UUID" if _UUID.fullmatch(part) else part for part in path.split("/"))

    def one_of_each(self, value: Any) -> Any:
        """A list with one entry of each kind; anything else unchanged."""
        return list({self.of(each): each for each in value}.values()) if isinstance(value, list) else value


def keywords(node: Any, *, names: bool = False) -> Iterator[tuple[str, Any]]:
    """All keywords of the schemas in a description, with their values; not the names of properties."""
    if isinstance(node, dict):
        for name, value in node.items():
            if not names:
                yield name, value
            yield from keywords(value, names=name in ("properties", "schemas") and not names)
    elif isinstance(node, list):
        for each in node:
            yield from keywords(each)


def _of_text(text: str) -> Hashable:
    # In a tuple, so that no word is equal to it.
    if _UUID.fullmatch(text):
        return ("a UUID",)
    if _TIME.fullmatch(text):
        try:
            return ("a time", datetime.fromisoformat(text).tzinfo is None)
        except ValueError:
            pass
    return ("text",)
