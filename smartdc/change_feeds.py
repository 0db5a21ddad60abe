"""A change feed that reconnects when its connection breaks."""

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

__all__ = ["ReconnectingFeed"]

log: logging.Logger = logging.getLogger("smartdc")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before it reconnects."""

_FIELDS = {
    "alias": "name",
    "customer_metadata": "metadata",
    "destroyed": "state",
    "nics": "nics",
    "server_uuid": "compute_node",
    "state": "state",
    "tags": "tags",
}
"""The field of a machine in which a change shows, by the feed's name of the change."""

_Known = tuple[Any, ...]


class ReconnectingFeed(Conversation[Change]):
    """A change feed that reconnects when it breaks, and reports what has changed meanwhile.

    After it has reconnected it lists the machines, and reports those that differ from the last report in the
    form of the server's changes; `resourceObject` has the data of the list. A change that both the list and
    the server report is reported once. Of several changes of a machine during the gap the last is reported.

    Args:
        connect: Opens a feed.
        list_machines: Lists the machines to report on.
        get_machine: Gets a machine that is no longer in the list.
        subresources: The changes to report.
        clock: The clock for the pauses.
        report_all: Report every machine at the beginning.

    Attributes:
        as_of: A time at which the change reported last was true: now for a change from the server, and the
            start of the request for one from a list.
    """

    def __init__(
        self,
        connect: Callable[[], ChangeFeed],
        list_machines: Callable[[], Iterable[MachineData]],
        get_machine: Callable[[str], MachineData],
        subresources: Iterable[str],
        clock: Clock,
        *,
        report_all: bool = False,
    ) -> None:
        super().__init__(lambda: None)
        self._connect, self._list_machines, self._get_machine = connect, list_machines, get_machine
        self._wanted = [name for name in subresources if name in _FIELDS]
        self._clock = clock
        self._pause = 0.0
        self._not_before = -math.inf
        self._known: dict[str, _Known] = {}
        self._pending: deque[tuple[Change, float]] = deque()
        self.as_of: float = clock.monotonic()
        self._feed = connect()
        if report_all:
            self._catch_up()
        else:
            self._known = {data["id"]: self._watched_values(data) for data in list_machines()}

    @property
    def known(self) -> Set[str]:
        """The ids of the machines that it has reported, or that a list had."""
        return self._known.keys()

    def close(self) -> None:
        """Close the stream. Any thread may call this, more than once."""
        super().close()
        self._feed.close()

    def _receive(self, timeout: float | None) -> Change | None:
        end = math.inf if timeout is None else time.monotonic() + timeout
        while not self.closed:
            if self._pending:
                self._pause = 0.0
                reported, self.as_of = self._pending.popleft()
                return reported
            try:
                change = self._feed.receive(None if timeout is None else max(0.0, end - time.monotonic()))
            except ConnectionFailed as error:
                log.info("the change feed broke, and reconnects: %s", error)
                change = None
            if change is None:
                self._reconnect(end)
            elif self._is_new(change):
                self._pause, self.as_of = 0.0, self._clock.monotonic()
                return change
        return None

    def _is_new(self, change: Change) -> bool:
        """Whether a change differs from the last report, or is of fields that are not watched."""
        ident, data = change["changedResourceId"], change.get("resourceObject")
        if data is None or {*self._wanted}.isdisjoint(change["changeKind"]["subResources"]):
            return True
        before, now = self._known.get(ident), self._watched_values(data)
        self._known[ident] = now
        return before != now

    def _reconnect(self, end: float) -> None:
        """Reconnect until that works or the time is over; first without a pause, if the feed has worked."""
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
                log.info("the change feed cannot reconnect, and tries again: %s", error)
            else:
                break

    def _catch_up(self) -> None:
        """Queue what has changed since the change that was reported last."""
        as_of = self._clock.monotonic()
        now = {data["id"]: data for data in self._list_machines()}
        gone = [self._deleted_machine_data(ident) for ident in self._known if ident not in now]
        live = self._received_changes()
        reported = [
            (change["changedResourceId"], self._watched_values(change["resourceObject"]))
            for change in live
            if "resourceObject" in change
        ]
        for data in [*now.values(), *gone]:
            ident, values = data["id"], self._watched_values(data)
            # A change that the server reports as well is left to it.
            if values != self._known.get(ident) and (ident, values) not in reported:
                self._pending.append((self._change(data), as_of))
                self._known[ident] = values
        listed_at = self._clock.monotonic()
        self._pending.extend((change, listed_at) for change in live if self._is_new(change))

    def _received_changes(self) -> list[Change]:
        """Return what the new feed has sent while machines were listed."""
        reported: list[Change] = []
        with suppress(TimeoutError):
            while (change := self._feed.receive(0)) is not None:
                reported.append(change)
        return reported

    def _deleted_machine_data(self, ident: str) -> MachineData:
        found: Mapping[str, Any] = {}
        try:
            found = self._get_machine(ident)
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
