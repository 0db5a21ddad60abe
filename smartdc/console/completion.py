"""What Tab completes at a prompt, without a request."""

from __future__ import annotations

import builtins
import inspect
import rlcompleter
from collections.abc import Mapping
from typing import Any

from smartdc.machine import Machine, Snapshot

__all__ = ["Completer", "SeenNames", "quoted_part"]

_NAMING = ("name", "login")


class SeenNames:
    """The names of machines, images, packages, ... that were shown, to be completed within quotes."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def note(self, value: object) -> None:
        """Remember the names in what is shown."""
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, Machine):
                entry = entry._data or {}
            if isinstance(entry, Snapshot):
                self._names.add(entry.name)
            elif isinstance(entry, Mapping):
                names = (entry.get(key) for key in _NAMING)
                self._names |= {name for name in names if isinstance(name, str) and name.isprintable()}

    def beginning(self, text: str) -> list[str]:
        """Those that begin so."""
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
        """The completion of this number; readline calls it until there is none."""
        if state == 0:
            line = self._readline.get_line_buffer()[: self._readline.get_endidx()]
            quoted = quoted_part(line)
            # readline has only the last part of a name with hyphens, and replaces no more than that.
            skipped = len(quoted or "") - len(text)
            found = [] if quoted is None else self._seen.beginning(quoted)
            self._quoted = None if quoted is None else [name[skipped:] for name in found]
        if self._quoted is not None:
            return self._quoted[state] if state < len(self._quoted) else None
        return super().complete(text, state)

    def attr_matches(self, text: str) -> list[str]:
        """The attributes that begin so; none of what only a property could tell, as it may make a request."""
        owner = text.rpartition(".")[0]
        return super().attr_matches(text) if self._is_at_hand(owner.split(".")) else []

    def _is_at_hand(self, path: list[str]) -> bool:
        value = self._names.get(path[0], vars(builtins).get(path[0]))
        for attribute in path[1:]:
            if isinstance(inspect.getattr_static(type(value), attribute, None), property):
                return False
            value = getattr(value, attribute, None)
        return True


def quoted_part(line: str) -> str | None:
    """What stands behind the quote that is still open at the end of a line; None where none is."""
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
