"""A change feed that reconnects when its connection breaks."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import suppress
from typing import Any, cast

from smartdc._http.cancellation import CancelScope
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
        self._attempt: _Attempt | None = None
        self._over = threading.Event()
        self.as_of: float = clock.monotonic()
        self._feed = connect()
        try:
            if report_all:
                self._catch_up()
            else:
                self._known = {data["id"]: self._watched_values(data) for data in list_machines()}
        except BaseException:
            self.close()
            raise

    @property
    def known(self) -> Set[str]:
        """The ids of the machines that it has reported, or that a list had."""
        return self._known.keys()

    def renew(self) -> None:
        """In a forked child: leave the connection, and the reconnection that is under way, to the parent."""
        super().renew()
        self._over, self._attempt = threading.Event(), None

    def close(self) -> None:
        """Close the stream. Any thread may call this, more than once."""
        super().close()
        self._over.set()
        if self._attempt is not None:
            self._attempt.ended.set()
        self._feed.close()

    def _receive(self, timeout: float | None) -> Change | None:
        end = math.inf if timeout is None else time.monotonic() + timeout
        while not self.closed:
            if self._attempt is not None:
                self._await(self._attempt, end)
            elif self._pending:
                self._pause = 0.0
                reported, self.as_of = self._pending.popleft()
                return reported
            elif (change := self._sent_change(end)) is None:
                self._begin_attempt(end)
            elif self._is_new(change):
                self._pause, self.as_of = 0.0, self._clock.monotonic()
                return change
        return None

    def _sent_change(self, end: float) -> Change | None:
        """Return the next change that the server sends; None if the connection broke or has ended."""
        try:
            return self._feed.receive(_seconds_until(end))
        except ConnectionFailed as error:
            log.info("the change feed broke, and reconnects: %s", error)
            return None

    def _is_new(self, change: Change) -> bool:
        """Whether a change differs from the last report, or is of fields that are not watched."""
        ident, data = change["changedResourceId"], change.get("resourceObject")
        if data is None or {*self._wanted}.isdisjoint(change["changeKind"]["subResources"]):
            return True
        before, now = self._known.get(ident), self._watched_values(data)
        self._known[ident] = now
        return before != now

    def _begin_attempt(self, end: float) -> None:
        """Begin to reconnect: after a pause, unless the feed has worked."""
        self._feed.close()
        wait, left = self._not_before - self._clock.monotonic(), max(0.0, end - time.monotonic())
        if self._pause and wait > 0:
            self._sleep(min(wait, left))
            if wait > left:
                raise TimeoutError
        if self.closed:
            return
        self._pause = min(2 * self._pause or FIRST_PAUSE, LONGEST_PAUSE)
        self._not_before = self._clock.monotonic() + self._pause
        self._attempt = _Attempt(self._reconnect)

    def _sleep(self, seconds: float) -> None:
        """Pause; closing the feed ends that, if the clock is the real one."""
        if self._clock is time:
            self._over.wait(seconds)
        else:
            self._clock.sleep(seconds)

    def _reconnect(self) -> None:
        """Make one attempt, in its own thread."""
        try:
            with CancelScope(self._over).running():
                self._feed = self._connect()
                self._catch_up()
        except BaseException:
            self._feed.close()
            raise
        if self.closed:  # meanwhile, which has closed the feed before
            self._feed.close()

    def _await(self, attempt: _Attempt, end: float) -> None:
        """Wait for the end of an attempt; if it failed for good, raise its error."""
        if self.closed:  # then nothing may wake this thread
            return
        if not attempt.ended.wait(_seconds_until(end)):
            raise TimeoutError
        if self.closed:
            return
        self._attempt, error = None, attempt.error
        if isinstance(error, SmartDCError) and is_passing(error):
            log.info("the change feed cannot reconnect, and tries again: %s", error)
        elif error is not None:
            raise error

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


class _Attempt:
    """An attempt to reconnect, in its own thread: it may take longer than `receive` is to wait.

    Args:
        reconnect: Makes the attempt.

    Attributes:
        ended: Set when it has ended, or when nobody waits for it any more.
        error: Why it failed.
    """

    def __init__(self, reconnect: Callable[[], None]) -> None:
        self.ended = threading.Event()
        self.error: BaseException | None = None
        self._reconnect = reconnect
        threading.Thread(target=self._run, name="smartdc-feed", daemon=True).start()

    def _run(self) -> None:
        try:
            self._reconnect()
        except BaseException as error:
            self.error = error
        finally:
            self.ended.set()


def _seconds_until(end: float) -> float | None:
    return None if end == math.inf else max(0.0, end - time.monotonic())


def _value(name: str, data: Mapping[str, Any]) -> Any:
    value = data.get(_FIELDS[name])
    return value == "deleted" if name == "destroyed" else value
