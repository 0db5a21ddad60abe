"""Machines of one account that wait for a state: one list is a look at all of them."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from smartdc._http.connection import Connection
from smartdc._http.looks import UNLISTED, actions
from smartdc._http.paging import PAGE
from smartdc._http.waiting import STANDSTILL, Absence, Deadline, is_passing
from smartdc.api.machines import MachineOperations
from smartdc.errors import NotFoundError, SmartDCError, WaitFailed, WaitTimeout
from smartdc.fleet.crew import Crew
from smartdc.fleet.steps import Until
from smartdc.machine import Machine
from smartdc.types import MachineData

__all__ = ["Watch", "Watcher"]

log = logging.getLogger("smartdc")

JOBS_A_LOOK = 50
"""How many jobs are done between two looks while others wait: a look takes a turn from them."""

NEWS_SECONDS = 30.0
"""A machine of which the change feed told nothing for so long is looked at."""

Ended = Callable[[Exception | None], None]


@dataclass(eq=False)
class Watch:
    """A machine that waits.

    Attributes:
        machine: The machine.
        until: What it waits for.
        ended: Called once, with the error or None.
        begun: When it began to wait.
        absence: How long it has not been found.
        due: When it is looked at next.
        seen: The state that was seen last.
        trouble: Why the last look failed.
        is_alone: Whether it is being looked at by itself.
        looks: How often it was looked at.
        is_begun: Whether a look at it has begun.
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
    is_begun: bool = False

    @property
    def interval(self) -> float:
        """Seconds between two looks; a clock that only waiting moves would stand still for ever at 0."""
        return self.until.interval or STANDSTILL

    @property
    def end(self) -> float:
        """When its time is over."""
        return math.inf if self.until.timeout is None else self.begun + self.until.timeout

    @property
    def pace(self) -> float:
        """Seconds that a look comes later, at most, so that it serves others as well."""
        return min(self.interval, self.until.timeout or math.inf) / 4

    def timeout(self) -> WaitTimeout:
        """The error for a wait whose time is over."""
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
    """The watches of one account in one data center.

    Args:
        connection: Whose machines they are.
        crew: Makes the looks.
    """

    def __init__(self, connection: Connection, crew: Crew) -> None:
        self.clock = connection.clock
        self.has_feed = False
        self._connection = connection
        self._crew = crew
        self._lock = threading.Lock()
        self._watches: dict[str, Watch] = {}
        self._told: dict[str, tuple[MachineData, float]] = {}
        self._unlisted: set[str] = set()
        self._is_looking = self._is_asking = False
        self._asked, self._usual = -math.inf, 0.0
        self._done_then = 0
        self._pages = 1

    def add(self, machine: Machine, until: Until, acted: float, ended: Ended) -> None:
        """Wait for a machine.

        Args:
            machine: The machine.
            until: What to wait for.
            acted: When the last thing was done with it that the wait is for; minus infinity if nothing was.
            ended: Called once, with the error or None, from another thread.
        """
        now = self.clock.monotonic()
        absence = Absence(self.clock, self._connection.retry.settling)
        watch = Watch(machine, until, ended, now, absence, now)
        if acted > -math.inf:
            watch.due = self._next_look(watch, now)
        with self._lock:
            told = self._told.get(machine.id)
            self._watches[machine.id] = watch
            if self.has_feed and machine.id not in self._unlisted:
                # A machine that is in the state already may stay there, and nothing is told.
                is_so = told is not None and told[0]["state"] == until.state
                usual = watch.interval if is_so else NEWS_SECONDS
                watch.due = self._not_too_late(watch, now, usual)
        if told is not None and told[1] >= acted:
            self._heard(watch, told[0])

    def unlisted(self, idents: Iterable[str]) -> None:
        """Take note that the feed can tell nothing of these, as it lists none of them: they are looked at."""
        with self._lock:
            self._unlisted.update(idents)

    def told(self, ident: str, data: MachineData, asked: float) -> None:
        """Take note of what the change feed says of a machine, or the list that it made at that time."""
        with self._lock:
            self._told[ident] = data, asked
            self._unlisted.discard(ident)
            watch = self._watches.get(ident)
            if watch is not None and self.has_feed:
                watch.due = self._not_too_late(watch, self.clock.monotonic(), NEWS_SECONDS)
        if watch is not None:
            self._heard(watch, data)

    def _heard(self, watch: Watch, data: MachineData) -> None:
        known: Mapping[str, Any] = watch.machine._data or {}
        # The feed does not look packages up.
        package = data.get("package") or known.get("package", "")
        _keep(watch.machine, cast(MachineData, {**data, "package": package}), actions.next())
        self._saw(watch, watch.machine.state)

    def feed_ended(self) -> None:
        """There will be no more news: look at once, and as usual from then on."""
        with self._lock:
            self.has_feed = False
            for watch in self._watches.values():
                watch.due = self.clock.monotonic()

    def attend(self) -> float:
        """End the waits whose time is over, and have a look made if one is due.

        Returns:
            Seconds until there is something to do.
        """
        now = self.clock.monotonic()
        with self._lock:
            overdue = [watch for watch in self._watches.values() if self._is_overdue(watch, now)]
        for watch in overdue:
            self._finish(watch, watch.timeout())
        with self._lock:
            later = min((watch.end for watch in self._watches.values() if watch.end > now), default=math.inf)
            waiting = [watch for watch in self._watches.values() if not watch.is_alone]
            if not waiting or self._is_looking:
                return later - now
            soonest = max(min(watch.due for watch in waiting), self._not_before(waiting))
            many_done = self._crew.done - self._done_then >= JOBS_A_LOOK
            is_urgent = any(watch.end - now <= watch.interval for watch in waiting)
            if soonest > now or (self._crew.has_queue and not many_done and not is_urgent):
                return max(0.0, min(soonest, later) - now)
            self._is_looking, self._asked, self._done_then = True, now, self._crew.done
        self._crew.look(self._look)
        return 0.0

    def _is_overdue(self, watch: Watch, now: float) -> bool:
        """Whether the time of a wait is over: after the last look, and not before the first has begun.

        A look under way is not waited for, unless the wait is of no time: that is one look.
        """
        if now < watch.end or watch.until.timeout == 0:
            return watch.looks > 0 and now >= watch.end
        if watch.due <= now == watch.end:  # by a clock that only waiting moves
            waiting = [each for each in self._watches.values() if not each.is_alone]
            if self._is_looking or watch.is_alone or self._not_before(waiting) <= now:
                return False
        return watch.is_begun or self._is_asking

    def _not_before(self, waiting: Iterable[Watch]) -> float:
        """When another list may be asked for."""
        return self._asked + min(watch.pace for watch in waiting)

    def _look(self) -> None:
        asked, order = self.clock.monotonic(), actions.next()
        with self._lock:
            batch = [watch for watch in self._watches.values() if not watch.is_alone]
            for watch in batch:
                watch.is_begun = True
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
            self._usual = min(1.0, self.clock.monotonic() - asked)
            for watch in batch:
                data = listed.get(watch.machine.id)
                if self._watches.get(watch.machine.id) is not watch:
                    continue  # the feed has told of it meanwhile, and something else may be done with it
                if data is not None:
                    _keep(watch.machine, data, order)
                    self._saw(watch, watch.machine.state)
                elif trouble is not None and is_passing(trouble):
                    self._looked(watch, watch.seen, trouble)
                else:
                    self._look_alone(watch)
        finally:
            with self._lock:
                self._is_looking = self._is_asking = False

    def _listed(self, wanted: set[str]) -> dict[str, MachineData]:
        """What a list has of these; it is read no further than looking at each of them would take."""
        found: dict[str, MachineData] = {}
        number = 0
        for number, machine in enumerate(cast(MachineOperations, self._connection).iter_machines()):
            if machine.id in wanted:
                found[machine.id] = machine.raw
            if len(found) == len(wanted) or number >= PAGE * len(wanted):
                break
        self._pages = number // PAGE + 1
        return found

    def _saw(self, watch: Watch, state: str) -> None:
        """Go by a state that was seen among those of others."""
        if state == watch.until.state:
            self._finish(watch, None)
        elif state in ("failed", "deleted"):
            self._look_alone(watch)  # for the error that waiting for it alone has
        else:
            watch.absence.end()
            self._looked(watch, state, None)

    def _look_alone(self, watch: Watch) -> None:
        with self._lock:
            if watch.is_alone:
                return
            watch.is_alone = True
        self._crew.look(lambda: self._alone(watch))

    def _alone(self, watch: Watch) -> None:
        """Look at one machine: what a list does not have, or tells nothing of."""
        machine = watch.machine
        try:
            # Made once: another look follows.
            machine._fetch(self._connection._only(deadline=Deadline(self.clock, 0)))
            watch.absence.end()
        except NotFoundError as error:  # GoneError is one
            if not watch.absence.is_settled(error, machine._made):
                self._looked(watch, watch.seen, error)
                return
            machine._deleted = True
        except Exception as error:
            if isinstance(error, SmartDCError) and is_passing(error):
                self._looked(watch, watch.seen, error)
            else:
                self._finish(watch, error)
            return
        state, wanted = machine.state, watch.until.state
        if state in ("failed", "deleted") and state != wanted:
            text = f"machine {machine.id} is {state}: it will not become {wanted!r}"
            self._finish(watch, WaitFailed(text, state=state))
        elif state == wanted:
            self._finish(watch, None)
        else:
            self._looked(watch, state, None)

    def _looked(self, watch: Watch, state: str | None, trouble: BaseException | None) -> None:
        watch.seen, watch.trouble = state, trouble
        with self._lock:
            watch.looks += 1
            watch.is_alone = False
            watch.due = self._next_look(watch, self.clock.monotonic())

    def _next_look(self, watch: Watch, now: float) -> float:
        is_told = self.has_feed and watch.machine.id not in self._unlisted
        return self._not_too_late(watch, now, NEWS_SECONDS if is_told else watch.interval)

    def _not_too_late(self, watch: Watch, now: float, seconds: float) -> float:
        """So many seconds from now, but not too late for a last look; if it is, never again."""
        last = watch.end - self._usual
        if last > now:
            return min(now + seconds, last)
        return math.inf if watch.looks else now

    def _finish(self, watch: Watch, error: Exception | None) -> None:
        with self._lock:
            if self._watches.get(watch.machine.id) is not watch:
                return  # its time was over meanwhile
            del self._watches[watch.machine.id]
        watch.ended(error)


def _keep(machine: Machine, data: MachineData, order: int) -> None:
    """Save what a list says of a machine, and what lists never say and was known of it."""
    known: Mapping[str, Any] = machine._data or {}
    machine._save({**{name: known[name] for name in UNLISTED if name in known}, **data})
    machine._seen = order
