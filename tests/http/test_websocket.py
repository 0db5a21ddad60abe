"""How a WebSocket is opened, and what its errors say; what it receives is scripted."""

from __future__ import annotations

import logging
import ssl
import sys
import threading
from pathlib import Path
from typing import Any, cast

import pytest
import requests
import trustme
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from websockets.frames import Close
from websockets.protocol import State
from websockets.sync.server import ServerConnection

from smartdc import (
    ConfigurationError,
    ConnectionFailed,
    InvalidResponse,
    RequestTimeout,
    SmartDCError,
    TransportError,
)
from smartdc._http.shared_tls import SharedTLSSocket
from smartdc._http.transport import prepared
from smartdc._http.websocket import WebSocket, dial
from tests.api.test_streams_broken import served_by
from tests.helpers.servers import StubServer

PATH = "/my/changefeed"
FAR = "https://far.example"


def request(base: str, **headers: str) -> requests.PreparedRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return prepared("GET", base, PATH, {"User-Agent": "smartdc/1", **named}, None, ())


def refusal(base: str, timeout: float = 5) -> SmartDCError:
    """The error of an attempt to open a WebSocket there."""
    with pytest.raises(SmartDCError) as caught:
        dial(request(base), timeout, True, 1000)
    if isinstance(caught.value, TransportError):
        assert (caught.value.method, caught.value.path) == ("GET", PATH)
    return caught.value


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the library is asked to open, which it does not do in time."""
    asked: dict[str, Any] = {}

    def connect(url: str, **settings: Any) -> None:
        asked.clear()
        asked.update(settings, url=url)
        raise TimeoutError

    monkeypatch.setattr("websockets.sync.client.connect", connect)
    return asked


def test_the_settings_of_the_library(opened: dict[str, Any]) -> None:
    error = refusal("http://127.0.0.1:1")
    assert isinstance(error, RequestTimeout)
    assert str(error) == f"GET {PATH}: no answer from http://127.0.0.1:1{PATH} in time"
    assert {name: opened[name] for name in opened if name not in ("create_connection", "logger")} == {
        "url": f"ws://127.0.0.1:1{PATH}",
        "ssl": None,
        "additional_headers": {},
        "user_agent_header": "smartdc/1",
        "subprotocols": None,
        "compression": None,
        "proxy": None,
        "open_timeout": 5,
        "ping_interval": 20,
        "close_timeout": 2,
        "max_queue": 1000,
        "max_size": 1000,
    }
    # At DEBUG the library logs the signature and the contents of messages.
    assert (opened["logger"].name, opened["logger"].level) == ("smartdc.websocket", logging.INFO)


def test_a_far_server_is_reached_by_tls_and_by_the_proxy_of_the_environment(opened: dict[str, Any]) -> None:
    refusal(FAR)
    assert (opened["url"], opened["proxy"]) == (f"wss://far.example{PATH}", True)
    assert opened["ssl"].verify_mode is ssl.CERT_REQUIRED
    assert opened["ssl"].check_hostname
    assert opened["ssl"].sslsocket_class is SharedTLSSocket


@pytest.mark.parametrize(("timeout", "seconds"), [(7, 7), (0.5, 0.5), ((1, 2), 3), ((10.0, 120.0), 130)])
def test_the_two_timeouts_of_a_request_are_one_here(
    opened: dict[str, Any], timeout: Any, seconds: float
) -> None:
    with pytest.raises(RequestTimeout):
        dial(request(FAR), timeout, True, 1000, ["binary", "rfb"])
    assert (opened["open_timeout"], opened["subprotocols"]) == (seconds, ["binary", "rfb"])


def test_headers_that_the_library_sends_itself_are_not_sent_twice(opened: dict[str, Any]) -> None:
    own = {"Authorization": "Signature x", "Date": "now", "X_Mine": "1"}
    twice = {"Connection": "x", "Host": "x", "Upgrade": "x"}
    asked = request(FAR, **own, **twice)
    asked.headers["Transfer-Encoding"] = asked.headers["Content-Length"] = "x"
    asked.headers["X-Bytes"] = cast(str, b"\xe9")
    with pytest.raises(RequestTimeout):
        dial(asked, 5, True, 1000)
    assert opened["additional_headers"] == {
        "Authorization": "Signature x",
        "Date": "now",
        "X-Mine": "1",
        "X-Bytes": "\xe9",
    }


def test_the_answer_has_what_the_server_said() -> None:
    heard: list[Any] = []

    def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        heard.append(connection.request)

    with served_by(handler) as sdc:
        answer = dial(request(sdc.base_url), 5, True, 1000)
        answer.websocket.close()
    assert (answer.status_code, answer.reason) == (101, "Switching Protocols")
    assert answer.url == sdc.base_url + PATH
    assert answer.request.path_url == PATH
    assert (answer.headers["UPGRADE"], answer.content) == ("websocket", b"")
    assert (heard[0].path, heard[0].headers.get_all("User-Agent")) == (PATH, ["smartdc/1"])


@pytest.mark.parametrize("authorities", [True, False])
def test_what_is_trusted(authorities: bool, opened: dict[str, Any]) -> None:
    with pytest.raises(RequestTimeout):
        dial(request(FAR), 5, authorities, 1000)
    context = opened["ssl"]
    assert context.sslsocket_class is SharedTLSSocket
    assert (context.check_hostname, context.verify_mode is ssl.CERT_REQUIRED) == (authorities, authorities)
    if authorities:
        # The same authorities as for every other request.
        same = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
        assert context.cert_store_stats() == same.cert_store_stats()


def test_a_file_or_a_folder_of_authorities(opened: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    for trusted, loaded in ((file, 1), (tmp_path, 0)):  # those of a folder are read when they are needed
        with pytest.raises(RequestTimeout):
            dial(request(FAR), 5, str(trusted), 1000)
        assert opened["ssl"].cert_store_stats()["x509_ca"] == loaded
    with pytest.raises(ConfigurationError) as caught:
        dial(request(FAR), 5, str(tmp_path / "none"), 1000)
    assert str(caught.value) == (
        f"verify='{tmp_path}/none': it cannot be read (No such file or directory); "
        "give the path of a file of PEM certificates"
    )


def test_a_port_on_which_nothing_listens(free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    error = refusal(url)
    assert type(error) is ConnectionFailed
    assert str(error).startswith(f"GET {PATH}: no connection to {url}{PATH} ([Errno ")
    assert (error.sent, error.lasting) == (True, False)


def test_a_server_that_closes_the_connection_in_the_handshake(stub: StubServer) -> None:
    stub.answer([b""])
    error = refusal(stub.url)
    assert type(error) is ConnectionFailed
    assert str(error) == f"GET {PATH}: no answer from {stub.url}{PATH}: the connection broke"


def test_a_server_of_another_protocol(stub: StubServer) -> None:
    stub.answer([b"SSH-2.0-OpenSSH_9.2\r\n", b""])
    error = refusal(stub.url)
    assert type(error) is InvalidResponse
    assert str(error).startswith(f"GET {PATH}: {stub.url}{PATH} does not speak WebSocket (")


@pytest.mark.parametrize("status", [200, 302, 399])
def test_a_status_that_is_neither_an_upgrade_nor_an_error(stub: StubServer, status: int) -> None:
    stub.answer([b"HTTP/1.1 %d Odd\r\nContent-Length: 2\r\nX-Mine: 1\r\n\r\nno" % status])
    error = refusal(stub.url)
    assert isinstance(error, InvalidResponse)
    assert str(error) == f"GET {PATH}: {status} where a WebSocket was expected"
    assert error.lasting
    assert error.response is not None
    assert (error.response.status_code, error.response.headers["x-mine"]) == (status, "1")
    assert error.response.content == b"no"


@pytest.mark.parametrize("status", [400, 401, 503])
def test_a_refusal_is_an_answer(stub: StubServer, status: int) -> None:
    stub.answer([b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status])
    answer = dial(request(stub.url), 5, True, 1000)
    assert (answer.status_code, answer.reason, answer.content) == (status, "No", b"")
    assert not hasattr(answer, "websocket")


def test_proxies_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "ftp://bob:secret77@127.0.0.1:1")
    error = refusal(FAR)
    assert type(error) is ConfigurationError
    assert str(error).startswith(f"GET {FAR}{PATH}: the environment's proxy cannot be used: ")
    assert "secret77" not in str(error)
    assert error.__cause__ is None
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1")
    for name in [name for name in sys.modules if name.partition(".")[0] == "python_socks"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "python_socks", None)
    error = refusal(FAR)
    assert type(error) is ConfigurationError
    assert str(error).startswith(f"GET {FAR}{PATH}: the environment's proxy cannot be used: ")


def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with StubServer([b"HTTP/1.1 403 Forbidden\r\n\r\n", b""]) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        error = refusal(FAR)
    assert isinstance(error, ConnectionFailed)
    assert str(error) == (
        f"GET {PATH}: the proxy {proxy.url} in HTTPS_PROXY refuses to connect to {FAR}{PATH} "
        "(403 Forbidden); ask who runs it, or name the host in NO_PROXY"
    )
    assert (error.sent, error.lasting) == (False, True)


class Scripted:
    """The library's connection: what `recv` returns or raises, in turn."""

    subprotocol = "rfb"

    def __init__(self, *items: str | bytes | Exception, is_read: bool = True) -> None:
        self._items = list(items)
        self._pong = threading.Event()
        self.state = State.OPEN
        self.sent: list[str | bytes] = []
        if is_read:
            self._pong.set()

    def recv(self, timeout: float | None) -> str | bytes:
        if not self._items:
            if timeout == 0:
                self._pong.set()
            raise TimeoutError
        item = self._items.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    def send(self, message: str | bytes) -> None:
        if self._items:
            raise cast(Exception, self._items[0])
        self.sent.append(message)

    def ping(self) -> threading.Event:
        if self._items and isinstance(self._items[0], ConnectionClosed):
            raise self._items[0]
        return self._pong


