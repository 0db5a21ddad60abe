"""Read-only mode: a data center that is being upgraded answers questions, and changes nothing."""

from __future__ import annotations

import math
from datetime import datetime
from email.utils import formatdate

from smartdc.emulator.http.answers import Refusal
from smartdc.emulator.state.clock import Clock

_WRITING = ("PUT", "POST", "DELETE")


class ReadOnly:
    """The mode, while it lasts.

    Args:
        clock: The emulator's.
        until: When it ends: a time, or emulated seconds from now. None: nobody knows.
    """

    def __init__(self, clock: Clock, until: datetime | float | None = None) -> None:
        if isinstance(until, datetime):
            if until.tzinfo is None:
                raise ValueError(f"until must know its time zone: {until!r}")
            until = until.timestamp() - clock.shown()
        if until is not None and not 0 < until < math.inf:
            raise ValueError(f"until must be a time to come: {until!r}")
        self._clock = clock
        self._end = None if until is None else clock.monotonic() + until

    def check(self, method: str) -> None:
        """Refuse what would change something.

        Raises:
            Refusal: 503.
        """
        left = self._left()
        if method not in _WRITING or left <= 0:
            return
        headers = {}
        if self._end is not None:
            # Rounded up: who comes back at the second that it names is not too early.
            headers["Retry-After"] = formatdate(math.ceil(self._clock.shown() + left), usegmt=True)
        message = "This Triton data center is being upgraded"
        raise Refusal(503, "ServiceUnavailableError", message, headers=headers)

    @property
    def lasts(self) -> bool:
        """Whether it has not ended yet."""
        return self._left() > 0

    def _left(self) -> float:
        return math.inf if self._end is None else self._end - self._clock.monotonic()
