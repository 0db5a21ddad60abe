"""Numbers and white space as JavaScript reads and writes them.

See ECMA-262, StringToNumber and Number::toString.
"""

from __future__ import annotations

import math
import re
from typing import Any

#: What ``\s`` matches and ``trim()`` removes.
WHITE_SPACE = "\t\n\v\f\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"

_AROUND = re.compile(rf"\A[{WHITE_SPACE}]+|[{WHITE_SPACE}]+\Z")
_DECIMAL = re.compile(r"[+-]?(?:Infinity|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
_WITH_BASE = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_LEADING_INTEGER = re.compile(r"[+-]?[0-9]+")
_DIGITS_AND_EXPONENT = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:e([+-][0-9]+))?")
_MOST_BITS = 1023
_MOST_DIGITS = 21
_FEWEST = -7


def trimmed(text: str) -> str:
    """Return the text without the white space around it."""
    return _AROUND.sub("", text)


def to_number(value: Any) -> float:
    """Return ``Number(value)`` of a text, a boolean or a number; NaN for all other values."""
    if isinstance(value, bool | int | float):
        return float(value)
    if not isinstance(value, str):
        return math.nan
    text = trimmed(value)
    if not text:
        return 0.0
    if _WITH_BASE.fullmatch(text):
        digits = int(text, 0)
        return float(digits) if digits.bit_length() <= _MOST_BITS else math.inf
    return float(text) if _DECIMAL.fullmatch(text) else math.nan


def to_integer(text: str) -> float:
    """Return ``parseInt(text, 10)``: 12 for ``12abc``, NaN for text that does not begin with a number."""
    match = _LEADING_INTEGER.match(trimmed(text))
    return float(match[0]) if match else math.nan


def leading_number(text: str) -> float:
    """Return ``parseFloat(text)``: 0.5 for ``0.5x``, NaN for text that does not begin with a number."""
    match = _DECIMAL.match(trimmed(text))
    return float(match[0]) if match else math.nan


def number_text(value: float) -> str:
    """Return ``String(value)``: ``10``, ``0.5``, ``1e+21``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    match = _DIGITS_AND_EXPONENT.fullmatch(repr(float(value)))
    if match is None or value == 0:
        return "0"
    whole, fraction = match[2], match[3] or ""
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(match[4] or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= _MOST_DIGITS:
        text = digits.ljust(point, "0")
    elif 0 < point <= _MOST_DIGITS:
        text = f"{digits[:point]}.{digits[point:]}"
    elif _FEWEST < point - 1 < 0 or point == 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
        text = f"{mantissa}e{point - 1:+d}"
    return match[1] + text
