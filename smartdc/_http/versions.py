"""Which version of CloudAPI brought what: so that the errors of an older server can say so.

What is not here, every server has had since API 7.0.
"""

from __future__ import annotations

from collections.abc import Sequence

from smartdc.errors import APIError, VersionError

__all__ = ["explained"]

# Paths below the account, a star for any one part; the first that fits counts, and so for all below it.
_SINCE: tuple[tuple[str, str], ...] = (
    ("accesskeys", "9.11"),
    ("changefeed", "9.14.0"),
    ("config", "7.3"),
    ("fabrics", "7.3"),
    ("limits", "9.8"),
    ("machines/*/disks", "9.4.1"),
    ("machines/*/migrate", "9.6.0"),
    ("machines/*/nics", "7.2"),
    ("machines/*/vnc", "8.4.0"),
    ("migrations", "9.6.0"),
    ("networks/*/ips", "8.4"),
    ("policies", "7.2"),
    ("roles", "7.2"),
    ("users/*/accesskeys", "9.11"),
    ("users", "7.2"),
)


def explained(error: APIError, segments: Sequence[str]) -> APIError:
    """The error of a server that does not have the operation, in words that say so; any other as it is."""
    needs = _since(segments)
    if needs is None or not _has_not(error):
        return error
    return VersionError(error.response, needs)


def _since(segments: Sequence[str]) -> str | None:
    for path, version in _SINCE:
        parts = path.split("/")
        if len(segments) >= len(parts) and all(
            part in ("*", segment) for part, segment in zip(parts, segments, strict=False)
        ):
            return version
    return None


def _has_not(error: APIError) -> bool:
    """Whether the server has no route for the request, or none in the API version that was asked for."""
    if isinstance(error, VersionError) or error.status == 405:
        return True
    # A 404 without Request-Id is about the path itself, not about a thing that it names
    # (docs/cloudapi/requests.md#early-errors-lack-headers); to HEAD there is no body that would say so.
    return (
        error.status == 404
        and error.request_id is None
        and (error.method == "HEAD" or error.message.endswith(" does not exist"))
    )
