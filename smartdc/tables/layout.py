"""Lays out columns of text side by side, within the width of the terminal."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Sequence

__all__ = ["cut", "lines", "terminal_width", "width_of"]

_GAP = 2
"""Spaces between two columns."""
_NARROWEST = 8
"""The width of a short id. Wider columns may be cut down to it; columns that then do not fit are left out."""


def terminal_width() -> int | None:
    """Return the width in COLUMNS, or that of the terminal; None if the output is not a terminal."""
    columns = os.environ.get("COLUMNS", "")
    if re.fullmatch(r"[0-9]{1,5}", columns) and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (AttributeError, OSError, ValueError):
        return None


def width_of(text: str) -> int:
    """Return the columns that a text takes: two for an emoji or a CJK character, none for an accent."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def cut(text: str, width: int) -> str:
    """Return the text, cut to the width with an ellipsis (``~`` where the output cannot encode it)."""
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
    """Return the lines of a table.

    Args:
        header: The names of the columns.
        rows: The texts of each row, one for each column.
        right: Which columns are aligned on the right.
        width: The longest that a line may be; None for no limit.
    """
    table = [header, *rows]
    widths = [max(width_of(row[index]) for row in table) for index in range(len(header))]
    if width is not None:
        widths = _fitted(widths, width)
    output = [
        (" " * _GAP)
        .join(_padded(text, room, on_right) for text, room, on_right in zip(row, widths, right, strict=False))
        .rstrip()
        for row in table
    ]
    left_out = header[len(widths) :]
    if left_out:
        output.append(cut(f"(no room for {', '.join(left_out)})", width or 0))
    return output


def _fitted(widths: list[int], width: int) -> list[int]:
    """Return the widths of the columns: the widest are cut first, and then the last are left out."""
    count = len(widths)
    while count > 1 and _total(widths[:count], _NARROWEST) > width:
        count -= 1
    most = min(width, max(widths))
    while _total(widths[:count], most) > width:
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
