"""No answer fills the memory: neither a long one, nor an endless one, nor one that decompresses to much more.

WebSockets are in ``tests/api/test_streams_broken.py``.
"""

from __future__ import annotations

import gzip
import json
import pickle
import tracemalloc
import zlib
from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

import smartdc._http.bodies
from smartdc import ConfigurationError, ConnectionFailed, DataCenter, InvalidResponse, RequestTimeout
from smartdc._http.bodies import DEFAULT_LIMIT
from smartdc.emulator import Emulator
from tests.helpers.servers import StubServer, datacenter_at, reply, tls_settings

JSON = "Content-Type: application/json"
BODY = b'"' + b"x" * 998 + b'"'
REMEDY = (
    r"more than 1000 bytes are not read; ask for less at a time, or give DataCenter a larger max_response"
)
MIB = 1024 * 1024


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunked(pieces: Iterable[bytes], *headers: str) -> Iterator[bytes]:
    yield "\r\n".join(["HTTP/1.1 200 OK", JSON, "Transfer-Encoding: chunked", *headers, "", ""]).encode()
    yield from map(chunk, pieces)
    yield b"0\r\n\r\n"


def until_closed(pieces: Iterable[bytes], *headers: str) -> Iterator[bytes]:
    yield "\r\n".join(["HTTP/1.1 200 OK", JSON, *headers, "", ""]).encode()
    yield from pieces
    yield b""


def compressed(data: bytes, bits: int) -> bytes:
    compressor = zlib.compressobj(wbits=bits)
    return compressor.compress(data) + compressor.flush()


def got(server: StubServer, max_response: int = 1000, method: str = "GET") -> Any:
    """Return what the next answer decodes to; check that the pool's only connection works afterwards."""
    with DataCenter(server.url, login="x", max_response=max_response, pool_size=1, retry="none") as sdc:
        try:
            return sdc.request(method, "/x")[0]
        finally:
            opened = server.opened
            server.answer(reply(b"{}", JSON))
            assert sdc.request("GET", "/again")[0] == {}
            assert server.opened in (opened, opened + 1)


LARGEST: dict[str, Iterable[bytes]] = {
    "not compressed": reply(BODY, JSON),
    "two chunks": chunked([BODY[:10], BODY[10:]]),
    "chunks of a byte": chunked(bytes([byte]) for byte in BODY),
    "until closed": until_closed([BODY]),
    "identity": reply(BODY, JSON, "Content-Encoding: identity"),
    "gzip": reply(gzip.compress(BODY), JSON, "Content-Encoding: gzip"),
    "zlib": reply(compressed(BODY, 15), JSON, "Content-Encoding: Deflate"),
    "raw deflate": reply(compressed(BODY, -15), JSON, "Content-Encoding: deflate"),
    "gzip in chunks": chunked([gzip.compress(BODY)], "Content-Encoding: GZIP"),
    "gzip until closed": until_closed([gzip.compress(BODY)], "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("answer", LARGEST.values(), ids=LARGEST)
def test_an_answer_may_be_as_large_as_the_limit(answer: Iterable[bytes]) -> None:
    with StubServer(answer) as server:
        assert got(server) == "x" * 998


@pytest.mark.parametrize("kind", ["not compressed", "gzip"])
def test_the_body_of_a_response_can_be_read_in_every_way_of_requests(kind: str) -> None:
    with StubServer(LARGEST[kind]) as server, datacenter_at(server.url) as sdc:
        response = sdc.request("GET", "/x")[1]
    assert response.content == BODY
    assert b"".join(response.iter_content(10)) == BODY
    assert list(response.iter_lines()) == [BODY]
    assert pickle.loads(pickle.dumps(response)).content == BODY  # noqa: S301 - our own


def test_the_smallest_limit_is_a_byte() -> None:
    with (
        StubServer(reply(b"7", JSON), reply(b"77", JSON)) as server,
        datacenter_at(server.url, max_response=1) as sdc,
    ):
        assert sdc.request("GET", "/x")[0] == 7
        with pytest.raises(InvalidResponse, match=REMEDY.replace("1000", "1")):
            sdc.request("GET", "/x")


def test_a_compressed_answer_may_come_in_many_pieces() -> None:
    text = "".join(f"{number * 2654435761 % 2**32:08x}" for number in range(60_000))  # hard to compress
    data = gzip.compress(json.dumps(text).encode())
    assert len(data) > 3 * 65536
    with StubServer(reply(data, JSON, "Content-Encoding: gzip")) as server:
        assert got(server, MIB) == text


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 131072, 300_000])
def test_a_compressed_answer_of_any_size_is_complete(size: int) -> None:
    data = b'"' + bytes(range(32, 33)) * size + b'"'
    with StubServer(reply(gzip.compress(data), JSON, "Content-Encoding: gzip")) as server:
        assert got(server, MIB) == " " * size


