"""Secrets on their way through the calls: what keeps them out of messages, and out of tracebacks.

A traceback may be shown with the local variables of its frames. So a function that is given a secret puts it
into a `Concealed` first, and deletes its own variable.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Generic, TypeVar

__all__ = ["Concealed", "is_key_text", "may_be_secret", "shown"]

T = TypeVar("T")

_KEY_TEXT = re.compile(r"-----(BEGIN|END)|\n")
# Beginnings of a key in base64: OpenSSH's own form, a whole PEM file, and DER.
_BASE64 = re.compile(r"\s*(b3BlbnNzaC1rZXkt|LS0tLS1CRUdJTi|M(I[GHIJ]|HcC|C4C)[A-Za-z0-9+/_-]{40})")
_HEX = re.compile(r"(?:[0-9A-Fa-f][: ]?){64}")
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{32,}")
_LONGEST = 1024
_WINDOW = 32
_CHANGES = 14  # of random base64 there are 19 in a window; of names, even in CamelCase, about 8


class Concealed(Generic[T]):
    """Holds a value that is not to be shown: its repr says nothing of it."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "<concealed>"


def is_key_text(text: str) -> bool:
    """Whether it is a key's text, or a part of it, beyond doubt: no path looks like this."""
    return _KEY_TEXT.search(text) is not None or _BASE64.match(text) is not None


def may_be_secret(text: str) -> bool:
    """Whether text that was given as a path or a name may be a key, in whatever encoding."""
    if len(text) > _LONGEST or is_key_text(text) or _HEX.search(text):
        return True
    return any(_is_random(run) for run in _RUN.findall(text))


def shown(text: str) -> str:
    """A path or a name for an error, unless it may be a key; control characters do not reach a terminal."""
    if may_be_secret(text):
        return f"(text of {len(text)} characters, not shown, because it may be a key)"
    return "".join(char if char.isprintable() else "?" for char in text)


def _is_random(run: str) -> bool:
    """Whether a part of it changes between upper case, lower case and digits as no name does."""
    kinds = ["A" if char.isupper() else "a" if char.islower() else "0" for char in run if char.isalnum()]
    changes = [first != second for first, second in pairwise(kinds)]
    return any(
        sum(changes[start : start + _WINDOW - 1]) >= _CHANGES
        and len(set(kinds[start : start + _WINDOW])) == 3  # a UUID has no upper case
        for start in range(len(kinds) - _WINDOW + 1)
    )
