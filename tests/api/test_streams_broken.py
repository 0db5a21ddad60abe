"""Streams that break off, fail to open, or are closed from another thread; over real sockets."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest
from urllib3.exceptions import InsecureRequestWarning
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from smartdc import (
    ConfigurationError,
    ConnectionFailed,
    DataCenter,
    InvalidResponse,
    Machine,
    RequestTimeout,
)
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.streams import VNC, ChangeFeed
from tests.helpers.servers import Reply, StubServer
from tests.helpers.websocket_servers import Handler, websocket_server

MIGRATION = {"machine": "00000000-dead-4bad-8bad-000000000000", "phase": "sync", "state": "running"}


def unsigned(url: str, **settings: float) -> DataCenter:
    return DataCenter(url, login="test", retry="none", **settings)  # type: ignore[arg-type]


@contextmanager
def served_by(
    handler: Handler,
    answer: Callable[[ServerConnection, Request], Response | None] | None = None,
) -> Iterator[DataCenter]:
    """A data center whose WebSockets are served by `handler`; `answer` may reply to the upgrade instead."""
    with websocket_server(handler, process_request=answer) as url, unsigned(url) as sdc:
        yield sdc


def test_the_emulator_stops(sdc: DataCenter, cloud: Emulator) -> None:
    with sdc.changefeed() as feed:
        cloud.stop()
        with pytest.raises(ConnectionFailed, match="GET /my/changefeed: the stream broke off"):
            next(feed)
        assert feed.closed
        assert list(feed) == []


def test_the_connection_is_cut() -> None:
    def cut(connection: ServerConnection) -> None:
        connection.recv()
        connection.socket.shutdown(socket.SHUT_RDWR)

    with (
        served_by(cut) as sdc,
        pytest.raises(ConnectionFailed, match="/test/changefeed: the stream broke off"),
    ):
        next(sdc.changefeed())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html>", "a message that is not JSON: 6 bytes"),
        ("9" * 5000, "a message that is not JSON: 5000 bytes"),
        ("null", "JSON that is not an object"),
        ("5", "JSON that is not an object"),
        ("{}", "an event that is not a change"),
        ('{"changedResourceId": 5}', "an event that is not a change"),
    ],
)
def test_messages_that_are_no_changes(text: str, message: str) -> None:
    def send_text(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(text)
        connection.recv()

    with served_by(send_text) as sdc, pytest.raises(InvalidResponse) as caught:
        list(sdc.changefeed())
    assert str(caught.value) == f"the stream sent {message}"


IDENT, OTHER = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"
KIND = {"resource": "vm", "subResources": ["state"]}
MACHINE = {"id": IDENT, "state": "stopped"}


def sending(*events: object) -> Callable[[ServerConnection], None]:
    """A handler that sends these events."""

    def send_all(connection: ServerConnection) -> None:
        connection.recv()
        for event in events:
            connection.send(json.dumps(event))
        with suppress(ConnectionClosed):
            connection.recv()

    return send_all


@pytest.mark.parametrize("ident", [IDENT, IDENT.upper()])
@pytest.mark.parametrize(
    ("odd", "kind"),
    [
        ({"resourceObject": {**MACHINE, "id": OTHER}}, KIND),
        ({"resourceObject": {**MACHINE, "id": None}}, KIND),
        ({"resourceObject": {"state": "stopped"}}, KIND),
        ({"resourceObject": {"id": IDENT}}, KIND),
        ({"resourceObject": {**MACHINE, "state": None}}, KIND),
        ({"resourceObject": [1]}, KIND),
        ({"resourceObject": "stopped"}, KIND),
        ({}, KIND),
        ({"resourceObject": MACHINE, "changeKind": None}, {"resource": "vm", "subResources": []}),
        ({"resourceObject": MACHINE, "changeKind": ["state"]}, {"resource": "vm", "subResources": []}),
        (
            {"resourceObject": MACHINE, "changeKind": {"resource": "vm"}},
            {"resource": "vm", "subResources": []},
        ),
        (
            {"resourceObject": MACHINE, "changeKind": {"subResources": [["state"]]}},
            {"resource": "vm", "subResources": []},
        ),
    ],
)
def test_a_change_without_valid_data_of_its_machine_has_only_the_id(
    ident: str, odd: dict[str, object], kind: dict[str, object]
) -> None:
    event = {"changedResourceId": ident, "changeKind": KIND, "resourceState": "stopped", **odd}
    with served_by(sending(event, {**event, "changeKind": KIND, "resourceObject": MACHINE})) as sdc:
        feed = sdc.changefeed()
        assert next(feed) == {"changedResourceId": IDENT, "changeKind": kind, "resourceState": "stopped"}
        assert {**next(feed)["resourceObject"]} == MACHINE


def test_events_before_the_feed_is_open_are_kept() -> None:
    events = [{"changedResourceId": IDENT, "changeKind": KIND, "published": f"{n}"} for n in range(5000)]

    def send_all(connection: ServerConnection) -> None:
        frames = (Frame(Opcode.TEXT, json.dumps(event).encode()).serialize(mask=False) for event in events)
        with connection.protocol_mutex:  # so that the answer to the ping follows them
            connection.socket.sendall(b"".join(frames))
        with suppress(ConnectionClosed):
            while True:
                connection.recv()

    with served_by(send_all) as sdc:
        began = time.monotonic()
        with sdc.changefeed() as feed:
            assert [next(feed)["published"] for _ in events] == [f"{n}" for n in range(5000)]
        assert time.monotonic() - began < 20


CHANGE = Frame(Opcode.TEXT, json.dumps({"changedResourceId": IDENT}).encode())
PING, CLOSE = Frame(Opcode.PING, b"there?"), Frame(Opcode.CLOSE, (1000).to_bytes(2))


@pytest.mark.parametrize("stream", ["change feed", "console"])
@pytest.mark.parametrize(
    ("frames", "messages"),
    [
        ([CHANGE, CLOSE], 1),
        ([PING, CHANGE, CLOSE], 1),
        ([CHANGE, PING, CLOSE], 1),
        ([PING, CHANGE, PING, CHANGE, PING, CLOSE], 2),
    ],
    ids=["no ping", "ping first", "ping last", "pings between"],
)
def test_what_was_sent_before_the_end_is_received(stream: str, frames: list[Frame], messages: int) -> None:
    """The server has closed before the pings and the close are answered, so that the answers fail."""
    goes_on, has_ended = threading.Event(), threading.Event()

    def end(connection: ServerConnection) -> None:
        assert goes_on.wait(10)
        connection.socket.sendall(b"".join(frame.serialize(mask=False) for frame in frames))
        connection.close_socket()
        has_ended.set()

    with served_by(end) as sdc:
        machine = sdc.machine(MIGRATION["machine"], lazy=True)
        opened: VNC | ChangeFeed = machine.connect_vnc() if stream == "console" else sdc.changefeed()
        with opened._websocket._connection.protocol_mutex:  # it reads no further meanwhile
            goes_on.set()
            assert has_ended.wait(10)
        assert len(list(opened)) == messages


@pytest.mark.parametrize("end", [[], [CLOSE], [CHANGE, CLOSE]], ids=["open", "closed", "another"])
def test_a_message_that_is_not_utf_8(end: list[Frame]) -> None:
    bad = Frame(Opcode.TEXT, b'{"changedResourceId": "\xff"}')
    is_open = threading.Event()

    def send_bad(connection: ServerConnection) -> None:
        assert is_open.wait(10)
        connection.socket.sendall(b"".join(frame.serialize(mask=False) for frame in [bad, *end]))
        with suppress(ConnectionClosed):
            while True:
                connection.recv()

    with served_by(send_bad) as sdc:
        feed = sdc.changefeed()
        is_open.set()
        with pytest.raises(InvalidResponse, match="not JSON"):
            list(feed)


def test_messages_are_limited_in_size() -> None:
    subscribed = threading.Event()

    def flood(connection: ServerConnection) -> None:
        connection.recv()
        subscribed.wait(10)
        event = '{"changedResourceId": "x"}'
        connection.send(event.ljust(100))
        connection.send(event.ljust(101))
        connection.send(["[" * 60] * 60)  # in parts

    with served_by(flood) as sdc:
        sdc.max_response = 100
        feed = sdc.changefeed()
        subscribed.set()
        assert next(feed)["changedResourceId"] == "x"
        with pytest.raises(
            InvalidResponse, match="GET /test/changefeed: a message of the stream is too large"
        ):
            next(feed)
        assert feed.closed


def test_a_closed_console_refuses_to_send() -> None:
    with served_by(lambda connection: None) as sdc:
        vnc = sdc.machine(MIGRATION["machine"], lazy=True).connect_vnc()
        assert list(vnc) == []
        with pytest.raises(ConnectionFailed, match="the stream is closed"):
            vnc.send(b"x")


def test_closing_from_another_thread_ends_the_loop(sdc: DataCenter, site: Site) -> None:
    with sdc.changefeed() as feed:
        seen: list[object] = []
        reader = threading.Thread(target=lambda: seen.extend(feed))
        reader.start()
        feed.close()
        reader.join(10)
        assert not reader.is_alive()
        assert seen == []


def test_closing_a_watch_from_another_thread() -> None:
    """The response announces more data than it sends."""
    line = b'{"type": "progress", "phase": "sync", "state": "running"}\n'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-json-stream\r\nContent-Length: 999\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server:
        sdc = unsigned(f"http://127.0.0.1:{server.getsockname()[1]}")

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                body = b'{"state": "running"}'
                kind = b"Content-Type: application/json\r\n"
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + kind + b"Content-Length: 20\r\n\r\n" + body)
                stream, _ = server.accept()  # a stream has a separate connection
                with stream:
                    stream.recv(65536)
                    stream.sendall(head + line)
                    stream.recv(65536)  # until the other end has closed

        answering = threading.Thread(target=answer)
        answering.start()
        with sdc, sdc.machine(MIGRATION["machine"], lazy=True).watch_migration() as watch:
            assert next(watch)["phase"] == "sync"
            seen: list[object] = []
            reader = threading.Thread(target=lambda: seen.extend(watch))
            reader.start()
            watch.close()
            reader.join(10)
            assert not reader.is_alive()
        answering.join(10)
        assert not answering.is_alive()


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (Reply(b'{"type": "progress"}\n', length=500), ConnectionFailed, "the stream broke off"),
        (Reply(b"<html>\n"), InvalidResponse, "not JSON"),
        (Reply(b"[" * 100_000 + b"\n"), InvalidResponse, "not JSON"),
        (Reply(b"\xff\n"), InvalidResponse, "not JSON"),
        (Reply(b"null\n"), InvalidResponse, "not an object"),
        (Reply(b"[{}]\n"), InvalidResponse, "not an object"),
    ],
)
def test_a_watch_that_breaks_off(
    stub: StubServer, reply: Reply, error: type[Exception], message: str
) -> None:
    stub.answer(Reply(MIGRATION), reply)
    with unsigned(stub.url) as sdc:
        watch = sdc.machine(MIGRATION["machine"], lazy=True).watch_migration()
        with pytest.raises(error, match=message):
            list(watch)
        assert watch.closed


def test_a_watch_that_gets_no_answer(stub: StubServer) -> None:
    stub.answer(Reply(MIGRATION), Reply(hang=True))
    with unsigned(stub.url, timeout=0.2) as sdc, pytest.raises(RequestTimeout):
        sdc.machine(MIGRATION["machine"], lazy=True).watch_migration()


@pytest.mark.parametrize("status", [200, 302])
def test_answers_that_are_no_websocket(status: int) -> None:
    asked = []

    def answer(connection: ServerConnection, request: Request) -> Response:
        asked.append(request.path)
        response = connection.respond(status, "")
        # What was signed for one server is not sent to another.
        response.headers["Location"] = "ws://127.0.0.1:1/"
        return response

    with (
        served_by(lambda connection: None, answer) as sdc,
        pytest.raises(InvalidResponse, match=f"{status} where a WebSocket was expected"),
    ):
        sdc.changefeed()
    assert asked == ["/test/changefeed"]


def test_a_server_that_speaks_no_websocket(stub: StubServer) -> None:
    stub.answer([b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", b""])
    with unsigned(stub.url) as sdc, pytest.raises(InvalidResponse, match="does not speak WebSocket"):
        sdc.changefeed()


def test_a_server_that_does_not_answer(stub: StubServer) -> None:
    stub.answer(Reply(hang=True))
    with (
        unsigned(stub.url, timeout=0.2) as sdc,
        pytest.raises(RequestTimeout, match="GET /test/changefeed: no answer"),
    ):
        sdc.changefeed()


def test_a_port_on_which_nothing_listens() -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with unsigned(url) as sdc, pytest.raises(ConnectionFailed, match="no connection to"):
        sdc.changefeed()


def test_a_server_that_is_not_trusted(cloud: Emulator) -> None:
    with (
        cloud.datacenter(verify=True) as sdc,
        pytest.raises(ConnectionFailed, match=r"is not trusted .* given as verify='/path/to/ca.pem'"),
    ):
        sdc.changefeed()
    with pytest.warns(InsecureRequestWarning):
        unverified = cloud.datacenter(verify=False)
    with unverified as sdc:
        sdc.changefeed().close()


def test_a_missing_file_of_authorities(cloud: Emulator) -> None:
    with (
        cloud.datacenter(verify="/nowhere/ca.pem") as sdc,
        pytest.raises(ConfigurationError, match=r"^verify='/nowhere/ca\.pem': it cannot be read"),
    ):
        sdc.changefeed()


def test_without_the_extra(sdc: DataCenter, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    machine: Machine = sdc.machine(site.add_machine(brand="bhyve").uuid, lazy=True)
    machine.migrate("begin")
    for name in [name for name in sys.modules if name.partition(".")[0] == "websockets"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "websockets", None)
    for stream in (
        sdc.changefeed,
        machine.connect_vnc,
        lambda: machine.watch_migration(websocket=True),
    ):
        with pytest.raises(ConfigurationError, match=r"pip install 'smartdc\[stream\]'"):
            stream()
    assert list(machine.watch_migration())[-1]["type"] == "end"  # this needs no WebSocket
