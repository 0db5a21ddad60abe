"""Opening a WebSocket, its messages, and the errors of those that cannot be opened or break off."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets import exceptions
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection
from websockets.sync.server import ServerConnection

from smartdc import BadRequestError, ConnectionFailed, InvalidResponse, RequestTimeout, TLSError
from smartdc._http.error_codes import error_for
from smartdc._http.shared_tls import SharedTLSSocket
from smartdc._http.transport import prepared
from smartdc._http.websocket import Upgraded, WebSocket, dial
from tests.helpers.servers import Reply, StubServer, tls_settings
from tests.helpers.websocket_servers import Handler, websocket_server


def request(url: str, path: str = "/bob/changefeed", **headers: str) -> requests.PreparedRequest:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return prepared("GET", url, path, named, None, ())


def dialled(url: str, path: str = "/bob/changefeed", **settings: Any) -> Upgraded:
    arguments = {"timeout": 5, "authorities": True, "max_size": 1000} | settings
    return dial(request(url, path), **arguments)


@contextmanager
def opened(handler: Handler, **settings: Any) -> Iterator[WebSocket]:
    """A WebSocket whose other end is `handler`."""
    with (
        websocket_server(handler, compression=None) as url,
        closing(dialled(url, **settings).websocket) as websocket,
    ):
        yield websocket


@contextmanager
def ending_at_once(tls: ssl.SSLContext | None) -> Iterator[str]:
    """A server that ends each connection as soon as it is made."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):  # closed
                while True:
                    connection, _ = listening.accept()
                    with connection if tls is None else tls.wrap_socket(connection, server_side=True) as made:
                        made.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http{'s' if tls else ''}://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def wait(connection: ServerConnection) -> None:
    """Until the other end closes."""
    with suppress(ConnectionClosed):
        connection.recv()


def test_each_header_is_sent_once(stub: StubServer) -> None:
    stub.answer(Reply({"code": "Novelty", "message": "no"}, 400))
    own = request(
        stub.url, Date="now", Authorization="Signature x", Host="elsewhere", Upgrade="x", Connection="close",
        User_Agent="smartdc/1",
    )  # fmt: skip
    dial(own, 5, True, 1000)
    (asked,) = stub.asked
    names = [line.partition(b":")[0].lower() for line in asked.head.split(b"\r\n")[1:-2]]
    assert len(names) == len(set(names))
    assert asked.target == "/bob/changefeed"
    assert asked.headers["host"] == stub.url.removeprefix("http://")
    assert (asked.headers["upgrade"], asked.headers["connection"]) == ("websocket", "Upgrade")
    assert (asked.headers["date"], asked.headers["authorization"]) == ("now", "Signature x")
    assert asked.headers["user-agent"] == "smartdc/1"
    assert not asked.headers.keys() & {"sec-websocket-protocol", "sec-websocket-extensions"}


def test_only_the_protocol_of_the_url_is_changed(stub: StubServer) -> None:
    stub.answer(Reply(None, 400))
    dialled(stub.url, "/http/machines/http")
    assert stub.asked[0].target == "/http/machines/http"


def test_a_refusal_is_an_answer(stub: StubServer) -> None:
    stub.answer(Reply({"code": "InvalidHeader", "message": "no"}, 400, headers={"Request-Id": "a"}))
    answer = dialled(stub.url)
    assert (answer.status_code, answer.reason) == (400, "Scripted")
    assert answer.json() == {"code": "InvalidHeader", "message": "no"}
    assert answer.headers["request-id"] == "a"
    assert answer.url == f"{stub.url}/bob/changefeed"
    assert not hasattr(answer, "websocket")
    error = error_for(answer)
    assert isinstance(error, BadRequestError)
    assert str(error) == "GET /bob/changefeed: 400 InvalidHeader: no (request a)"


@pytest.mark.parametrize("status", [200, 302, 399])
def test_an_answer_that_is_neither_a_refusal_nor_a_websocket(stub: StubServer, status: int) -> None:
    stub.answer(Reply(None, status))
    with pytest.raises(InvalidResponse) as caught:
        dialled(stub.url)
    error = caught.value
    assert str(error) == f"GET /bob/changefeed: {status} where a WebSocket was expected"
    assert (error.method, error.path, error.lasting) == ("GET", "/bob/changefeed", True)
    assert error.response is not None
    assert error.response.status_code == status


