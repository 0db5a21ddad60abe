"""API versions: which of the six a client's ``Accept-Version`` range accepts.

See docs/cloudapi/versions.md#ranges-that-are-accepted. The module `semver` reads the ranges.
"""

from __future__ import annotations

import re
from functools import lru_cache

from smartdc.emulator.http.semver import BadRange, Version, read_range

__all__ = ["VERSIONS", "Version", "before_networks", "best", "exceeds", "reaches", "satisfies", "since"]

#: The API versions of CloudAPI 9.20, oldest first; its package version (9.20.0) is not among them.
VERSIONS: tuple[Version, ...] = ((7, 0, 0), (7, 1, 0), (7, 2, 0), (7, 3, 0), (8, 0, 0), (9, 0, 0))

#: Ranges for which machines have no ``networks`` yet; the server, too, compares the text of the header.
_BEFORE_NETWORKS = re.compile(r"~?7\.0(\.[0-9]+)?")


def since(version: Version) -> tuple[Version, ...]:
    """Return the versions from `version` on, for routes that were added in `version`."""
    return tuple(known for known in VERSIONS if known >= version)


@lru_cache(maxsize=256)  # clients send the same few ranges in every request
def best(asked: str, offered: tuple[Version, ...]) -> Version | None:
    """Return the highest of `offered` in the range `asked`, or None (then the answer is InvalidVersion)."""
    return max((version for version in offered if satisfies(version, asked)), default=None)


@lru_cache(maxsize=256)
def satisfies(version: Version, asked: str) -> bool:
    """Whether `version` is in the range `asked`; an invalid range contains no version."""
    try:
        return read_range(asked).holds(version)
    except BadRange:
        return False


@lru_cache(maxsize=256)
def reaches(asked: str, version: Version) -> bool:
    """Whether the range `asked` includes `version` or is entirely above it.

    Raises:
        BadRange: The range is invalid; then the request had no route, and is already refused.
    """
    asked_range = read_range(asked)
    return asked_range.holds(version) or asked_range.is_above(version)


@lru_cache(maxsize=256)
def exceeds(version: Version, asked: str) -> bool:
    """Whether `version` is above the whole range `asked`.

    Raises:
        BadRange: The range is invalid; then the request had no route, and is already refused.
    """
    return read_range(asked).is_below(version)


def before_networks(asked: str) -> bool:
    """Whether machines are written as in API 7.0, without ``networks``."""
    return _BEFORE_NETWORKS.fullmatch(asked) is not None
