"""Waiting for many machines of one account at once.

A look is a request that reads the states of machines: one ListMachines for all that are waited for, or a
GetMachine for one that the list does not have.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from smartdc._http.connection import Connection
from smartdc._http.looks import UNLISTED, actions
from smartdc._http.paging import PAGE
from smartdc._http.waiting import LAST_LOOK, STANDSTILL, Absence, Deadline, is_passing
from smartdc.api.machines import MachineOperations
from smartdc.arguments.states import ENDED
from smartdc.errors import NotFoundError, SmartDCError, WaitFailed, WaitTimeout
from smartdc.fleet.crew import Crew
from smartdc.fleet.steps import Until
from smartdc.machine import Machine
from smartdc.types import MachineData

__all__ = ["Watch", "Watcher"]

log = logging.getLogger("smartdc")

JOBS_A_LOOK = 50
"""How many jobs are done between two looks while jobs are queued: a look takes a request from their rate."""

NEWS_SECONDS = 30.0
"""Seconds without a change of a machine in the feed, after which it is looked at."""

LONGEST_PACE = 0.5
"""Seconds by which looks may be late, at most, so that one list serves several waits."""

LATE = 0.1
"""Seconds by which a look may begin late in real time, as threads are busy."""

EXACT = 1e-6
"""Seconds by which sums of times differ, as floats are not exact."""

Ended = Callable[[Exception | None], None]


@dataclass(eq=False)
class Watch:
    """The wait for one machine.

    Attributes:
        machine: The machine.
        until: The state, the timeout and the interval.
        ended: Called once, with the error or None.
        begun: When the wait began.
        absence: For how long the machine has not been found.
        due: When the next look is due.
        seen: The state that was seen last.
        trouble: Why the last look failed.
        is_alone: Whether a GetMachine for it is under way.
        looks: How many looks are done.
        asked: When the look that is under way began.
        is_begun: Whether a first look has begun.
    """

    machine: Machine
    until: Until
    ended: Ended
    begun: float
    absence: Absence
    due: float
    seen: str | None = None
    trouble: BaseException | None = None
    is_alone: bool = False
    looks: int = 0
    asked: float | None = None
    is_begun: bool = False

    @property
    def interval(self) -> float:
        """Seconds between two looks; never 0, as a clock that only moves by sleeping would stand still."""
        return self.until.interval or STANDSTILL

    @property
    def end(self) -> float:
        """When the timeout is over."""
        return math.inf if self.until.timeout is None else self.begun + self.until.timeout

    @property
    def pace(self) -> float:
        """Seconds by which its look may be late, so that one list serves other waits as well."""
        timeout = math.inf if self.until.timeout is None else self.until.timeout
        return min(min(self.interval, timeout) / 4, LONGEST_PACE)

    def timeout(self) -> WaitTimeout:
        """The error for the end of the timeout."""
        awaited = f"machine {self.machine.id} is not yet {self.until.state!r}"
        text = f"gave up after {self.until.timeout:g} s: {awaited}"
        if self.seen is not None:
            text += f", now {self.seen!r}" if self.trouble is None else f", last seen {self.seen!r}"
        if self.trouble is not None:
            text += f"; the last look failed: {self.trouble}"
        error = WaitTimeout(text, state=self.seen)
        error.__cause__ = self.trouble
        return error


class Watcher:
    """All waits of a run for one account in one data center.

    Args:
        connection: The data center, as that account sees it.
        crew: Its threads make the looks.
    """

    def __init__(self, connection: Connection, crew: Crew) -> None:
        self.clock = connection.clock
        self.has_feed = False
        self._connection = connection
        self._crew = crew
        self._lock = threading.Lock()
        self._watches: dict[str, Watch] = {}
        self._feed_data: dict[str, tuple[MachineData, float]] = {}
        self._not_in_feed: set[str] = set()
        self._is_looking = self._is_asking = False
        self._asked = -math.inf
        # Seconds that a look takes. One that nobody waits for in real time takes none by its clock.
        self._usual: float | None = None if self.clock is time else 0.0
        self._done_then = 0
        self._pages = 1

    def add(self, machine: Machine, until: Until, acted: float, ended: Ended) -> None:
        """Begin to wait for a machine.

        Args:
            machine: The machine.
            until: What to wait for.
            acted: When the last step began that changed the machine; minus infinity if none did.
            ended: Called once, with the error or None, from another thread.
        """
        now = self.clock.monotonic()
        absence = Absence(self.clock, self._connection.retry.settling)
        watch = Watch(machine, until, ended, now, absence, now)
        if acted > -math.inf:
            watch.due = self._next_look(watch, now)
        with self._lock:
            told = self._feed_data.get(machine.id)
            self._watches[machine.id] = watch
            if self.has_feed and machine.id not in self._not_in_feed:
                # A machine that is in the state already may stay in it, and the feed would tell nothing.
                is_so = told is not None and told[0]["state"] == until.state
                usual = watch.interval if is_so else NEWS_SECONDS
                watch.due = self._not_too_late(watch, now, usual)
        if told is not None and told[1] >= acted:
            self._save_feed_data(watch, told[0])

    def feed_lacks(self, idents: Collection[str]) -> None:
        """Look at these machines now, and each interval until the feed tells how they are: nobody knows."""
        with self._lock:
            self._not_in_feed.update(idents)
            for ident in idents:
                self._feed_data.pop(ident, None)
                if ident in self._watches:
                    self._watches[ident].due = self.clock.monotonic()
        self._crew.wake()

    def take_feed_data(self, ident: str, data: MachineData, asked: float) -> None:
        """Take what the change feed says of a machine; `asked` is when that was so at the latest."""
        with self._lock:
            self._feed_data[ident] = data, asked
            self._not_in_feed.discard(ident)
            watch = self._watches.get(ident)
            if watch is not None and self.has_feed:
                watch.due = self._not_too_late(watch, self.clock.monotonic(), NEWS_SECONDS)
        if watch is not None:
            self._save_feed_data(watch, data)

    def _save_feed_data(self, watch: Watch, data: MachineData) -> None:
        known: Mapping[str, Any] = watch.machine._data or {}
        # The feed does not look packages up.
        package = data.get("package") or known.get("package", "")
        _keep(watch.machine, cast(MachineData, {**data, "package": package}), actions.next())
        self._act_on_state(watch, watch.machine.state)

    def feed_ended(self) -> None:
        """Look at all machines at once, and each interval from then on, as the feed is over."""
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
            ends = (watch.end for watch in self._watches.values() if watch.end > now + EXACT)
            later = min(ends, default=math.inf)
            waiting = [watch for watch in self._watches.values() if not watch.is_alone]
            if not waiting or self._is_looking:
                return later - now
            not_before = self._asked + min(watch.pace for watch in waiting)
            soonest = min(max(watch.due, min(not_before, self._last(watch))) for watch in waiting)
            many_done = self._crew.done - self._done_then >= JOBS_A_LOOK
            is_urgent = any(watch.end - now <= max(watch.interval, LAST_LOOK) for watch in waiting)
            if soonest > now + EXACT or (self._crew.has_queue and not many_done and not is_urgent):
                return max(0.0, min(soonest, later) - now)
            self._is_looking, self._asked, self._done_then = True, now, self._crew.done
        self._crew.queue_look(self._look)
        return 0.0

    def _is_overdue(self, watch: Watch, now: float) -> bool:
        """Whether to end a wait with a timeout: its time is over, and its first look has begun.

        A timeout of 0 is one look, whose answer is waited for. Other waits do not wait for a look under way.
        """
        if now < watch.end - EXACT:
            return False
        if watch.until.timeout == 0:
            return watch.looks > 0
        if watch.due <= now + EXACT and now <= watch.end + EXACT:
            return False  # by a clock that moves by sleeping, its last look begins at its end
        return watch.is_begun or self._is_asking

    def _last(self, watch: Watch) -> float:
        """When the last look at a machine begins: so early that it is answered in time."""
        if watch.until.timeout is None:
            return math.inf
        usual = min(LAST_LOOK, watch.until.timeout / 4) if self._usual is None else self._usual
        return watch.end - usual

    def _look(self) -> None:
        asked, order = self.clock.monotonic(), actions.next()
        with self._lock:
            batch = [watch for watch in self._watches.values() if not watch.is_alone]
            for watch in batch:
                watch.is_begun, watch.asked = True, asked
            self._is_asking = True
        try:
            listed: dict[str, MachineData] = {}
            trouble: SmartDCError | None = None
            try:
                if len(batch) > self._pages:
                    listed = self._listed({watch.machine.id for watch in batch})
            except SmartDCError as error:
                trouble = error
                log.info("machines are waited for, and the look at them failed: %s", error)
            for watch in batch:
                data = listed.get(watch.machine.id)
                if self._watches.get(watch.machine.id) is not watch:
                    continue  # the feed was faster, and the next step may have begun
                if data is not None:
                    _keep(watch.machine, data, order)
                    self._act_on_state(watch, watch.machine.state)
                elif trouble is not None and is_passing(trouble):
                    self._note_look(watch, watch.seen, trouble)
                else:
                    self._look_alone(watch)
        finally:
            with self._lock:
                self._is_looking = self._is_asking = False

    def _listed(self, wanted: set[str]) -> dict[str, MachineData]:
        """What lists say of these machines. No more pages are read than there are machines."""
        found: dict[str, MachineData] = {}
        number = 0
        for number, machine in enumerate(cast(MachineOperations, self._connection).iter_machines()):
            if machine.id in wanted:
                found[machine.id] = machine.raw
            if len(found) == len(wanted) or number >= PAGE * len(wanted):
                break
        self._pages = number // PAGE + 1
        return found

    def _act_on_state(self, watch: Watch, state: str) -> None:
        """Act on a state that the list or the feed has told."""
        if state == watch.until.state:
            self._finish(watch, None)
        elif state in ENDED:
            self._look_alone(watch)  # for the error that waiting for it alone has
        else:
            watch.absence.end()
            self._note_look(watch, state, None)

    def _look_alone(self, watch: Watch) -> None:
        with self._lock:
            if watch.is_alone:
                return
            watch.is_alone = True
        self._crew.queue_look(lambda: self._get_one(watch))

    def _get_one(self, watch: Watch) -> None:
        """Look at one machine by GetMachine."""
        machine = watch.machine
        if watch.asked is None:
            watch.asked = self.clock.monotonic()
        try:
            # Made once: another look follows.
            machine._fetch(self._connection._with(deadline=Deadline(self.clock, 0)))
            watch.absence.end()
        except NotFoundError as error:  # GoneError is one
            if not watch.absence.is_settled(error, machine._created_at):
                self._note_look(watch, watch.seen, error)
                return
            machine._deleted = True
        except Exception as error:
            if isinstance(error, SmartDCError) and is_passing(error):
                self._note_look(watch, watch.seen, error)
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

    def _note_look(self, watch: Watch, state: str | None, trouble: BaseException | None) -> None:
        watch.seen, watch.trouble = state, trouble
        now = self.clock.monotonic()
        with self._lock:
            if watch.asked is not None:  # else it is the feed that tells
                took = now - watch.asked + (LATE if self.clock is time else 0.0)
                self._usual, watch.asked = min(LAST_LOOK, took), None
                watch.looks += 1
            watch.is_alone = False
            watch.due = self._next_look(watch, now)

    def _next_look(self, watch: Watch, now: float) -> float:
        is_in_feed = self.has_feed and watch.machine.id not in self._not_in_feed
        return self._not_too_late(watch, now, NEWS_SECONDS if is_in_feed else watch.interval)

    def _not_too_late(self, watch: Watch, now: float, seconds: float) -> float:
        """When the next look is due: so many seconds from now, or just before the end; after that never."""
        last = self._last(watch)
        if last > now + EXACT:
            return min(now + seconds, last)
        return math.inf if watch.looks else now

    def _finish(self, watch: Watch, error: Exception | None) -> None:
        with self._lock:
            if self._watches.get(watch.machine.id) is not watch:
                return  # it has ended meanwhile
            del self._watches[watch.machine.id]
        watch.ended(error)


def _keep(machine: Machine, data: MachineData, order: int) -> None:
    """Save what a list says of a machine, and keep the fields that lists do not have."""
    known: Mapping[str, Any] = machine._data or {}
    machine._save({**{name: known[name] for name in UNLISTED if name in known}, **data})
    machine._data_order = order
