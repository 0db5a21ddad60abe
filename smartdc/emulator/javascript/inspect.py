"""Prints a value as Node's ``util.inspect`` does: ``{ eq: [ 'name', 'web' ] }``.

It prints JSON values, in the format of Node 20, whose lines are longer than those of Node 6.
"""

from __future__ import annotations

import re
from typing import Any

from smartdc.emulator.javascript.numbers import number_text

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z_0-9]*")
_ESCAPED = re.compile(r"[\x00-\x1f'\\\x7f-\x9f]|[\ud800-\udfff]")
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "'": "\\'", "\\": "\\\\"}
_LONGEST_LINE = 80
#: An object or list with fewer levels inside is printed on one line.
_MOST_LEVELS = 3
_MOST_ITEMS = 100


def inspect(value: Any, depth: int = 10) -> str:
    """Print a value.

    Args:
        value: A JSON value.
        depth: How many levels are printed; deeper ones are ``[Object]`` or ``[Array]``.
    """
    return _Printer(depth).printed(value, 0)


def quoted(text: str) -> str:
    """Return a text in quotes: in single ones, unless the text contains them."""
    quote = "'"
    if "'" in text:
        others = ('"', *(["`"] if "${" not in text else []))
        quote = next((other for other in others if other not in text), quote)
    return quote + _ESCAPED.sub(lambda match: _escape(match[0], quote), text) + quote


def _escape(character: str, quote: str) -> str:
    if character == "'" and quote != "'":
        return character
    code = ord(character)
    return _ESCAPES.get(character) or (f"\\x{code:02X}" if code < 256 else f"\\u{code:04X}")


class _Printer:
    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._indentation = 0
        self._last_level = 0
        """The level of the list or object that was printed last."""

    def printed(self, value: Any, level: int) -> str:
        if isinstance(value, str):
            return quoted(value)
        if isinstance(value, bool) or value is None:
            return {True: "true", False: "false", None: "null"}[value]
        if isinstance(value, int | float):
            is_negative_zero = value == 0 and str(value).startswith("-")
            return "-0" if is_negative_zero else number_text(value)
        is_list = isinstance(value, list)
        if not value:
            return "[]" if is_list else "{}"
        if level > self._depth:
            return "[Array]" if is_list else "[Object]"
        self._last_level = level
        self._indentation += 2
        if is_list:
            parts = [self.printed(item, level + 1) for item in value[:_MOST_ITEMS]]
            left = len(value) - _MOST_ITEMS
            parts += [f"... {left} more item{'s' if left > 1 else ''}"] if left > 0 else []
        else:
            parts = [f"{_key(key)}: {self.printed(item, level + 1)}" for key, item in value.items()]
        self._indentation -= 2
        opening, closing = "[]" if is_list else "{}"
        return self._joined(parts, level, opening, closing)

    def _joined(self, parts: list[str], level: int, opening: str, closing: str) -> str:
        length = sum(map(len, parts)) + 2 * len(parts) + self._indentation + len(opening) + 10
        fits = length <= _LONGEST_LINE and not any("\n" in part for part in parts)
        if self._last_level - level < _MOST_LEVELS and fits:
            return f"{opening} {', '.join(parts)} {closing}"
        line = "\n" + " " * self._indentation
        return f"{opening}{line}  {f',{line}  '.join(parts)}{line}{closing}"


def _key(name: str) -> str:
    if name == "__proto__":
        return "['__proto__']"
    return name if _NAME.fullmatch(name) else quoted(name)
