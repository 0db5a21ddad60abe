"""Work that can be given up: what a thread does for a fleet, and the requests that it makes for that.

A thread that runs an `Errand` makes no request any more once the errand is given up. What is on the wire then
is not cut off. Requests of other threads are not concerned.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Errand", "GivenUp", "before_request", "before_turn"]


class GivenUp(BaseException):
    """The request is not made, as its errand is given up. Whoever runs the errand catches it."""


class Errand:
    """What a thread is doing.

    Args:
        given_up: Is set when nothing more is to be done.

    Attributes:
        attempts: How many requests were made for it, each attempt counted.
        is_queued: Whether its next request waits for its turn.
    """

    def __init__(self, given_up: threading.Event) -> None:
        self._given_up = given_up
        self.attempts = 0
        self.is_queued = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """What this thread does within is this errand."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def begin_attempt(self) -> None:
        """Count a request that is about to be made, or raise `GivenUp`."""
        # In this order: whoever gives up and then reads the count has every request in it that is made.
        self.attempts += 1
        if self._given_up.is_set():
            self.attempts -= 1
            raise GivenUp
        self.is_queued = False


_current: ContextVar[Errand | None] = ContextVar("smartdc_errand", default=None)


def before_turn() -> None:
    """Note that this thread is about to wait for the turn of a request."""
    errand = _current.get()
    if errand is not None:
        errand.is_queued = True


def before_request() -> None:
    """Raise `GivenUp` if this thread's errand is given up."""
    errand = _current.get()
    if errand is not None:
        errand.begin_attempt()
