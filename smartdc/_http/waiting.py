"""Waiting: the polling loop, its deadline, and when a 404 means that something is gone.

A wait bounds everything that is done in it. Each look gets its `Deadline`: the requests, retries and turns of
the look (`smartdc._http.exchange`) are cut to the time that is left.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import TIMEOUT_MAX
from typing import Protocol

from smartdc._http.skew import server_time
from smartdc.arguments.ids import closest_word, shown
from smartdc.arguments.kinds import required_flag
from smartdc.errors import (
    APIError,
    ConfigurationError,
    GoneError,
    NotFoundError,
    SmartDCError,
    ThrottledError,
    TransportError,
    WaitTimeout,
)

__all__ = [
    "Absence",
    "Clock",
    "Deadline",
    "checked_interval",
    "checked_state",
    "checked_timeout",
    "is_passing",
    "is_seconds",
    "poll",
    "refuse_standstill",
]

log: logging.Logger = logging.getLogger("smartdc")

LEAST_TIMEOUT = 0.05
"""Seconds that a request gets at the very end of a wait: with less, no answer could come."""
STANDSTILL = 0.1
"""Seconds that a look takes at least by a clock that stands still."""
LAST_LOOK = 1.0
"""Seconds before the end of a wait that are kept, at most, for its last look."""


class Clock(Protocol):
    """What waits need of a clock. The module `time` has it, and so has the emulator's clock."""

    def time(self) -> float:
        """Seconds since 1970, to compare with what the server dates."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Let that many seconds pass."""
        ...


class Deadline:
    """When a wait ends, for the requests that are made in it.

    A wait of 0 seconds is one look: its request waits for its turn, has its usual timeout, and is made once.

    Args:
        clock: Where time comes from. Timeouts on the wire are cut only if it is the real time.
        seconds: How long the wait may take, from now.
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds
        self._is_one_look = seconds == 0

    def left(self) -> float:
        """Seconds until the wait ends; 0 when it is over."""
        return max(0.0, self._end - self._clock.monotonic())

    def turn(self) -> float:
        """Seconds that a request may wait for its turn."""
        return math.inf if self._is_one_look else self.left()

    def wire(self) -> float | None:
        """Seconds that an attempt may take on the wire; None leaves it its own timeouts."""
        return None if self._is_one_look or self._clock is not time else max(LEAST_TIMEOUT, self.left())


class Absence:
    """Whether a 404 means that something is gone: shortly after its creation, the server may not find it yet.

    Args:
        clock: Where time comes from.
        settling: For how many seconds the server may not find it.
    """

    def __init__(self, clock: Clock, settling: float) -> None:
        self._clock = clock
        self._settling = settling
        self._since: float | None = None

    def end(self) -> None:
        """Note that it was found."""
        self._since = None

    def is_settled(self, error: NotFoundError, created_at: datetime | None) -> bool:
        """Whether it is certainly gone.

        It is if CloudAPI answers 404 for something that was created long enough ago, if it was not found for
        long enough, or if the answer is a 410.

        Args:
            error: The 404 or 410.
            created_at: When it was created, as the server says; None where that is not known.
        """
        now = self._clock.monotonic()
        if self._since is None:
            self._since = now
        if isinstance(error, GoneError) or now - self._since >= self._settling:
            return True
        if created_at is None or error.code is None:  # without a code it is a proxy's answer
            return False
        # Both times are the server's: this machine's clock may be wrong.
        server_now = server_time(error.response)
        now = self._clock.time() if server_now is None else server_now
        return now - created_at.timestamp() >= self._settling


def checked_state(state: str, states: Sequence[str], what: str, any_state: bool | None) -> str:
    """Return the state, if it is known.

    Args:
        state: What is to be waited for.
        states: All known states.
        what: What has these states, for the error.
        any_state: Whether any text will do; None if the wait has no such argument.

    Raises:
        ConfigurationError: There is no such state; the text has the nearest one.
    """
    may_be_any = any_state is not None and required_flag("any_state", any_state)
    if (may_be_any and isinstance(state, str) and state) or state in states:
        return state
    near = closest_word(state, states)
    advice = f"did you mean {near!r}?" if near else f"there are {', '.join(states)}"
    if any_state is not None:
        advice += f"{'' if near else ';'} any_state=True waits for any other"
    article = "an" if what == "image" else "a"
    raise ConfigurationError(f"{shown(state)} is not a state of {article} {what}: {advice}")


def is_seconds(value: object) -> bool:
    """Whether a value is a number of seconds from 0 that clocks can take."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value <= TIMEOUT_MAX  # type: ignore[operator]