def websocket(*items: str | bytes | Exception, is_read: bool = True) -> tuple[WebSocket, Scripted]:
    connection = Scripted(*items, is_read=is_read)
    return WebSocket(cast(Any, connection), "GET /x"), connection


def closed(code: int = 1006, reason: str = "", sent: Close | None = None) -> ConnectionClosedError:
    return ConnectionClosedError(Close(code, reason), sent, None if sent is None else True)


def test_messages_come_until_the_other_end_closes() -> None:
    stream, _ = websocket("a", b"b", ConnectionClosedOK(Close(1000, ""), Close(1000, ""), True))
    assert [stream.receive(None) for _ in range(3)] == ["a", b"b", None]
    assert stream.subprotocol == "rfb"
    with pytest.raises(TimeoutError):
        stream.receive(0.01)


@pytest.mark.parametrize("sent", [None, Close(1002, "odd")])
def test_a_connection_that_breaks(sent: Close | None) -> None:
    stream, _ = websocket(closed(1011, "over", sent))
    with pytest.raises(ConnectionFailed, match=r"^GET /x: the stream broke off \(.*1011.* over.*\)$"):
        stream.receive(None)


def test_a_message_that_is_too_large() -> None:
    stream, _ = websocket(ConnectionClosedError(None, Close(1009, "over size limit")))
    with pytest.raises(InvalidResponse) as caught:
        stream.receive(None)
    assert str(caught.value) == (
        "GET /x: a message of the stream is too large (over size limit); "
        "give DataCenter a larger max_response"
    )


