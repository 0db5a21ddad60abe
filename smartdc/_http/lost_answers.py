"""Creating something exactly once, although the answer may be lost.

If no answer tells whether something was created, it is looked for, and what is found takes the place of the
answer. Lists may lag behind the server, so that it counts as absent only when it is not found for the
`settling` seconds of the policy; then it is created again if the server would refuse a second one.
docs/retries.md has the table of how each kind of thing is found.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from smartdc._http.connection import Connection
from smartdc._http.overall import ending_at, remaining
from smartdc._http.request_time import RequestTime
from smartdc._http.retry import is_from_cloudapi, was_not_carried_out
from smartdc._http.skew import server_ahead
from smartdc.arguments.ids import shown
from smartdc.errors import (
    APIError,
    NotFoundError,
    OutcomeUnknown,
    SmartDCError,
    ThrottledError,
    TransportError,
)

__all__ = ["Lookup", "create_once"]

log: logging.Logger = logging.getLogger("smartdc")

T = TypeVar("T")

FIRST_LOOK_SECONDS = 0.5
"""Seconds before the first look; each pause between two looks is twice the one before."""
LONGEST_PAUSE_SECONDS = 20.0
"""The longest of these pauses."""


class Lookup:
    """How to find what a request may have created.

    Args:
        what: The kind of thing, for the error.
        wanted: The values that it is found by, for the error.
        find: Lists the candidates, as the server returns them.
        differing_fields: Names the fields in which a candidate differs from the request.
        is_certain: Whether a candidate that does not differ was certainly created by the request.
        is_unique: Whether the server refuses a second one, so that asking again cannot make two.
        key: The field that tells two of them apart.
        request_time: When it was requested, for kinds of which the server tells the time of creation.
    """

    def __init__(
        self,
        what: str,
        wanted: Mapping[str, Any],
        find: Callable[[], list[Any]],
        differing_fields: Callable[[Any], list[str]] = lambda _: [],
        *,
        is_certain: bool = True,
        is_unique: bool = True,
        key: str = "id",
        request_time: RequestTime | None = None,
    ) -> None:
        self.what = what
        self.wanted = wanted
        self.find = find
        self.differing_fields = differing_fields
        self.is_certain = is_certain
        self.is_unique = is_unique
        self.key = key
        self.request_time = request_time

    def __str__(self) -> str:
        wanted = ", ".join(f"{name} {shown(value)}" for name, value in self.wanted.items())
        return f"{self.what} with {wanted}" if wanted else self.what


class _Look:
    """The result of one look.

    Args:
        after: Seconds after the failure at which it began.
        found: The candidates.
        differing: For each candidate, the fields in which it differs from the request.
        trouble: Why the look failed.

    Attributes:
        is_last: Whether there is no time for another.
    """

    def __init__(
        self,
        after: float,
        found: Sequence[Any] = (),
        differing: Sequence[list[str]] = (),
        trouble: SmartDCError | None = None,
    ) -> None:
        self.after = after
        self.found = found
        self.differing = differing
        self.trouble = trouble
        self.is_last = False

    @property
    def alike(self) -> list[Any]:
        """The candidates that do not differ."""
        return [each for each, differing in zip(self.found, self.differing, strict=True) if not differing]

    @property
    def doubts(self) -> str:
        """Why no candidate is taken, for the error."""
        fields = sorted({name for differing in self.differing for name in differing})
        if fields:
            return f"one is found that differs in {', '.join(fields)}; it is in candidates"
        return "the possible ones are in candidates"


def create_once(connection: Connection, create: Callable[[], T], lookup: Lookup) -> T:
    """Create something once, although answers may be lost.

    Args:
        connection: Its policy and clock are used.
        create: Makes the request.
        lookup: How to find what it creates.

    Returns:
        What `create` returned, or what was found in its place.

    Raises:
        OutcomeUnknown: It may have been created or not; the text says what is known.
        APIError: It was not created.
    """
    log.info("creating the %s", lookup)
    end = connection.clock.monotonic() + connection.retry.deadline
    try:
        with ending_at(end):
            return _created(connection, create, lookup, end)
    except SmartDCError:
        raise
    except BaseException as stop:  # Ctrl-C, or what a signal handler raises
        stop.add_note(f"the {lookup} may have been created: look for it")
        raise


def _created(connection: Connection, create: Callable[[], T], lookup: Lookup, end: float) -> T:
    failures = 0
    lost: list[APIError | TransportError] = []
    while True:
        try:
            created = create()
        except (APIError, TransportError) as error:
            failures += 1
            if _is_doubtful(error):
                lost.append(error)
            elif not lost:
                raise
            # A refusal after a lost answer is looked into as well: what was just created may be "in use".
            found: T | None = None if was_not_carried_out(error) else _look(connection, lookup, error, end)
            if found is None:
                _pause_before_next(connection, lookup, error, failures)
                continue
            log.info("%s; the %s was created all the same", error, lookup.what)
            if len(lost) > 1:
                _refuse_twins(connection, lookup, error, found, end)
            return found
        if lost:
            _refuse_twins(connection, lookup, lost[-1], created, end)
        return created


def _look(connection: Connection, lookup: Lookup, error: APIError | TransportError, end: float) -> Any:
    """Look until what was created is found, or is certainly absent.

    Returns:
        What was found; None when nothing was, for as long as the server's lists may lag behind it.

    Raises:
        OutcomeUnknown: It cannot be looked for, or not for long enough, or what was found differs from what
            was asked for.
    """
    policy = connection.retry
    if policy.attempts == 1:
        if _is_over(error):
            raise error
        raise _unknown(error, lookup, "it was not looked for, as retry is 'none'") from error
    for look in _looks(connection, lookup, end):
        if look.trouble is not None:
            if _is_certain(look.trouble) or look.is_last:
                raise _unknown(error, lookup, f"it could not be looked for: {look.trouble}") from error
            continue
        alike = look.alike if lookup.is_certain else []
        if len(alike) == 1:
            return alike[0]
        if alike:
            raise _unknown(error, lookup, _several(alike), alike) from error
        if look.after >= policy.settling or look.is_last:
            if look.found:
                raise _unknown(error, lookup, look.doubts, look.found) from error
            if look.after < policy.settling:
                known = f"none is found in the {policy.deadline:g} s that its RetryPolicy gives"
                raise _unknown(error, lookup, f"{known}, less than it may take to show") from error
            return None
    raise AssertionError("the last look has no other end")


def _looks(connection: Connection, lookup: Lookup, end: float) -> Iterator[_Look]:
    """Look repeatedly, with growing pauses: also when the settling time ends, and last at `end`."""
    clock, settling = connection.clock, connection.retry.settling
    failed = clock.monotonic()
    pause = FIRST_LOOK_SECONDS
    after = 0.0
    while True:
        left = settling - after
        clock.sleep(min(pause, left if left > 0 else pause, max(0.0, end - clock.monotonic())))
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        after = round(clock.monotonic() - failed, 3)  # a clock that adds up floats may fall a little short
        try:
            found = lookup.find()
            look = _Look(after, found, [lookup.differing_fields(each) for each in found])
        except NotFoundError:  # what it belongs to is not found yet
            look = _Look(after)
        except SmartDCError as trouble:
            look = _Look(after, trouble=trouble)
        look.is_last = clock.monotonic() >= end
        yield look


def _pause_before_next(
    connection: Connection, lookup: Lookup, error: APIError | TransportError, failures: int
) -> None:
    """Wait until something that is certainly absent can be requested again; raise if it cannot."""
    if _is_over(error) and not was_not_carried_out(error):
        slightly_older = [] if lookup.request_time is None else lookup.request_time.slightly_older
        older = [each for each in slightly_older if len(lookup.differing_fields(each)) == 1]
        if older:
            raise _unknown(error, lookup, "one is found that is a little older", older) from error
        raise error
    if not lookup.is_unique:
        raise _unknown(error, lookup, "none is found, but it may still come") from error
    response = error.response if isinstance(error, APIError) else None
    pause = remaining(connection.retry, connection.clock).pause(
        error,
        attempt=failures,
        elapsed=0.0,
        repeatable=True,
        ahead=(None if response is None else server_ahead(response, time.time())) or 0.0,
    )
    if pause is None:
        raise _unknown(error, lookup, f"none is found after {failures} attempts") from error
    connection.clock.sleep(pause)


def _refuse_twins(
    connection: Connection, lookup: Lookup, error: APIError | TransportError, created: Any, end: float
) -> None:
    """Raise OutcomeUnknown if a request and its repetition were both carried out: then there are two.

    The request whose answer was lost may have been carried out late, and show in lists later still.
    """
    for look in _looks(connection, lookup, end):
        twins = [each for each in look.alike if each.get(lookup.key) != created.get(lookup.key)]
        if twins:
            both = [created, *twins]
            raise _unknown(error, lookup, _several(both), both) from error
        if look.trouble is not None and _is_certain(look.trouble):
            return  # one was created for certain, and another look would fail as well
        if look.after >= connection.retry.settling or look.is_last:
            return


def _several(found: list[Any]) -> str:
    return f"there are {len(found)}, which are its candidates"


def _is_doubtful(error: APIError | TransportError) -> bool:
    """Whether the request may have been carried out."""
    if was_not_carried_out(error):
        return False
    if isinstance(error, APIError):
        # A 408 is a proxy's: the server may still have got the whole request. After it has created a machine,
        # the server reads it, and may fail at that (its lib/machines.js).
        open_end = (
            error.status == 408
            or isinstance(error, ThrottledError)
            or (error.status >= 500 and error.status != 501)
        )
        return open_end or error.message == "VM not found"
    return True


def _is_over(error: APIError | TransportError) -> bool:
    """Whether CloudAPI itself has ended the request, so that something absent will not appear later."""
    return (
        isinstance(error, APIError) and error.status not in (408, 502, 503, 504) and is_from_cloudapi(error)
    )


def _is_certain(trouble: SmartDCError) -> bool:
    """Whether another look would fail as well."""
    if isinstance(trouble, APIError):
        return trouble.status < 500 and trouble.status != 408 and not isinstance(trouble, ThrottledError)
    return not isinstance(trouble, TransportError) or trouble.lasting


def _unknown(
    error: APIError | TransportError, lookup: Lookup, known: str, found: Sequence[Any] = ()
) -> OutcomeUnknown:
    unknown = OutcomeUnknown(
        f"it is not known whether the {lookup} was created: {known} ({error})",
        what=lookup.what,
        wanted=lookup.wanted,
        candidates=found,
        method=error.method,
        path=error.path,
    )
    unknown.attempts = error.attempts
    return unknown
