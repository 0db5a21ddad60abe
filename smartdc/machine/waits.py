"""Waiting for one machine, by looks that threads share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast, get_args

from smartdc._http.looks import UNLISTED, actions
from smartdc._http.waiting import Absence, Deadline, checked_state, poll
from smartdc.arguments.ids import given, shown
from smartdc.errors import NotFoundError, WaitFailed
from smartdc.machine.endpoint import MachineEndpoint
from smartdc.types import MachineState

_STATES = get_args(MachineState)


class Waits(MachineEndpoint):
    """What waits for this machine; `Lifecycle` is made of it."""

    def poll_until(
        self,
        state: MachineState | str,
        interval: float = 2,
        *,
        timeout: float | None = None,
        any_state: bool = False,
    ) -> None:
        """Wait until this machine is in a state.

        ``GET /:login/machines/:machine``

        A look that fails in passing (no connection, no answer, 5xx) is followed by another one.

        Args:
            state: The state awaited. ``'deleted'`` is reached as well when the server no longer knows it.
            interval: Seconds between two looks.
            timeout: Seconds in all, those of the requests included; None waits for ever, 0 looks once.
            any_state: Take any text for a state, also one that smartdc does not know.

        Raises:
            ConfigurationError: There is no such state.
            WaitFailed: It became ``failed`` or ``deleted``, from where `state` is not reached.
            WaitTimeout: The time ran out.
        """
        checked_state(state, _STATES, "machine", any_state)

        def is_over(now: str) -> bool:
            if now in ("failed", "deleted") and now != state:
                raise WaitFailed(f"machine {self.id} is {now}: it will not become {shown(state)}", state=now)
            return now == state

        self._poll(is_over, interval, timeout, f"machine {self.id} is not yet {shown(state)}")

    def poll_while(
        self,
        state: MachineState | str,
        interval: float = 2,
        *,
        timeout: float | None = None,
        any_state: bool = False,
    ) -> None:
        """Wait as long as this machine is in a state.

        ``GET /:login/machines/:machine``

        A machine that was deleted meanwhile is in that state no longer, so the wait ends; only while
        ``'provisioning'`` it is an error, as nobody waits for a machine to be lost. A look that fails in
        passing is followed by another one.

        Args:
            state: The state to wait out.
            interval: Seconds between two looks.
            timeout: Seconds in all, those of the requests included; None waits for ever, 0 looks once.
            any_state: Take any text for a state, also one that smartdc does not know.

        Raises:
            ConfigurationError: There is no such state.
            WaitFailed: It became ``failed``.
            WaitTimeout: The time ran out.
        """
        checked_state(state, _STATES, "machine", any_state)

        def is_over(now: str) -> bool:
            if now != state and (now == "failed" or (now == "deleted" and state == "provisioning")):
                raise WaitFailed(f"machine {self.id} went from {state!r} to {now!r}", state=now)
            return now != state

        self._poll(is_over, interval, timeout, f"machine {self.id} is still {shown(state)}")

    def _poll(
        self, is_over: Callable[[str], bool], interval: float, timeout: float | None, awaited: str
    ) -> None:
        clock = self._connection.clock
        absence = Absence(clock, self._connection.retry.settling)
        after = self._seen - 1

        def look(deadline: Deadline | None) -> str | None:
            nonlocal after
            try:
                after = self._look(after, interval, deadline)
                absence.end()
            except NotFoundError as error:  # GoneError is one
                if not absence.is_settled(error, self._made):
                    raise
                self._deleted = True
            now = self.state
            return None if is_over(now) else now

        with self._connection._looks.waiting():
            poll(look, interval=interval, timeout=timeout, clock=clock, awaited=awaited)

    def _look(self, after: int, interval: float, deadline: Deadline | None) -> int:
        """Refresh the machine, by a list that others use too where that is cheaper.

        Args:
            after: The number of what was seen last.
            interval: How many seconds ago a list may have been asked for; 0: after this call only.
            deadline: When this look must be over.

        Returns:
            The number of what is seen now.
        """

        def page(offset: int, on_send: Callable[[], None]) -> list[Mapping[str, Any]]:
            connection = self._connection._only(deadline=deadline, on_send=on_send)
            found = connection._list("machines", params=given(offset=offset or None), key="id")
            return cast(list[Mapping[str, Any]], found)

        # Once it is known to be deleted, no list that lags makes it alive again: an action would do harm.
        looks = None if self._deleted else self._connection._looks
        listed = None if looks is None else looks.listed(self.id, page, after, interval, deadline)
        if listed is None:
            asked = actions.next()
            self._fetch(self._connection._only(deadline=deadline))
            return asked
        kept = {name: value for name, value in (self._data or {}).items() if name in UNLISTED}
        self._save({**kept, **listed.data})
        self._seen = listed.order
        return listed.order
