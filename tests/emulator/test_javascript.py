"""Conversions of the servers' JavaScript; the expected values are the output of Node 20 (in UTC)."""

from __future__ import annotations

import math
from typing import Any

import pytest

from smartdc.emulator.javascript.dates import parse_date
from smartdc.emulator.javascript.inspect import inspect
from smartdc.emulator.javascript.numbers import leading_number, number_text, to_integer, to_number
from smartdc.emulator.javascript.patterns import BadPattern, Pattern
from smartdc.emulator.javascript.texts import halves, length, whole

NAN = math.nan


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-25", 1795564800),
        ("2026-11-25T12:00", 1795608000),
        ("2026-11-25 12:00 PST", 1795636800),
        ("Nov 25 2026", 1795564800),
        ("25 November 99 7:30 pm", 943558200),
        ("Wed Nov 25 2026 12:00:00 GMT+0130 (x)", 1795602600),
        ("2026/2/31", 1772496000),
        ("2026-02-31", 1772496000),
        ("1", 978307200),
        ("-000001-01-01", -62198755200),
        ("T", NAN),
        ("2026-13-01", NAN),
        ("2026-11-25T24:00:01Z", NAN),
        ("9" * 5000, NAN),
    ],
)
def test_dates(text: str, seconds: float) -> None:
    assert parse_date(text) == pytest.approx(seconds, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        ("  12 ", 12),
        ("\xa07", 7),
        ("0x1F", 31),
        ("0b11", 3),
        ("1e3", 1000),
        (".5", 0.5),
        ("5.", 5),
        ("Infinity", math.inf),
        ("0x" + "f" * 400, math.inf),
        ("1_0", NAN),
        ("12px", NAN),
        ("+-1", NAN),
        ("0x", NAN),
        ("٣", NAN),
    ],
)
def test_numbers(text: str, number: float) -> None:
    assert to_number(text) == pytest.approx(number, nan_ok=True)


def test_leading_numbers() -> None:
    assert (to_integer(" 12abc"), to_integer("1.9"), to_integer("-0")) == (12, 1, 0)
    assert (leading_number("0.5x"), leading_number(".5")) == (0.5, 0.5)
    assert math.isnan(to_integer("abc"))
    assert math.isnan(leading_number("x"))


@pytest.mark.parametrize(
    "text",
    ["1e+21", "1e-7", "0.000001", "123456789012345680000", "-1.5", "100", "1.25e-9", "0", "NaN", "-Infinity"],
)
def test_numbers_as_text(text: str) -> None:
    assert number_text(float(text)) == text


@pytest.mark.parametrize(
    ("body", "flags", "found", "missed"),
    [
        ("^web$", "", "web", "web\n"),
        ("^b", "m", "a\nb", "ab"),
        ("W", "i", "web", "x"),
        ("b", "y", "ba", "ab"),
        ("a.b", "s", "a\nb", "ab"),
        ("a{,2}", "", "a{,2}", "aa"),
        (r"\d\w\s", "", "1a\ufeff", "٣a "),
        ("[^]", "", "\n", ""),
        (r"(a)|b\1", "", "b", "c"),
        (r"(?<n>a)\k<n>", "", "aa", "ab"),
        (r"\u0041\x42\/", "", "AB/", "ab/"),
    ],
)
def test_patterns(body: str, flags: str, found: str, missed: str) -> None:
    pattern = Pattern(body, flags)
    assert pattern.found_in(found)
    assert not pattern.found_in(missed)


@pytest.mark.parametrize(
    ("body", "flags", "reason"),
    [
        ("(", "", "Invalid regular expression: /(/: Unterminated group"),
        (")", "", "Unmatched ')'"),
        ("[", "", "Unterminated character class"),
        ("*", "", "Nothing to repeat"),
        ("a**", "", "Nothing to repeat"),
        ("a{2,1}", "", "numbers out of order in {} quantifier"),
        ("[b-a]", "", "Range out of order in character class"),
        ("\\", "", "\\ at end of pattern"),
        ("(?P<a>b)", "", "Invalid group"),
        ("(?i)a", "", "Invalid group"),
        ("a", "q", "Invalid flags supplied to RegExp constructor 'q'"),
        ("a", "gg", "Invalid flags supplied to RegExp constructor 'gg'"),
    ],
)
def test_invalid_patterns(body: str, flags: str, reason: str) -> None:
    with pytest.raises(BadPattern) as caught:
        Pattern(body, flags)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ({"eq": ["name", None]}, "{ eq: [ 'name', null ] }"),
        ({"a b": "it's", "": []}, """{ 'a b': "it's", '': [] }"""),
        ({"and": [{"eq": ["a", "b"]}]}, "{\n  and: [ { eq: [ 'a', 'b' ] } ]\n}"),
        ("a\nb\x01\\", r"'a\nb\x01\\'"),
        ([1.0, True, {}], "[ 1, true, {} ]"),
    ],
)
def test_printed_values(value: Any, printed: str) -> None:
    assert inspect(value) == printed


def test_characters_outside_the_basic_plane() -> None:
    assert [hex(ord(half)) for half in halves("a\U0001f600")] == ["0x61", "0xd83d", "0xde00"]
    assert whole(halves("a\U0001f600\ud83d")) == "a\U0001f600\ud83d"
    assert length("a\U0001f600") == 3
