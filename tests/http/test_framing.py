"""How an answer states its length: what is no length is refused at once, and is not read in two ways.

RFC 9112, sections 6.3 and 7.1.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from smartdc import ConnectionFailed, InvalidResponse, NotFoundError
from tests.helpers.servers import StubServer, datacenter_at, reply

A, B = "aaaaaaaa-0000-4000-8000-00000000000a", "bbbbbbbb-0000-4000-8000-00000000000b"
JSON = "Content-Type: application/json"
MACHINE_B = reply(b'{"id": "%b"}' % B.encode(), JSON)
MIGRATION = reply(b'{"machine": "%b"}' % A.encode(), JSON)


@pytest.mark.parametrize(
    "length", ["-1", "+2", "0_2", "\xb2", "0x2", "two", "five", "", "9" * 5 + "x", "9" * 5000, "1e3", "2, 2"]
)
def test_an_invalid_length_is_refused_at_once(stub: StubServer, length: str) -> None:
    """RFC 9112, section 6.3: the end is unknown then. The server keeps the connection open."""
    silent = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield f"HTTP/1.1 200 OK\r\n{JSON}\r\nContent-Length: {length}\r\n\r\n{{}}".encode("latin-1")
        silent.wait(20)

    stub.answer(pieces())
    try:
        with datacenter_at(stub.url) as sdc, pytest.raises(InvalidResponse) as caught:
            sdc.raw_machine_data(A)
    finally:
        silent.set()
    path = f"/bob/machines/{A}"
    assert str(caught.value) == (
        f"GET {path}: the answer of {stub.url} is not read to its end: its Content-Length "
        f"({len(length)} characters) is not a number"
    )
    assert (caught.value.method, caught.value.path, caught.value.lasting) == ("GET", path, True)


NEGATIVE = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n"
FOLDED = f"HTTP/1.1 200 OK\r\n{JSON}\r\nContent-Length:\r\n 2 \r\n\r\n[]"


def test_a_length_on_a_line_of_its_own(stub: StubServer) -> None:
    # RFC 9112, section 5.2: the obsolete form of a field is read as if it had blanks
    stub.answer([FOLDED.encode()])
    with datacenter_at(stub.url) as sdc:
        assert sdc.keys() == []


def test_another_encoding_than_chunks_is_refused_at_once(stub: StubServer) -> None:
    """It took until a timeout, or until the server closed the connection."""
    head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
    stub.answer([head.encode() + b"2\r\n[]\r\n0\r\n\r\n"])
    with datacenter_at(stub.url) as sdc, pytest.raises(InvalidResponse) as caught:
        sdc.keys()
    assert str(caught.value) == (
        f"GET /bob/keys: the answer of {stub.url} is not read to its end: "
        "its Transfer-Encoding, which was not asked for, is not chunked"
    )


@pytest.mark.parametrize(
    ("line", "reason"), [("404 Not  here \t", "Not  here"), ("404\tGone", "Gone"), ("404 ", ""), ("404", "")]
)
def test_the_reason_of_a_status_may_be_missing(stub: StubServer, line: str, reason: str) -> None:
    # RFC 9112, section 4
    stub.answer([f"HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n".encode()])
    with datacenter_at(stub.url) as sdc, pytest.raises(NotFoundError) as caught:
        sdc.raw_machine_data(A)
    assert caught.value.response is not None
    assert (caught.value.response.status_code, caught.value.response.reason) == (404, reason)


NO_FIELD = ["no colon", "Content-Length : 2", "X-F: a\rb"]


@pytest.mark.parametrize("line", NO_FIELD)
def test_a_head_whose_length_follows_a_line_that_is_no_field(stub: StubServer, line: str) -> None:
    """The parser drops all fields after such a line. It took until a timeout."""
    stub.answer([f"HTTP/1.1 200 OK\r\n{line}\r\nContent-Length: 2\r\n\r\n[]".encode()], MACHINE_B)
    with datacenter_at(stub.url) as sdc:
        with pytest.raises(InvalidResponse) as caught:
            sdc.keys()
        assert str(caught.value) == (
            f"GET /bob/keys: the answer of {stub.url} is not read to its end: "
            "a line of its head is not a field, and no length comes before it"
        )
        assert sdc.raw_machine_data(B)["id"] == B
    assert stub.opened == 2


def test_a_chunk_of_a_negative_size_breaks_a_stream(stub: StubServer) -> None:
    stub.answer(MIGRATION, [NEGATIVE])
    with (
        datacenter_at(stub.url) as sdc,
        sdc.machine(A, lazy=True).watch_migration() as watch,
        pytest.raises(ConnectionFailed),
    ):
        next(watch)


@pytest.mark.parametrize("size", ["-2", "+2", "0x2", "0_2", "", " 2", "zz", "2 2", "f" * 17])
def test_a_chunk_whose_size_is_no_number_breaks_the_answer(stub: StubServer, size: str) -> None:
    # RFC 9112, section 7.1: hexadecimal digits only
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    stub.answer([head + size.encode() + b"\r\n{}\r\n0\r\n\r\n"], MACHINE_B)
    with datacenter_at(stub.url) as sdc:
        with pytest.raises(ConnectionFailed):
            sdc.raw_machine_data(A)
        assert sdc.raw_machine_data(B)["id"] == B


@pytest.mark.parametrize("size", ["b", "000B", "b;x=y", 'b ; x="y z"', "b \t"])
def test_the_forms_of_the_size_of_a_chunk(stub: StubServer, size: str) -> None:
    head = f"HTTP/1.1 200 OK\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n"
    stub.answer([head.encode() + b'{"login":"b\r\n2\r\n"}\r\n0\r\n\r\n'])
    with datacenter_at(stub.url) as sdc:
        assert sdc.account()["login"] == "b"
