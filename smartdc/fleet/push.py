"""News of machines that wait, from the change feed: no looks are needed while it tells them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import cast

from smartdc._http.connection import Connection
from smartdc._http.errands import Errand, GivenUp
from smartdc.api.streams import StreamOperations
from smartdc.change_feeds import LastingFeed
from smartdc.errors import ConfigurationError, SmartDCError, WaitTimeout
from smartdc.fleet.watcher import Watcher

__all__ = ["Push"]

log = logging.getLogger("smartdc")

STEP_SECONDS = 0.5
"""How long a feed that cannot be connected waits before it sees that nobody needs it any more."""


class Push:
    """The change feed of one account in one data center, while a fleet waits.

    Args:
        connection: Whose feed it is.
        machines: Ids of the machines.
        watcher: Is told.
        given_up: When it is set, no request is made any more.

    Raises:
        ConfigurationError: The extra ``stream`` is not installed.
    """

    def __init__(
        self, connection: Connection, machines: Iterable[str], watcher: Watcher, given_up: threading.Event
    ) -> None:
        idents = [*machines]
        self._watcher = watcher
        self._given_up = given_up
        self._feed: LastingFeed | None = None
        self._thread: threading.Thread | None = None
        streams = cast(StreamOperations, connection)
        try:
            feed = streams._lasting_feed(["state", "destroyed"], idents, tell_all=True)
        except ConfigurationError:
            raise
        except SmartDCError as error:
            log.info("there is no change feed, so that machines are looked at: %s", error)
            return
        watcher.has_feed = True
        watcher.unlisted({*idents} - feed.known)
        for _ in [*feed.known]:  # it begins with these
            self._take(feed)
        self._feed = feed
        self._thread = threading.Thread(
            target=self._follow, args=[feed], name="smartdc-fleet-feed", daemon=True
        )
        self._thread.start()

    def close(self) -> list[threading.Thread]:
        """Leave the feed, which nobody needs any more.

        Returns:
            The threads that end for that; the server may take its time to say goodbye.
        """
        if self._feed is None or self._thread is None:
            return []
        closing = threading.Thread(target=self._feed.close, name="smartdc-fleet-feed", daemon=True)
        closing.start()
        return [closing, self._thread]

    def _follow(self, feed: LastingFeed) -> None:
        try:
            with Errand(self._given_up).running(), feed:
                while not feed.closed:
                    self._take(feed)
        except GivenUp:
            pass
        except SmartDCError as error:
            log.info("the change feed ended, so that machines are looked at: %s", error)
        finally:
            self._watcher.feed_ended()

    def _take(self, feed: LastingFeed) -> None:
        try:
            change = feed.receive(STEP_SECONDS)
        except WaitTimeout:
            return
        if change is not None and "resourceObject" in change:
            self._watcher.told(change["changedResourceId"], change["resourceObject"], feed.asked)
