"""A clock for waits that a change feed serves: it advances only when the client has handled all changes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from smartdc.fleet import supervisor
from smartdc.streams import ChangeFeed
from smartdc.types import Change
from tests.helpers.clock import Instant
from tests.helpers.timelines import TimelineServer

__all__ = ["STEP", "LiveClock", "live_clock"]

STEP = 1.0
"""The most emulated seconds by which the clock advances at once, while changes may come."""
FEED_THREAD = "smartdc-fleet-feed"


class LiveClock(Instant):
    """A clock that one thread moves. It then waits until the feed's thread has handled all changes.

    Args:
        server: Sends the changes.
        taken: How many messages of each feed the client has handled, by the port of its connection.
    """

    def __init__(self, server: TimelineServer, taken: dict[int, int]) -> None:
        super().__init__()
        self._server = server
        self._taken = taken
        self._mover = threading.get_ident()
        self._wakes = 0.0
        self._is_over = False

    def sleep(self, seconds: float, /) -> None:
        if threading.get_ident() == self._mover:
            super().sleep(seconds)
            self._settle()
            return
        self._wakes = self.now + seconds
        while self.now < self._wakes and not self._is_over:
            time.sleep(0.001)

    def end(self) -> None:
        """Wake the threads that sleep."""
        self._is_over = True

    def _settle(self) -> None:
        end = time.monotonic() + 30
        while not self._is_settled():
            assert time.monotonic() < end, "the change feed is not read"
            time.sleep(0.0005)

    def _is_settled(self) -> bool:
        if self._wakes > self.now:  # before the feed is connected again
            return True
        if not any(thread.name == FEED_THREAD for thread in threading.enumerate()):
            return True
        feeds = self._server.feeds.copy()
        return bool(feeds) and all(
            progress.until >= self.now and self._taken.get(port) == progress.messages
            for port, progress in feeds.items()
        )


@contextmanager
def live_clock(server: TimelineServer) -> Iterator[LiveClock]:
    """A clock for one run with ``push=True``, whose thread has ended when this is left."""
    received: Counter[int] = Counter()
    taken: dict[int, int] = {}
    receive = ChangeFeed._receive

    def noting(feed: ChangeFeed, timeout: float | None) -> Change | None:
        try:
            port = feed._websocket._connection.local_address[1]
        except OSError:  # it was closed meanwhile
            return receive(feed, timeout)
        if timeout:  # with 0 it only looks whether there is more
            taken[port] = received[port]  # a caller that asks for the next one has handled these
        change = receive(feed, timeout)
        received[port] += change is not None
        return change

    clock = LiveClock(server, taken)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(ChangeFeed, "_receive", noting)
        monkeypatch.setattr(supervisor, "BUSY_SECONDS", 0.001)
        monkeypatch.setattr(supervisor, "FEED_STEP", STEP)
        try:
            yield clock
        finally:
            clock.end()
            for thread in threading.enumerate():
                if thread.name.startswith("smartdc-fleet"):
                    thread.join(5)