def test_no_answer(stub: StubServer, free_port: int) -> None:
    stub.answer(Reply(hang=True), Reply(hang=True))
    for timeout in (0.05, (0.02, 0.03)):
        with pytest.raises(RequestTimeout) as late:
            dialled(stub.url, timeout=timeout)
        assert str(late.value) == f"GET /bob/changefeed: no answer from {stub.url}/bob/changefeed in time"
        assert (late.value.method, late.value.path) == ("GET", "/bob/changefeed")
    url = f"http://127.0.0.1:{free_port}"
    with pytest.raises(ConnectionFailed) as failed:
        dialled(url)
    assert str(failed.value).startswith(f"GET /bob/changefeed: no connection to {url}/bob/changefeed (")
    assert (failed.value.method, failed.value.path) == ("GET", "/bob/changefeed")


def test_answers_that_are_not_of_http(stub: StubServer) -> None:
    stub.answer([b""], [b"SSH-2.0-OpenSSH_9.6\r\n", b""])
    with pytest.raises(ConnectionFailed) as broke:
        dialled(stub.url)
    where = f"{stub.url}/bob/changefeed"
    assert str(broke.value) == f"GET /bob/changefeed: no answer from {where}: the connection broke"
    with pytest.raises(InvalidResponse) as odd:
        dialled(stub.url)
    assert str(odd.value).startswith(f"GET /bob/changefeed: {where} does not speak WebSocket (")
    assert (odd.value.method, odd.value.path) == ("GET", "/bob/changefeed")