TOO_LARGE: dict[str, Iterable[bytes]] = {
    "a byte more": reply(BODY + b" ", JSON),
    "by its Content-Length": reply(b"", JSON, length=10**15),
    "an error": reply(BODY + b" ", "Content-Type: text/html", status="502 Bad Gateway"),
    "a chunk more": chunked([BODY, b" " * 100_000]),
    "chunks for ever": chunked(repeat(b" " * 100)),
    "until closed, for ever": until_closed(repeat(b" " * 100)),
    "gzip": chunked([gzip.compress(BODY + b" ") + b" " * 100_000], "Content-Encoding: gzip"),
    "deflate": chunked([compressed(BODY + b" ", -15) + b" " * 100_000], "Content-Encoding: deflate"),
    "blocks of nothing, for ever": chunked(repeat(b"\0\0\0\xff\xff"), "Content-Encoding: deflate"),
}


@pytest.mark.parametrize("answer", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_larger_answer_is_refused_and_its_connection_closed(answer: Iterable[bytes]) -> None:
    with StubServer(answer) as server:
        with pytest.raises(InvalidResponse, match=REMEDY) as caught:
            got(server)
        assert server.opened == 2
    assert (caught.value.method, caught.value.path) == ("GET", "/x/x")
    assert caught.value.response is not None
    assert caught.value.response.content == b""
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - our own


@pytest.mark.parametrize("header", [JSON, "Content-Encoding: br"])
def test_an_answer_to_head_has_no_body(header: str) -> None:
    with StubServer(reply(b"", header, length=10**9)) as server:
        assert got(server, method="HEAD") is None
        assert server.opened == 1


@pytest.mark.parametrize(
    "headers",
    [["br"], ["zstd"], ["x-gzip"], ["compress"], ["gzip, gzip"], ["deflate,gzip"], ["gzip", "gzip"]],
)
def test_encodings_that_were_not_asked_for(headers: list[str]) -> None:
    with StubServer(reply(b"xx", *(f"Content-Encoding: {name}" for name in headers))) as server:
        with pytest.raises(InvalidResponse, match=r"compressed as '.*', which was not asked for"):
            got(server)
        assert server.opened == 2


@pytest.mark.parametrize(
    "data",
    [b"garbage", gzip.compress(BODY)[:-1], gzip.compress(BODY)[:5], gzip.compress(BODY) + b"\0"],
    ids=["garbage", "cut off", "cut off in the header", "something after it"],
)
def test_a_compressed_answer_that_is_damaged(data: bytes) -> None:
    with (
        StubServer(reply(data, "Content-Encoding: gzip")) as server,
        pytest.raises(InvalidResponse, match="the body cannot be decompressed"),
    ):
        got(server)


@pytest.mark.parametrize(
    "answer",
    [
        [*reply(gzip.compress(BODY)[:12], "Content-Encoding: gzip", length=500), b""],
        [*list(chunked([b"xx"]))[:-1], b""],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b""],
    ],
    ids=["length", "chunks", "no chunk"],
)
def test_an_answer_that_breaks_off(answer: Iterable[bytes]) -> None:
    with StubServer(answer) as server, pytest.raises(ConnectionFailed):
        got(server)


