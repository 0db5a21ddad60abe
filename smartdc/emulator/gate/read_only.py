"""Read-only mode: a data center that is being upgraded refuses changes."""

from __future__ import annotations

import math
from datetime import datetime
from email.utils import formatdate

from smartdc.emulator.http.answers import Refusal
from smartdc.emulator.state.clock import Clock
from smartdc.emulator.state.kinds import is_number

_WRITING = ("PUT", "POST", "DELETE")


class ReadOnly:
    """Read-only mode, with its end.

    Args:
        clock: The emulated clock.
        until: When it ends: a time, or emulated seconds from now. None: the end is not known.
    """

    def __init__(self, clock: Clock, until: datetime | float | None = None) -> None:
        if isinstance(until, datetime):
            if until.tzinfo is None:
                raise ValueError(f"until must have a time zone: {until!r}")
            until = until.timestamp() - clock.server_time()
        if until is not None and not is_number(until):
            raise ValueError(f"until must be a datetime, or a number of seconds from now: {until!r:.40}")
        if until is not None and not 0 < until < math.inf:
            raise ValueError(f"until must be in the future: {until!r}")
        self._clock = clock
        self._end = None if until is None else clock.monotonic() + until

    def check(self, method: str) -> None:
        """Refuse a request that would change something.

        Raises:
            Refusal: 503.
        """
        left = self._left()
        if method not in _WRITING or left <= 0:
            return
        headers = {}
        if self._end is not None:
            # Rounded up, so that a client that retries at this second is not too early.
            headers["Retry-After"] = formatdate(math.ceil(self._clock.server_time() + left), usegmt=True)
        message = "This Triton data center is being upgraded"
        raise Refusal(503, "ServiceUnavailableError", message, headers=headers)

    @property
    def is_active(self) -> bool:
        """Whether it has not ended yet."""
        return self._left() > 0

    def _left(self) -> float:
        return math.inf if self._end is None else self._end - self._clock.monotonic()
