"""When something was asked for, on the server's clock: it tells a new thing from an older one."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import requests

from smartdc._http.answers import list_of
from smartdc._http.skew import server_ahead
from smartdc._http.waiting import Clock
from smartdc._times import parse_time

__all__ = ["Begun"]

CLOCK_SLACK_SECONDS = 5.0
"""Seconds by which two clocks of a data center may differ."""


class Begun:
    """The time at which something was asked for, on the server's clock.

    Any of the clocks may be set meanwhile, or stand still while this machine sleeps, so that every answer's
    Date is compared with two of this machine's, and the earliest time that follows from them counts.

    Args:
        clock: The connection's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at, self._started = clock.time(), clock.monotonic()
        self._wall, self._steady = time.time(), time.monotonic()
        self._ahead = math.inf

    def later(self, body: Any, response: requests.Response, field: str = "created") -> list[Any]:
        """Those of the entries of an answer that were made since then, by the server's clock or by this one.

        Args:
            body: A list of objects, each with that time.
            response: The answer, which tells how far the server's clock is from this one.
            field: Where an entry has the time.
        """
        entries = list_of(body, response)
        now = max(time.time(), self._wall + time.monotonic() - self._steady)
        ahead = server_ahead(response, now) or 0.0
        # The server may go by the connection's clock, as servers of tests do.
        by_clock = server_ahead(response, self._at + self._clock.monotonic() - self._started) or 0.0
        self._ahead = min(self._ahead, ahead, max(by_clock, 0.0))
        begun = self._at + min(0.0, self._ahead)
        return [entry for entry in entries if self._is_since(begun, entry, field)]

    def differs(self, entry: Mapping[str, Any], field: str = "created") -> list[str]:
        """That time, where it is before the start on the server's clock though not on this one.

        Then the server's clock was set forward, or this one is slow.
        """
        return [] if self._is_since(self._at + self._ahead, entry, field) else [field]

    @staticmethod
    def _is_since(begun: float, entry: Mapping[str, Any], field: str) -> bool:
        made = parse_time(entry.get(field))
        return made is not None and made.timestamp() >= begun - CLOCK_SLACK_SECONDS
