"""Shares what objects of one process need that were unpickled with equal settings.

A pool of processes unpickles each machine separately, and drops it before it unpickles the next. So a shared
thing is kept for a while after the last object that uses it.
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
"""How long a thing is kept after its last use."""

MOST = 8
"""How many unused things are kept."""


class _Entry(Generic[T]):
    def __init__(self, key: Hashable, thing: T) -> None:
        self.key = key
        self.thing = thing
        self.holders: set[object] = set()


class Hold(Generic[T]):
    """A reference to a shared thing. It ends when it is garbage-collected or released."""

    def __init__(self, kept: Kept[T], entry: _Entry[T]) -> None:
        self._kept = kept
        self._entry = entry
        self._holder = object()
        entry.holders.add(self._holder)
        weakref.finalize(self, kept.drop_holder, entry, self._holder).atexit = False

    @property
    def thing(self) -> T:
        """The shared thing."""
        return self._entry.thing

    def release(self) -> bool:
        """End the hold; return whether it was the last one, so that the thing is no longer shared."""
        return self._kept.end_hold(self._entry, self._holder)


class Kept(Generic[T]):
    """Things that are created once for equal keys, and shared by all holders.

    The last few are kept for a minute after their last use. No thread removes them, as a process with threads
    does not fork safely (Python 3.12 warns of it): they are removed when another thing is held or dropped.

    Args:
        clock: Returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: weakref.WeakValueDictionary[Hashable, _Entry[T]] = weakref.WeakValueDictionary()
        self._recent: dict[_Entry[T], float] = {}
        self._lock = RenewedLock()

    def hold(self, key: Hashable, make: Callable[[], T]) -> Hold[T]:
        """Return a hold on the thing with this key; create it if there is none."""
        self._remove_old()
        with self._lock.current:
            entry = self._known.get(key)
            if entry is None:
                entry = self._known[key] = _Entry(key, make())
            hold = Hold(self, entry)
        self._keep(entry)
        return hold

    def end_hold(self, entry: _Entry[T], holder: object) -> bool:
        """End a hold; return whether it was the last one."""
        with self._lock.current:
            entry.holders.discard(holder)
            if entry.holders:
                return False
            if self._known.get(entry.key) is entry:
                del self._known[entry.key]
            self._recent.pop(entry, None)
        return True

    def drop_holder(self, entry: _Entry[T], holder: object) -> None:
        """Note that a holder was garbage-collected. Takes no lock, because this thread may hold it."""
        if holder in entry.holders:
            entry.holders.discard(holder)
            self._keep(entry)

    def _keep(self, entry: _Entry[T]) -> None:
        self._recent.pop(entry, None)
        self._recent[entry] = self._clock() + SECONDS
        self._remove_old()

    def _remove_old(self) -> None:
        now = self._clock()
        for entry, end in self._recent.copy().items():
            if end <= now or len(self._recent) > MOST:
                self._recent.pop(entry, None)
