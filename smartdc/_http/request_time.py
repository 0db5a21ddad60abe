"""The time of a request on the server's clock, which tells a new thing from an older one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import requests

from smartdc._http.answers import list_of
from smartdc._http.skew import ALLOWED_SECONDS, server_time
from smartdc._http.waiting import Clock
from smartdc._times import parse_time

__all__ = ["RequestTime"]

CLOCK_SLACK_SECONDS = 5.0
"""Seconds by which two clocks of a data center may differ."""


class RequestTime:
    """The time at which something was requested, on the server's clock.

    The server's times are compared with each other; of this machine's clock, only the seconds that have
    passed matter. The first answer counts, as it is nearest to the start: the server's clock may be set
    later.

    Args:
        clock: The connection's.
        field: The field with the time of creation.

    Attributes:
        slightly_older: Entries of the last look that were created so shortly before that a clock may be
            wrong.
    """

    def __init__(self, clock: Clock, field: str = "created") -> None:
        self._clock = clock
        self._field = field
        self._at, self._started = clock.time(), clock.monotonic()
        self._start: float | None = None
        self._now = math.inf
        self.slightly_older: list[Any] = []

    def created_since(self, body: Any, response: requests.Response) -> list[Any]:
        """The entries of an answer that may have been created since then.

        One of the two clocks is enough; `differing_fields` tells what is not certain.

        Args:
            body: A list of objects, each with that time.
            response: The answer, which tells the server's time.
        """
        entries = list_of(body, response)
        passed = self._clock.monotonic() - self._started
        server_now = server_time(response)
        start = (self._clock.time() if server_now is None else server_now) - passed
        if self._start is None:
            self._start = start
        self._now = self._start + passed
        earliest = min(self._start, start, self._at) - CLOCK_SLACK_SECONDS
        made = [(self._made(entry, unknown=math.inf), entry) for entry in entries]
        self.slightly_older = [entry for at, entry in made if earliest - ALLOWED_SECONDS <= at < earliest]
        return [entry for at, entry in made if at >= earliest]

    def differing_fields(self, entry: Mapping[str, Any]) -> list[str]:
        """The field, unless its time is certainly between the start and now, on the server's clock.

        It is not certain if the field has no time, or if a clock was set meanwhile.
        """
        start = self._at if self._start is None else self._start
        made = self._made(entry, unknown=-math.inf)
        is_certain = start - CLOCK_SLACK_SECONDS <= made <= self._now + CLOCK_SLACK_SECONDS
        return [] if is_certain else [self._field]

    def _made(self, entry: Mapping[str, Any], unknown: float) -> float:
        made = parse_time(entry.get(self._field))
        return unknown if made is None else made.timestamp()