def test_sending() -> None:
    stream, connection = websocket()
    stream.send(b"a")
    assert connection.sent == [b"a"]
    stream, _ = websocket(closed(1000, "bye"))
    with pytest.raises(ConnectionFailed, match=r"^GET /x: the stream is closed \(.*bye.*\)$"):
        stream.send(b"a")


def test_what_comes_before_the_stream_is_settled_comes_first() -> None:
    stream, connection = websocket("a", "b", is_read=False)
    stream.settle(5)
    connection._items.append("c")
    assert [stream.receive(None) for _ in range(3)] == ["a", "b", "c"]


def test_a_stream_that_breaks_before_it_is_settled() -> None:
    stream, _ = websocket(closed(1011, "over"))
    with pytest.raises(ConnectionFailed, match=r"^GET /x: the stream broke off \(.*over.*\)$"):
        stream.settle(5)
    stream, connection = websocket(TimeoutError(), is_read=False)
    connection.state = State.CLOSED
    with pytest.raises(ConnectionFailed, match=r"^GET /x: the stream broke off$"):
        stream.settle(5)


def test_a_server_that_does_not_read() -> None:
    stream, _ = websocket(*[TimeoutError()] * 100, is_read=False)
    with pytest.raises(RequestTimeout, match=r"^GET /x: no answer in time$"):
        stream.settle(0.01)
