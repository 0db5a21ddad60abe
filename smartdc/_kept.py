"""What objects of one process share that were unpickled with equal settings.

A pool of processes unpickles each machine by itself, and drops it before it unpickles the next. So what is
shared outlives the last object that uses it, for a while.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from smartdc._forks import RenewedLock

__all__ = ["Hold", "Kept"]

T = TypeVar("T")

SECONDS = 60.0
MOST = 8


class _Entry(Generic[T]):
    def __init__(self, key: Hashable, thing: T) -> None:
        self.key = key
        self.thing = thing
        self.holders: set[object] = set()


class Hold(Generic[T]):
    """One object's part in a thing that is shared; it ends with the object, or when it is released."""

    def __init__(self, kept: Kept[T], entry: _Entry[T]) -> None:
        self._kept = kept
        self._entry = entry
        self._holder = object()
        entry.holders.add(self._holder)
        weakref.finalize(self, kept.dropped, entry, self._holder).atexit = False

    @property
    def thing(self) -> T:
        """What is shared."""
        return self._entry.thing

    def release(self) -> bool:
        """End it; whether nobody else holds the thing, which then is not shared any more."""
        return self._kept.released(self._entry, self._holder)


class Kept(Generic[T]):
    """Things that are made once for equal keys, and shared by all who hold them.

    The last few that were in use are kept for a minute more. There is no thread that ends them, as a process
    with threads does not fork safely (Python 3.12 warns of it): what is over ends when the next thing is held
    or dropped.

    Args:
        clock: Tells seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: weakref.WeakValueDictionary[Hashable, _Entry[T]] = weakref.WeakValueDictionary()
        self._recent: dict[_Entry[T], float] = {}
        self._lock = RenewedLock()

    def hold(self, key: Hashable, make: Callable[[], T]) -> Hold[T]:
        """Hold what was made for this key; make it if need be."""
        self._let_go()
        with self._lock:
            entry = self._known.get(key)
            if entry is None:
                entry = self._known[key] = _Entry(key, make())
            hold = Hold(self, entry)
        self._keep(entry)
        return hold

    def released(self, entry: _Entry[T], holder: object) -> bool:
        """End a hold; whether it was the last one."""
        with self._lock:
            entry.holders.discard(holder)
            if entry.holders:
                return False
            if self._known.get(entry.key) is entry:
                del self._known[entry.key]
            self._recent.pop(entry, None)
        return True

    def dropped(self, entry: _Entry[T], holder: object) -> None:
        """Take note that a holder was garbage-collected. It waits for no lock, which this thread may hold."""
        if holder in entry.holders:
            entry.holders.discard(holder)
            self._keep(entry)

    def _keep(self, entry: _Entry[T]) -> None:
        self._recent.pop(entry, None)
        self._recent[entry] = self._clock() + SECONDS
        self._let_go()

    def _let_go(self) -> None:
        now = self._clock()
        for entry, until in self._recent.copy().items():
            if until <= now or len(self._recent) > MOST:
                self._recent.pop(entry, None)
