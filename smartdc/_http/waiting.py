"""Waiting: the one loop that asks again until something is so."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from smartdc.errors import ConfigurationError, WaitTimeout

__all__ = ["Clock", "poll"]


class Clock(Protocol):
    """What waiting needs of time. The module `time` is one; the emulator's clock is another."""

    def time(self) -> float:
        """Seconds since 1970, to compare with what the server dates."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Let that many seconds pass."""
        ...


def poll(
    done: Callable[[], str | None],
    *,
    interval: float,
    timeout: float | None,
    clock: Clock,
    awaited: str,
) -> None:
    """Call `done` until it returns None.

    Args:
        done: Looks once; returns None when the wait is over, else what it saw.
        interval: Seconds between two looks.
        timeout: Seconds in all; None waits for ever. The last look is at the deadline, not after it.
        clock: Where time comes from.
        awaited: What is waited for, for the error.

    Raises:
        WaitTimeout: The time ran out; its `state` is what was seen last.
    """
    if not 0 < interval < math.inf:
        raise ConfigurationError(f"interval must be a number of seconds above 0, not {interval!r}")
    if timeout is not None and not timeout >= 0:  # not "<": NaN is no end either
        raise ConfigurationError(f"timeout must be None or a number of seconds from 0, not {timeout!r}")
    deadline = None if timeout is None else clock.monotonic() + timeout
    while (seen := done()) is not None:
        pause = interval
        if deadline is not None:
            left = deadline - clock.monotonic()
            if left <= 0:
                raise WaitTimeout(f"gave up after {timeout:g} s: {awaited}, now {seen!r}", state=seen)
            pause = min(interval, left)
        clock.sleep(pause)
