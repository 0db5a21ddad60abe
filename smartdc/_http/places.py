"""How many requests may have a connection at once: each holds a place until its answer is read.

The exception of a signal handler, such as Ctrl-C, can come between any two steps. So there is no lock here
that it could leave locked, as in `queue.Queue`, and a place that is lost in this way is replaced.
"""

from __future__ import annotations

import weakref
from queue import SimpleQueue

__all__ = ["Place", "Places"]


class Place:
    """The right to have one connection. If it is lost, another one is put into the queue."""

    def __init__(self, free: SimpleQueue[Place]) -> None:
        self._free = weakref.ref(free)

    def __del__(self) -> None:
        free = self._free()
        if free is not None:
            free.put(Place(free))


class Places:
    """A number of places.

    Args:
        count: How many there are.
    """

    def __init__(self, count: int) -> None:
        self._free: SimpleQueue[Place] = SimpleQueue()
        for _ in range(count):
            self._free.put(Place(self._free))

    def take(self, seconds: float) -> Place:
        """Take a place.

        Raises:
            queue.Empty: None became free in this time.
        """
        return self._free.get(timeout=seconds)

    def give_back(self, place: Place) -> None:
        """Give back a place that was taken here."""
        self._free.put(place)
