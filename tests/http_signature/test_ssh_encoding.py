"""Strings and numbers in ssh's encoding. The examples are those of RFC 4251, section 5."""

from __future__ import annotations

import pytest

from smartdc.http_signature.ssh_encoding import read_number, read_string, written_number, written_string


@pytest.mark.parametrize(
    ("value", "encoded"), [(b"", "00000000"), (b"testing", "0000000774657374696e67"), (b"\xff", "00000001ff")]
)
def test_strings(value: bytes, encoded: str) -> None:
    data = bytes.fromhex(encoded)
    assert written_string(value) == data
    assert read_string(data, 0) == (value, len(data))
    assert read_string(b"\0\1" + data + b"more", 2) == (value, 2 + len(data))


@pytest.mark.parametrize(
    ("data", "position", "found"),
    [
        (b"", 0, (b"", 0)),
        (b"\0\0\0", 0, (b"", 3)),
        (b"\0\0\0\1", 1, (b"", 4)),
        (b"\0\0\0\1", 4, (b"", 4)),
        (b"\0\0\0\1", 9, (b"", 4)),
        # The length says more than there is: the end is beyond the data, so that a caller notices.
        (b"\0\0\0\5", 0, (b"", 9)),
        (b"\0\0\0\5ab", 0, (b"ab", 9)),
        (b"\0\0\0\x09ab", 0, (b"ab", 13)),
    ],
)
def test_strings_that_are_cut_off(data: bytes, position: int, found: tuple[bytes, int]) -> None:
    assert read_string(data, position) == found


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, "00000000"),
        (0x9A378F9B2E332A7, "0000000809a378f9b2e332a7"),
        (0x80, "000000020080"),
        (0x7F, "000000017f"),
        (-0xDF, "00000002ff21"),
        (-0x1234, "00000002edcc"),
        (-0xDEADBEEF, "00000005ff21524111"),
    ],
)
def test_numbers(number: int, encoded: str) -> None:
    data = bytes.fromhex(encoded)
    assert read_number(data, 0) == (number, len(data))
    assert read_number(b"\0" + data + b"more", 1) == (number, 1 + len(data))
    if number > 0:
        assert written_number(number) == data


@pytest.mark.parametrize("number", [1, 0x7F, 0xFF, 0x7FFF, 0x8000, 2**64 - 1, 2**2047 + 1])
def test_positive_numbers_have_the_shortest_form(number: int) -> None:
    data = written_number(number)
    assert read_number(data, 0) == (number, len(data))
    assert len(data) == 4 + (number.bit_length() + 8) // 8


def test_a_number_that_is_missing() -> None:
    assert read_number(b"\0\0", 0) == (0, 2)
    assert read_number(b"", 0) == (0, 0)