@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "TLS"])
def test_a_connection_that_breaks_before_the_request(
    is_secure: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy whose server is down ends a connection at once, before or after the request is sent."""
    handshake = ClientConnection.handshake

    def late(connection: ClientConnection, *args: Any, **settings: Any) -> None:
        connection.recv_events_thread.join(10)  # it has read the end
        handshake(connection, *args, **settings)

    monkeypatch.setattr(ClientConnection, "handshake", late)
    with (
        ending_at_once(tls_settings(tmp_path) if is_secure else None) as url,
        pytest.raises(ConnectionFailed) as broke,
    ):
        dialled(url, authorities=str(tmp_path / "ca.pem"))
    assert str(broke.value) == (
        f"GET /bob/changefeed: no answer from {url}/bob/changefeed: the connection broke"
    )
    assert (broke.value.method, broke.value.path, broke.value.lasting) == ("GET", "/bob/changefeed", False)


def test_this_machine_is_reached_without_a_proxy(
    stub: StubServer, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "ws_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port}")
    stub.answer(Reply(None, 400))
    assert dialled(stub.url).status_code == 400


@pytest.mark.parametrize(
    ("variable", "user", "shown", "remedy"),
    [
        ("https_proxy", "", "{url}", "give HTTPS_PROXY the form http://USER:PASSWORD@host:port"),
        ("https_proxy", "bob:wrong@", "{url}", "check the user and password in HTTPS_PROXY"),
        # which the library knows and requests does not
        ("wss_proxy", "", "proxy", "give HTTPS_PROXY the form http://USER:PASSWORD@host:port"),
    ],
)
def test_a_proxy_that_wants_a_password(
    monkeypatch: pytest.MonkeyPatch, variable: str, user: str, shown: str, remedy: str
) -> None:
    with StubServer() as proxy:
        monkeypatch.setenv(variable, proxy.url.replace("//", f"//{user}"))
        proxy.otherwise = [b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", b""]
        with pytest.raises(ConnectionFailed) as caught:
            dialled("https://cloud.example.com")
    assert str(caught.value) == (
        f"GET /bob/changefeed: the proxy {shown.format(url=proxy.url)} in HTTPS_PROXY refuses to connect to "
        f"https://cloud.example.com/bob/changefeed (407 Proxy Authentication Required); {remedy}"
    )
    assert (caught.value.method, caught.value.path) == ("GET", "/bob/changefeed")


def test_a_proxy_that_breaks_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def reset() -> None:
            connection, _ = proxy.accept()
            with connection:
                connection.recv(1)  # closed with unread data, it is reset

        thread = threading.Thread(target=reset)
        thread.start()
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(ConnectionFailed) as broke:
            dialled("https://cloud.example.com")
        thread.join()
    assert str(broke.value) == (
        "GET /bob/changefeed: no answer from https://cloud.example.com/bob/changefeed: the connection broke"
    )


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[str]:
    """A server with TLS; the file of its authority is ca.pem."""
    with websocket_server(wait, ssl=tls_settings(tmp_path), subprotocols=["binary"]) as url:
        yield url


def test_over_tls_two_threads_may_use_it(secure: str, tmp_path: Path) -> None:
    websocket = dialled(
        secure, authorities=str(tmp_path / "ca.pem"), subprotocols=["text", "binary"]
    ).websocket
    assert websocket.subprotocol == "binary"
    assert isinstance(websocket._connection.socket, SharedTLSSocket)
    websocket.close()
    unverified = dialled(secure, authorities=False, subprotocols=["binary"]).websocket
    unverified.close()


def test_authorities_in_a_folder(secure: str, tmp_path: Path) -> None:
    # The file in the folder does not have the name that OpenSSL looks for.
    for authorities in (True, str(tmp_path)):
        with pytest.raises(TLSError, match="is not trusted"):
            dialled(secure, authorities=authorities)


def test_messages_and_their_end() -> None:
    def send(connection: ServerConnection) -> None:
        connection.send("text")
        connection.send(b"bytes")
        connection.recv()

    with opened(send) as websocket:
        assert [websocket.receive(5), websocket.receive(5)] == [b"text", b"bytes"]
        with pytest.raises(TimeoutError):
            websocket.receive(0.01)
        websocket.send("over")
        assert websocket.receive(5) is None
        with pytest.raises(ConnectionFailed, match=r"^GET /bob/changefeed: the stream is closed \("):
            websocket.send("more")
        with pytest.raises(ConnectionFailed, match=r"^GET /bob/changefeed: the stream broke off \("):
            websocket.settle(5)


@pytest.mark.parametrize("limit", [100, 3_000_000])
def test_the_size_of_a_message_is_limited(limit: int) -> None:
    def send(connection: ServerConnection) -> None:
        connection.send(b"x" * limit)
        with suppress(ConnectionClosed):
            connection.send(b"x" * (limit + 1))
            connection.recv()

    with opened(send, max_size=limit) as websocket:
        message = websocket.receive(10)
        assert message is not None
        assert len(message) == limit
        with pytest.raises(InvalidResponse) as caught:
            websocket.receive(10)
        assert str(caught.value).startswith("GET /bob/changefeed: a message of the stream is too large (")
        assert str(caught.value).endswith("); give DataCenter a larger max_response")


@pytest.mark.skipif(not hasattr(exceptions, "TooManyFragments"), reason="older versions have no such limit")
def test_a_message_in_too_many_parts_before_the_end() -> None:
    def send(connection: ServerConnection) -> None:
        frames = [Frame(Opcode.TEXT, b"{", fin=False), *[Frame(Opcode.CONT, b"", fin=False)] * 5000]
        frames += [Frame(Opcode.CONT, b"}"), Frame(Opcode.CLOSE, (1000).to_bytes(2))]
        connection.socket.sendall(b"".join(frame.serialize(mask=False) for frame in frames))
        wait(connection)

    with opened(send) as websocket, pytest.raises(InvalidResponse) as caught:
        websocket.receive(10)
    assert str(caught.value).startswith("GET /bob/changefeed: a message of the stream cannot be read (")


def cut(connection: ServerConnection) -> None:
    connection.recv()
    connection.socket.shutdown(socket.SHUT_RDWR)


def test_a_connection_that_is_cut() -> None:
    with opened(cut) as websocket:
        websocket.send("now")
        with pytest.raises(ConnectionFailed, match=r"^GET /bob/changefeed: the stream broke off \("):
            websocket.receive(5)


def close_with_an_error(connection: ServerConnection) -> None:
    connection.close(1011, "broken")


def test_an_end_that_the_server_calls_an_error() -> None:
    with opened(close_with_an_error) as websocket, pytest.raises(ConnectionFailed) as caught:
        websocket.receive(5)
    assert "the stream broke off (received 1011" in str(caught.value)


class Held:
    """A handler that answers no ping from the start until it is released."""

    def __init__(self, then: Handler) -> None:
        self._then = then
        self.begun, self.released = threading.Event(), threading.Event()

    def __call__(self, connection: ServerConnection) -> None:
        connection.send("early")
        with connection.protocol_mutex:  # which the thread that answers needs
            self.begun.set()
            self.released.wait(10)
            self._then(connection)
        wait(connection)


def test_it_settles_when_the_server_has_read_all() -> None:
    held = Held(lambda _: None)
    with opened(held) as websocket:
        assert held.begun.wait(10)
        with pytest.raises(RequestTimeout) as caught:
            websocket.settle(0.05)
        assert str(caught.value) == "GET /bob/changefeed: no answer in time"
        later = threading.Timer(0.15, held.released.set)
        later.start()
        websocket.settle(10)
        later.join()
        assert websocket.receive(5) == b"early"  # what comes meanwhile is kept


def test_it_does_not_settle_when_the_connection_breaks() -> None:
    held = Held(lambda connection: connection.socket.shutdown(socket.SHUT_RDWR))
    with opened(held) as websocket:
        assert held.begun.wait(10)
        later = threading.Timer(0.05, held.released.set)
        later.start()
        with pytest.raises(ConnectionFailed, match=r"^GET /bob/changefeed: the stream broke off"):
            websocket.settle(10)
        later.join()
