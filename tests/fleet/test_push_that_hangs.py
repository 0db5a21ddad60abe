"""Runs with ``push=True`` whose feed takes long to open, as behind a proxy that swallows the upgrade."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from smartdc import DataCenter, Machine, WaitTimeout, fleet
from smartdc.fleet import supervisor
from smartdc.streams import ChangeFeed
from tests.helpers.servers import datacenter_at
from tests.helpers.websocket_servers import websocket_server

IDS = [f"aaaaaaaa-0000-4000-8000-00000000000{number}" for number in range(3)]
BOUND = 5.0
"""Seconds that are far more than a busy machine needs, and far fewer than the server hangs."""


class Server:
    """Answers lists, and a feed only when it is released.

    Attributes:
        state: The state of all machines.
        released: Set it to let the feed be opened.
        asked: The paths of the requests.
        ends: Whether it ends each feed when machines have been listed.
    """

    def __init__(self) -> None:
        self.state = "running"
        self.released = threading.Event()
        self.asked: list[str] = []
        self.ends = False

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        self.asked.append(path)
        if "Upgrade" in request.headers:
            assert self.released.wait(30)
            return None
        machines = [{"id": ident, "state": self.state} for ident in IDS]
        one = next((each for each in machines if path.endswith(each["id"])), None)
        response = connection.respond(200, json.dumps(machines if one is None else one))
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        return response

    def serve(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            connection.recv()
            while self.ends and not self.lists():
                time.sleep(0.01)
            while not self.ends:
                connection.recv()

    def lists(self) -> int:
        return self.asked.count("/bob/machines")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def sdc(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataCenter]:
    monkeypatch.setattr(supervisor, "FEED_OPEN_SECONDS", 0.05)
    with (
        websocket_server(server.serve, process_request=server.answer) as url,
        datacenter_at(url, timeout=20) as sdc,
    ):
        yield sdc
        server.released.set()
        join_feeds()


def join_feeds() -> None:
    for thread in threading.enumerate():
        if thread.name == "smartdc-fleet-feed":
            thread.join(BOUND)
            assert not thread.is_alive()


def machines(sdc: DataCenter) -> list[Machine]:
    return [Machine(sdc, data={"id": ident, "state": "running"}) for ident in IDS]


def test_without_the_feed_machines_are_polled(server: Server, sdc: DataCenter) -> None:
    server.state = "stopped"
    began = time.monotonic()
    fleet.run(machines(sdc), fleet.until("stopped", 60), push=True).raise_errors()
    assert time.monotonic() - began < BOUND
    assert sorted(server.asked) == ["/bob/changefeed", "/bob/machines"]
    server.released.set()
    join_feeds()
    assert server.lists() == 1  # the feed was no longer needed


def test_a_timeout_is_kept(server: Server, sdc: DataCenter) -> None:
    began = time.monotonic()
    result = fleet.run(machines(sdc), fleet.until("stopped", 0.5), push=True)
    assert time.monotonic() - began < BOUND
    assert [type(error) for error in result.errors.values()] == [WaitTimeout] * 3


def test_a_feed_that_opens_late_is_used(server: Server, sdc: DataCenter) -> None:
    def stop() -> None:
        while not server.lists():
            time.sleep(0.01)
        time.sleep(0.1)  # so that the answer has arrived
        server.state = "stopped"
        server.released.set()

    stopping = threading.Thread(target=stop)
    stopping.start()
    began = time.monotonic()
    fleet.run(machines(sdc), fleet.until("stopped", 60, 50), push=True).raise_errors()
    stopping.join()
    assert time.monotonic() - began < BOUND
    assert sorted(server.asked) == ["/bob/changefeed", "/bob/machines", "/bob/machines"]


@pytest.mark.parametrize("opened", [0, 1], ids=["at the beginning", "later"])
def test_an_error_that_is_not_ours_leaves_polling(
    server: Server,
    sdc: DataCenter,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    opened: int,
) -> None:
    """A subclass of DataCenter may raise anything."""
    attempts: list[object] = []
    feed = DataCenter._feed

    def fail(sdc: DataCenter, *args: Any) -> ChangeFeed:
        attempts.append(args)
        if len(attempts) > opened:
            server.state = "stopped"
            raise LookupError("mine")
        return feed(sdc, *args)

    monkeypatch.setattr(DataCenter, "_feed", fail)
    monkeypatch.setattr(supervisor, "FEED_OPEN_SECONDS", BOUND)
    server.released.set()
    server.ends = True
    began = time.monotonic()
    fleet.run(machines(sdc), fleet.until("stopped", 60), push=True).raise_errors()
    assert time.monotonic() - began < BOUND
    join_feeds()
    assert capfd.readouterr().err == ""
