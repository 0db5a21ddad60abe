"""Clocks that differ: how an answer shows it, and by how much.

Pure functions; `smartdc._http.exchange` acts on them.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import requests

from smartdc.errors import APIError

__all__ = ["ALLOWED_SECONDS", "is_skew", "server_ahead", "server_time", "time_of"]


ALLOWED_SECONDS = 300.0
"""The difference that the server accepts (docs/cloudapi/signing.md#clock-skew-limit)."""


def is_skew(error: APIError, off: float | None) -> bool:
    """Whether the server refused a request because of its Date, and so did not carry it out.

    See docs/cloudapi/signing.md#clock-skew-limit.

    Args:
        error: The refusal.
        off: Seconds between the Date of the request and that of the answer; None if unknown.
    """
    if error.status != 400:
        return False
    if not error.response.content:  # of a HEAD
        return off is not None and abs(off) > ALLOWED_SECONDS
    return error.code == "RequestExpired" or (error.code == "InvalidHeader" and "clock skew" in error.message)


def server_time(response: requests.Response) -> float | None:
    """What the server's clock shows, told by the answer's Date: seconds since 1970; None if unknown."""
    return time_of(response.headers.get("Date", ""))


def time_of(text: str) -> float | None:
    """Read a date of a header: seconds since 1970; None if it is none."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def server_ahead(response: requests.Response, now: float) -> float | None:
    """Seconds by which the server's clock is ahead of `now`; None if unknown."""
    said = server_time(response)
    return None if said is None else said - now
