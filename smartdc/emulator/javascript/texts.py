"""Strings as JavaScript counts them: in units of UTF-16, of which some characters have two (surrogates)."""

from __future__ import annotations

import re

_TWO_HALVES = re.compile("[\U00010000-\U0010ffff]")


def halves(text: str) -> str:
    """Return the text with each character of two units as a pair of surrogates."""
    return _TWO_HALVES.sub(lambda match: _pair(ord(match[0]) - 0x10000), text)


def whole(text: str) -> str:
    """Return the text with each pair of surrogates as one character; lone surrogates do not change."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def length(text: str) -> int:
    """Return ``text.length``."""
    return len(text) + len(_TWO_HALVES.findall(text))


def _pair(code: int) -> str:
    return chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))
