"""What a forked child must not share with its parent.

Sockets, locks that a thread of the parent held, unfinished signatures. If a thread of the parent was
importing a module at the fork, the child can never import it, because it would wait for that thread. So
modules that requests need are imported with the library, and others while no fork can happen.
"""

from __future__ import annotations

import encodings.punycode  # noqa: F401 - the codec of international host names
import logging  # noqa: F401 - forks take its lock after `importing`, in the order of imports that log
import os
import threading
import weakref
from typing import Protocol

__all__ = ["RenewedLock", "importing", "renew_in_children"]

importing = threading.RLock()
"""Hold this lock while importing what is not imported with the library: forks wait for it."""


class Renewable(Protocol):
    """An object that can be reset in a forked child."""

    def renew(self) -> None:
        """Drop what only the parent can use."""
        ...


_renewables: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_in_children(thing: Renewable) -> None:
    """Call the object's `renew` in each forked child, for as long as the object exists."""
    _renewables.add(thing)


class RenewedLock:
    """Has a lock that is free in a forked child, where no thread would release it.

    Attributes:
        current: The lock. An exception of a signal handler, such as Ctrl-C, cannot leave it locked after a
            ``with``, as it could if this class had an `__enter__` in Python.
    """

    def __init__(self) -> None:
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Make a new lock."""
        self.current = threading.Lock()


def _renew_all() -> None:
    for thing in list(_renewables):
        thing.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=importing.acquire, after_in_parent=importing.release, after_in_child=importing.release
    )
    os.register_at_fork(after_in_child=_renew_all)
