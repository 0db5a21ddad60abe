"""When a request is repeated, and after how long: the retry policy.

Pure arithmetic: no requests, no sleep. `smartdc._http.exchange` acts on it for one request, and
`smartdc._http.lost_answers` for things that must not be created twice.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from smartdc._error_bodies import error_fields, json_or_none
from smartdc._http.skew import time_of
from smartdc.arguments.ids import shown
from smartdc.errors import APIError, ConfigurationError, SmartDCError, ThrottledError, TransportError

__all__ = [
    "NONE",
    "STANDARD",
    "RetryPolicy",
    "chosen_policy",
    "is_from_cloudapi",
    "retry_after",
    "was_not_carried_out",
]

_PASSING = frozenset({408, 502, 503, 504})
"""Statuses of proxies, and of a server that is down for a moment."""

_SECONDS = r"[0-9]{1,300}"
"""What `float` can hold."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often and for how long a request is repeated.

    Any request that cannot have been carried out is repeated: no connection was made, the server answered 429
    or 420, or CloudAPI itself answered 503 with ``Retry-After``. After a failure that leaves open whether it
    was carried out (the connection broke, no answer in time, 408, 502, 503, 504, half an answer), it is
    repeated if doing it twice does no harm: GET, HEAD, PUT, DELETE, and POSTs that only set what they name.

    The pause before the next attempt is a random part of `first_pause`, doubled with each attempt, up to
    `longest_pause` (full jitter). A ``Retry-After`` of the server replaces it.

    Attributes:
        attempts: How many attempts in all, throttled ones not counted. 1 is no retry.
        deadline: Seconds from the call on in which an attempt may begin. Waiting for a turn under the request
            rate counts, and so does what the server asks for with ``Retry-After``: a call takes no longer
            than this and one answer (`answer_timeout`).
        first_pause: Seconds.
        longest_pause: Seconds.
        throttled: How often one request may be answered with 429 before that is an error.
        settling: Seconds after a change in which the server's lists and gets may not show it yet: until then,
            something that is not found is not taken for absent.
    """

    attempts: int = 5
    deadline: float = 300.0
    first_pause: float = 0.5
    longest_pause: float = 20.0
    throttled: int = 20
    settling: float = 30.0

    def __post_init__(self) -> None:
        for name in ("attempts", "throttled"):
            count = getattr(self, name)
            if not (isinstance(count, int) and count >= 1):
                raise ConfigurationError(f"{name} of a RetryPolicy must be 1 or more, not {shown(count)}")
        for name in ("deadline", "first_pause", "longest_pause", "settling"):
            seconds = getattr(self, name)
            if not (isinstance(seconds, int | float) and seconds >= 0):
                raise ConfigurationError(
                    f"{name} of a RetryPolicy must be seconds from 0, not {shown(seconds)}"
                )

    def pause(
        self,
        error: SmartDCError,
        *,
        attempt: int,
        elapsed: float,
        repeatable: bool,
        ahead: float = 0.0,
        chance: Callable[[], float] = random.random,
    ) -> float | None:
        """Seconds before the next attempt; None if there is no other attempt.

        Args:
            error: Why the last attempt failed.
            attempt: Its number, from 1, throttled ones not counted.
            elapsed: Seconds since the first attempt began.
            repeatable: Whether doing it twice does no harm.
            ahead: Seconds by which the server's clock is ahead of this machine's.
            chance: Returns a random number from 0 to 1.
        """
        if attempt >= self.attempts or not _is_passing(error):
            return None
        if not (repeatable or was_not_carried_out(error)):
            return None
        pause = retry_after(error, ahead)
        if pause is None:
            pause = self.backoff(attempt, chance)
        return pause if elapsed + pause <= self.deadline else None

    def backoff(self, attempt: int, chance: Callable[[], float] = random.random) -> float:
        """How many seconds to wait after this attempt has failed: at random, up to a limit that doubles.

        Args:
            attempt: Its number, from 1.
            chance: Returns a random number from 0 to 1.
        """
        return chance() * min(self.longest_pause, self.first_pause * 2.0 ** min(attempt - 1, 64))


STANDARD = RetryPolicy()
NONE = RetryPolicy(attempts=1, throttled=1)

_MODES = {"standard": STANDARD, "none": NONE}


def chosen_policy(retry: str | RetryPolicy) -> RetryPolicy:
    """The policy that an argument means: one of the modes by name, or a policy itself."""
    if isinstance(retry, RetryPolicy):
        return retry
    if not isinstance(retry, str) or retry not in _MODES:
        raise ConfigurationError(f"retry must be 'standard', 'none' or a RetryPolicy, not {shown(retry)}")
    return _MODES[retry]


def was_not_carried_out(error: SmartDCError) -> bool:
    """Whether the request was certainly not carried out.

    A 429 or 420 counts only in CloudAPI's own form, with its code: a proxy's page leaves it open. A
    503 counts in that form, and only with ``Retry-After``: it is CloudAPI's read-only mode
    (docs/cloudapi/throttle.md#read-only-mode). Without the header, the 503 may come from the proxy in front
    of CloudAPI, which sends it when the server has not answered in time (its etc/haproxy.cfg: errorfile
    504), while the server goes on; other proxies send 503 as well. A 408 always comes from a proxy.
    """
    if isinstance(error, ThrottledError):
        return error.code is not None
    if isinstance(error, APIError):
        return _is_read_only(error)
    return isinstance(error, TransportError) and not error.sent


def is_from_cloudapi(error: APIError) -> bool:
    """Whether CloudAPI itself made this answer: JSON, with its code and message, or without at a 500.

    See docs/cloudapi/errors.md#answers-without-a-code and
    docs/cloudapi/errors.md#backend-connection-lost.
    """
    body = None if error.response is None else json_or_none(error.response)
    return error.code is not None or body == {} or "message" in error_fields(body)


def _is_read_only(error: APIError) -> bool:
    says_when = error.response is not None and "Retry-After" in error.response.headers
    return error.status == 503 and error.code is not None and says_when


def _is_passing(error: SmartDCError) -> bool:
    """Whether another attempt may succeed."""
    if isinstance(error, APIError):
        return error.status in _PASSING or isinstance(error, ThrottledError)
    return isinstance(error, TransportError) and not error.lasting


def retry_after(error: SmartDCError, ahead: float) -> float | None:
    """Seconds that the server asks to wait: the header has seconds, or a time on its own clock."""
    response = error.response if isinstance(error, APIError) else None
    text = "" if response is None else response.headers.get("Retry-After", "").strip()
    if re.fullmatch(_SECONDS, text):
        return float(text)
    until = time_of(text)
    return None if until is None else max(0.0, until - time.time() - ahead)
