"""The emulated clock: tests advance it, and the command lets it run.

There are two times. *Emulated time* (`Clock.now`) dates the machines and the answers (``Date``), and decides
when a job ends. The *wall clock* (`Clock.wall`) checks the dates of signatures, and dates the refusals that
precede that check; it is the real time plus `skew`, so that advancing hours does not expire signatures.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from smartdc._forks import renew_in_children
from smartdc.emulator.state.kinds import is_number

#: The longest step, a hundred years; a longer one is taken for a mistake.
LONGEST_STEP = 100 * 365 * 86400.0
#: The highest rate, eleven days in a second; a higher one is taken for a mistake.
HIGHEST_RATE = 1e6
#: The end of emulated time, because years have four digits in dates: 9999-01-01.
_END = 253370764800.0


class Clock:
    """Emulated time, also usable as the ``clock=`` of a `DataCenter`.

    Args:
        rate: Emulated seconds per real second. At 0 (the default) time stands still until `advance` or
            `sleep` moves it: a client that waits advances it, and does not really wait.
        start: The initial emulated time, in seconds since 1970; by default the real time.

    Attributes:
        skew: Seconds by which the server's wall clock is ahead of the real time; negative if it is behind.
    """

    def __init__(self, rate: float = 0.0, start: float | None = None) -> None:
        check_rate(rate)
        self.rate = rate
        self.skew: float = 0.0
        self._lock = threading.Lock()
        self._start = time.time() if start is None else start
        self._real_start = time.monotonic()
        self._advanced = 0.0
        self._speed = rate
        self._speeds: list[float] = []
        self._in_child = False
        self._listeners: list[Callable[[], None]] = []
        renew_in_children(self)

    def renew(self) -> None:
        """Mark this clock as a copy in a forked child: the emulator's clock goes on in the parent."""
        self._lock = threading.Lock()
        self._in_child = True

    @property
    def stands_still(self) -> bool:
        """Whether only `advance` and `sleep` move it, in this process."""
        return self._speed == 0

    @property
    def is_out_of_reach(self) -> bool:
        """Whether it stands still and cannot be advanced, because it belongs to the parent process."""
        return self._in_child and self.stands_still

    def monotonic(self) -> float:
        """Emulated seconds since this clock was made."""
        with self._lock:
            return self._elapsed()

    def now(self) -> float:
        """Return the emulated time, in seconds since 1970."""
        return self._start + self.monotonic()

    def time(self) -> float:
        """Return the same as `now`, by the name that the module `time` uses."""
        return self.now()

    def wall(self) -> float:
        """Return the server's wall clock: the real time plus `skew`, in seconds since 1970."""
        return time.time() + self.skew

    def server_time(self) -> float:
        """Return the time that the answers give: emulated time plus `skew`, in seconds since 1970."""
        return self.now() + self.skew

    def dated(self, seconds: float) -> str:
        """Write an emulated time as the server would, whose clock is off by `skew`."""
        return timestamp(seconds + self.skew)

    def advance(self, seconds: float) -> None:
        """Move the emulated time forward, at any rate; the jobs that fall due have been run on return.

        Raises:
            ValueError: It is not a number from 0 to a hundred years, or ends after the year 9998.
        """
        if not is_number(seconds) or not 0 <= seconds <= LONGEST_STEP:
            raise ValueError(f"advance must be a number from 0 to {LONGEST_STEP:.0f}: {seconds!r:.40}")
        with self._lock:
            if self._start + self._elapsed() + seconds > _END:
                raise ValueError(f"advance must not lead beyond the year 9998: {seconds!r}")
            self._advanced += seconds
        self._call_listeners()

    def sleep(self, seconds: float) -> None:
        """Let `seconds` of emulated time pass: at rate 0 by advancing, otherwise by really waiting.

        A forked child always waits, as it cannot advance the clock of its parent.
        """
        if not is_number(seconds):
            raise ValueError(f"sleep takes a number of seconds: {seconds!r:.40}")
        if seconds <= 0:
            return
        if self.rate == 0 and not self._in_child:
            self.advance(seconds)
        else:
            time.sleep(seconds / (self._speed or 1))

    @contextmanager
    def running(self, rate: float) -> Iterator[None]:
        """Let time also run by itself, for other processes. `sleep` works as before.

        Args:
            rate: Emulated seconds per real second. If several are active, the highest one applies.
        """
        check_rate(rate)
        self._change_speeds(lambda: self._speeds.append(rate))
        try:
            yield
        finally:
            self._change_speeds(lambda: self._speeds.remove(rate))

    def _change_speeds(self, change: Callable[[], None]) -> None:
        with self._lock:
            self._advanced = self._elapsed()
            self._real_start = time.monotonic()
            change()
            self._speed = max([self.rate, *self._speeds])

    def on_advance(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each `advance`; the emulator runs the jobs that are due."""
        self._listeners.append(listener)

    def _elapsed(self) -> float:
        return (time.monotonic() - self._real_start) * self._speed + self._advanced

    def _call_listeners(self) -> None:
        for listener in self._listeners:
            listener()


def check_rate(rate: float) -> None:
    """Check a rate.

    Raises:
        ValueError: It is not a number from 0 to `HIGHEST_RATE`.
    """
    if not is_number(rate) or not 0 <= rate <= HIGHEST_RATE:
        raise ValueError(f"rate must be a number from 0 to {HIGHEST_RATE:.0f}: {rate!r:.40}")


def timestamp(seconds: float) -> str:
    """Write a time as the server does: ISO 8601, milliseconds, ``Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"
