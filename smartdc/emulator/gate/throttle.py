"""The throttle: how many requests a second an account may make.

It works like restify's throttle as CloudAPI uses it: each data center, account and group of routes has a
bucket of tokens. A request takes one token before its handler runs; `rate` tokens are added a second, up to
`burst`. It runs on emulated time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from smartdc.emulator.http.answers import Refusal
from smartdc.emulator.state.kinds import is_number

#: The server's default configuration.
RATE = 10.0
BURST = 30
#: Tolerance for rounding errors, so that requests at exactly the rate pass.
_TOLERANCE = 1e-9


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


class Throttle:
    """The throttle of all data centers.

    Args:
        clock: Returns emulated seconds.
        rate: Requests a second.
        burst: How many requests may come at once.
    """

    def __init__(self, clock: Callable[[], float], rate: float = RATE, burst: float = BURST) -> None:
        if not is_number(rate) or not 0 < rate < math.inf:
            raise ValueError(f"rate must be a number above 0: {rate!r:.40}")
        if not is_number(burst) or not 1 <= burst < math.inf:
            raise ValueError(f"burst must be 1 or more, or no request would ever pass: {burst!r:.40}")
        self._clock = clock
        self.rate = rate
        self.burst = burst
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}

    def take_token(self, datacenter: str, login: str, group: str) -> None:
        """Take a token for a request.

        Raises:
            Refusal: 429, the bucket is empty. The answer does not say when to retry
                (docs/cloudapi/throttle.md#burst-and-rate).
        """
        now = self._clock()
        bucket = self._buckets.setdefault((datacenter, login, group), _Bucket(self.burst, now))
        bucket.tokens = min(self.burst, bucket.tokens + self.rate * (now - bucket.filled_at))
        bucket.filled_at = now
        if bucket.tokens < 1 - _TOLERANCE:
            message = f"You have exceeded your request rate of {self.rate:g} r/s."
            raise Refusal(429, "TooManyRequestsError", message)
        bucket.tokens -= 1
