"""Reads the states of waiting machines from the change feed, in place of polling."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import cast

from smartdc._http.cancellation import Cancelled, CancelScope
from smartdc._http.connection import Connection
from smartdc._http.websocket import require_websockets
from smartdc.api.streams import StreamOperations
from smartdc.change_feeds import ReconnectingFeed
from smartdc.errors import WaitTimeout
from smartdc.fleet.watcher import Watcher

__all__ = ["Push"]

log: logging.Logger = logging.getLogger("smartdc")

STEP_SECONDS = 0.5
"""How long to wait for a change before checking whether the feed is still needed."""


class Push:
    """The change feed of one account in one data center, during a run. A thread opens and follows it.

    Args:
        connection: The data center, with one account's key and roles.
        machines: The ids of the machines.
        watcher: Receives the changes.
        cancelled: When it is set, no more requests are made.

    Attributes:
        begun: Set when the watcher knows what the feed begins with, or when there is no feed.

    Raises:
        ConfigurationError: The extra ``stream`` is not installed.
    """

    def __init__(
        self, connection: Connection, machines: Iterable[str], watcher: Watcher, cancelled: threading.Event
    ) -> None:
        require_websockets()
        self._connection = cast(StreamOperations, connection)
        self._machines = [*machines]
        self._watcher = watcher
        self._cancelled = cancelled
        self._feed: ReconnectingFeed | None = None
        self.begun: threading.Event = threading.Event()
        self._thread = threading.Thread(target=self._run, name="smartdc-fleet-feed", daemon=True)
        self._thread.start()

    def close(self) -> list[threading.Thread]:
        """Close the feed.

        Returns:
            The threads that end now; the server may take a while to answer the close.
        """
        if self._feed is None:  # it may still be opened, which makes no further request
            return []
        closing = threading.Thread(target=self._feed.close, name="smartdc-fleet-feed", daemon=True)
        closing.start()
        return [closing, self._thread]

    def _run(self) -> None:
        try:
            with CancelScope(self._cancelled).running():
                self._feed = self._connection._reconnecting_feed(
                    ["state", "destroyed"], self._machines, report_all=True
                )
        except Cancelled:
            pass
        except Exception as error:  # of a subclass of DataCenter, too
            log.info("there is no change feed, so machines are polled: %s", error)
        else:
            self._follow(self._feed)
        finally:
            self.begun.set()

    def _follow(self, feed: ReconnectingFeed) -> None:
        watcher = self._watcher
        try:
            with feed:
                watcher.has_feed = True
                watcher.feed_lacks({*self._machines} - feed.known)
                for _ in [*feed.known]:  # the feed begins with one change for each of these
                    self._receive(feed)
                self.begun.set()
                while not (feed.closed or self._cancelled.is_set()):
                    self._receive(feed)
        except Exception as error:  # of a subclass of DataCenter, too
            log.info("the change feed ended, so machines are polled: %s", error)
        finally:
            watcher.feed_ended()

    def _receive(self, feed: ReconnectingFeed) -> None:
        try:
            change = feed.receive(STEP_SECONDS)
        except WaitTimeout:
            return
        if change is None:
            return
        if "resourceObject" in change:
            self._watcher.take_feed_data(change["changedResourceId"], change["resourceObject"], feed.as_of)
        else:
            self._watcher.feed_lacks([change["changedResourceId"]])
