"""Texts as JavaScript counts them: in halves of UTF-16, of which some characters have two."""

from __future__ import annotations

import re

_TWO_HALVES = re.compile("[\U00010000-\U0010ffff]")


def halves(text: str) -> str:
    """The text with such characters as two."""
    return _TWO_HALVES.sub(lambda match: _pair(ord(match[0]) - 0x10000), text)


def whole(text: str) -> str:
    """The text with each pair of halves as one character; a half alone stays."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def length(text: str) -> int:
    """What ``text.length`` is."""
    return len(text) + len(_TWO_HALVES.findall(text))


def _pair(code: int) -> str:
    return chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))
