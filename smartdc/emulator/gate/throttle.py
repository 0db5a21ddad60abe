"""The throttle: how many requests a second an account may make.

Restify's, as CloudAPI mounts it: a bucket of tokens for each data center, account and group of routes. What a
request has to pay before its handler runs is one token; they come back at `rate` a second, up to `burst`. It
runs on emulated time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from smartdc.emulator.http.answers import Refusal

#: What a server comes with.
RATE = 10.0
BURST = 30
#: What adding up fractions may lose: whoever asks at exactly the rate is let through.
_DUST = 1e-9


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


class Throttle:
    """All buckets.

    Args:
        clock: The emulated seconds.
        rate: Requests a second.
        burst: How many at once.
    """

    def __init__(self, clock: Callable[[], float], rate: float = RATE, burst: float = BURST) -> None:
        if not 0 < rate < math.inf:
            raise ValueError(f"rate must be a number above 0: {rate!r}")
        if not 1 <= burst < math.inf:
            raise ValueError(f"burst must be a number from 1 on, or nothing is ever let through: {burst!r}")
        self._clock = clock
        self.rate = rate
        self.burst = burst
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}

    def pay(self, datacenter: str, login: str, group: str) -> None:
        """Take a token.

        Raises:
            Refusal: 429, there is none; nothing says when there will be
                (docs/cloudapi/throttle.md#burst-and-rate).
        """
        now = self._clock()
        bucket = self._buckets.setdefault((datacenter, login, group), _Bucket(self.burst, now))
        bucket.tokens = min(self.burst, bucket.tokens + self.rate * (now - bucket.filled_at))
        bucket.filled_at = now
        if bucket.tokens < 1 - _DUST:
            message = f"You have exceeded your request rate of {self.rate:g} r/s."
            raise Refusal(429, "TooManyRequestsError", message)
        bucket.tokens -= 1
