"""What a prepared request consists of, and what a transport remembers and refuses."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from typing import Any

import pytest
import requests

from smartdc import ConfigurationError, ConnectionFailed, InvalidResponse, RequestTimeout
from smartdc._http.transport import Transport, prepared, refuse_damaged
from tests.helpers.answers import answer
from tests.helpers.servers import Reply, StubServer
from tests.http.test_processes import in_child

BASE = "https://cloud.example.com"


def request(
    path: str = "/bob/machines",
    headers: Mapping[str, Any] | None = None,
    query: tuple[tuple[str, str], ...] = (),
    base: str = BASE,
    body: bytes | None = None,
) -> requests.PreparedRequest:
    return prepared("get", base, path, headers or {}, body, query)


def problem(**parts: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        request(**parts)
    return str(caught.value)


def test_its_parts() -> None:
    made = request(headers={"X-Mine": "1"}, query=(("a", "b c"), ("d", "\u00e9")))
    assert made.method == "GET"
    assert made.path_url == "/bob/machines?a=b+c&d=%C3%A9"
    assert made.url == BASE + made.path_url
    assert made.headers == {"X-Mine": "1"}
    assert (made.body, made.hooks) == (None, {})


def test_a_request_without_a_query() -> None:
    made = request()
    assert (made.path_url, made.url) == ("/bob/machines", BASE + "/bob/machines")


def test_the_length_of_its_body_is_stated() -> None:
    made = request(body=b"12345")
    assert (made.body, made.headers["Content-Length"]) == (b"12345", "5")


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("HTTPS://Cloud.Example.COM", BASE + "/bob/machines"),
        (BASE + "/prefix/", BASE + "/prefix/bob/machines"),
        ("http://b\u00fccher.example", "http://xn--bcher-kva.example/bob/machines"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/bob/machines"),
    ],
)
def test_the_host_is_normalized(base: str, url: str) -> None:
    assert request(base=base).url == url


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/bob/a.b_c~d!e$f&g'h(i)j*k+l,m;n=o:p@q", "/bob/a.b_c~d!e$f&g'h(i)j*k+l,m;n=o:p@q"),
        ("/bob/%C3%A9", "/bob/%C3%A9"),
        ("/bob/%c3%a9", "/bob/%C3%A9"),
        ("/bob/%7e%41", "/bob/~A"),
        ("/bob/a|b", "/bob/a%7Cb"),
    ],
)
def test_the_path_is_sent_as_it_is_signed(path: str, sent: str) -> None:
    made = request(path)
    assert made.path_url == sent
    again = requests.PreparedRequest()
    again.prepare_url(made.url, None)
    assert again.path_url == sent  # no layer below changes it


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"X-Mine": 7}, "'X-Mine' must be text, not 7"),
        ({"X-Mine": b"1"}, "'X-Mine' must be text, not b'1'"),
        ({"X Mine": "1"}, "a control character or a blank in the header 'X Mine'"),
        ({"X\u00e9": "1"}, "a control character or a blank in the header 'X\u00e9'"),
        ({"X-Mine": "a\tb"}, "a control character or a blank in the header 'X-Mine'"),
        ({"X-Mine": "a\x7f"}, "a control character or a blank in the header 'X-Mine'"),
        ({"X-Mine": "a\x85"}, "a control character or a blank in the header 'X-Mine'"),
        ({"Content-Length": "5"}, "Content-Length cannot be given: it follows from the body"),
        ({"transfer-encoding": "chunked"}, "transfer-encoding cannot be given: it follows from the body"),
    ],
)
def test_headers_that_cannot_be_sent(headers: dict[str, Any], why: str) -> None:
    assert problem(headers=headers) == f"get {BASE}/bob/machines: {why}"


def test_what_latin_1_does_not_have() -> None:
    assert problem(headers={"X-Mine": "\u20ac"}).startswith(
        f"get {BASE}/bob/machines: 'latin-1' codec can't encode"
    )
    assert request(headers={"X-Mine": "\u00e9"}).headers["X-Mine"] == "\u00e9"


def test_a_host_that_cannot_be() -> None:
    assert problem(base="https://").startswith("get https:///bob/machines: ")


def test_how_long_a_url_may_be() -> None:
    longest = request("/" + 6999 * "a")
    assert longest.path_url == "/" + 6999 * "a"
    assert request("/a", query=(("b", 6995 * "c"),)).path_url == "/a?b=" + 6995 * "c"
    for parts in ({"path": "/" + 7000 * "a"}, {"path": "/a", "query": (("b", 6996 * "c"),)}):
        said = problem(**parts)
        assert said.endswith(
            ": the URL is longer than 7000 bytes, to which CloudAPI does not answer: give shorter names, or "
            "fewer filters"
        )
        assert len(said) < 300


def test_a_body_that_is_damaged() -> None:
    right = base64.b64encode(hashlib.md5(b"[]", usedforsecurity=False).digest()).decode()
    refuse_damaged(answer(content=b"[]"))
    refuse_damaged(answer(content=b"[]", Content_MD5=right))
    refuse_damaged(answer(content=b"[]", Content_MD5=f" {right} "))
    refuse_damaged(answer(content=b"", Content_MD5=right))  # of a HEAD
    refuse_damaged(answer(content=b"[]", Content_MD5=""))
    with pytest.raises(InvalidResponse, match="body that is damaged: it does not match its Content-MD5"):
        refuse_damaged(answer(content=b"[ ]", Content_MD5=right))


def opened(url: str, answer_timeout: float = 10.0) -> Transport:
    """A transport with one connection, for answers of up to 1000 bytes."""
    return Transport(url, 1, 1000, answer_timeout, False)


@pytest.fixture
def transport(stub: StubServer) -> Iterator[Transport]:
    with closing(opened(stub.url)) as transport:
        yield transport


def ask(transport: Transport, timeout: Any = 5, **options: Any) -> requests.Response:
    """Send a GET."""
    return transport.send(request(base=transport.base_url), timeout, True, **options)


def test_a_clock_is_news_if_it_differs_by_two_seconds(transport: Transport) -> None:
    assert transport.clock_offset == 0.0
    told = [(transport.correct_clock(offset), transport.clock_offset) for offset in (1, 2, 4, -400, -401)]
    assert told == [(False, 1), (False, 2), (True, 4), (True, -400), (False, -401)]


def test_a_forked_child_has_connections_of_its_own(transport: Transport) -> None:
    def parts() -> tuple[object, ...]:
        return transport._adapter, transport._streams, transport._lock

    before = parts()
    kept = in_child(lambda: [new is old for new, old in zip(parts(), before, strict=True)])
    assert kept == [False, False, False]
    assert parts() == before


def test_an_answer_that_is_too_long(stub: StubServer, transport: Transport) -> None:
    stub.answer(Reply(b"x" * 1001))
    with pytest.raises(InvalidResponse) as caught:
        ask(transport)
    assert caught.value.lasting
    assert (caught.value.method, caught.value.path) == ("GET", "/bob/machines")
    assert str(caught.value) == (
        "GET /bob/machines: 200 but the body is said to have 1001 bytes, and more than 1000 bytes are not "
        "read; ask for less at a time, or give DataCenter a larger max_response"
    )


def test_its_connections_are_kept_and_those_of_streams_are_not(
    stub: StubServer, transport: Transport
) -> None:
    stub.otherwise = Reply([])
    for _ in range(3):
        ask(transport)
    assert stub.opened == 1
    for _ in range(2):
        assert ask(transport, stream=True).content == b"[]"
    assert stub.opened == 3


def test_the_environments_proxy(stub: StubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", stub.url)
    stub.answer(Reply([]), Reply(None, 407))
    far = "http://cloud.example.com"
    transport = opened(far)
    ask(transport)
    assert stub.asked[0].target == "http://cloud.example.com/bob/machines"
    with pytest.raises(ConnectionFailed) as caught:
        ask(transport)
    assert str(caught.value) == (
        f"GET /bob/machines: the proxy {stub.url} in HTTP_PROXY refuses to connect to {far} "
        "(407 Proxy Authentication Required); give HTTP_PROXY the form http://USER:PASSWORD@host:port"
    )
    transport.close()


def test_its_parts_of_time(stub: StubServer) -> None:
    stub.otherwise = Reply(hang=True)
    transport = opened(stub.url, 20.0)
    started = time.monotonic()
    with pytest.raises(RequestTimeout, match=r"^GET /bob/machines: no answer from http://.* in time$"):
        ask(transport, (20, 0.05))
    with pytest.raises(RequestTimeout):
        ask(transport, 20, within=0.05)
    transport.close()
    assert time.monotonic() - started < 15


def test_all_connections_are_in_use(stub: StubServer, transport: Transport) -> None:
    stub.otherwise = Reply(hang=True)

    def occupy() -> None:
        with suppress(RequestTimeout):
            ask(transport, within=0.5)

    other = threading.Thread(target=occupy)
    other.start()
    while not stub.asked:
        time.sleep(0.001)
    with pytest.raises(RequestTimeout) as caught:
        ask(transport, within=0.02)
    other.join()
    assert str(caught.value) == (
        "GET /bob/machines: no connection became free in 0.01 s; all 1 are in use: give DataCenter a larger "
        "pool_size"
    )
    assert (caught.value.method, caught.value.path, caught.value.sent) == ("GET", "/bob/machines", False)


def test_an_error_that_is_kept_occupies_no_connection(stub: StubServer, transport: Transport) -> None:
    stub.answer([b""], Reply([]))
    with pytest.raises(ConnectionFailed) as kept:
        ask(transport)
    assert ask(transport, within=4).content == b"[]"
    assert kept.value.__traceback__ is not None


def test_the_wait_for_a_connection_counts(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[float] = []

    def attempt(*arguments: Any, **_: Any) -> requests.Response:
        left.append(arguments[-1])
        return answer()

    monkeypatch.setattr(transport, "_attempt", attempt)
    place = transport._places.take(1)
    later = threading.Timer(0.05, transport._places.give_back, [place])
    del place
    began = time.perf_counter()
    later.start()
    ask(transport, within=8)
    later.join()
    assert 8 - (time.perf_counter() - began) <= left[0] < 8


def test_a_stream_may_be_longer_than_an_answer(stub: StubServer, transport: Transport) -> None:
    stub.answer(Reply(b"x" * 400_000))
    response = ask(transport, stream=True)
    assert response.content == b"x" * 400_000


@pytest.mark.parametrize("status", [400, 404, 599])
def test_the_refusal_of_a_stream_is_read_at_once(stub: StubServer, transport: Transport, status: int) -> None:
    stub.answer(Reply(b"no", status))
    assert ask(transport, stream=True).content == b"no"
    stub.answer(Reply(b"no", status, length=500))
    with pytest.raises(ConnectionFailed):
        ask(transport, stream=True)


def test_how_long_it_took_is_noted(stub: StubServer, transport: Transport) -> None:
    stub.answer(Reply([]))
    response = ask(transport)
    assert response.content == b"[]"
    assert 0 < response.elapsed.total_seconds() < 5