@pytest.mark.parametrize("headers", [(), ("Content-Encoding: gzip",)])
def test_an_answer_that_stops_coming_but_stays_open(headers: tuple[str, ...]) -> None:
    pieces = list(chunked([gzip.compress(BODY)[:20]], *headers))[:-1]
    with (
        StubServer(pieces) as server,
        DataCenter(server.url, timeout=0.05, retry="none") as sdc,
        pytest.raises(RequestTimeout, match="in time"),
    ):
        sdc.request("GET", "/x")


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_costs_no_more_than_the_limit(encoding: str) -> None:
    # 16 MiB of zeros in 16 KiB, which can be put one behind the other: 10 GiB in 10 MB.
    compressor = zlib.compressobj(9, wbits=-15)
    block = compressor.compress(bytes(16 * MIB)) + compressor.flush(zlib.Z_FULL_FLUSH)
    start = gzip.compress(b"")[:10] if encoding == "gzip" else b""
    length = len(start) + 640 * len(block)
    assert length < 11_000_000
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Encoding: {encoding}\r\n\r\n".encode()
    with StubServer(filter(None, [head, start, *repeat(block, 640)])) as server:
        tracemalloc.start()
        try:
            with pytest.raises(InvalidResponse, match="16777216 bytes are not read"):
                got(server, 16 * MIB)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert 16 * MIB < peak < 20 * MIB


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "1000", None], ids=repr)
def test_limits_that_are_not_valid(limit: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_response must be a number of bytes, 1 or more, not "):
        DataCenter("us-sw-1", max_response=limit)


def test_objects_made_from_a_data_center_keep_its_limit(cloud: Emulator) -> None:
    with DataCenter("us-sw-1") as sdc:
        assert sdc.max_response == DEFAULT_LIMIT == 128 * MIB
    with cloud.datacenter(max_response=100) as sdc:
        for other in (
            sdc,
            sdc.as_role("ops"),
            sdc.datacenter(cloud.url("us-east-1")),
            pickle.loads(pickle.dumps(sdc)),  # noqa: S301 - our own
        ):
            assert other.max_response == 100
            with other, pytest.raises(InvalidResponse, match="more than 100 bytes are not read"):
                other.request("GET", "/images")


# zlib's header says 8 in its first half byte, and is a number that 31 divides (RFC 1950, 2.2).
STORED = b'"stored"'
LOOKS_LIKE_ZLIB = {
    "31 divides its start": compressed(b"58", -15),
    # A stored block with an unused bit set, and an empty last block.
    "8 in its first half byte": b"\x08"
    + len(STORED).to_bytes(2, "little")
    + (len(STORED) ^ 0xFFFF).to_bytes(2, "little")
    + STORED
    + b"\x01\0\0\xff\xff",
}


@pytest.mark.parametrize("data", LOOKS_LIKE_ZLIB.values(), ids=LOOKS_LIKE_ZLIB)
def test_raw_deflate_that_resembles_zlib(data: bytes) -> None:
    assert (int.from_bytes(data[:2]) % 31 == 0) != (data[0] & 15 == 8)
    whole = zlib.decompress(data, wbits=-15)
    with StubServer(reply(data, JSON, "Content-Encoding: deflate")) as server:
        assert got(server) == json.loads(whole)


def test_tls_that_fails_in_the_middle_of_a_compressed_body(tmp_path: Path) -> None:
    server = StubServer(tls=tls_settings(tmp_path))

    def damaged() -> Iterator[bytes | None]:
        yield from reply(gzip.compress(BODY)[:20], JSON, "Content-Encoding: gzip", length=500)
        server.send_past_tls(b"\x17\x03\x03\x00\x20" + bytes(32))  # a record that was not encrypted
        yield None

    server.answer(damaged(), reply(b"{}", JSON))
    with server, DataCenter(server.url, verify=str(tmp_path / "ca.pem"), retry="none") as sdc:
        with pytest.raises(
            ConnectionFailed, match=r"^GET /my/x: the connection to https://.* broke \(.*\)$"
        ) as caught:
            sdc.request("GET", "/x")
        assert (caught.value.sent, caught.value.lasting) == (True, False)
        assert sdc.request("GET", "/x")[0] == {}


MIGRATION = b'{"machine": "00000000-dead-4bad-8bad-000000000000", "phase": "sync", "state": "running"}'


def watched(lines: Iterable[bytes], *headers: str) -> list[Any]:
    with (
        StubServer(reply(MIGRATION, JSON), chunked(lines, *headers)) as server,
        DataCenter(server.url, login="x") as sdc,
        sdc.machine("00000000-dead-4bad-8bad-000000000000", lazy=True).watch_migration() as watch,
    ):
        return list(watch)


def test_a_line_of_a_stream_has_a_longest_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smartdc._http.bodies, "MAX_LINE", 1000)
    event = b'{"type": "progress", "x": "%b"}' % (b"x" * 900)
    assert len(watched([event + b"\n", event, b"\r\n\n", event])) == 3
    with pytest.raises(InvalidResponse, match="a line of the stream has more than 1000 bytes"):
        watched(repeat(b"x"))


def test_a_line_may_end_in_a_carriage_return_alone() -> None:
    lines = [b'{"type": "progress", "n": 1}\r{"type": "progress", "n": 2}\r', b'{"type": "end"}']
    assert [event.get("n") for event in watched(lines)] == [1, 2, None]


def test_a_line_is_received_while_the_stream_is_held_open() -> None:
    # Without a length or chunks, a read of more bytes than have come would block.
    event = b'{"type": "progress"}\n'
    head = f"HTTP/1.1 200 OK\r\n{JSON}\r\n\r\n".encode()
    with (
        StubServer(reply(MIGRATION, JSON), [head + event, None]) as server,
        datacenter_at(server.url, timeout=2) as sdc,
        sdc.machine("00000000-dead-4bad-8bad-000000000000", lazy=True).watch_migration() as watch,
    ):
        assert next(iter(watch)) == {"type": "progress"}


def test_a_compressed_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    event = b'{"type": "progress"}\n'
    assert watched([gzip.compress(event)], "Content-Encoding: gzip") == [{"type": "progress"}]
    with pytest.raises(InvalidResponse, match="compressed as 'br'"):
        watched([event], "Content-Encoding: br")
    monkeypatch.setattr(smartdc._http.bodies, "MAX_LINE", 1000)
    with pytest.raises(InvalidResponse, match="a line of the stream has more than 1000 bytes"):
        watched([gzip.compress(bytes(MIB))], "Content-Encoding: gzip")


@pytest.mark.parametrize("entry", [b"{}", b"[]", b'{"a":1}', b'{"a":{}}', b'"ab"', b"1000"])
def test_json_takes_no_more_memory_than_docs_security_says(stub: StubServer, entry: bytes) -> None:
    body = b"[" + b",".join([entry] * (MIB // (len(entry) + 1))) + b"]"
    stub.answer(reply(body, JSON))
    with DataCenter(stub.url, retry="none") as sdc:
        tracemalloc.start()
        sdc.request("GET", "/machines")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 33 * len(body)  # 30 times, the body itself, and the pieces it came in
