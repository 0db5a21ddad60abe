"""Creating something once: what to do when no answer tells whether it was created.

A lost answer must neither lose what was created, nor create it twice. So it is looked for; what is found is
taken for the answer. Lists may lag behind the server, so that it counts as absent only when it is not found
for as long as the policy calls `settling`; then it is created again if the server would refuse a second one.
docs/retries.md has the table of what can be found by what.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from smartdc._http.begun import Begun
from smartdc._http.connection import Connection
from smartdc._http.overall import ending_at, remaining
from smartdc._http.retry import is_own, is_untouched
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

__all__ = ["Sought", "create_once"]

log = logging.getLogger("smartdc")

FIRST_LOOK_SECONDS = 0.5
"""Seconds before the first look; each pause between two looks is twice the one before."""
LONGEST_PAUSE_SECONDS = 20.0
"""Characters of a value in a message: any name, but not every key."""


class Sought(NamedTuple):
    """How to find what a request may have created.

    Attributes:
        what: The field's word for it, for the error.
        wanted: What it is found by, for the error.
        find: Lists what may be it, as the server does.
        differs: Names the fields in which one that was found is not what was asked for.
        sure: Whether one that is found, and does not differ, is certainly it.
        unique: Whether the server refuses a second one, so that asking again cannot make two.
        key: The field that tells two of them apart.
        begun: When it was asked for, where the server tells when it made something of the name.
    """

    what: str
    wanted: Mapping[str, Any]
    find: Callable[[], list[Any]]
    differs: Callable[[Any], list[str]] = lambda _: []
    sure: bool = True
    unique: bool = True
    key: str = "id"
    begun: Begun | None = None

    def __str__(self) -> str:
        wanted = ", ".join(f"{name} {shown(value)}" for name, value in self.wanted.items())
        return f"{self.what} with {wanted}" if wanted else self.what


class _Look(NamedTuple):
    """What one look brought.

    Attributes:
        after: Seconds after the failure at which it began.
        found: What may be it.
        differing: For each of these, the fields in which it is not what was asked for.
        trouble: Why it failed.
        is_last: Whether there is no time for another.
    """

    after: float
    found: Sequence[Any] = ()
    differing: Sequence[list[str]] = ()
    trouble: SmartDCError | None = None
    is_last: bool = False

    @property
    def alike(self) -> list[Any]:
        """Those that do not differ."""
        return [each for each, differing in zip(self.found, self.differing, strict=True) if not differing]

    @property
    def doubts(self) -> str:
        """Why none of them is taken, in words."""
        fields = sorted({name for differing in self.differing for name in differing})
        if fields:
            return f"one is found that differs in {', '.join(fields)}; it is in candidates"
        return "what it may be is in candidates"


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
    log.info("creating the %s", sought)
    end = connection.clock.monotonic() + connection.retry.deadline
    try:
        with ending_at(end):
            return _created(connection, create, sought, end)
    except SmartDCError:
        raise
    except BaseException as stop:  # Ctrl-C, or what a signal handler raises
        stop.add_note(f"the {sought} may have been created: look for it")
        raise


def _created(connection: Connection, create: Callable[[], Any], sought: Sought, end: float) -> Any:
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
            # Also what is refused after that is looked for: "in use" may be said of its own name.
            found = None if is_untouched(error) else _look(connection, sought, error, end)
            if found is None:
                _pause_before_next(connection, sought, error, failures)
                continue
            log.info("%s; the %s was created all the same", error, sought.what)
            if len(lost) > 1:
                _refuse_twins(connection, sought, error, found, end)
            return found
        if lost:
            _refuse_twins(connection, sought, lost[-1], created, end)
        return created


def _look(connection: Connection, sought: Sought, error: APIError | TransportError, end: float) -> Any:
    """Look until what was created is found, or is certainly not there.

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
        raise _unknown(error, sought, "it was not looked for, as retry is 'none'") from error
    for look in _looks(connection, sought, end):
        if look.trouble is not None:
            if _is_certain(look.trouble) or look.is_last:
                raise _unknown(error, sought, f"it could not be looked for: {look.trouble}") from error
            continue
        alike = look.alike if sought.sure else []
        if len(alike) == 1:
            return alike[0]
        if alike:
            raise _unknown(error, sought, _several(alike), alike) from error
        if look.after >= policy.settling or look.is_last:
            if look.found:
                raise _unknown(error, sought, look.doubts, look.found) from error
            if look.after < policy.settling:
                known = f"none is found in the {policy.deadline:g} s that its RetryPolicy gives"
                raise _unknown(error, sought, f"{known}, less than it may take to show") from error
            return None
    raise AssertionError("looking has no other end")


