"""Creating something once: what to do when no answer tells whether it was created.

A lost answer must neither lose what was created, nor create it twice. So it is looked for; what is found is
taken for the answer, and it is created again only if it is not there and the server would refuse a second one
of that name. docs/retries.md has the table of what can be found by what.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from smartdc._http.answers import list_of
from smartdc._http.connection import Connection
from smartdc._http.retry import is_untouched
from smartdc._http.skew import server_ahead
from smartdc._times import parse_time
from smartdc.errors import APIError, ConflictError, OutcomeUnknown, SmartDCError, TransportError

__all__ = ["Sought", "create_once", "created_since"]

log = logging.getLogger("smartdc")

CLOCK_SLACK_SECONDS = 5.0
"""Seconds by which two clocks of a data center may differ."""
SETTLING_SECONDS = 1.0
"""Seconds before the first look: the server's own lists lag behind it (its lib/machines.js waits 0.2 s)."""


@dataclass(frozen=True)
class Sought:
    """How to find what a request may have created.

    Attributes:
        what: The field's word for it, for the error.
        wanted: What it is found by, for the error.
        find: Lists what may be it, as the server does.
        sure: Whether one that is found is certainly it.
        unique: Whether the server refuses a second one, so that asking again cannot make two.
    """

    what: str
    wanted: Mapping[str, Any]
    find: Callable[[], list[Any]]
    sure: bool = True
    unique: bool = True


def create_once(connection: Connection, create: Callable[[], Any], sought: Sought) -> Any:
    """Create something, whatever becomes of the answers.

    Args:
        connection: Whose policy and clock count.
        create: Makes the request.
        sought: What it creates.

    Returns:
        What `create` returned, or what was found in its place.

    Raises:
        OutcomeUnknown: It may have been created or not; the text says what is known.
        APIError: It was not created.
    """
    started = connection.clock.monotonic()
    lost: list[APIError | TransportError] = []
    while True:
        try:
            created = create()
        except (APIError, TransportError) as error:
            if not _is_doubtful(error) and not (lost and isinstance(error, ConflictError)):
                raise
            lost.append(error)
            found = _look(connection, sought, error)
            if len(found) == 1 and sought.sure:
                log.info("%s; the %s was created all the same", error, sought.what)
                return found[0]
            _check_absence(sought, error, found)
            elapsed = connection.clock.monotonic() - started
            pause = connection.retry.pause(error, attempt=len(lost), elapsed=elapsed, repeatable=True)
            if pause is None:
                raise _unknown(error, sought, f"none is found after {len(lost)} attempts") from error
            connection.clock.sleep(pause)
        else:
            if lost:
                _refuse_twins(sought, lost[-1])
            return created


def created_since(since: float, body: Any, response: requests.Response, field: str = "created") -> list[Any]:
    """Those of the entries of an answer that were created since then.

    Args:
        since: Seconds since 1970 on this machine's clock.
        body: A list of objects, each with that time.
        response: The answer, which tells how far the server's clock is from this one.
        field: Where an entry has the time.
    """
    entries = list_of(body, response)
    begun = since + (server_ahead(response, time.time()) or 0.0) - CLOCK_SLACK_SECONDS
    times = [parse_time(entry.get(field)) for entry in entries]
    return [
        entry
        for entry, created in zip(entries, times, strict=True)
        if created is not None and created.timestamp() >= begun
    ]


def _look(connection: Connection, sought: Sought, error: APIError | TransportError) -> list[Any]:
    if connection.retry.attempts == 1:
        if _is_over(error):
            raise error
        raise _unknown(error, sought, "it was not looked for, as retry is 'none'") from error
    connection.clock.sleep(SETTLING_SECONDS)
    try:
        return sought.find()
    except SmartDCError as trouble:
        raise _unknown(error, sought, f"it could not be looked for: {trouble}") from error


def _check_absence(sought: Sought, error: APIError | TransportError, found: list[Any]) -> None:
    """Whether it is so certainly not there that it can be asked for again; if not, raise."""
    if found:
        raise _unknown(error, sought, "what it may be is in candidates", found) from error
    if _is_over(error):
        raise error
    if not sought.unique:
        raise _unknown(error, sought, "none is found, but it may still come") from error


def _refuse_twins(sought: Sought, error: APIError | TransportError) -> None:
    """A request that took long may have slipped in beside the one that was answered: then there are two."""
    try:
        found = sought.find()
    except SmartDCError:
        return  # it was created: that it cannot be looked at is no news
    if len(found) > 1:
        raise _unknown(error, sought, f"there are {len(found)}, which are its candidates", found) from error


def _is_doubtful(error: APIError | TransportError) -> bool:
    """Whether it may have been carried out."""
    if isinstance(error, APIError):
        # Having created a machine, the server reads it again, and may fail at that (its lib/machines.js).
        open_end = error.status >= 500 and error.status != 501
        return (open_end or error.message == "VM not found") and not is_untouched(error)
    return not is_untouched(error)


def _is_over(error: APIError | TransportError) -> bool:
    """Whether the server itself has ended with it, so that what is not there will not come."""
    return isinstance(error, APIError) and error.status not in (502, 503, 504)


def _unknown(
    error: APIError | TransportError, sought: Sought, known: str, found: list[Any] | None = None
) -> OutcomeUnknown:
    wanted = ", ".join(f"{name} {value!r}" for name, value in sought.wanted.items())
    which = f"{sought.what} with {wanted}" if wanted else sought.what
    unknown = OutcomeUnknown(
        f"it is not known whether the {which} was created: {known} ({error})",
        what=sought.what,
        wanted=sought.wanted,
        candidates=found or (),
        method=error.method,
        path=error.path,
    )
    unknown.attempts = error.attempts
    return unknown
