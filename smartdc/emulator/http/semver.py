"""Ranges of versions, as npm's semver reads them: ``~8``, ``>=7.2 <9``, ``7.0 - 7.2 || 9.x``.

The server uses two releases of semver, 4.3.6 (restify) and 5.4.1 (CloudAPI), which agree in what is here. The
versions to compare are always complete; a range may have pre-releases and builds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from smartdc.emulator.javascript.numbers import WHITE_SPACE, trimmed

Version = tuple[int, int, int]

_SIGNS = ("", "<", ">", "<=", ">=", "=")
_LARGEST = 2**53 - 1
_S = f"[{WHITE_SPACE}]"
_ID = r"(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][a-zA-Z0-9-]*)"
_PRE = rf"-(?P<pre>{_ID}(?:\.{_ID})*)"
_BUILD = r"\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_X = r"(?:0|[1-9][0-9]*|[xX*])"
_SIGN = r"(?:[<>]?=?)"
#: A version whose parts may be missing or ``x``.
_PARTS = rf"(?P<major>{_X})(?:\.(?P<minor>{_X})(?:\.(?P<patch>{_X})(?:{_PRE})?(?:{_BUILD})?)?)?"
_PARTIAL = rf"(?P<before>[v={WHITE_SPACE}]*){_PARTS}"
_ANONYMOUS = re.sub(r"\?P<\w+>", "?:", _PARTIAL)
#: A complete version that may have leading zeros; spaces between a sign and this are removed.
_LOOSE = rf"[v={WHITE_SPACE}]*[0-9]+\.[0-9]+\.[0-9]+"

_HYPHEN = re.compile(rf"{_S}*({_ANONYMOUS}){_S}+-{_S}+({_ANONYMOUS}){_S}*")
_AFTER_SIGN = re.compile(rf"({_S}*)({_SIGN}){_S}*({_LOOSE}|{_ANONYMOUS})")
_AFTER_TILDE = re.compile(rf"(~)>?{_S}+")
_AFTER_CARET = re.compile(rf"(\^){_S}+")
_WORD = re.compile(rf"(?P<sign>\^|~>?|{_SIGN}){_PARTIAL}")
_STAR = re.compile(rf"[<>]?=?{_S}*\*")


class _Bound(NamedTuple):
    """One comparison: `sign` is empty, ``<``, ``<=``, ``>`` or ``>=``."""

    sign: str
    key: _Key


#: The order of versions: the three numbers, whether it is not a pre-release, and the pre-release's parts.
_Key = tuple[Version, bool, list[tuple[bool, int, str]]]
_ANY = _Bound(">=", ((0, 0, 0), True, []))


class BadRange(ValueError):
    """The text is not a range."""


@dataclass(frozen=True)
class Range:
    """A range: sets of bounds. A version is in it if it is within all bounds of one set."""

    sets: list[list[_Bound]]

    def holds(self, version: Version) -> bool:
        """Whether the version is in the range."""
        key = _key(version)
        return any(all(_fits(key, bound) for bound in bounds) for bounds in self.sets)

    def is_above(self, version: Version) -> bool:
        """Whether the whole range is above the version (``ltr``)."""
        return not self.holds(version) and all(
            _is_outside(version, bounds, above=True) for bounds in self.sets
        )

    def is_below(self, version: Version) -> bool:
        """Whether the whole range is below the version (``gtr``)."""
        return not self.holds(version) and all(
            _is_outside(version, bounds, above=False) for bounds in self.sets
        )


@lru_cache(maxsize=256)  # clients send the same few ranges in every request
def read_range(text: str) -> Range:
    """Read a range.

    Raises:
        BadRange: The text is not a range.
    """
    return Range([_bounds(trimmed(part)) for part in text.split("||")])


def _fits(key: _Key, bound: _Bound) -> bool:
    return {
        "": key == bound.key,
        "<": key < bound.key,
        "<=": key <= bound.key,
        ">": key > bound.key,
        ">=": key >= bound.key,
    }[bound.sign]


def _is_outside(version: Version, bounds: list[_Bound], *, above: bool) -> bool:
    """Whether all bounds are above the version, or below it, as semver's ``outside`` decides."""
    key = _key(version)
    lowest, highest = min(bounds, key=lambda bound: bound.key), max(bounds, key=lambda bound: bound.key)
    near, far = (lowest, highest) if above else (highest, lowest)
    sign = "<" if above else ">"
    if near.sign in (sign, f"{sign}="):
        return False
    is_beyond = key > far.key if above else key < far.key
    if far.sign in ("", sign):
        return not (is_beyond or key == far.key)
    return not (far.sign == f"{sign}=" and is_beyond)


