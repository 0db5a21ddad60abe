"""Waits for what is not a machine: until an image, volume, NIC, disk or migration is in a state."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from smartdc._http.connection import Connection
from smartdc._http.shapes import Shape, T
from smartdc._http.waiting import Absence, Deadline, checked_state, poll
from smartdc._times import parse_time
from smartdc.arguments.ids import escaped
from smartdc.arguments.states import ENDED
from smartdc.errors import NotFoundError, WaitFailed

__all__ = ["poll_state"]

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def poll_state(
    connection: Connection,
    place: Sequence[str],
    shape: Shape[T],
    what: str,
    state: str | None,
    states: Collection[str],
    busy: Collection[str],
    interval: float,
    timeout: float | None,
) -> T:
    """Ask until the answer has a state.

    Args:
        connection: What to ask by.
        place: The path of the object, below the account.
        shape: What it is.
        what: The object, for errors: ``image 5a4e...``.
        state: The state awaited; None: any that is not in `busy`.
        states: Those that there are; ``deleted`` is when it is not found any more.
        busy: Those in which something goes on.
        interval: Seconds between two looks.
        timeout: Seconds in all; None waits for ever.

    Returns:
        The object as seen last; when it is gone, with ``deleted`` for its state.

    Raises:
        ConfigurationError: There is no such state.
        WaitFailed: It became ``failed``, or is gone while something else is awaited.
        WaitTimeout: The time ran out.
    """
    if state is not None:
        checked_state(state, tuple(states), what.partition(" ")[0], any_state=False)
    what = escaped(what)
    absence = Absence(connection.clock, connection.retry.settling)
    found: dict[str, Any] = {}

    def look(deadline: Deadline | None) -> str | None:
        try:
            found.update(connection._with(deadline=deadline)._get(*place, shape=shape))
            absence.end()
        except NotFoundError as error:
            # What one waits to be gone was there before; something new may not be found yet.
            made = _LONG_AGO if state == "deleted" else parse_time(found.get("created"))
            if not absence.is_settled(error, made):
                raise
            found["state"] = "deleted"
        now = str(found.get("state") or "unknown")
        if now == state or (state is None and now not in (*busy, "failed", "deleted", "unknown")):
            return None
        if now in ENDED:
            raise WaitFailed(f"{what} is {now}{_reason(found)}: {_hope(state)}", state=now)
        return now

    awaited = f"{what} is " + ("still busy" if state is None else f"not yet {state!r}")
    poll(look, interval=interval, timeout=timeout, clock=connection.clock, awaited=awaited)
    return cast("T", found)


def _reason(found: Mapping[str, Any]) -> str:
    """What the server says went wrong."""
    error = found.get("error")
    text = error.get("message") if isinstance(error, Mapping) else error
    return f" ({escaped(text[:200])})" if isinstance(text, str) and text else ""


def _hope(state: str | None) -> str:
    return "it will not recover" if state is None else f"it will not become {state!r}"
