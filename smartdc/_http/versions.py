"""The version of CloudAPI that introduced each operation, for the errors of older servers.

Operations that are not listed here exist since API 7.0.
"""

from __future__ import annotations

from collections.abc import Sequence

from smartdc.errors import APIError, VersionError

__all__ = ["with_required_version"]

DESCRIPTION_ONLY = "this operation is in the description of CloudAPI only: no server up to 9.20.0 has it"

_SINCE: tuple[tuple[str, str, str | None], ...] = (
    ("POST", "accesskeys/*", None),
    ("*", "accesskeys", "9.11"),
    ("*", "changefeed", "9.14.0"),
    ("*", "config", "7.3"),
    ("*", "fabrics", "7.3"),
    ("*", "limits", "9.8"),
    ("*", "machines/*/disks", "9.4.1"),
    ("*", "machines/*/migrate", "9.6.0"),
    ("*", "machines/*/nics", "7.2"),
    ("*", "machines/*/vnc", "8.4.0"),
    ("*", "migrations", "9.6.0"),
    ("*", "networks/*/ips", "8.4"),
    ("*", "policies", "7.2"),
    ("*", "roles", "7.2"),
    ("POST", "users/*/accesskeys/*", None),
    ("*", "users/*/accesskeys", "9.11"),
    ("*", "users", "7.2"),
)
"""Verb, or a star for any; path below the account, a star for any one part. The first that matches
counts, and so it does for all paths below. None: docs/cloudapi/access.md#access-keys-cannot-be-updated."""


def with_required_version(error: APIError, path: str) -> APIError:
    """Turn a missing operation into a VersionError that says what it needs; return other errors unchanged.

    Args:
        error: What the server answered.
        path: Path below the account.
    """
    segments = path.split("/")[1:]
    rule = next((rule for rule in _SINCE if _fits(rule, error.method, segments)), None)
    if rule is None or not _is_missing(error):
        return error
    needs = rule[2]
    better = VersionError(error.response, needs, DESCRIPTION_ONLY if needs is None else None)
    better.attempts = error.attempts
    return better


def _fits(rule: tuple[str, str, str | None], method: str, segments: Sequence[str]) -> bool:
    verb, path, _ = rule
    parts = path.split("/")
    return (
        verb in ("*", method)
        and len(segments) >= len(parts)
        and all(part in ("*", segment) for part, segment in zip(parts, segments, strict=False))
    )


def _is_missing(error: APIError) -> bool:
    """Whether the server has no route for the request, or none in the API version that was asked for."""
    if isinstance(error, VersionError) or error.status == 405:
        return True
    # A 404 without Request-Id is about the path itself, not about something that it names
    # (docs/cloudapi/requests.md#early-errors-lack-headers); the answer to a HEAD has no body that would say
    # so.
    return (
        error.status == 404
        and error.request_id is None
        and (error.method == "HEAD" or error.message.endswith(" does not exist"))
    )
