"""API versions: which of the six a client's ``Accept-Version`` range asks for.

See docs/cloudapi/versions.md#ranges-that-are-accepted.

The server reads the header as an npm semver range. Only the part of that language that makes sense for
whole versions is here: ``~ ^ = > >= < <=``, ``x`` and ``*``, spaces for and, ``||`` for or.
"""

from __future__ import annotations

import re
from functools import lru_cache

Version = tuple[int, int, int]

#: What CloudAPI 9.20 answers to, oldest first; its package version (9.20.0) is not among them.
VERSIONS: tuple[Version, ...] = ((7, 0, 0), (7, 1, 0), (7, 2, 0), (7, 3, 0), (8, 0, 0), (9, 0, 0))

_ENDLESS: Version = (10**9, 0, 0)
_COMPARATOR = re.compile(
    r"(?P<sign>~>?|\^|>=|<=|>|<|=)?v?(?P<major>\d+|[xX*])(?:\.(?P<minor>\d+|[xX*]))?(?:\.(?P<patch>\d+|[xX*]))?"
)
_SPACE_AFTER_SIGN = re.compile(r"([~^<>=]+)\s+")
#: The server's own test for "no networks in a machine yet" looks at the text of the header.
_BEFORE_NETWORKS = re.compile(r"~?7\.0(\.\d+)?")


def since(version: Version) -> tuple[Version, ...]:
    """The versions from `version` on, for routes that came later."""
    return tuple(known for known in VERSIONS if known >= version)


def best(asked: str, offered: tuple[Version, ...]) -> Version | None:
    """The highest of `offered` within the range `asked`, or None (then the answer is InvalidVersion)."""
    fitting = [version for version in offered if satisfies(version, asked)]
    return max(fitting, default=None)


def reaches(asked: str, version: Version) -> bool:
    """Whether the range `asked` includes `version` or lies wholly above it."""
    if satisfies(version, asked):
        return True
    below = any(satisfies(known, asked) for known in VERSIONS if known < version)
    return not below and any(satisfies(known, asked) for known in VERSIONS)


def before_networks(asked: str) -> bool:
    """Whether machines are written the way of 7.0, without ``networks``."""
    return _BEFORE_NETWORKS.fullmatch(asked) is not None


@lru_cache(maxsize=256)  # clients ask for the same few in every request
def satisfies(version: Version, asked: str) -> bool:
    """Whether `version` lies in the range `asked`; a range that is nonsense contains nothing."""
    return any(_in_all(version, part) for part in asked.split("||"))


def _in_all(version: Version, part: str) -> bool:
    words = _SPACE_AFTER_SIGN.sub(r"\1", part.strip()).split()
    bounds = [_bounds(word) for word in words]
    return all(bound is not None and bound[0] <= version < bound[1] for bound in bounds)


def _bounds(word: str) -> tuple[Version, Version] | None:
    """The half-open interval that one comparator stands for."""
    match = _COMPARATOR.fullmatch(word)
    if match is None:
        return None
    sign = match["sign"] or ""
    numbers = [int(match[part]) for part in ("major", "minor", "patch") if (match[part] or "x").isdigit()]
    if not numbers:
        return (0, 0, 0), _ENDLESS
    low = _pad(numbers)
    above = _pad([*numbers[:-1], numbers[-1] + 1])
    if sign == ">=":
        return low, _ENDLESS
    if sign == ">":
        return above, _ENDLESS
    if sign == "<":
        return (0, 0, 0), low
    if sign == "<=":
        return (0, 0, 0), above
    if sign.startswith("~") and len(numbers) > 1:
        return low, (numbers[0], numbers[1] + 1, 0)
    if sign == "^":
        return low, (numbers[0] + 1, 0, 0)
    return low, above


def _pad(numbers: list[int]) -> Version:
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return major, minor, patch
