"""Which texts are taken for keys, and how values are shown in errors."""

from __future__ import annotations

import re
from itertools import cycle, islice
from typing import Any

import pytest

from smartdc._secrets import Concealed, is_key, is_key_text, may_be_secret, shown, written

HIDDEN = "(text of {} characters, not shown, because it may be a key)"


def blocks(*lengths: int) -> str:
    """A run whose characters change their kind after each of these lengths."""
    return "".join(
        char * length for char, length in zip(islice(cycle("aB7"), len(lengths)), lengths, strict=True)
    )


@pytest.mark.parametrize(
    "text",
    [
        "b3BlbnNzaC1rZXkt",  # base64 of "openssh-key-"
        " LS0tLS1CRUdJTi",  # base64 of "-----BEGIN"
        "6f70656e7373682d6b65792d",
        "6F70656E7373682D6B65792D",
        "2d2d2d2d2d424547494e",
        *(start + 40 * "x" for start in ("MIG", "MIH", "MII", "MIJ", "MHcC", "MC4C")),
        *(start + "0201" + 40 * "a" for start in ("3082ffff", "3081ff", "30ff", "30FF")),
        "a -----BEGIN b",
        "a -----END b",
    ],
)
def test_what_is_certainly_a_key(text: str) -> None:
    assert is_key(text)
    assert is_key_text(text)
    assert may_be_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "web", "b3BlbnNzaC1rZXk", "LS0tLS1CRUdJT", "MIG" + 36 * "x", "MIA" + 37 * "x", "MHcC", "---BEGIN",
        "MIG-tool", "30", "3082-a", "a 6f70656e7373682d6b65792d",
    ],
)  # fmt: skip
def test_what_is_no_key(text: str) -> None:
    assert not is_key(text)
    assert not is_key_text(text)
    assert not may_be_secret(text)
    assert shown(text) == text


def test_text_of_several_lines_is_no_path() -> None:
    assert not is_key("a\nb")
    assert is_key_text("a\nb")


def test_a_short_text_of_several_lines_is_shown() -> None:
    for short in ("a\nb", "web\n", 14 * "a" + "\n"):
        assert not may_be_secret(short)
        assert written(short) == repr(short)
        assert shown(short) == short.replace("\n", "?")
    assert may_be_secret(15 * "a" + "\n")  # a part of a key
    assert may_be_secret("-----BEGIN\n")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (256 * "x y ", False),
        (256 * "x y " + "c", True),  # too long for a path
        (31 * "ab:" + "cd", True),
        (31 * "ab:", False),  # a fingerprint of 31 bytes is none
        (40 * "a", False),
        (41 * "a", True),
        (40 * "a" + "/" + 40 * "b", False),
        ("!#$% " + 25 * "a", True),
        ("!#$% " + 24 * "a", False),  # short
        ("!#$ " + 26 * "a", False),
        ("!#/$% " + 26 * "a", False),
        (blocks(*[2] * 13, 3, 3), True),  # 14 changes among 32 characters
        (blocks(*[2] * 13, 5, 1), True),  # the last one as well
        (blocks(*[2] * 12, 4, 4), False),
        ("word " + blocks(*[2] * 13, 3, 3), True),
        (blocks(*[2] * 13, 3, 2), False),  # 31 characters
        # 15 changes, of which any 32 characters in a row have 13
        (blocks(1, 1, *[2] * 11, 8, 1, 1), False),
        (16 * "a7", False),  # lower case and digits alone: UUIDs
        ("MyCompany-Production-Key-2024-West", False),
    ],
)
def test_what_may_be_a_key(text: str, secret: bool) -> None:
    assert may_be_secret(text) is secret
    assert (shown(text) == HIDDEN.format(len(text))) is secret


def test_a_long_name_is_cut() -> None:
    assert shown(50 * "x y ") == 50 * "x y "
    assert shown(50 * "x y " + "c") == 50 * "x y " + "..."
    assert shown("a\x1b[31m\x00b") == "a?[31m?b"


class Text(str):
    """A kind of text."""

    __slots__ = ()


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError


class Odd:
    def __repr__(self) -> str:
        return "odd\x1b[31m"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("web", "'web'"),
        ("a\x1b", "'a\\x1b'"),
        (41 * "a", HIDDEN.format(41)),
        (b"web", "b'web'"),
        (b"\xff", "b'\\xff'"),
        (41 * b"a", "41 bytes"),
        (bytearray(b"web"), "bytearray(b'web')"),
        (bytearray(41 * b"a"), "<bytearray>"),
        (Text("web"), "'web'"),
        (Text(41 * "a"), "<Text>"),
        (5, "5"),
        (10**60, str(10**60)),
        (10**5000, "<int>"),
        (None, "None"),
        (Broken(), "<Broken>"),
        (Odd(), "odd?[31m"),
        ({"a": [1, 41 * "b"]}, "{'a': [1, " + HIDDEN.format(41) + "]}"),
    ],
    ids=lambda value: re.sub(r"\W+", " ", repr(value) if not isinstance(value, Broken | int) else "value")[
        :20
    ],
)
def test_any_value_is_written_on_a_line(value: Any, text: str) -> None:
    assert written(value, 200) == text
    assert written(value).startswith(text[:80])


def test_a_long_value_is_cut() -> None:
    assert written(26 * "a b") == repr(26 * "a b")  # of 80 characters
    assert written(26 * "a b" + "c") == "'" + 26 * "a b" + "c..."
    assert written("a b c d", 5) == "'a b ..."


def test_what_is_concealed_is_not_shown() -> None:
    assert repr(Concealed("secret")) == "<concealed>"
    assert Concealed("secret").value == "secret"