def _looks(connection: Connection, sought: Sought, end: float) -> Iterator[_Look]:
    """Look again and again, with growing pauses, also when lists must have settled, and at the end."""
    clock, settling = connection.clock, connection.retry.settling
    failed = clock.monotonic()
    pause = FIRST_LOOK_SECONDS
    after = 0.0
    while True:
        left = settling - after
        clock.sleep(min(pause, left if left > 0 else pause, max(0.0, end - clock.monotonic())))
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        after = round(clock.monotonic() - failed, 3)  # a clock that adds up may lack a trifle
        try:
            found = sought.find()
            look = _Look(after, found, [sought.differs(each) for each in found])
        except NotFoundError:  # what it belongs to does not show yet
            look = _Look(after)
        except SmartDCError as trouble:
            look = _Look(after, trouble=trouble)
        yield look._replace(is_last=clock.monotonic() >= end)


def _pause_before_next(
    connection: Connection, sought: Sought, error: APIError | TransportError, failures: int
) -> None:
    """It is certainly not there: wait until it can be asked for again; if it cannot, raise."""
    if _is_over(error) and not is_untouched(error):
        older = [] if sought.begun is None else sought.begun.older
        perhaps = [each for each in older if len(sought.differs(each)) == 1]
        if perhaps:
            raise _unknown(error, sought, "one is found that is a little older", perhaps) from error
        raise error
    if not sought.unique:
        raise _unknown(error, sought, "none is found, but it may still come") from error
    response = error.response if isinstance(error, APIError) else None
    pause = remaining(connection.retry, connection.clock).pause(
        error,
        attempt=failures,
        elapsed=0.0,
        repeatable=True,
        ahead=(None if response is None else server_ahead(response, time.time())) or 0.0,
    )
    if pause is None:
        raise _unknown(error, sought, f"none is found after {failures} attempts") from error
    connection.clock.sleep(pause)


def _refuse_twins(
    connection: Connection, sought: Sought, error: APIError | TransportError, created: Any, end: float
) -> None:
    """A request that took long may have slipped in beside another one: then there are two.

    The one whose answer was lost first may also have been carried out late, and show later still.
    """
    for look in _looks(connection, sought, end):
        twins = [each for each in look.alike if each.get(sought.key) != created.get(sought.key)]
        if twins:
            both = [created, *twins]
            raise _unknown(error, sought, _several(both), both) from error
        if look.trouble is not None and _is_certain(look.trouble):
            return  # it was created: that it cannot be looked at is no news
        if look.after >= connection.retry.settling or look.is_last:
            return


def _several(found: list[Any]) -> str:
    return f"there are {len(found)}, which are its candidates"


def _is_doubtful(error: APIError | TransportError) -> bool:
    """Whether it may have been carried out."""
    if is_untouched(error):
        return False
    if isinstance(error, APIError):
        # 408 is a proxy's: the server may have got the whole request all the same. Having created a machine,
        # the server reads it again, and may fail at that (its lib/machines.js).
        open_end = (
            error.status == 408
            or isinstance(error, ThrottledError)
            or (error.status >= 500 and error.status != 501)
        )
        return open_end or error.message == "VM not found"
    return True


def _is_over(error: APIError | TransportError) -> bool:
    """Whether the server itself has ended with it, so that what is not there will not come."""
    return isinstance(error, APIError) and error.status not in (408, 502, 503, 504) and is_own(error)


def _is_certain(trouble: SmartDCError) -> bool:
    """Whether another look would fail as well."""
    if isinstance(trouble, APIError):
        return trouble.status < 500 and trouble.status != 408 and not isinstance(trouble, ThrottledError)
    return not isinstance(trouble, TransportError) or trouble.lasting


def _unknown(
    error: APIError | TransportError, sought: Sought, known: str, found: Sequence[Any] = ()
) -> OutcomeUnknown:
    unknown = OutcomeUnknown(
        f"it is not known whether the {sought} was created: {known} ({error})",
        what=sought.what,
        wanted=sought.wanted,
        candidates=found,
        method=error.method,
        path=error.path,
    )
    unknown.attempts = error.attempts
    return unknown
