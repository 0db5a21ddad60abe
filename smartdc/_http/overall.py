"""One deadline for all requests of a call that makes several, as a create with a lost answer does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from smartdc._http.retry import RetryPolicy
from smartdc._http.waiting import Clock

__all__ = ["ending_at", "remaining"]

_end: ContextVar[float | None] = ContextVar("_end", default=None)


@contextmanager
def ending_at(end: float) -> Iterator[None]:
    """Keep requests that this thread makes meanwhile from beginning an attempt after this time.

    Args:
        end: The time, on the connection's monotonic clock.
    """
    token = _end.set(end)
    try:
        yield
    finally:
        _end.reset(token)


def remaining(policy: RetryPolicy, clock: Clock) -> RetryPolicy:
    """The policy of a request that begins now: its deadline is cut to the time that is left."""
    end = _end.get()
    if end is None:
        return policy
    return replace(policy, deadline=min(policy.deadline, max(0.0, end - clock.monotonic())))
