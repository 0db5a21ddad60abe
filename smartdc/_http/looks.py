"""Shared looks: one ListMachines that serves all threads that wait for machines of one account.

`Machine.poll_until` uses it so, and so may other code::

    looks = connection._looks
    with looks.waiting(machines=1):     # the number of machines that this thread waits for
        after = machine._seen - 1       # lists that are older than what the machine shows do not count
        ...                             # at each look:
        after = machine._look(after, interval, deadline)
        machine.state                   # from a list or a GET; errors are those of the GET

A list serves a look if it was asked for after the last action of this process on the machine, and after the
answer that this wait has seen last. Also, it must have been asked for after the look began, or at most
`interval` seconds ago. One thread asks for the list. The others wait for it, each no longer than its own
deadline, and no lock is held meanwhile.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple

from smartdc._forks import renew_in_children
from smartdc._http.paging import PAGE
from smartdc._http.waiting import Clock, Deadline
from smartdc.errors import RequestTimeout, SmartDCError

__all__ = ["UNLISTED", "Actions", "Listed", "Looks", "Page", "actions", "looks_of"]

Page = Callable[[int, Callable[[], None]], Sequence[Mapping[str, Any]]]
"""Lists machines from an offset on. Calls the function when the request is sent."""

log: logging.Logger = logging.getLogger("smartdc")

UNLISTED = ("dns_names",)
"""Fields that GetMachine returns and ListMachines does not."""

KNOWN = 30.0
"""Seconds for which the length of the list counts as known. A list that failed counts as endless."""
LINGER = 0.1
"""Share of a list's duration for which `status()` waits, so that other calls can share its list."""
SLICE, LONGEST_SLICE = 0.001, 0.1
"""Real seconds between two readings of a clock that is not the real one: at first, and at most."""


