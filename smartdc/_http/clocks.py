"""Which clock a connection waits by when it is given none: the real one, or that of an emulator in use.

An emulator that is activated lends its clock to the connections that are made meanwhile and lead to it. Those
of another process learn from its environment at which rate that clock runs, so that a wait takes as many
emulated seconds there.
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
"""Tells other processes of an emulator's clock: its rate, and the ports of this machine that go by it."""


class LentClock:
    """A clock that servers on this machine go by, and their ports."""

    def __init__(self, clock: Clock, ports: frozenset[int]) -> None:
        self.clock = clock
        self.ports = ports


class _Lent:
    """The clocks that are lent; a forked child knows them as well."""

    def __init__(self) -> None:
        self.clocks: list[LentClock] = []
        self.lock = threading.Lock()
        renew_in_children(self)

    def renew(self) -> None:
        """In a forked child: no thread holds the lock."""
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
    """The clock that the server at this URL goes by, as far as it is known; else the module `time`."""
    told = os.environ.get(VARIABLE, "")
    if not (_lent.clocks or told) or not is_this_machine(url):
        return time
    port = urlsplit(url).port
    with _lent.lock:
        for lent in reversed(_lent.clocks):
            if port in lent.ports:
                return lent.clock
    rate, *ports = told.split() or [""]
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
    """The real time, where the server goes by a clock that only waiting in its own process moves."""

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
