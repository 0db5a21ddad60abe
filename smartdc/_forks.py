"""What a forked child must not share with its parent.

Sockets, locks that a thread of the parent held, signatures in the making.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol

__all__ = ["renew_in_children"]


class Renewable(Protocol):
    """Something that can start anew."""

    def renew(self) -> None:
        """Forget what only the parent can go on with."""
        ...


_all: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_in_children(thing: Renewable) -> None:
    """Renew it in each forked child, for as long as it lives."""
    _all.add(thing)


def _renew_all() -> None:
    for thing in list(_all):
        thing.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
