"""Clocks on which waiting takes no time."""

from __future__ import annotations

import threading
import time


class _Still:
    """A clock that shows the time it was set to."""

    def __init__(self) -> None:
        self.now = 0.0
        self._start = time.time()

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self._start + self.now


class Instant(_Still):
    """A clock that only waiting moves, and that notes for how long it was asked to wait.

    Attributes:
        slept: The waits, in seconds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    def sleep(self, seconds: float, /) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Standing(Instant):
    """Such a clock as an emulator at rate 0 lends it: another process cannot move it."""

    stands_still = True


class Together(_Still):
    """A clock for several threads, whose waits overlap: when all sleep, it goes on to the next that wakes.

    Args:
        threads: How many take part; each calls `leave` at its end.

    Attributes:
        sleeps: How many waits there were.
    """

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._threads = threads
        self._asleep: list[tuple[float, threading.Event]] = []
        self._lock = threading.Lock()
        self.sleeps = 0

    def sleep(self, seconds: float, /) -> None:
        woken = threading.Event()
        with self._lock:
            self.sleeps += 1
            self._asleep.append((self.now + seconds, woken))
            self._go_on()
        assert woken.wait(60), "the clock stands still"

    def leave(self) -> None:
        with self._lock:
            self._threads -= 1
            self._go_on()

    def _go_on(self) -> None:
        if self._asleep and len(self._asleep) == self._threads:
            self.now = max(self.now, min(wakes for wakes, _ in self._asleep))
            for _, woken in [each for each in self._asleep if each[0] <= self.now]:
                woken.set()
            self._asleep = [each for each in self._asleep if each[0] > self.now]
