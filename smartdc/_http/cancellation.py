"""Work that can be cancelled: a step of a fleet, which may make several requests.

Once a `CancelScope` is cancelled, the thread that runs it makes no more requests. A request that is on the
wire is not cut off. Requests of other threads go on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["CancelScope", "Cancelled", "before_request", "before_turn"]


class Cancelled(BaseException):
    """Raised in place of a request in a cancelled scope. The caller of `CancelScope.running` catches it."""


class CancelScope:
    """One piece of work of one thread.

    Args:
        cancelled: Once it is set, no more requests are made.

    Attributes:
        attempts: How many requests were made, repeated ones included.
        is_queued: Whether it came so far that its first request waits for a turn under the request rate.
    """

    def __init__(self, cancelled: threading.Event) -> None:
        self._cancelled = cancelled
        self.attempts = 0
        self.is_queued = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the requests that this thread makes meanwhile belong to this scope."""
        before = _thread.scope
        _thread.scope = self
        try:
            yield
        finally:
            _thread.scope = before

    def begin_attempt(self) -> None:
        """Count a request that is made next, or raise `Cancelled`."""
        # Counted first: a thread that cancels and then reads the count sees every request that is made.
        self.attempts += 1
        if self._cancelled.is_set():
            self.attempts -= 1
            raise Cancelled


class _Thread(threading.local):
    """What each thread has of its own."""

    scope: CancelScope | None = None


_thread = _Thread()


def before_turn() -> None:
    """Note that this thread waits for the turn of a request."""
    scope = _thread.scope
    if scope is not None:
        scope.is_queued = True


def before_request() -> None:
    """Raise `Cancelled` if this thread's scope is cancelled."""
    scope = _thread.scope
    if scope is not None:
        scope.begin_attempt()
