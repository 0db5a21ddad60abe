"""Work that can be given up: a step of a fleet, which may make several requests.

Once an `Errand` is given up, the thread that runs it makes no more requests. A request that is on the wire is
not cut off. Requests of other threads go on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Errand", "GivenUp", "before_request", "before_turn"]


class GivenUp(BaseException):
    """Raised in place of a request, as the errand is given up. The caller of `Errand.running` catches it."""


class Errand:
    """One piece of work of one thread.

    Args:
        given_up: Set it, and no more requests are made.

    Attributes:
        attempts: How many requests were made, repeated ones included.
        is_queued: Whether the next request waits for its turn under the request rate.
    """

    def __init__(self, given_up: threading.Event) -> None:
        self._given_up = given_up
        self.attempts = 0
        self.is_queued = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """The requests that this thread makes within belong to this errand."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def begin_attempt(self) -> None:
        """Count a request that is made next, or raise `GivenUp`."""
        # In this order: whoever gives up and then reads the count has every request in it that is made.
        self.attempts += 1
        if self._given_up.is_set():
            self.attempts -= 1
            raise GivenUp
        self.is_queued = False


_current: ContextVar[Errand | None] = ContextVar("smartdc_errand", default=None)


def before_turn() -> None:
    """Note that this thread waits for the turn of a request."""
    errand = _current.get()
    if errand is not None:
        errand.is_queued = True


def before_request() -> None:
    """Raise `GivenUp` if this thread's errand is given up."""
    errand = _current.get()
    if errand is not None:
        errand.begin_attempt()
