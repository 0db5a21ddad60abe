"""API versions: which of the six a client's ``Accept-Version`` range asks for.

See docs/cloudapi/versions.md#ranges-that-are-accepted. The ranges themselves are in `semver`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from smartdc.emulator.http.semver import BadRange, Version, read_range

__all__ = ["VERSIONS", "Version", "before_networks", "best", "exceeds", "reaches", "satisfies", "since"]

#: What CloudAPI 9.20 answers to, oldest first; its package version (9.20.0) is not among them.
VERSIONS: tuple[Version, ...] = ((7, 0, 0), (7, 1, 0), (7, 2, 0), (7, 3, 0), (8, 0, 0), (9, 0, 0))

#: The server's own test for "no networks in a machine yet" looks at the text of the header.
_BEFORE_NETWORKS = re.compile(r"~?7\.0(\.[0-9]+)?")


def since(version: Version) -> tuple[Version, ...]:
    """The versions from `version` on, for routes that came later."""
    return tuple(known for known in VERSIONS if known >= version)


@lru_cache(maxsize=256)  # clients ask for the same few in every request
def best(asked: str, offered: tuple[Version, ...]) -> Version | None:
    """The highest of `offered` within the range `asked`, or None (then the answer is InvalidVersion)."""
    return max((version for version in offered if satisfies(version, asked)), default=None)


@lru_cache(maxsize=256)
def satisfies(version: Version, asked: str) -> bool:
    """Whether `version` lies in the range `asked`; a range that is nonsense contains nothing."""
    try:
        return read_range(asked).holds(version)
    except BadRange:
        return False


@lru_cache(maxsize=256)
def reaches(asked: str, version: Version) -> bool:
    """Whether the range `asked` includes `version` or lies wholly above it.

    Raises:
        BadRange: It is none; no route has fitted it then.
    """
    asked_range = read_range(asked)
    return asked_range.holds(version) or asked_range.is_above(version)


@lru_cache(maxsize=256)
def exceeds(version: Version, asked: str) -> bool:
    """Whether `version` lies above the whole range `asked`.

    Raises:
        BadRange: It is none; no route has fitted it then.
    """
    return read_range(asked).is_below(version)


def before_networks(asked: str) -> bool:
    """Whether machines are written the way of 7.0, without ``networks``."""
    return _BEFORE_NETWORKS.fullmatch(asked) is not None
