"""Waiting for many machines of one account at once.

A look is a request that reads the states of machines: one ListMachines for all that are waited for, or a
GetMachine for one that the list does not have.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Collection, Mapping
from typing import Any, cast

from smartdc._http.connection import Connection
from smartdc._http.looks import KNOWN, UNLISTED, actions
from smartdc._http.paging import PAGE
from smartdc._http.waiting import LAST_LOOK, Absence, Clock, Deadline, is_passing
from smartdc.api.machines import MachineOperations
from smartdc.arguments.states import ENDED
from smartdc.errors import NotFoundError, SmartDCError, ThrottledError, WaitFailed
from smartdc.fleet.crew import Crew
from smartdc.fleet.steps import Until
from smartdc.fleet.watch import OnEnd, Watch
from smartdc.machine import Machine
from smartdc.types import MachineData

__all__ = ["Watcher"]

log: logging.Logger = logging.getLogger("smartdc")

JOBS_PER_LOOK = 50
"""How many jobs run between two looks while jobs are queued: each look uses one of their requests."""

LOOKS_AT_ONCE = 10
"""How many machines are looked at one by one, while lists fail, before steps get their turn."""

FEED_SILENCE_SECONDS = 30.0
"""A machine is polled after this many seconds without a change of it in the feed."""

THREAD_DELAY = 0.1
"""How many seconds of real time a look may begin late, because threads are busy."""

TOLERANCE = 1e-6
"""Times that differ by fewer seconds are equal, because sums of floats are not exact."""


class Watcher:
    """All waits of a run for one account in one data center.

    Args:
        connection: The data center, with that account's key and roles.
        crew: The threads that make the looks.
    """

    def __init__(self, connection: Connection, crew: Crew) -> None:
        self.clock: Clock = connection.clock
        self.has_feed: bool = False
        self._connection = connection
        self._crew = crew
        self._lock = threading.Lock()
        self._watches: dict[str, Watch] = {}
        self._feed_data: dict[str, tuple[MachineData, float]] = {}
        self._not_in_feed: set[str] = set()
        self._is_looking = self._is_asking = False
        self._last_look_began = -math.inf
        # How many seconds a look takes: none by an emulated clock.
        self._look_seconds: float | None = None if self.clock is time else 0.0
        self._jobs_at_last_look = 0
        self._pages = 1
        # After a list has failed, none is asked for during a pause, which doubles with each failure.
        self._list_pause, self._next_list = 0.0, -math.inf

    def add(self, machine: Machine, until: Until, acted_at: float, on_end: OnEnd) -> None:
        """Begin to wait for a machine.

        Args:
            machine: The machine.
            until: What to wait for.
            acted_at: When the last step that changed the machine began; minus infinity if none did.
            on_end: Called once, with the error or None, from another thread.
        """
        now = self.clock.monotonic()
        absence = Absence(self.clock, self._connection.retry.settling)
        watch = Watch(machine, until, on_end, now, absence, now, acted_at)
        if acted_at > -math.inf:
            watch.due = self._next_look(watch, now)
        with self._lock:
            feed_entry = self._feed_data.get(machine.id)
            self._watches[machine.id] = watch
            if self.has_feed and machine.id not in self._not_in_feed:
                # If the machine is in the state already, the feed may never report another change.
                is_in_state = feed_entry is not None and feed_entry[0]["state"] == until.state
                usual = watch.interval if is_in_state else FEED_SILENCE_SECONDS
                watch.due = self._due_time(watch, now, usual)
        if feed_entry is not None and feed_entry[1] >= acted_at:
            self._save_feed_data(watch, feed_entry[0])

    def feed_lacks(self, idents: Collection[str]) -> None:
        """Poll these machines now and at each interval, until the feed reports their state."""
        with self._lock:
            self._not_in_feed.update(idents)
            for ident in idents:
                self._feed_data.pop(ident, None)
                if ident in self._watches:
                    self._watches[ident].due = self.clock.monotonic()
        self._crew.wake()

    def take_feed_data(self, ident: str, data: MachineData, as_of: float) -> None:
        """Take a machine's data from the change feed; `as_of` is when the data was current."""
        with self._lock:
            self._feed_data[ident] = data, as_of
            self._not_in_feed.discard(ident)
            watch = self._watches.get(ident)
            is_old = watch is not None and as_of < watch.acted_at
            if watch is not None and is_old:
                # If it has changed since, the feed may have reported that already.
                now = self.clock.monotonic()
                watch.due = min(watch.due, self._due_time(watch, now, watch.interval))
        if watch is not None and not is_old:
            self._save_feed_data(watch, data)

    def _save_feed_data(self, watch: Watch, data: MachineData) -> None:
        known: Mapping[str, Any] = watch.machine._data or {}
        # The feed does not send the names of packages.
        package = data.get("package") or known.get("package", "")
        _save_listed(watch.machine, cast(MachineData, {**data, "package": package}), actions.next())
        self._act_on_state(watch, watch.machine.state)

    def feed_ended(self) -> None:
        """Poll all machines now, and at each interval from now on, because the feed has ended."""
        with self._lock:
            self.has_feed = False
            for watch in self._watches.values():
                watch.due = self.clock.monotonic()
        self._crew.wake()

    def check_waits(self) -> float:
        """End the waits whose timeout is over, and queue a look if one is due.

        Returns:
            Seconds until there is something to do.
        """
        now = self.clock.monotonic()
        with self._lock:
            overdue = [watch for watch in self._watches.values() if self._is_overdue(watch, now)]
        for watch in overdue:
            self._finish(watch, watch.timeout())
        with self._lock:
            ends = (watch.end for watch in self._watches.values() if watch.end > now + TOLERANCE)
            later = min(ends, default=math.inf)
            waiting = [watch for watch in self._watches.values() if not watch.has_own_look]
            if not waiting or self._is_looking:
                return later - now
            not_before = self._last_look_began + min(watch.slack for watch in waiting)
            soonest = min(max(watch.due, min(not_before, self._last_look_time(watch))) for watch in waiting)
            many_done = self._crew.jobs_done - self._jobs_at_last_look >= JOBS_PER_LOOK
            is_urgent = any(_is_nearly_over(watch, now) for watch in waiting)
            if soonest > now + TOLERANCE or (self._crew.has_queue and not many_done and not is_urgent):
                return max(0.0, min(soonest, later) - now)
            self._is_looking, self._last_look_began, self._jobs_at_last_look = True, now, self._crew.jobs_done
        self._crew.queue_look(self._look)
        return 0.0

    def _is_overdue(self, watch: Watch, now: float) -> bool:
        """Whether to end a wait with a timeout: its time is over, and its first look has begun.

        A timeout of 0 means one look, and the wait lasts until it is answered. Other waits end during a look.
        """
        if now < watch.end - TOLERANCE:
            return False
        if watch.until.timeout == 0:
            return watch.looks > 0
        if watch.due <= now + TOLERANCE and now <= watch.end + TOLERANCE:
            return False  # with an emulated clock, the last look begins at the end of the timeout
        return watch.was_looked_for or self._is_asking

    def _last_look_time(self, watch: Watch) -> float:
        """Return when the last look must begin so that it is answered before the timeout ends."""
        if watch.until.timeout is None:
            return math.inf
        usual = min(LAST_LOOK, watch.until.timeout / 4) if self._look_seconds is None else self._look_seconds
        return watch.end - usual

    def _look(self) -> None:
        look_began, order = self.clock.monotonic(), actions.next()
        with self._lock:
            batch = [watch for watch in self._watches.values() if not watch.has_own_look]
            for watch in batch:
                watch.was_looked_for, watch.look_began = True, look_began
            self._is_asking = True
        try:
            listed: dict[str, MachineData] | None = {}
            if len(batch) > self._pages:
                listed = self._lists_of(batch) if look_began >= self._next_list else None
            # While lists fail, single looks decide, as in the waits of threads.
            single = batch if listed is not None else self._most_urgent(batch, look_began)
            for watch in batch:
                data = (listed or {}).get(watch.machine.id)
                if self._watches.get(watch.machine.id) is not watch:
                    continue  # the feed has ended this wait, and the next step may have begun
                if data is not None:
                    _save_listed(watch.machine, data, order)
                    self._act_on_state(watch, watch.machine.state)
                elif watch in single:
                    self._queue_own_look(watch)
        finally:
            with self._lock:
                self._is_looking = self._is_asking = False

    def _lists_of(self, batch: Collection[Watch]) -> dict[str, MachineData] | None:
        """Return what lists have of these machines; None if a list fails."""
        try:
            wanted = {watch.machine.id for watch in batch}
            try:
                # Not repeated on failure: single looks follow.
                listed = self._read_lists(wanted, self._connection._with(deadline=Deadline(self.clock, 0)))
            except ThrottledError:  # which would refuse single looks as well
                listed = self._read_lists(wanted, self._connection)
        except SmartDCError as error:
            log.info("a list of the machines that are waited for failed: %s; each is looked at", error)
            shortest = min(watch.interval for watch in batch)
            self._list_pause = min(KNOWN, 2 * self._list_pause or shortest)
            self._next_list = self.clock.monotonic() + self._list_pause
            for watch in batch:
                watch.last_error = error
            return None
        self._list_pause = 0.0
        return listed

    def _most_urgent(self, batch: Collection[Watch], now: float) -> list[Watch]:
        """Return the watches whose time is nearly over, and the ten that are due first."""
        due = sorted((watch for watch in batch if watch.due <= now + TOLERANCE), key=lambda watch: watch.due)
        return due[:LOOKS_AT_ONCE] + [watch for watch in due[LOOKS_AT_ONCE:] if _is_nearly_over(watch, now)]

    def _read_lists(self, wanted: set[str], connection: Connection) -> dict[str, MachineData]:
        """Return what lists have of these machines. Reads at most one page for each machine."""
        found: dict[str, MachineData] = {}
        number = 0
        for number, machine in enumerate(cast(MachineOperations, connection).iter_machines()):
            if machine.id in wanted and isinstance(machine.raw.get("state"), str):
                found[machine.id] = machine.raw
            if len(found) == len(wanted) or number >= PAGE * len(wanted):
                break
        self._pages = number // PAGE + 1
        return found

    def _act_on_state(self, watch: Watch, state: str) -> None:
        """Act on a state that the list or the feed has reported."""
        if state == watch.until.state:
            self._finish(watch, None)
        elif state in ENDED:
            self._queue_own_look(watch)  # for the same error as in a wait for one machine
        else:
            watch.absence.end()
            self._note_look(watch, state, None)

    def _queue_own_look(self, watch: Watch) -> None:
        with self._lock:
            if watch.has_own_look:
                return
            watch.has_own_look = True
        self._crew.queue_look(lambda: self._own_look(watch))

    def _own_look(self, watch: Watch) -> None:
        """Look at one machine by GetMachine."""
        machine = watch.machine
        if watch.look_began is None:
            watch.look_began = self.clock.monotonic()
        try:
            # Not repeated on failure: another look follows.
            once = self._connection._with(deadline=Deadline(self.clock, 0))
            machine._fetch(once, must_have_state=True)
            watch.absence.end()
        except NotFoundError as error:  # or its subclass GoneError
            if not watch.absence.is_settled(error, machine._created_at):
                self._note_look(watch, watch.last_state, error)
                return
            machine._deleted = True
        except Exception as error:
            if isinstance(error, SmartDCError) and is_passing(error):
                self._note_look(watch, watch.last_state, error)
            else:
                self._finish(watch, error)
            return
        state, wanted = machine.state, watch.until.state
        if state in ENDED and state != wanted:
            text = f"machine {machine.id} is {state}: it will not become {wanted!r}"
            self._finish(watch, WaitFailed(text, state=state))
        elif state == wanted:
            self._finish(watch, None)
        else:
            self._note_look(watch, state, None)

    def _note_look(self, watch: Watch, state: str | None, last_error: BaseException | None) -> None:
        watch.last_state, watch.last_error = state, last_error
        now = self.clock.monotonic()
        with self._lock:
            if watch.look_began is not None:  # otherwise the state came from the feed
                took = now - watch.look_began + (THREAD_DELAY if self.clock is time else 0.0)
                self._look_seconds, watch.look_began = min(LAST_LOOK, took), None
                watch.looks += 1
            watch.has_own_look = False
            watch.due = self._next_look(watch, now)

    def _next_look(self, watch: Watch, now: float) -> float:
        is_in_feed = self.has_feed and watch.machine.id not in self._not_in_feed
        return self._due_time(watch, now, FEED_SILENCE_SECONDS if is_in_feed else watch.interval)

    def _due_time(self, watch: Watch, now: float, seconds: float) -> float:
        """Return when the next look is due: after `seconds`, in time for the last look, or never again."""
        last = self._last_look_time(watch)
        if last > now + TOLERANCE:
            return min(now + seconds, last)
        return math.inf if watch.looks else now

    def _finish(self, watch: Watch, error: Exception | None) -> None:
        with self._lock:
            if self._watches.get(watch.machine.id) is not watch:
                return  # it has already ended
            del self._watches[watch.machine.id]
        watch.on_end(error)


def _is_nearly_over(watch: Watch, now: float) -> bool:
    return watch.end - now <= max(watch.interval, LAST_LOOK)


def _save_listed(machine: Machine, data: MachineData, order: int) -> None:
    """Save a machine's data from a list; keep the fields that lists leave out."""
    known: Mapping[str, Any] = machine._data or {}
    machine._save({**{name: known[name] for name in UNLISTED if name in known}, **data})
    machine._data_order = order
