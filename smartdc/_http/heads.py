"""The head of an answer: its status line and its fields, read at a tenth of what the library's parser costs.

`http.client` reads a head as if it were an e-mail. Here the usual lines are taken apart at once; a head with
any other line in it goes to that parser.
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
_FIELD = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x20-\x7e\t]*)\r?\n")


class _Fields(HTTPMessage):
    """Fields of which nothing needs to be decoded."""

    def get(self, name: str, failobj: Any = None) -> Any:
        name = name.lower()
        for field, value in self.raw_items():
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
    while not read or read[-1] not in (b"\r\n", b"\n", b""):
        if len(read) > _MOST_LINES:
            raise HTTPException(f"got more than {_MOST_LINES} headers")
        read.append(lines.readline(_LONGEST_LINE + 1))
        if len(read[-1]) > _LONGEST_LINE:
            raise LineTooLong("header line")
    fields = _Fields()
    for line in read[:-1]:
        field = _FIELD.fullmatch(line)
        if field is None:
            return parse_headers(BytesIO(b"".join(read)))
        fields.set_raw(field[1].decode(), field[2].decode())
    return fields
