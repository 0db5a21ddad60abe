"""The clock of a connection that is given none: the real one, or that of an active emulator.

An activated emulator lends its clock to the connections to its URLs that are made meanwhile. Those of other
processes learn the rate of that clock from the environment, so that a wait takes as many emulated seconds
there.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterable
from functools import cache
from urllib.parse import urlsplit

from smartdc._forks import renew_in_children
from smartdc._http.insecure import is_this_machine
from smartdc._http.waiting import Clock

__all__ = ["OUT_OF_REACH", "VARIABLE", "LentClock", "clock_of", "lend", "running_at", "take_back"]

VARIABLE = "SMARTDC_EMULATOR_CLOCK"
"""Environment variable: the rate of an emulator's clock, and the ports of this machine that use it."""


class LentClock:
    """A clock that servers on this machine use, and their ports."""

    def __init__(self, clock: Clock, ports: frozenset[int]) -> None:
        self.clock = clock
        self.ports = ports


class _Lent:
    """The clocks that are lent; a forked child keeps them."""

    def __init__(self) -> None:
        self.clocks: list[LentClock] = []
        self.lock = threading.Lock()
        renew_in_children(self)

    def renew(self) -> None:
        """Make a new lock: in a forked child no thread would release the old one."""
        self.lock = threading.Lock()


_lent = _Lent()


def lend(clock: Clock, urls: Iterable[str]) -> LentClock:
    """Let connections that are made from now on to these URLs of this machine wait by this clock."""
    ports = (urlsplit(url).port for url in urls)
    lent = LentClock(clock, frozenset(port for port in ports if port is not None))
    with _lent.lock:
        _lent.clocks.append(lent)
    return lent


def take_back(lent: LentClock) -> None:
    """End what `lend` began; connections that were made meanwhile keep the clock."""
    with _lent.lock:
        _lent.clocks.remove(lent)


def clock_of(url: str) -> Clock:
    """The clock that the server at this URL is known to use; else the module `time`."""
    announced = os.environ.get(VARIABLE, "")
    if not (_lent.clocks or announced) or not is_this_machine(url):
        return time
    port = urlsplit(url).port
    with _lent.lock:
        for lent in reversed(_lent.clocks):
            if port in lent.ports:
                return lent.clock
    rate, *ports = announced.split() or [""]
    return _clock_at(rate) if str(port) in ports else time


def running_at(rate: float, urls: Iterable[str]) -> str:
    """The value of `VARIABLE` for a clock that runs at this rate."""
    return " ".join(str(value) for value in (rate, *(urlsplit(url).port for url in urls)))


class _RunningClock:
    """The real time, faster or slower."""

    def __init__(self, rate: float) -> None:
        self._rate = rate

    def monotonic(self) -> float:
        return time.monotonic() * self._rate

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._rate)


class _ClockOutOfReach:
    """The real time, in place of an emulator's clock that only waiting in the emulator's process moves."""

    is_out_of_reach = stands_still = True

    def monotonic(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


OUT_OF_REACH: Clock = _ClockOutOfReach()
"""For a connection that was pickled with a clock that `stands_still`; waits refuse it."""


@cache
def _clock_at(rate: str) -> Clock:
    try:
        number = float(rate)
    except ValueError:
        return time
    return _RunningClock(number) if 0 < number < math.inf else time
