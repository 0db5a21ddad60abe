"""Strings and numbers as ssh encodes them (RFC 4251, section 5)."""

from __future__ import annotations

import struct

__all__ = ["read_number", "read_string", "written_number", "written_string"]


def read_string(data: bytes, position: int) -> tuple[bytes, int]:
    """Return the length-prefixed string at `position` and its end; empty if there is no string."""
    if len(data) < position + 4:
        return b"", len(data)
    (length,) = struct.unpack_from(">I", data, position)
    start = position + 4
    return data[start : start + length], start + length


def read_number(data: bytes, position: int) -> tuple[int, int]:
    """Return the number (mpint) at `position` and its end; 0 if there is no number."""
    digits, end = read_string(data, position)
    return int.from_bytes(digits, "big", signed=True), end


def written_string(value: bytes) -> bytes:
    """Encode a string: its length, then its bytes."""
    return struct.pack(">I", len(value)) + value


def written_number(number: int) -> bytes:
    """Encode a positive number (mpint)."""
    return written_string(number.to_bytes(number.bit_length() // 8 + 1, "big"))
