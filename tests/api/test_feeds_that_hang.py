"""A feed that reconnects to a server that hangs: `receive` and `close` take no longer than usual."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from smartdc import DataCenter, WaitTimeout, change_feeds
from smartdc.change_feeds import ReconnectingFeed
from tests.helpers.servers import datacenter_at
from tests.helpers.websocket_servers import websocket_server

IDENT = "aaaaaaaa-0000-4000-8000-000000000001"
BOUND = 3.0
"""Seconds that are far more than a busy machine needs, and far fewer than the server hangs."""


class Hanging:
    """A server that cuts its first feed, and then hangs at one stage until it is released.

    Attributes:
        hangs: Set when a request hangs.
        released: Set it to let the requests go on.
        feeds: How many feeds have been asked for.
        lists: How many lists have been asked for.
    """

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self.hangs, self.released = threading.Event(), threading.Event()
        self.feeds = self.lists = 0
        self.opened: list[ServerConnection] = []

    def _hang(self, stage: str) -> None:
        if stage == self._stage:
            self.hangs.set()
            assert self.released.wait(30)

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        if "Upgrade" in request.headers:
            self.feeds += 1
            if self.feeds > 1:
                if self._stage == "refusal":
                    self.hangs.set()
                    return connection.respond(503, "")
                self._hang("handshake")
                self._read_late(connection)
            return None
        self.lists += 1
        if self.lists > 1:
            self._hang("list")
        state = "running" if self.lists == 1 else "stopped"
        response = connection.respond(200, json.dumps([{"id": IDENT, "state": state}]))
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        return response

    def _read_late(self, connection: ServerConnection) -> None:
        """Hang before the subscription is read, and the ping that follows it."""
        read = connection.protocol.receive_data

        def read_later(data: bytes | bytearray) -> None:
            self._hang("subscription")
            read(data)

        connection.protocol.receive_data = read_later  # type: ignore[method-assign]

    def serve(self, connection: ServerConnection) -> None:
        self.opened.append(connection)
        if len(self.opened) == 1:
            connection.recv()
            with suppress(ConnectionClosed):
                connection.recv()  # until the test cuts it
            return
        with suppress(ConnectionClosed):
            while True:
                connection.recv()

    def cut(self) -> None:
        end = time.monotonic() + 10
        while not self.opened:
            assert time.monotonic() < end
            time.sleep(0.001)
        self.opened[0].close_socket()


@contextmanager
def hanging(stage: str) -> Iterator[tuple[Hanging, ReconnectingFeed]]:
    """A feed that has to reconnect to a server that hangs."""
    server = Hanging(stage)
    with (
        websocket_server(server.serve, process_request=server.answer) as url,
        datacenter_at(url, timeout=20) as sdc,
    ):
        feed = opened(sdc)
        try:
            server.cut()
            yield server, feed
        finally:
            server.released.set()
            feed.close()


def opened(sdc: DataCenter) -> ReconnectingFeed:
    feed = sdc.changefeed(reconnect=True)
    assert isinstance(feed, ReconnectingFeed)
    return feed


STAGES = ["handshake", "subscription", "list"]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("timeout", [0, 0.05])
def test_a_timeout_bounds_a_reconnection_that_goes_on(stage: str, timeout: float) -> None:
    with hanging(stage) as (server, feed):
        began = time.monotonic()
        while not server.hangs.is_set():
            with pytest.raises(WaitTimeout):
                feed.receive(timeout)
            assert time.monotonic() - began < 10
        began = time.monotonic()
        with pytest.raises(WaitTimeout, match=f"^nothing came within {timeout:g} s$"):
            feed.receive(timeout)
        assert time.monotonic() - began < BOUND
        server.released.set()
        change = feed.receive(10)
        assert change is not None
        assert change["resourceState"] == "stopped"
        assert (server.feeds, server.lists) == (2, 2)


@pytest.mark.parametrize("stage", [*STAGES, "refusal"])
def test_closing_ends_a_reconnection_at_once(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_feeds, "FIRST_PAUSE", 30.0)
    with hanging(stage) as (server, feed):
        found: list[object] = []
        reader = threading.Thread(target=lambda: found.extend(feed))
        reader.start()
        assert server.hangs.wait(10)
        time.sleep(0.05)  # so that the pause has begun
        began = time.monotonic()
        feed.close()
        reader.join(BOUND)
        assert not reader.is_alive()
        assert time.monotonic() - began < BOUND
        assert found == []
        server.released.set()
        end = time.monotonic() + 10
        while any(thread.name == "smartdc-feed" for thread in threading.enumerate()):
            assert time.monotonic() < end
            time.sleep(0.01)
        assert server.feeds == 2
        assert server.lists <= 2
        while any(connection.state.name != "CLOSED" for connection in server.opened):
            assert time.monotonic() < end
            time.sleep(0.01)


def test_a_forked_child_takes_no_lock_that_a_thread_of_the_parent_holds() -> None:
    with hanging("list") as (server, feed):
        while not server.hangs.is_set():
            with pytest.raises(WaitTimeout):
                feed.receive(0.05)
        attempt = feed._attempt
        assert attempt is not None
        with vars(feed._over)["_cond"], vars(attempt.ended)["_cond"]:
            feed.renew()
            closing = threading.Thread(target=feed.close)
            closing.start()
            closing.join(BOUND)
            assert not closing.is_alive()
        assert feed.receive() is None
