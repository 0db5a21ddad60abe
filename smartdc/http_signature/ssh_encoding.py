"""Strings and numbers as ssh encodes them (RFC 4251, section 5)."""

from __future__ import annotations

import struct

__all__ = ["read_number", "read_string", "written_number", "written_string"]


def read_string(data: bytes, position: int) -> tuple[bytes, int]:
    """The length-prefixed string at `position`, and where it ends; empty where there is none."""
    if len(data) < position + 4:
        return b"", len(data)
    (length,) = struct.unpack_from(">I", data, position)
    start = position + 4
    return data[start : start + length], start + length


def read_number(data: bytes, position: int) -> tuple[int, int]:
    """The number (mpint) at `position`, and where it ends; 0 where there is none."""
    digits, end = read_string(data, position)
    return int.from_bytes(digits, "big", signed=True), end


def written_string(value: bytes) -> bytes:
    """A string with its length in front."""
    return struct.pack(">I", len(value)) + value


def written_number(number: int) -> bytes:
    """A positive number (mpint)."""
    return written_string(number.to_bytes(number.bit_length() // 8 + 1, "big"))
