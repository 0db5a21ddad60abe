"""Where an answer ends, and whether its connection is used again."""

from __future__ import annotations

import pytest

from smartdc import InvalidResponse, NotFoundError
from tests.helpers.servers import StubServer, datacenter_at

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"


def keeps(stub: StubServer, method: str, *lines: bytes, body: bytes = b"") -> bool:
    """Make a request that gets this head and body, and another one: whether both used one connection."""
    stub.answer([b"\r\n".join([*lines, b"", b""]) + body], [OK])
    with datacenter_at(stub.url, timeout=5) as sdc:
        sdc.request(method, "/machines/a")
        sdc.request("GET", "/machines")
    return stub.opened == 1


@pytest.mark.parametrize(
    ("method", "lines", "body"),
    [
        ("HEAD", [b"HTTP/1.1 200 OK", b"Content-Length: 7"], b""),
        ("HEAD", [b"HTTP/1.1 200 OK"], b""),
        ("DELETE", [b"HTTP/1.1 204 No Content"], b""),
        ("DELETE", [b"HTTP/1.1 204 No Content", b"Content-Length: 0"], b""),
        ("GET", [b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked"], b"0\r\n\r\n"),
        ("GET", [b"HTTP/1.1 200 OK", b"Content-Length: 2", b"content-length: 2"], b"[]"),
        ("GET", [b"HTTP/1.1 200 OK", b"CONTENT-LENGTH: 2"], b"[]"),
        # RFC 8297: an early head, after which the answer comes
        ("GET", [b"HTTP/1.1 103 Early Hints", b"", b"HTTP/1.1 200 OK", b"Content-Length: 2"], b"[]"),
        ("GET", [b"HTTP/1.0 200 OK", b"Content-Length: 2", b"Connection: keep-alive"], b"[]"),
        ("GET", [b"HTTP/1.2 200 OK", b"Content-Length: 2"], b"[]"),
    ],
)
def test_a_connection_is_used_again(stub: StubServer, method: str, lines: list[bytes], body: bytes) -> None:
    assert keeps(stub, method, *lines, body=body)


@pytest.mark.parametrize(
    ("method", "lines", "body"),
    [
        ("DELETE", [b"HTTP/1.1 204 No Content", b"Content-Length: 5"], b""),
        ("DELETE", [b"HTTP/1.1 204 No Content", b"Transfer-Encoding: chunked"], b""),
        (
            "GET",
            [b"HTTP/1.1 200 OK", b"Content-Length: 2", b"Transfer-Encoding: chunked"],
            b"2\r\n[]\r\n0\r\n\r\n",
        ),
        ("HEAD", [b"HTTP/1.1 200 OK", b"Content-Length: +2"], b""),
        ("GET", [b"HTTP/1.1 200 OK", b"Content-Length: 2", b"no field"], b"[]"),
        ("GET", [b"HTTP/1.1 200 OK", b"Content-Length: 2", b"Connection: close"], b"[]"),
    ],
)  # fmt: skip
def test_a_connection_whose_answer_may_be_read_in_two_ways_is_closed(
    stub: StubServer, method: str, lines: list[bytes], body: bytes
) -> None:
    # RFC 9112, section 6.3
    assert not keeps(stub, method, *lines, body=body)


@pytest.mark.parametrize("version", ["0.9", "1.0"])
def test_a_connection_of_an_old_server_is_closed_unless_it_says_otherwise(
    stub: StubServer, version: str
) -> None:
    # RFC 9112, section 9.3
    assert not keeps(stub, "GET", f"HTTP/{version} 200 OK".encode(), b"Content-Length: 2", body=b"[]")


def test_an_upgrade_that_was_not_asked_for_has_no_body(stub: StubServer) -> None:
    stub.answer([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", None], [OK])
    with datacenter_at(stub.url, answer_timeout=2) as sdc:
        with pytest.raises(InvalidResponse, match=r": 101 "):
            sdc.account()
        # What comes next on that connection is no HTTP.
        assert sdc.keys() == []
    assert stub.opened == 2


def test_an_encoding_of_an_answer_without_a_body_is_passed_on(stub: StubServer) -> None:
    stub.answer([b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: gzip\r\n\r\n"])
    with datacenter_at(stub.url, timeout=5) as sdc:
        _, answer = sdc.request("DELETE", "/machines/a")
    assert answer.headers["Transfer-Encoding"] == "gzip"


def test_the_end_of_a_head_without_a_body(stub: StubServer) -> None:
    stub.answer([b"HTTP/1.1 404 Not Found\r\nContent-Length: 40\r\n\r\n"], [OK])
    with datacenter_at(stub.url, timeout=5) as sdc:
        with pytest.raises(NotFoundError):
            sdc.request("HEAD", "/machines/a")
        sdc.request("GET", "/machines")
    assert stub.opened == 1


def test_headers_are_written_as_the_wire_carries_them(stub: StubServer) -> None:
    stub.answer([OK])
    with datacenter_at(stub.url) as sdc:
        sdc.request("GET", "/machines", headers={"X-Place": "Z\u00fcrich", "X-Plain": "Bern"})
    assert b"\r\nX-Place: Z\xfcrich\r\n" in stub.heads[0]
    assert b"\r\nX-Plain: Bern\r\n" in stub.heads[0]


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [("application/json", "utf-8"), ("text/html; charset=latin-1", "latin-1"), ("image/png", None)],
)
def test_the_encoding_that_an_answer_states(
    stub: StubServer, content_type: str, encoding: str | None
) -> None:
    stub.answer([b"HTTP/1.1 204 No Content\r\nContent-Type: %b\r\n\r\n" % content_type.encode()])
    with datacenter_at(stub.url) as sdc:
        assert sdc.request("GET", "/machines")[1].encoding == encoding
