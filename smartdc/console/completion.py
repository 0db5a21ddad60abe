"""Completes names at a prompt with Tab, without requests."""

from __future__ import annotations

import builtins
import inspect
import rlcompleter
from collections.abc import Mapping
from typing import Any

from smartdc.machine import Machine, Snapshot

__all__ = ["Completer", "SeenNames", "quoted_part"]

_NAME_FIELDS = ("name", "login")


class SeenNames:
    """The names of machines, images, packages, ... that were shown, to be completed within quotes."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def note(self, value: object) -> None:
        """Remember the names in a value that was shown."""
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, Machine):
                entry = entry._data or {}
            if isinstance(entry, Snapshot):
                self._names.add(entry.name)
            elif isinstance(entry, Mapping):
                names = (entry.get(key) for key in _NAME_FIELDS)
                self._names |= {name for name in names if isinstance(name, str) and name.isprintable()}

    def starting_with(self, text: str) -> list[str]:
        """Return the names that start with this text."""
        return sorted(name for name in self._names if name.startswith(text))


class Completer(rlcompleter.Completer):
    """Completes names of Python, and, within quotes, names that were shown."""

    def __init__(self, readline: Any, names: dict[str, Any], seen: SeenNames) -> None:
        super().__init__(names)
        self._readline = readline
        self._names = names
        self._seen = seen
        self._quoted: list[str] | None = None

    def complete(self, text: str, state: int) -> str | None:
        """Return completion number `state`; readline calls this until it returns None."""
        if state == 0:
            line = self._readline.get_line_buffer()[: self._readline.get_endidx()]
            quoted = quoted_part(line)
            # Of a name with hyphens, readline passes and replaces only the last part.
            skipped = len(quoted or "") - len(text)
            found = [] if quoted is None else self._seen.starting_with(quoted)
            self._quoted = None if quoted is None else [name[skipped:] for name in found]
        if self._quoted is not None:
            return self._quoted[state] if state < len(self._quoted) else None
        return super().complete(text, state)

    def attr_matches(self, text: str) -> list[str]:
        """Return the attributes that match; evaluate no property, as it may make a request."""
        owner = text.rpartition(".")[0]
        return super().attr_matches(text) if self._has_no_property(owner.split(".")) else []

    def _has_no_property(self, path: list[str]) -> bool:
        value = self._names.get(path[0], vars(builtins).get(path[0]))
        for attribute in path[1:]:
            if isinstance(inspect.getattr_static(type(value), attribute, None), property):
                return False
            value = getattr(value, attribute, None)
        return True


def quoted_part(line: str) -> str | None:
    """Return the text after the quote that is still open at the end of a line; None if none is open."""
    quote, start, escape = "", 0, False
    for index, char in enumerate(line):
        if escape:
            escape = False
        elif quote and char == "\\":
            escape = True
        elif not quote and char in "'\"":
            quote, start = char, index + 1
        elif char == quote:
            quote = ""
    return line[start:] if quote else None
