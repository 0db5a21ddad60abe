"""What a forked child must not share with its parent.

Sockets, locks that a thread of the parent held, signatures in the making. A module that a thread of the
parent was importing at the fork can never be imported in the child, which would wait for that thread: what
requests need is imported with the library, and what they need seldom while no fork can happen.
"""

from __future__ import annotations

import encodings.punycode  # noqa: F401 - of international names of hosts
import logging  # noqa: F401 - its own lock is taken at forks after ours, as it is by imports that log
import os
import threading
import weakref
from typing import Protocol

__all__ = ["RenewedLock", "importing", "renew_in_children"]

importing = threading.RLock()
"""Hold it while importing what is not imported with the library: forks wait for it."""


class Renewable(Protocol):
    """Something that can start anew."""

    def renew(self) -> None:
        """Forget what only the parent can go on with."""
        ...


_all: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_in_children(thing: Renewable) -> None:
    """Renew it in each forked child, for as long as it lives."""
    _all.add(thing)


class RenewedLock:
    """A lock that is free in a forked child, where nobody would release it."""

    def __init__(self) -> None:
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Make a new lock."""
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _renew_all() -> None:
    for thing in list(_all):
        thing.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=importing.acquire, after_in_parent=importing.release, after_in_child=importing.release
    )
    os.register_at_fork(after_in_child=_renew_all)
