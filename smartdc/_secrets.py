"""Keeps secrets out of messages and tracebacks.

A traceback may be shown with the local variables of its frames. So a function that receives a secret puts it
into a `Concealed` first, and deletes its own variable.
"""

from __future__ import annotations

import re
import reprlib
from itertools import pairwise
from typing import Generic, TypeVar

__all__ = ["Concealed", "is_key", "is_key_text", "may_be_secret", "shown", "written"]

T = TypeVar("T")

_BEGINNINGS = ("b3BlbnNzaC1rZXkt", "LS0tLS1CRUdJTi")
"""How a key in base64 begins: OpenSSH's format, and a whole PEM file."""
_BEGINNINGS_IN_HEX = ("6f70656e7373682d6b65792d", "2d2d2d2d2d424547494e")
_DER_BEGINNINGS = ("MI", "MHcC", "MC4C", "30")
_DER = r"M(?:I[GHIJ]|HcC|C4C)[A-Za-z0-9+/_-]{40}|(?i:30(?:82....|81..|..)0201[0-9a-f]{40})"
"""How a key in DER begins, in base64 and in hexadecimal."""
_LONGEST_BEGINNING = 64
_HEX = r"(?:[0-9A-Fa-f][: ]?){64}"
_RUN = r"[A-Za-z0-9+/_=-]{32,}"
_LONGEST = 1024
_LONGEST_PART = 40
"""The longest part of a path or a name without a separator. Encoded keys have longer ones."""
_UNDIVIDED = rf"[^/\\._ :,-]{{{_LONGEST_PART + 1},}}"
_PUNCTUATION = frozenset("!\"#$%&'()*+;<=>?@[]^`{|}~")
"""Characters that are rare in names, and a quarter of text in base85."""
_MOST_PUNCTUATION = 3
_SHORTEST_PART_OF_A_KEY = 16
"""Parts of a key that are shorter than this reveal nothing."""
_SHORTEST = 30
_SHOWN = 200
_WINDOW = 32
_CHANGES = 14  # random base64 has 19 in a window; names, even in CamelCase, have about 8


class Concealed(Generic[T]):
    """Holds a value that must not be shown: its repr does not contain the value."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value: T = value

    def __repr__(self) -> str:
        return "<concealed>"


def is_key(text: str) -> bool:
    """Whether text is certainly a key or the start of one, so that it is not even sent as an id."""
    start = text.lstrip()[:_LONGEST_BEGINNING]
    return (
        start.startswith(_BEGINNINGS)
        or start.lower().startswith(_BEGINNINGS_IN_HEX)
        or (start.startswith(_DER_BEGINNINGS) and re.match(_DER, start) is not None)
        or "-----BEGIN" in text
        or "-----END" in text
    )


def is_key_text(text: str) -> bool:
    """Whether text is certainly a key or a part of one: no path looks like this."""
    return "\n" in text or is_key(text)


def may_be_secret(text: str) -> bool:
    """Whether text that was passed as a path or a name may be a key, in any encoding."""
    if is_key(text) or len(text) > _LONGEST or ("\n" in text and len(text) >= _SHORTEST_PART_OF_A_KEY):
        return True
    if re.search(_HEX, text) or re.search(_UNDIVIDED, text):
        return True
    if len(text) >= _SHORTEST and any(map(_is_punctuated, re.split(r"[/\s]", text))):
        return True
    return any(_is_random(run) for run in re.findall(_RUN, text))


def shown(text: str) -> str:
    """Return a path or a name for an error: a placeholder if it may be a key, and no control characters."""
    if may_be_secret(text):
        return f"(text of {len(text)} characters, not shown, because it may be a key)"
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return "".join(char if char.isprintable() else "?" for char in cut)


class _Bounded(reprlib.Repr):
    """The repr of any value, bounded in length and depth, and without the keys in it."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxother = _LONGEST

    def repr_str(self, value: str, level: int) -> str:
        return shown(value) if may_be_secret(value) else repr(value)

    def repr_bytes(self, value: bytes, level: int) -> str:
        return f"{len(value)} bytes" if may_be_secret(value.decode("latin-1")) else repr(value)

    def repr_int(self, value: int, level: int) -> str:
        return self.repr_instance(value, level)

    def repr_instance(self, value: object, level: int) -> str:
        try:
            text = repr(value)
        except Exception:  # an int with thousands of digits, or an object whose constructor failed
            text = f"<{type(value).__name__}>"
        if isinstance(value, str | bytes | bytearray) and may_be_secret(text):
            return f"<{type(value).__name__}>"
        return text


_BOUNDED = _Bounded()


def written(value: object, most: int = 80) -> str:
    """Return the repr of any value for an error: one line, only its beginning, and no key."""
    text = _BOUNDED.repr(value)[: most + 20]
    text = "".join(char if char.isprintable() else "?" for char in text)
    return text if len(text) <= most else f"{text[:most]}..."


def _is_punctuated(part: str) -> bool:
    return sum(char in _PUNCTUATION for char in part) > _MOST_PUNCTUATION


def _is_random(run: str) -> bool:
    """Whether a part of a run changes between upper case, lower case and digits more than names do."""
    kinds = ["A" if char.isupper() else "a" if char.islower() else "0" for char in run if char.isalnum()]
    changes = [first != second for first, second in pairwise(kinds)]
    return any(
        sum(changes[start : start + _WINDOW - 1]) >= _CHANGES
        and len(set(kinds[start : start + _WINDOW])) == 3  # a UUID has no upper case
        for start in range(len(kinds) - _WINDOW + 1)
    )
