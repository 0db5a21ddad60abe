"""The emulator's web server: stopping it while clients are connected."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.http import server

PING = b"GET /--ping HTTP/1.1\r\nHost: x\r\n\r\n"


class Callers:
    """Clients that keep their connections open."""

    def __init__(self, cloud: Emulator, stack: ExitStack) -> None:
        self.address = ("127.0.0.1", urlsplit(cloud.url()).port or 0)
        self.context = ssl.create_default_context(cafile=str(cloud.ca_file))
        self.stack = stack

    def plain(self) -> socket.socket:
        """A connection without TLS."""
        return self.stack.enter_context(socket.create_connection(self.address, timeout=10))

    def secure(self) -> ssl.SSLSocket:
        """A connection after the TLS handshake."""
        wrapped = self.context.wrap_socket(self.plain(), server_hostname="127.0.0.1")
        return self.stack.enter_context(wrapped)

    def served(self) -> ssl.SSLSocket:
        """A connection after one request and its answer."""
        connection = self.secure()
        ping(connection)
        return connection


def ping(connection: socket.socket) -> None:
    """Send a request, and read the whole answer."""
    connection.sendall(PING)
    answer = b""
    while not answer.endswith(b"}}"):
        piece = connection.recv(65536)
        assert piece, answer
        answer += piece
    assert answer.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.usefixtures("nothing_left")
def test_stop_with_64_idle_connections() -> None:
    with ExitStack() as stack:
        with Emulator() as cloud:
            callers = Callers(cloud, stack)
            connections = [callers.served() for _ in range(64)]
            started = time.monotonic()
        assert time.monotonic() - started < 1
        for connection in connections:
            with suppress(OSError):  # a reset, or an end without TLS's close_notify
                assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(callers.address, timeout=10).close()


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("how_many", [1, 8])
def test_stop_in_the_middle_of_handshakes(how_many: int) -> None:
    for _ in range(5):
        with ExitStack() as stack, Emulator(datacenters=["a"]) as cloud:
            callers = Callers(cloud, stack)
            for _ in range(how_many):
                callers.secure()
                callers.plain().sendall(b"\x16\x03\x01")  # the beginning of a ClientHello
                callers.plain()


@pytest.mark.usefixtures("nothing_left")
def test_stop_in_the_middle_of_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GRACE_SECONDS", 0.05)
    with ExitStack() as stack, Emulator() as cloud:
        callers = Callers(cloud, stack)
        connection = callers.served()
        connection.sendall(b"POST /my HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        ping(callers.served())
    assert [call.path for call in cloud.calls] == ["/--ping"] * 3


@pytest.mark.usefixtures("nothing_left")
def test_data_that_are_not_a_request() -> None:
    with ExitStack() as stack, Emulator() as cloud:
        callers = Callers(cloud, stack)
        connection = callers.secure()
        connection.sendall(b"nonsense\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
        websocket = callers.secure()
        websocket.sendall(PING.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"))
        assert websocket.recv(65536).startswith(b"HTTP/1.1 ")


def test_a_server_that_was_not_started() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        idle = server.Server(_no_app, ("127.0.0.1",), [listening], server.authority())
        with pytest.raises(RuntimeError, match="the server has not been started"):
            _ = idle.loop


async def _no_app(*_: object) -> None:
    raise AssertionError
