"""The end of a call that makes several requests, as a create with a lost answer does: it is theirs, too."""

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
    """Let the requests that this thread makes meanwhile begin no attempt after that time.

    Args:
        end: On the connection's monotonic clock.
    """
    token = _end.set(end)
    try:
        yield
    finally:
        _end.reset(token)


def remaining(policy: RetryPolicy, clock: Clock) -> RetryPolicy:
    """The policy of a request that begins now: its deadline is what is left."""
    end = _end.get()
    if end is None:
        return policy
    return replace(policy, deadline=min(policy.deadline, max(0.0, end - clock.monotonic())))