class Actions:
    """Numbers the actions and lists of this process in their order, as a clock may stand still.

    Args:
        most: How many machines to remember. All others count as changed when the one forgotten last was.

    Attributes:
        next: Returns a number that is higher than all before.
    """

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._last: dict[str, int] = {}
        self._forgotten = 0
        self.next: Callable[[], int] = count(1).__next__
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Make a new lock: in a forked child no thread would release the old one."""
        self._lock = threading.Lock()

    def note_request(self, verb: str, path: str) -> None:
        """Note that a request is over, however it ended: it may have changed a machine."""
        if verb not in ("GET", "HEAD") and path.startswith("/machines/"):
            self.note_action(path.split("/")[2])

    def note_action(self, machine_id: str) -> None:
        """Note an action on this machine."""
        with self._lock:
            self._last.pop(machine_id, None)
            self._last[machine_id] = self.next()
            if len(self._last) > self._most:
                self._forgotten = self._last.pop(next(iter(self._last)))

    def last(self, machine_id: str) -> int:
        """The number of the last action on this machine, or a higher one."""
        with self._lock:
            return self._last.get(machine_id, self._forgotten)


actions = Actions()
"""Those of the whole process, as several data center objects may act on one machine."""


class Listed(NamedTuple):
    """One machine in a list.

    Attributes:
        order: The number that the list got when it was sent.
        data: What it says of the machine.
    """

    order: int
    data: Mapping[str, Any]


class _List:
    """One ListMachines. `order` and `asked` say when it was sent; `machines` is None if it failed."""

    def __init__(self) -> None:
        self.order = 0
        self.asked = 0.0
        self.machines: dict[str, Mapping[str, Any]] | None = None
        self.is_cut = True
        self.done = threading.Event()


class Looks:
    """Shared looks at the machines that one account sees in certain roles.

    Args:
        clock: Where time comes from.
        shared: False makes each look a GET.
    """

    def __init__(self, clock: Clock, shared: bool = True) -> None:
        self._clock = clock
        self._shared = shared
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Forget all, in a forked child: the list that is under way would never end there."""
        self._lock = threading.Lock()
        self._waiting = self._calling = 0
        self._newest: _List | None = None
        self._under_way: _List | None = None
        self._pages, self._known_until = 1.0, -math.inf
        self._duration = 0.0

    @contextmanager
    def waiting(self, machines: int = 1) -> Iterator[None]:
        """Count machines that are waited for: lists are used when they take fewer requests."""
        with self._lock:
            self._waiting += machines
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= machines
                self._forget()

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Count a call of `status()` while it is under way; it uses `listed` with an interval of 0."""
        with self._lock:
            self._calling += 1
        try:
            yield
        finally:
            with self._lock:
                self._calling -= 1
                self._forget()

    def listed(
        self, machine_id: str, page: Page, after: int, interval: float, deadline: Deadline | None
    ) -> Listed | None:
        """What a list says of a machine.

        Args:
            machine_id: Its UUID.
            page: Gets a page of the list, before the deadline.
            after: The number of the answer that was seen last; older lists are not used.
            interval: How many seconds ago the list may have been asked for; 0: only after the call.
            deadline: When this look must be over.

        Returns:
            None if the caller has to make a GET: single looks are cheaper, the list failed, the machine is
            not in it, or the deadline is over.
        """
        began = actions.next()
        while True:
            with self._lock:
                now = self._clock.monotonic()
                oldest = now - interval if interval else math.inf
                found = self._newest
                if found is not None and self._is_usable(found, machine_id, began, after, oldest):
                    return _entry(found, machine_id)
                if not self._is_list_cheaper(interval, now):
                    return None
                asked = self._under_way
                leads = asked is None
                if asked is None:
                    asked = self._under_way = _List()
            if leads:
                self._ask(asked, page, deadline, linger=not interval)
            elif not _wait_until_done(asked.done, self._clock, deadline):
                return None
            if asked.machines is None and (leads or not asked.is_cut):
                return None

    def _is_usable(self, found: _List, machine_id: str, began: int, after: int, oldest: float) -> bool:
        return found.order > max(after, actions.last(machine_id)) and (
            found.order > began or found.asked >= oldest
        )

    def _is_list_cheaper(self, interval: float, now: float) -> bool:
        pages = self._pages if now < self._known_until else 1
        return self._shared and (self._waiting if interval else self._calling) > pages

    def _ask(self, asked: _List, page: Page, deadline: Deadline | None, *, linger: bool) -> None:
        """Get the list, page by page, as long as that takes fewer requests than single looks."""
        pages: float = math.inf
        try:
            if linger:
                self._clock.sleep(self._duration * LINGER)
            asked.machines = self._all_pages(asked, page)
            if asked.machines is not None:
                pages = max(1, math.ceil(len(asked.machines) / PAGE))
        except SmartDCError as error:
            # Each thread makes a GET then, whose error it raises.
            asked.is_cut = isinstance(error, RequestTimeout) and deadline is not None and deadline.left() <= 0
            log.info("a list of machines that threads share failed: %s; each looks by itself", error)
        finally:
            with self._lock:
                self._under_way = None
                if asked.machines is not None:
                    self._newest = asked
                    self._duration = self._clock.monotonic() - asked.asked
                if asked.machines is not None or not asked.is_cut:
                    self._pages, self._known_until = pages, self._clock.monotonic() + KNOWN
            asked.done.set()

    def _all_pages(self, asked: _List, page: Page) -> dict[str, Mapping[str, Any]] | None:
        """The machines by id; None if there are too many pages."""

        def sent() -> None:
            asked.order, asked.asked = actions.next(), self._clock.monotonic()

        found: dict[str, Mapping[str, Any]] = {}
        machines = page(0, sent)
        pages = 1
        while True:
            found.update((data["id"], data) for data in machines if isinstance(data.get("state"), str))
            if len(machines) < PAGE:
                return found
            if pages + 1 >= max(self._waiting, self._calling):
                asked.is_cut = False
                return None
            # After a deletion the later machines move up. A machine that is missed in this way gets a GET.
            machines = page(pages * PAGE, lambda: None)
            pages += 1

    def _forget(self) -> None:
        """Drop the list when no thread waits any more."""
        if not self._waiting and not self._calling:
            self._newest = None


def looks_of(known: dict[Any, Looks], clock: Clock, shared: bool, who: tuple[Any, ...]) -> Looks:
    """The shared looks for this account, roles and settings; made if there are none."""
    key = (clock, shared, *who)
    # setdefault: threads that come first together get the same one.
    return known.get(key) or known.setdefault(key, Looks(clock, shared))


def _entry(found: _List, machine_id: str) -> Listed | None:
    data = (found.machines or {}).get(machine_id)
    return None if data is None else Listed(found.order, data)


def _wait_until_done(done: threading.Event, clock: Clock, deadline: Deadline | None) -> bool:
    """Wait for the list of another thread; False if the deadline comes first."""
    pause = SLICE
    while not done.is_set():
        left = math.inf if deadline is None else deadline.left()
        if left <= 0:
            return False
        done.wait(None if left == math.inf else left if clock is time else pause)
        pause = min(2 * pause, LONGEST_SLICE)
    return True
