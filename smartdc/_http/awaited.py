"""Waiting until an image, volume, NIC, disk or migration is in a state; machines have their own wait."""

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
    key: str = "id",
) -> T:
    """Ask until the answer has a state.

    Args:
        connection: The connection to ask by.
        place: The path of the object, below the account.
        shape: The shape of the object.
        what: The object, for errors: ``image 5a4e...``.
        state: The state awaited; None: any that is not in `busy`.
        states: All known states; ``deleted`` means that the object is no longer found.
        busy: States in which an operation is still running.
        interval: Seconds between two looks.
        timeout: Seconds in all; None waits for ever.
        key: The field of the answer that has the last part of the path.

    Returns:
        The object as last seen; once it is gone, its state is ``deleted``.

    Raises:
        ConfigurationError: There is no such state.
        WaitFailed: It became ``failed``, or is gone while another state is awaited.
        WaitTimeout: The time ran out.
    """
    if state is not None:
        checked_state(state, tuple(states), what.partition(" ")[0], any_state=None)
    what = escaped(what)
    absence = Absence(connection.clock, connection.retry.settling)
    found: dict[str, Any] = {}

    def look(deadline: Deadline | None) -> str | None:
        try:
            once = connection._with(deadline=deadline)
            found.update(once._get_with_state(*place, shape=shape, key=key))
            absence.end()
        except NotFoundError as error:
            # An object whose deletion is awaited existed before; a new one may not be found yet.
            created_at = _LONG_AGO if state == "deleted" else parse_time(found.get("created"))
            if not absence.is_settled(error, created_at):
                raise
            found["state"] = "deleted"
        current = str(found.get("state") or "unknown")
        if current == state or (state is None and current not in (*busy, "failed", "deleted", "unknown")):
            return None
        if current in ENDED:
            raise WaitFailed(f"{what} is {current}{_reason(found)}: {_prospect(state)}", state=current)
        return current

    awaited = f"{what} is " + ("still busy" if state is None else f"not yet {state!r}")
    poll(look, interval=interval, timeout=timeout, clock=connection.clock, awaited=awaited)
    return cast("T", found)


def _reason(found: Mapping[str, Any]) -> str:
    """What the server says went wrong."""
    error = found.get("error")
    text = error.get("message") if isinstance(error, Mapping) else error
    return f" ({escaped(text[:200])})" if isinstance(text, str) and text else ""


def _prospect(state: str | None) -> str:
    return "it will not recover" if state is None else f"it will not become {state!r}"