def _bounds(text: str) -> list[_Bound]:
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen is not None:
        text = f"{_from(hyphen[1])} {_to(hyphen[2])}"
    for pattern in (_AFTER_SIGN, _AFTER_TILDE, _AFTER_CARET):
        text = pattern.sub(lambda match: "".join(match.groups()), text)
    words = re.split(f"{_S}+", trimmed(text))
    bounds = [list(_bounds_of(word)) for word in words]
    for place in (0, -1):  # a word in the middle that stands for every version adds no bound
        bounds[place] = bounds[place] or [_ANY]
    return [bound for found in bounds for bound in found]


def _bounds_of(word: str) -> Iterator[_Bound]:
    """Yield the bounds of one word; none if it stands for every version."""
    match = _WORD.fullmatch(word)
    if match is None or (match["sign"] in _SIGNS and _is_whole(match)):
        rest = _STAR.sub("", word, count=1)
        if rest:
            yield _exact(rest)
        return
    sign, parts = match["sign"], _numbers(match)
    if not parts:
        if sign in ("<", ">"):  # no version is below or above every version
            yield _Bound("<", _ANY.key)
        return
    low, next_one = _padded(parts), _padded([*parts[:-1], parts[-1] + 1])
    if sign == ">=":
        yield _Bound(">=", _key(low))
    elif sign == ">":
        yield _Bound(">=", _key(next_one))
    elif sign == "<":
        yield _Bound("<", _key(low))
    elif sign == "<=":
        yield _Bound("<", _key(next_one))
    else:
        yield _Bound(">=", _key(low, match["pre"] if len(parts) == 3 else None))
        yield _Bound("<", _key(_end(sign, parts)))


def _end(sign: str, parts: list[int]) -> Version:
    """Return the end of the range of a tilde, a caret or a partial version."""
    kept = len(parts)
    if sign.startswith("~"):
        kept = min(kept, 2)
    elif sign == "^":
        kept = next((place for place, part in enumerate(parts, 1) if part), kept)
    return _padded([*parts[: kept - 1], parts[kept - 1] + 1])


def _exact(word: str) -> _Bound:
    """Return the bound of a complete version with or without a sign."""
    match = _WORD.fullmatch(word)
    if (
        match is None
        or match["sign"] not in _SIGNS
        or not _is_whole(match)
        or match["before"] not in ("", "v")
    ):
        raise BadRange(f"Invalid comparator: {word}")
    key = _key(_padded(_numbers(match)), match["pre"])
    return _Bound("" if match["sign"] == "=" else match["sign"], key)


def _numbers(match: re.Match[str]) -> list[int]:
    """Return the parts before the first ``x``."""
    found = []
    for name in ("major", "minor", "patch"):
        if match[name] in (None, "x", "X", "*"):
            break
        if len(match[name]) > len(str(_LARGEST)):
            raise BadRange("Invalid version")
        found.append(int(match[name]))
    return found


def _is_whole(match: re.Match[str]) -> bool:
    return len(_numbers(match)) == 3


def _key(version: Version, pre: str | None = None) -> _Key:
    if max(version) > _LARGEST:
        raise BadRange("Invalid version")
    parts = pre.split(".") if pre else []
    return version, not parts, [_pre_key(part) for part in parts]


def _pre_key(part: str) -> tuple[bool, int, str]:
    """Return the sort key of a part of a pre-release; numbers come before words."""
    is_number = part.isdigit() and len(part) < len(str(_LARGEST))
    return (False, int(part), "") if is_number else (True, 0, part)


def _padded(numbers: list[int]) -> Version:
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return major, minor, patch


def _from(text: str) -> str:
    match = re.fullmatch(_PARTIAL, text)
    parts = _numbers(match) if match else []
    if len(parts) == 3:
        return f">={text}"
    return f">={_version_text(_padded(parts))}" if parts else ""


def _to(text: str) -> str:
    match = re.fullmatch(_PARTIAL, text)
    parts = _numbers(match) if match else []
    if match is not None and len(parts) == 3:
        return f"<={_version_text(_padded(parts))}-{match['pre']}" if match["pre"] else f"<={text}"
    return f"<{_version_text(_padded([*parts[:-1], parts[-1] + 1]))}" if parts else ""


def _version_text(version: Version) -> str:
    return ".".join(map(str, version))
