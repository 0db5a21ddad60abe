"""Parses dates as V8 does: as ISO 8601 or, if that fails, by its older, lenient rules.

The lenient rules accept most texts with a day and a month: ``Nov 25 2026``, ``2026/11/25 12:00``. Without a
time zone in the text it is UTC, as on the servers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES = {
    "utc": 0,
    "ut": 0,
    "z": 0,
    "gmt": 0,
    "est": -5,
    "edt": -4,
    "cst": -6,
    "cdt": -5,
    "mst": -7,
    "mdt": -6,
    "pst": -8,
    "pdt": -7,
}
_NOON = {"am": 0, "pm": 12}
_SPACES = frozenset("\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff") | set(
    map(chr, range(0x2000, 0x200B))
)
_SYMBOLS = ":-+."
_MOST_SIGNIFICANT = 9
_LATEST = 8.64e15
_EPOCH = date(1970, 1, 1)


def parse_date(text: str) -> float:
    """Return ``Date.parse(text)`` as seconds since 1970; NaN if the text is not a date."""
    return _Reader(text).read()


class _Token(NamedTuple):
    kind: str
    text: str

    @property
    def number(self) -> int:
        """The number; digits after the ninth significant one are ignored."""
        return int(self.text.lstrip("0")[:_MOST_SIGNIFICANT] or 0)


_END = _Token("end", "")


class _NoDate(Exception):
    """The text is not a date."""


def _require(condition: bool) -> None:
    if not condition:
        raise _NoDate


@dataclass
class _Parts:
    """The parts of the date that have been read so far."""

    days: list[int] = field(default_factory=list)
    month: int | None = None
    iso: bool = False
    times: list[int] = field(default_factory=list)
    noon: int | None = None
    sign: int | None = None
    zone_hour: int | None = None
    zone_minute: int | None = None

    def add_day(self, number: int) -> None:
        _require(len(self.days) < 3)
        self.days.append(number)

    def add_time(self, number: int) -> None:
        _require(len(self.times) < 4)
        self.times.append(number)

    def end_time(self, number: int) -> None:
        self.times = [*self.times, number, 0, 0, 0][:4]

    def expects_time(self, number: int) -> bool:
        return len(self.times) in (1, 2, 3) and number < (60, 60, 1000)[len(self.times) - 1]

    def expects_zone_minute(self, number: int) -> bool:
        return self.zone_hour is not None and self.zone_minute is None and number < 60

    def set_zone(self, hours: int) -> None:
        self.sign, self.zone_hour, self.zone_minute = (-1 if hours < 0 else 1), abs(hours), 0

    def seconds(self) -> float:
        moment = self._day_seconds() + self._time_seconds() - self._zone_seconds()
        _require(abs(moment) * 1000 <= _LATEST)
        return moment

    def _day_seconds(self) -> float:
        _require(bool(self.days))
        first, second, third = (*self.days, 1, 1, 1)[:3]
        if self.month is not None:
            month = self.month
            year, day = (second, first) if 1 <= first <= 31 else (first, second)
        elif self.iso or not 1 <= first <= 31:
            year, month, day = first, second, third
        else:
            month, day, year = first, second, third
        if not self.iso and 0 <= year <= 99:
            year += 2000 if year <= 49 else 1900
        _require(1 <= month <= 12 and 1 <= day <= 31 and year < 2**30)
        # The calendar repeats itself every 400 years, of 146097 days.
        cycles, year_within = divmod(year, 400)
        start = date(year_within + 2000, month, 1) + timedelta(days=day - 1)
        return ((start - _EPOCH).days + (cycles - 5) * 146097) * 86400.0

    def _time_seconds(self) -> float:
        hour, minute, second, milliseconds = (*self.times, 0, 0, 0, 0)[:4]
        if self.noon is not None:
            _require(hour <= 12)
            hour = hour % 12 + self.noon
        in_day = hour < 24 and minute < 60 and second < 60 and milliseconds < 1000
        _require(in_day or (hour, minute, second, milliseconds) == (24, 0, 0, 0))
        return hour * 3600 + minute * 60 + second + milliseconds / 1000

    def _zone_seconds(self) -> float:
        if self.sign is None:
            return 0
        return self.sign * ((self.zone_hour or 0) * 3600 + (self.zone_minute or 0) * 60)


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._place = 0
        self._parts = _Parts()

    def read(self) -> float:
        try:
            token = self._iso()
            self._parts.iso = token == _END
            self._rest(token)
            return self._parts.seconds()
        except _NoDate:
            return math.nan

    def _peek(self) -> _Token:
        return self._tokens[self._place] if self._place < len(self._tokens) else _END

    def _take(self) -> _Token:
        token = self._peek()
        self._place += 1
        return token

    def _skip(self, symbol: str) -> bool:
        found = self._peek().kind == symbol
        self._place += found
        return found

    def _fixed(self, digits: int, low: int, high: int) -> bool:
        """Whether the next token is a number with this count of digits, from `low` to `high`."""
        token = self._peek()
        return token.kind == "number" and len(token.text) == digits and low <= token.number <= high

    def _take_fixed(self, digits: int, low: int, high: int) -> int:
        _require(self._fixed(digits, low, high))
        return self._take().number

    def _iso(self) -> _Token:
        """Read ``2026-11-25T12:00:00Z``, or a beginning of it; return the first token after that."""
        parts = self._parts
        if self._peek().kind in ("+", "-"):
            sign = self._take()
            if not self._fixed(6, 0, 999999):
                return sign
            year = self._take().number
            if sign.kind == "-" and year == 0:
                return sign
            parts.add_day(-year if sign.kind == "-" else year)
        elif self._fixed(4, 0, 9999):
            parts.add_day(self._take().number)
        else:
            return self._take()
        for high in (12, 31):
            if not self._skip("-"):
                break
            if not self._fixed(2, 1, high):
                return self._take()
            parts.add_day(self._take().number)
        if self._peek().kind == "word" and self._peek().text.lower() == "t":
            self._take()
            self._iso_time()
        elif self._peek() == _END:
            parts.set_zone(0)
        return self._take()

    def _iso_time(self) -> None:
        parts = self._parts
        hour = self._take_fixed(2, 0, 24)
        parts.add_time(hour)
        _require(self._skip(":"))
        parts.add_time(self._take_fixed(2, 0, 0 if hour == 24 else 59))
        if self._skip(":"):
            parts.add_time(self._take_fixed(2, 0, 0 if hour == 24 else 59))
            if self._skip("."):
                token = self._peek()
                _require(token.kind == "number" and not (hour == 24 and token.number > 0))
                parts.add_time(_milliseconds(self._take()))
        if self._peek().kind == "word" and self._peek().text.lower() == "z":
            self._take()
            parts.set_zone(0)
        elif self._peek().kind in ("+", "-"):
            parts.sign = 1 if self._take().kind == "+" else -1
            if self._peek().kind == "number" and len(self._peek().text) == 4:
                parts.zone_hour, parts.zone_minute = divmod(self._take().number, 100)
                _require(parts.zone_hour < 24 and parts.zone_minute < 60)
            else:
                parts.zone_hour = self._take_fixed(2, 0, 23)
                _require(self._skip(":"))
                parts.zone_minute = self._take_fixed(2, 0, 59)
        _require(self._peek() == _END)

    def _rest(self, token: _Token) -> None:
        parts = self._parts
        has_number = bool(parts.days)
        while token != _END:
            if token.kind == "number":
                has_number = True
                self._number(token.number)
            elif token.kind == "word":
                self._word(token.text.lower(), has_number)
            elif token.kind in ("+", "-") and ((parts.zone_hour, parts.zone_minute) == (0, 0) or parts.times):
                has_number = True
                self._zone(1 if token.kind == "+" else -1)
            elif token.kind in ("+", "-", ")"):
                _require(not has_number)
            token = self._take()

    def _number(self, number: int) -> None:
        parts = self._parts
        if self._skip(":"):
            if self._skip(":"):
                _require(not parts.times)
                parts.times = [number, 0]
            else:
                parts.add_time(number)
                self._skip(".")
        elif self._skip(".") and parts.expects_time(number):
            parts.add_time(number)
            _require(self._peek().kind == "number")
            parts.end_time(_milliseconds(self._take()))
        elif parts.expects_zone_minute(number):
            parts.zone_minute = number
        elif parts.expects_time(number):
            parts.end_time(number)
            following = self._peek()
            is_zulu = following.kind == "word" and following.text.lower() == "z"
            _require(following.kind in ("end", "space", "+", "-") or is_zulu)
        else:
            parts.add_day(number)
            self._skip("-")

    def _word(self, word: str, has_number: bool) -> None:
        parts = self._parts
        if word in _NOON and parts.times:
            parts.noon = _NOON[word]
        elif word[:3] in _MONTHS:
            parts.month = _MONTHS.index(word[:3]) + 1
            self._skip("-")
        elif word in _ZONES and has_number:
            parts.set_zone(_ZONES[word])
        else:
            _require(not has_number and self._peek().kind != "number")

    def _zone(self, sign: int) -> None:
        parts = self._parts
        parts.sign = sign
        token = self._take() if self._peek().kind == "number" else _Token("number", "")
        if self._peek().kind == ":":
            parts.zone_hour, parts.zone_minute = token.number, None
        elif len(token.text) in (1, 2):
            parts.zone_hour, parts.zone_minute = token.number, 0
        else:
            _require(len(token.text) in (3, 4))
            parts.zone_hour, parts.zone_minute = divmod(token.number, 100)


def _tokens(text: str) -> list[_Token]:
    found = []
    place = 0
    while place < len(text):
        start, character = place, text[place]
        place += 1
        if character in "0123456789":
            kind = "number"
            while place < len(text) and text[place] in "0123456789":
                place += 1
        elif character in _SYMBOLS or character == ")":
            kind = character
        elif character >= "A" and character not in _SPACES:
            kind = "word"
            while place < len(text) and text[place] >= "A" and text[place] not in _SPACES:
                place += 1
        elif character == "(":
            kind = "comment"
            depth = 1
            while place < len(text) and depth:
                depth += {"(": 1, ")": -1}.get(text[place], 0)
                place += 1
        else:
            kind = "space" if character in _SPACES else "other"
        found.append(_Token(kind, text[start:place]))
    return found


def _milliseconds(token: _Token) -> int:
    """Return the milliseconds of the digits after a point: the first three count."""
    return int(token.text[:3].ljust(3, "0"))
