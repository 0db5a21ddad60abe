"""Fields of answers are read as http.client reads them, and mocks of requests' adapter see each request."""

from __future__ import annotations

import time
from collections.abc import Callable
from http.client import HTTPException, parse_headers
from io import BytesIO
from typing import Any

import pytest
import requests
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from smartdc import DataCenter, NotFoundError
from smartdc._http.heads import read_fields

NAMES = st.sampled_from([b"Date", b"content-LENGTH", b"X-Odd!#$", b"Server", b"", b" Date", b"a b", b"\xe9"])
VALUES = st.one_of(
    st.sampled_from([b"", b" ", b"\t5 ", b"5, 6", b"a:b", b"\xc3\xa9", b"a\rb", b"a\x00b", b"=?utf-8?q?x?="]),
    st.binary(max_size=12).filter(lambda value: b"\n" not in value),
)
FIELD = st.tuples(
    NAMES, st.sampled_from([b":", b": ", b" :", b""]), VALUES, st.sampled_from([b"\r\n", b"\n"])
)
FOLDED = st.just((b"", b"", b" more", b"\r\n"))
HEADS = st.lists(st.one_of(FIELD, FOLDED), max_size=6).map(lambda lines: b"".join(map(b"".join, lines)))


@given(HEADS, st.sampled_from([b"\r\nthe body", b"\nthe body", b""]))
def test_fields_are_read_as_http_client_reads_them(head: bytes, end: bytes) -> None:
    sent = head + end
    expected_from, read_from = BytesIO(sent), BytesIO(sent)
    expected, read = parse_headers(expected_from), read_fields(read_from)
    assert read_from.tell() == expected_from.tell()
    assert [*read.raw_items()] == [*expected.raw_items()]
    assert [(name, str(value)) for name, value in read.items()] == [
        (name, str(value)) for name, value in expected.items()
    ]
    assert [type(defect) for defect in read.defects] == [type(defect) for defect in expected.defects]
    for name in ("date", "Content-Length", "none"):
        assert str(read.get(name)) == str(expected.get(name))
        assert str(read.get(name, 5)) == str(expected.get(name, 5))


def is_refused(read: Callable[[BytesIO], object], head: bytes) -> bool:
    try:
        read(BytesIO(head))
    except HTTPException:
        return True
    return False


@pytest.mark.parametrize(
    "head",
    [b"A: b\r\n" * count for count in (99, 100, 101)]
    + [b"A: " + b"b" * (length - 5) + b"\r\n" for length in (65535, 65536, 65537)],
    ids=[99, 100, 101, 65535, 65536, 65537],
)
def test_the_limits_are_those_of_http_client(head: bytes) -> None:
    end = b"\r\n"
    assert is_refused(read_fields, head + end) is is_refused(parse_headers, head + end)


def test_too_many_fields_are_refused_and_so_is_a_line_that_is_too_long() -> None:
    for head in (b"A: b\r\n" * 101, b"A: " + b"b" * 65536):
        assert is_refused(read_fields, head + b"\r\n")


def test_a_long_line_of_blanks_takes_no_time_at_all() -> None:
    """Blanks before a byte that is not ASCII: 25 s of CPU, if each blank could also belong to the value."""
    head = BytesIO(b"A:" + b" " * 60_000 + b"\xe9\r\n\r\n")
    began = time.process_time()
    read_fields(head)
    assert time.process_time() - began < 2


def test_mocks_hook_into_the_adapter_of_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library responses, https://github.com/getsentry/responses, replaces `send` in this way."""
    seen = []

    def send(adapter: Any, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        seen.append((request.method, request.url))
        found = (request.url or "").endswith("/packages")
        body = b"[]" if found else b'{"code": "ResourceNotFound", "message": "gone"}'
        raw = urllib3.HTTPResponse(
            BytesIO(body), {"Content-Type": "application/json"}, 200 if found else 404, preload_content=False
        )
        answer: requests.Response = adapter.build_response(request, raw)
        return answer

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", lambda *a, **kw: send(a[0], a[1], **kw))
    with DataCenter("https://cloud.example") as sdc:
        assert sdc.packages() == []
        with pytest.raises(NotFoundError, match=r"^GET /my: 404 ResourceNotFound: gone$"):
            sdc.account()
    assert seen == [
        ("GET", "https://cloud.example/my/packages"),
        ("GET", "https://cloud.example/my"),
    ]
