"""The change feed that outlasts its connection."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import suppress
from typing import Any, cast

from smartdc._http.waiting import Clock, is_passing
from smartdc.errors import ConnectionFailed, GoneError, NotFoundError, SmartDCError
from smartdc.streams import ChangeFeed, Conversation
from smartdc.types import Change, MachineData

__all__ = ["LastingFeed"]

log = logging.getLogger("smartdc")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before it connects again."""

_FIELDS = {
    "alias": "name",
    "customer_metadata": "metadata",
    "destroyed": "state",
    "nics": "nics",
    "server_uuid": "compute_node",
    "state": "state",
    "tags": "tags",
}
"""What of a machine tells of a change, by the feed's name for it."""

_Known = tuple[Any, ...]


class LastingFeed(Conversation[Change]):
    """A change feed that connects again when it breaks, and tells what has changed meanwhile.

    After it has connected again it lists the machines, and tells of those that differ from what was told
    last, as if the server had: with `resourceObject` as the list has it. What the list told and the server
    tells again is told once. Of several changes of a machine while nobody listened it tells the last.

    Args:
        connect: Opens a feed.
        listed: Lists the machines whose changes are to be told.
        look: Gets a machine that was listed and is not any more.
        subresources: Which changes are to be told.
        clock: What the pauses go by.
        tell_all: Tell at the beginning how each machine is.

    Attributes:
        asked: When it was so, at the latest, what was told last: a change now, what a list has when that was
            asked for.
    """

    def __init__(
        self,
        connect: Callable[[], ChangeFeed],
        listed: Callable[[], Iterable[MachineData]],
        look: Callable[[str], MachineData],
        subresources: Iterable[str],
        clock: Clock,
        *,
        tell_all: bool = False,
    ) -> None:
        super().__init__(lambda: None)
        self._connect, self._listed, self._look = connect, listed, look
        self._wanted = [name for name in subresources if name in _FIELDS]
        self._clock = clock
        self._pause = 0.0
        self._not_before = -math.inf
        self._known: dict[str, _Known] = {}
        self._pending: deque[tuple[Change, float]] = deque()
        self.asked = clock.monotonic()
        self._feed = connect()
        if tell_all:
            self._catch_up()
        else:
            self._known = {data["id"]: self._watched_values(data) for data in listed()}

    @property
    def known(self) -> Set[str]:
        """The machines that it has told of, or that a list had."""
        return self._known.keys()

    def close(self) -> None:
        """Leave; from any thread, and also twice."""
        super().close()
        self._feed.close()

    def _receive(self, timeout: float | None) -> Change | None:
        end = math.inf if timeout is None else time.monotonic() + timeout
        while not self.closed:
            if self._pending:
                self._pause = 0.0
                told, self.asked = self._pending.popleft()
                return told
            try:
                change = self._feed.receive(None if timeout is None else max(0.0, end - time.monotonic()))
            except ConnectionFailed as error:
                log.info("the change feed broke off, and is connected again: %s", error)
                change = None
            if change is None:
                self._reconnect(end)
            elif self._is_news(change):
                self._pause, self.asked = 0.0, self._clock.monotonic()
                return change
        return None

    def _is_news(self, change: Change) -> bool:
        """Whether what was told last is different; a change of something else always is."""
        ident, data = change["changedResourceId"], change.get("resourceObject")
        if data is None or {*self._wanted}.isdisjoint(change["changeKind"]["subResources"]):
            return True
        before, now = self._known.get(ident), self._watched_values(data)
        self._known[ident] = now
        return before != now

    def _reconnect(self, end: float) -> None:
        """Connect again, and try until that works or the time is over; at once, if it has worked so far."""
        self._feed.close()
        while not self.closed:
            wait, left = self._not_before - self._clock.monotonic(), max(0.0, end - time.monotonic())
            if self._pause and wait > 0:
                self._clock.sleep(min(wait, left))
                if wait > left:
                    raise TimeoutError
            self._pause = min(2 * self._pause or FIRST_PAUSE, LONGEST_PAUSE)
            self._not_before = self._clock.monotonic() + self._pause
            try:
                self._feed = self._connect()
                self._catch_up()
            except SmartDCError as error:
                self._feed.close()
                if not is_passing(error):
                    raise
                log.info("the change feed cannot be connected; another attempt follows: %s", error)
            else:
                break
        if self.closed:  # by another thread, meanwhile
            self._feed.close()

    def _catch_up(self) -> None:
        """Note what has changed since the last change that was told."""
        asked = self._clock.monotonic()
        now = {data["id"]: data for data in self._listed()}
        gone = [self._deleted_machine_data(ident) for ident in self._known if ident not in now]
        live = self._received_changes()
        told = [
            (change["changedResourceId"], self._watched_values(change["resourceObject"]))
            for change in live
            if "resourceObject" in change
        ]
        for data in [*now.values(), *gone]:
            ident, values = data["id"], self._watched_values(data)
            # A change that the server tells itself is told in its place.
            if values != self._known.get(ident) and (ident, values) not in told:
                self._pending.append((self._change(data), asked))
                self._known[ident] = values
        listed = self._clock.monotonic()
        self._pending.extend((change, listed) for change in live if self._is_news(change))

    def _received_changes(self) -> list[Change]:
        """What the new feed has told while machines were listed."""
        told: list[Change] = []
        with suppress(TimeoutError):
            while (change := self._feed.receive(0)) is not None:
                told.append(change)
        return told

    def _deleted_machine_data(self, ident: str) -> MachineData:
        found: Mapping[str, Any] = {}
        try:
            found = self._look(ident)
        except GoneError as error:
            found = error.machine or {}
        except NotFoundError:
            pass
        return cast(MachineData, found if found.get("id") == ident else {"id": ident, "state": "deleted"})

    def _watched_values(self, data: Mapping[str, Any]) -> _Known:
        return tuple(_value(name, data) for name in self._wanted)

    def _change(self, data: MachineData) -> Change:
        before = self._known.get(data["id"], (None,) * len(self._wanted))
        is_deleted = data.get("state") == "deleted"
        return {
            "changeKind": {
                "resource": "vm",
                "subResources": [
                    name for name, old in zip(self._wanted, before, strict=True) if _value(name, data) != old
                ],
            },
            "changedResourceId": data["id"],
            "resourceObject": data,
            "resourceState": "destroyed" if is_deleted else str(data.get("state")),
        }


def _value(name: str, data: Mapping[str, Any]) -> Any:
    value = data.get(_FIELDS[name])
    return value == "deleted" if name == "destroyed" else value
