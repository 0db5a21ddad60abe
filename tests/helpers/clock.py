"""A clock on which waiting takes no time."""

from __future__ import annotations

import time


class Instant:
    """A clock that only waiting moves, and that notes for how long it was asked to wait.

    Attributes:
        slept: The waits, in seconds.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self._start = time.time()

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self._start + self.now

    def sleep(self, seconds: float, /) -> None:
        self.slept.append(seconds)
        self.now += seconds
