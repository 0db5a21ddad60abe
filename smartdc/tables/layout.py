"""Columns of text beside each other, in the width that there is."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Sequence

__all__ = ["cut", "lines", "terminal_width", "width_of"]

_GAP = 2
_NARROWEST = 8
"""As wide as a short id: a column that is wider may be cut to this, and what then has no room is left out."""


def terminal_width() -> int | None:
    """What COLUMNS says, else the columns of the terminal; None if the output is not a terminal."""
    said = os.environ.get("COLUMNS", "")
    if re.fullmatch(r"[0-9]{1,5}", said) and int(said) > 0:
        return int(said)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (AttributeError, OSError, ValueError):
        return None


def width_of(text: str) -> int:
    """Columns that it takes in a terminal: an emoji or a CJK character two, a combining accent none."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def cut(text: str, width: int) -> str:
    """The text, or as much of it as fits with an ellipsis behind (``~`` where the output has none)."""
    if width_of(text) <= width:
        return text
    kept, used = [], 0
    for char in text:
        used += _char_width(char)
        if used > width - 1:
            break
        kept.append(char)
    encoding = getattr(sys.stdout, "encoding", None) or ""
    return "".join(kept) + ("…" if encoding.lower().startswith("utf") else "~")


def lines(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], width: int | None
) -> list[str]:
    """The lines of a table.

    Args:
        header: The names of the columns.
        rows: Their texts, one for each column.
        right: Which columns are aligned on the right.
        width: What a line may be wide; None for as wide as it gets.
    """
    table = [header, *rows]
    widths = [max(width_of(row[index]) for row in table) for index in range(len(header))]
    if width is not None:
        widths = _fitted(widths, width)
    shown = [
        (" " * _GAP)
        .join(_padded(text, room, on_right) for text, room, on_right in zip(row, widths, right, strict=False))
        .rstrip()
        for row in table
    ]
    left_out = header[len(widths) :]
    if left_out:
        shown.append(cut(f"(no room for {', '.join(left_out)})", width or 0))
    return shown


def _fitted(widths: list[int], width: int) -> list[int]:
    """How wide the columns become: the widest are cut first; if that is not enough, the last are left out."""
    count = len(widths)
    while count > 1 and _total(widths[:count], _NARROWEST) > width:
        count -= 1
    most = max(1, min(width, max(widths)))
    while most > 1 and _total(widths[:count], most) > width:
        most -= 1
    fitted = [min(wanted, most) for wanted in widths[:count]]
    for index, wanted in enumerate(widths[:count]):
        fitted[index] += min(wanted - fitted[index], max(0, width - _total(fitted, width)))
    return fitted


def _total(widths: list[int], most: int) -> int:
    return sum(min(wanted, most) for wanted in widths) + _GAP * (len(widths) - 1)


def _padded(text: str, width: int, on_right: bool) -> str:
    text = cut(text, width)
    space = " " * (width - width_of(text))
    return space + text if on_right else text + space


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
