"""With a scripted server: no answer is taken for that of another request, and none goes on for ever.

RFC 9110, section 15.2: a client must be able to read any number of 1xx answers before the one that counts.
RFC 9112, section 6.3: where an answer ends, and what makes that unclear.
"""

from __future__ import annotations

import io
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import smartdc._http.framing
from smartdc import (
    ConfigurationError,
    DataCenter,
    InvalidResponse,
    RequestTimeout,
    TransportError,
)
from tests.helpers.servers import StubServer, datacenter_at, reply, tls_settings

A, B = "aaaaaaaa-0000-4000-8000-00000000000a", "bbbbbbbb-0000-4000-8000-00000000000b"
JSON = "Content-Type: application/json"
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def machine(ident: str) -> bytes:
    """The whole answer to a GetMachine."""
    return b"".join(reply(b'{"id": "%s"}' % ident.encode(), JSON))


@pytest.fixture(params=["plain", "tls"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StubServer]:
    """With TLS, the bytes that wait are in the TLS connection, not in the socket."""
    if request.param == "plain":
        with StubServer() as stub:
            yield stub
        return
    with StubServer(tls=tls_settings(tmp_path)) as stub:
        yield stub


@pytest.fixture
def sdc(server: StubServer, tmp_path: Path) -> Iterator[DataCenter]:
    secure = server.url.startswith("https:")
    with datacenter_at(server.url, verify=str(tmp_path / "ca.pem") if secure else True) as sdc:
        yield sdc


@pytest.mark.parametrize("interim", [EARLY_HINTS, CONTINUE, CONTINUE + EARLY_HINTS * 3])
def test_interim_answers_are_skipped(server: StubServer, sdc: DataCenter, interim: bytes) -> None:
    # The call failed, and the next one got this answer: machine(B) was A's data under B's id.
    server.answer([interim, machine(A)], [interim + machine(B)])
    assert sdc.raw_machine_data(A)["id"] == A
    assert sdc.raw_machine_data(B)["id"] == B
    assert server.opened == 1


BY_ID: dict[str, Callable[[DataCenter], object]] = {
    "machine": lambda sdc: sdc.machine(A),
    "refresh": lambda sdc: sdc.machine(A, lazy=True).refresh(),
    "raw": lambda sdc: sdc.raw_machine_data(A),
    "disk": lambda sdc: sdc.machine(B, lazy=True).get_disk(A),
    "image": lambda sdc: sdc.image(A),
    "update_image": lambda sdc: sdc.update_image(A, name="x"),
    "share_image": lambda sdc: sdc.share_image(A, B),
    "package": lambda sdc: sdc.package(A),
    "network": lambda sdc: sdc.network(A),
    "volume": lambda sdc: sdc.volume(A),
    "firewall rule": lambda sdc: sdc.firewall_rule(A),
    "update_firewall_rule": lambda sdc: sdc.update_firewall_rule(A, enabled=True),
    "user": lambda sdc: sdc.user(A),
    "role": lambda sdc: sdc.role(A),
    "policy": lambda sdc: sdc.policy(A),
}


@pytest.mark.parametrize("call", BY_ID.values(), ids=BY_ID)
def test_an_object_with_another_id_is_refused(stub: StubServer, call: Callable[[DataCenter], object]) -> None:
    stub.answer([machine(B)])
    with datacenter_at(stub.url) as sdc, pytest.raises(InvalidResponse, match=f"whose id is '{B}'"):
        call(sdc)


def test_an_id_is_the_same_in_upper_case(stub: StubServer) -> None:
    stub.answer([machine(A.upper())], [machine(A)])
    with datacenter_at(stub.url) as sdc:
        assert sdc.network(A)["id"] == A.upper()
        assert sdc.network(A.upper())["id"] == A


def test_an_object_that_is_asked_for_by_name_may_have_any_id(stub: StubServer) -> None:
    stub.answer([machine(B)])
    with datacenter_at(stub.url) as sdc:
        assert sdc.package("sample-512M")["id"] == B


def test_switching_protocols_is_not_an_answer(server: StubServer, sdc: DataCenter) -> None:
    server.answer([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + machine(A)], [machine(B)])
    with pytest.raises(InvalidResponse, match=r": 101 Switching Protocols, which CloudAPI does not"):
        sdc.raw_machine_data(A)
    assert sdc.raw_machine_data(B)["id"] == B
    assert server.opened == 2


NO_CONTENT = b"HTTP/1.1 204 No Content\r\n%b\r\n"
SURPLUS = {
    "204": NO_CONTENT % b"",
    "204 with a length": NO_CONTENT % b"Content-Length: 5\r\n",
    "204 that is chunked": NO_CONTENT % b"Transfer-Encoding: chunked\r\n",
    "a length that is short": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("start", SURPLUS.values(), ids=SURPLUS)
@pytest.mark.parametrize("surplus", [b"\r\n", b"hello", machine(A)], ids=["blank", "text", "answer"])
@pytest.mark.parametrize("together", [True, False], ids=["at once", "apart"])
def test_bytes_after_an_answer_are_not_the_next_answer(
    server: StubServer, sdc: DataCenter, start: bytes, surplus: bytes, together: bool
) -> None:
    arrived = threading.Event()

    def apart() -> Iterator[bytes]:
        yield start
        yield surplus
        arrived.set()

    server.answer([start + surplus] if together else apart(), [machine(B)])
    sdc.request("DELETE", "/machines/" + A)
    if not together:
        arrived.wait()
    assert sdc.raw_machine_data(B)["id"] == B
    assert server.opened == 2


def test_surplus_in_two_pieces_of_which_the_first_was_read_with_the_answer(
    server: StubServer, sdc: DataCenter
) -> None:
    # The first piece was dropped with the buffer of the 204; the second came after the next request.
    late = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield NO_CONTENT % b"" + machine(A)[:5]
        late.wait()
        yield machine(A)[5:]

    server.answer(pieces(), [machine(B)])
    sdc.request("DELETE", "/machines/" + A)
    late.set()
    assert sdc.raw_machine_data(B)["id"] == B
    assert server.opened == 2


def test_surplus_that_comes_with_the_answer_and_was_not_read_with_it(
    server: StubServer, sdc: DataCenter
) -> None:
    # The answer fills the buffer. TLS has decrypted what follows it, so that the socket is empty.
    padding = io.DEFAULT_BUFFER_SIZE - len(machine(A)) - len("X-Padding: \r\n")
    answer = machine(A).replace(b"\r\n\r\n", b"\r\nX-Padding: " + b"x" * padding + b"\r\n\r\n")
    server.answer([answer + machine(A)], [machine(B)])
    assert sdc.raw_machine_data(A)["id"] == A
    assert sdc.raw_machine_data(B)["id"] == B
    assert server.opened == 2


def test_the_body_of_an_answer_to_head(server: StubServer, sdc: DataCenter) -> None:
    server.answer([machine(A)], [machine(B)])
    sdc.request("HEAD", "/machines/" + A)
    assert sdc.raw_machine_data(B)["id"] == B
    assert server.opened == 2


UNCLEAR = [
    (b"Content-Length: %d", b"Transfer-Encoding: identity"),
    (b"Content-Length: %d", b"no colon here"),
]


@pytest.mark.parametrize("lines", UNCLEAR)
def test_a_connection_whose_framing_is_unclear_is_not_used_again(
    server: StubServer, sdc: DataCenter, lines: tuple[bytes, ...]
) -> None:
    body = b'{"id": "%s"}' % A.encode()
    head = b"\r\n".join([b"HTTP/1.1 200 OK", JSON.encode(), *lines, b"", b""])
    whole = head.replace(b"%d", b"%d" % len(body)) + body
    server.answer([whole], [machine(B)])
    assert sdc.raw_machine_data(A)["id"] == A
    assert sdc.raw_machine_data(B)["id"] == B
    assert server.opened == 2


def test_answers_in_order_keep_the_connection(server: StubServer, sdc: DataCenter) -> None:
    not_modified = b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n"
    server.answer([NO_CONTENT % b""], [NO_CONTENT % b"Content-Length: 0\r\n"], [chunked], [not_modified])
    for _ in range(3):
        sdc.request("GET", "/machines/" + A)
    assert sdc.request("GET", "/machines/" + A)[1].status_code == 304
    assert server.opened == 1


MIGRATION = reply(b'{"machine": "%s"}' % A.encode(), JSON)
PIECE = b"X-Padding: " + b"x" * 8000 + b"\r\n"
ENDLESS = {
    "100": (CONTINUE, CONTINUE * 100),
    "103": (EARLY_HINTS, EARLY_HINTS),
    "headers": (b"HTTP/1.1 200 OK\r\n", PIECE),
    "trailers": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", PIECE),
    "chunk extensions": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1;" + b"x" * 60000 + b"\r\n \r\n",
    ),
}


@pytest.mark.parametrize(("start", "again"), ENDLESS.values(), ids=ENDLESS)
def test_an_endless_answer_is_cut_off_by_its_size(stub: StubServer, start: bytes, again: bytes) -> None:
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        yield start
        while True:
            sent += len(again)
            yield again

    stub.answer(pieces())
    with datacenter_at(stub.url, max_response=100_000) as sdc, pytest.raises(TransportError):
        sdc.request("GET", "/machines/" + A)
    assert sent < 8_000_000  # with what the sockets hold


TRICKLES = {
    "interim": (CONTINUE, CONTINUE),
    "head": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" "),
    "until closed": (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "trailers": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: 1\r\n"),
}


@pytest.mark.parametrize(("start", "again"), TRICKLES.values(), ids=TRICKLES)
def test_a_slow_answer_is_cut_off_by_its_time(stub: StubServer, start: bytes, again: bytes) -> None:
    # Each piece came within the read timeout, so that it never ended. The server's pace needs the real clock.
    over = threading.Event()
    stub.answer(itertools.chain([start], (again for _ in iter(lambda: over.wait(0.02), True)), [b""]))
    started = time.monotonic()
    with datacenter_at(stub.url, answer_timeout=0.3) as sdc, pytest.raises(RequestTimeout):
        sdc.request("GET", "/machines/" + A)
    took = time.monotonic() - started
    over.set()
    assert 0.3 <= took < 1


def test_an_answer_may_take_five_minutes_unless_said_otherwise() -> None:
    # The export of an image to Manta is answered only when it is done.
    assert datacenter_at("http://127.0.0.1").answer_timeout == 300
    assert datacenter_at("http://127.0.0.1", answer_timeout=1).answer_timeout == 1


def test_answer_timeouts_that_are_not_valid() -> None:
    for wrong in (0, -1, float("nan"), float("inf"), "300", True, None):
        with pytest.raises(ConfigurationError, match="answer_timeout must be a number of seconds"):
            datacenter_at("http://127.0.0.1", answer_timeout=wrong)


def test_waiting_for_a_connection_has_an_end(stub: StubServer) -> None:
    # The last thread waited for ever behind requests that hung.
    stub.otherwise = [None]
    caught: list[RequestTimeout] = []

    def ask(sdc: DataCenter) -> None:
        with pytest.raises(RequestTimeout) as error:
            sdc.keys()
        caught.append(error.value)

    with datacenter_at(stub.url, pool_size=1, answer_timeout=0.3) as sdc:
        threads = [threading.Thread(target=ask, args=(sdc,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    crowded = [error for error in caught if not error.sent]
    assert len(caught) == 3
    assert crowded
    assert str(crowded[0]) == (
        "GET /bob/keys: no connection became free in 0.15 s; all 1 are in use: "
        "give DataCenter a larger pool_size"
    )
    assert (crowded[0].method, crowded[0].path) == ("GET", "/bob/keys")


def test_streams_do_not_take_the_connections_of_requests(stub: StubServer) -> None:
    # With pool_size streams open, every other request waited for ever.
    event = b'{"type": "progress"}\n'
    lines = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(event), event)
    for _ in range(3):
        stub.answer(MIGRATION, [lines, None])
    stub.answer(*[reply(b"[]", JSON)] * 3)
    with datacenter_at(stub.url, pool_size=1) as sdc:
        target = sdc.machine(A, lazy=True)
        watches = [target.watch_migration() for _ in range(3)]
        for watch in watches:
            assert next(watch)["type"] == "progress"
            assert sdc.keys() == []
        for watch in watches:
            watch.close()
    assert stub.opened == 4  # one of the pool, and one for each stream


def test_a_stream_goes_on_after_the_time_and_bytes_of_one_answer(
    stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smartdc._http.framing, "HEAD_LIMIT", 10_000)
    event = b'{"type": "progress", "x": "%b"}\n' % (b"x" * 3000)
    ready = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n\r\n" + event * 8
        ready.wait(0.4)  # longer than an answer may take: the server's pace needs the real clock
        yield event
        yield b""

    stub.answer(MIGRATION, pieces())
    with datacenter_at(stub.url, answer_timeout=0.3, max_response=1000) as sdc:
        assert len(list(sdc.machine(A, lazy=True).watch_migration())) == 9


def test_the_head_of_a_stream_has_an_end(stub: StubServer) -> None:
    over = threading.Event()
    drops = (b"x" for _ in iter(lambda: over.wait(0.02), True))
    stub.answer(MIGRATION, itertools.chain([b"HTTP/1.1 200 OK\r\nX-Slow: "], drops, [b""]))
    with datacenter_at(stub.url, answer_timeout=0.3) as sdc, pytest.raises(RequestTimeout):
        sdc.machine(A, lazy=True).watch_migration()
    over.set()
