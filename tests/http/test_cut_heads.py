"""An answer that ends before the empty line after its head is a broken connection, wherever it is cut.

RFC 9112, section 8: such a message is incomplete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smartdc import ConnectionFailed, DataCenter, RetryPolicy
from tests.helpers.servers import StubServer, datacenter_at, tls_settings

MACHINE = "aaaaaaaa-0000-4000-8000-00000000000a"
JSON = b"Content-Type: application/json\r\n"
EMPTY_LIST = b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 2\r\n\r\n[]"
COUNT = b"HTTP/1.1 200 OK\r\nX-Resource-Count: 15\r\nContent-Length: 2\r\n\r\n"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\nX-Sum: 1\r\n\r\n"
)
CALLS: dict[str, tuple[Callable[[DataCenter], object], bytes, Any]] = {
    "GET": (lambda sdc: sdc.keys(), EMPTY_LIST, []),
    "GET after 1xx": (lambda sdc: sdc.keys(), b"HTTP/1.1 103 Early\r\nLink: </x>\r\n\r\n" + EMPTY_LIST, []),
    "GET after 100": (lambda sdc: sdc.keys(), b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" + EMPTY_LIST, []),
    "HEAD": (lambda sdc: sdc.num_machines(), COUNT, 15),
    "DELETE": (lambda sdc: sdc.delete_key("k"), b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", None),
    "chunks and trailers": (lambda sdc: sdc.keys(), CHUNKED, []),
}


def again_after_cuts(stub: StubServer, sdc: DataCenter, name: str, step: int = 1) -> None:
    """Cut the answer after each byte of it: the call must repeat its request, and then succeed."""
    call, whole, result = CALLS[name]
    for end in range(0, len(whole), step):
        before = len(stub.asked)
        stub.answer([whole[:end], b""] if end else [b""], [whole])
        assert (call(sdc), whole[:end]) == (result, whole[:end])
        assert (len(stub.asked) - before, whole[:end]) == (2, whole[:end])


AT_ONCE = RetryPolicy(first_pause=0)


@pytest.mark.parametrize("name", CALLS)
def test_a_request_whose_answer_is_cut_is_repeated(stub: StubServer, name: str) -> None:
    with datacenter_at(stub.url, retry=AT_ONCE) as sdc:
        again_after_cuts(stub, sdc, name)


@pytest.fixture
def tls_stub(tmp_path: Path) -> Iterator[StubServer]:
    with StubServer(tls=tls_settings(tmp_path)) as stub:
        yield stub


def test_the_same_over_tls(tls_stub: StubServer, tmp_path: Path) -> None:
    with datacenter_at(tls_stub.url, retry=AT_ONCE, verify=str(tmp_path / "ca.pem")) as sdc:
        again_after_cuts(tls_stub, sdc, "GET", step=7)


def test_the_error(stub: StubServer) -> None:
    stub.answer([EMPTY_LIST[:30], b""])
    with datacenter_at(stub.url) as sdc, pytest.raises(ConnectionFailed) as caught:
        sdc.keys()
    assert str(caught.value) == (
        f"GET /bob/keys: the connection to {stub.url} broke (it ended before the end of the answer)"
    )
    assert caught.value.sent


def test_a_stream_whose_head_is_cut(stub: StubServer) -> None:
    migration = b'HTTP/1.1 200 OK\r\n%bContent-Length: 51\r\n\r\n{"machine": "%b"}' % (JSON, MACHINE.encode())
    stub.answer([migration], [CHUNKED[:40], b""])
    with datacenter_at(stub.url) as sdc, pytest.raises(ConnectionFailed):
        sdc.machine(MACHINE, lazy=True).watch_migration()


FAR = "https://far.example"
CONNECTED = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"


def of_proxy(stub: StubServer) -> str:
    return f"the connection to the proxy {stub.url} in HTTPS_PROXY broke"


def test_an_answer_to_connect_that_is_cut(stub: StubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", stub.url)
    with datacenter_at(FAR, retry=RetryPolicy(attempts=2, first_pause=0)) as sdc:
        for end in range(1, len(CONNECTED)):
            stub.answer(*[[CONNECTED[:end], b""]] * 2)
            with pytest.raises(ConnectionFailed) as caught:
                sdc.create_machine("web", package=MACHINE, image=MACHINE)
            assert of_proxy(stub) in str(caught.value)
            assert not caught.value.sent  # so that the POST is repeated at once
    assert {asked.method for asked in stub.asked} == {"CONNECT"}
    assert len(stub.asked) == 2 * (len(CONNECTED) - 1)


@pytest.mark.parametrize("more", [b"X", b"<html>Log in</html>", CONNECTED, b"\r\n"])
def test_a_proxy_that_sends_more_than_its_answer_to_connect(
    stub: StubServer, monkeypatch: pytest.MonkeyPatch, more: bytes
) -> None:
    # It was an AttributeError of urllib3, whose connection had been closed because of the surplus.
    monkeypatch.setenv("https_proxy", stub.url)
    stub.otherwise = [CONNECTED + more, None]
    with datacenter_at(FAR, retry=RetryPolicy(attempts=3, first_pause=0)) as sdc:
        with pytest.raises(ConnectionFailed) as caught:
            sdc.machines()
        with pytest.raises(ConnectionFailed) as created:
            sdc.create_machine("web", package=MACHINE, image=MACHINE)
    assert str(caught.value).endswith(f": {of_proxy(stub)} (it sent more than its answer to CONNECT)")
    assert (caught.value.attempts, caught.value.sent) == (3, False)
    assert (created.value.attempts, created.value.sent) == (3, False)
    assert [asked.method for asked in stub.asked] == ["CONNECT"] * 6