def checked_interval(interval: float) -> float:
    """Return the seconds between two looks, if they are valid."""
    if not is_seconds(interval):
        raise ConfigurationError(f"interval must be a number of seconds from 0, not {shown(interval)}")
    return interval


def checked_timeout(timeout: float | None) -> float | None:
    """Return the seconds that a wait may take, if they are valid; None waits for ever."""
    if timeout == math.inf:
        return None
    if timeout is not None and not is_seconds(timeout):
        raise ConfigurationError(f"timeout must be None or a number of seconds from 0, not {shown(timeout)}")
    return timeout


def poll(
    look: Callable[[Deadline | None], str | None],
    *,
    interval: float,
    timeout: float | None,
    clock: Clock,
    awaited: str,
) -> None:
    """Call `look` until it returns None.

    A look whose failure may pass (no connection, no answer, 5xx, 429, a 404 that is not settled) is followed
    by another one, like a look that saw another state.

    Args:
        look: Looks once, before that deadline; returns None when the wait is over, else what it saw.
        interval: Seconds between two looks; 0 for none.
        timeout: Seconds in all; None waits for ever.
        clock: Where time comes from.
        awaited: What is waited for, for the error and the log.

    Raises:
        WaitTimeout: The time ran out; its `state` is what was seen last.
    """
    checked_interval(interval)
    timeout = checked_timeout(timeout)
    deadline = None if timeout is None else Deadline(clock, timeout)
    seen: str | None = None
    usual = 0.0  # seconds that a look takes
    while True:
        begun = clock.monotonic()
        trouble: SmartDCError | None = None
        try:
            seen = look(deadline)
            if seen is None:
                return
            usual = min(LAST_LOOK, clock.monotonic() - begun)
        except SmartDCError as error:
            if not is_passing(error):
                raise
            trouble = error
            log.info("%s, and the look at it failed: %s; another follows", awaited, error)
        refuse_standstill(clock)
        # A clock that only waiting moves would stand still for ever.
        pause = interval or (STANDSTILL if clock.monotonic() == begun else 0.0)
        if deadline is not None:
            left = deadline.left()
            if left <= usual:  # no time for another look
                if left > 0:
                    clock.sleep(left)
                raise WaitTimeout(_timeout_message(timeout, awaited, seen, trouble), state=seen) from trouble
            pause = min(pause, left - usual)
        clock.sleep(pause)


def refuse_standstill(clock: Clock) -> None:
    """Refuse to wait by a clock that this process cannot move.

    Raises:
        ConfigurationError: The clock is that of an emulator at rate 0 in another process.
    """
    if getattr(clock, "is_out_of_reach", False):
        raise ConfigurationError(
            "the emulator's time stands still (rate 0), and only waiting in its own process moves it: "
            "give it a rate, as in Emulator(rate=40), or use activate()"
        )


def _timeout_message(
    timeout: float | None, awaited: str, seen: str | None, trouble: SmartDCError | None
) -> str:
    text = f"gave up after {timeout:g} s: {awaited}"
    if seen is not None:
        text += f", now {seen!r}" if trouble is None else f", last seen {seen!r}"
    return text if trouble is None else f"{text}; the last look failed: {trouble}"


def is_passing(error: SmartDCError) -> bool:
    """Whether another look may succeed. A look does not raise a 404 that it knows to be settled."""
    if isinstance(error, GoneError):
        return False
    if isinstance(error, APIError):
        return isinstance(error, NotFoundError | ThrottledError) or error.status >= 500 or error.status == 408
    return isinstance(error, TransportError) and not error.lasting
