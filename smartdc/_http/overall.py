"""One deadline for all requests of a call that makes several, as a create with a lost answer does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from smartdc._http.retry import RetryPolicy
from smartdc._http.waiting import Clock

__all__ = ["ending_at", "remaining"]


class _Thread(threading.local):
    """What each thread has of its own."""

    end: float | None = None


_thread = _Thread()


@contextmanager
def ending_at(end: float) -> Iterator[None]:
    """Keep requests that this thread makes meanwhile from beginning an attempt after this time.

    Args:
        end: The time, on the connection's monotonic clock.
    """
    before = _thread.end
    _thread.end = end
    try:
        yield
    finally:
        _thread.end = before


def remaining(policy: RetryPolicy, clock: Clock) -> RetryPolicy:
    """The policy of a request that begins now: its deadline is cut to the time that is left."""
    end = _thread.end
    if end is None:
        return policy
    return replace(policy, deadline=min(policy.deadline, max(0.0, end - clock.monotonic())))
