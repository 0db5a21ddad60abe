"""What an error, its traceback and the log say of an answer that is not CloudAPI's: never text of a secret.

A broken answer may be a part of a machine's metadata, and an answer of a proxy may repeat the request.
"""

from __future__ import annotations

import base64
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from smartdc import APIError, ConnectionFailed, DataCenter, InvalidResponse, RetryPolicy, SmartDCError
from tests.helpers.servers import Reply, StubServer, datacenter_at

SECRET = "hunter2SECRET"
ID = "aaaaaaaa-0000-4000-8000-00000000000a"
MACHINE = {"id": ID, "name": "web", "metadata": {"root_pw": SECRET}}
ONCE_MORE = RetryPolicy(attempts=2, first_pause=0)


def failed(stub: StubServer, call: Callable[[DataCenter], object], caplog: pytest.LogCaptureFixture) -> str:
    """The text of the error, after a look for the secret wherever it may be written."""
    with (
        caplog.at_level(logging.DEBUG, "smartdc"),
        datacenter_at(stub.url, retry=ONCE_MORE) as sdc,
        pytest.raises(SmartDCError) as caught,
    ):
        call(sdc)
    written = "".join(traceback.format_exception(caught.value)) + caplog.text
    for secret in (SECRET, base64.b64encode(SECRET.encode()).decode()):
        assert secret not in written
        assert secret.encode() not in pickle.dumps(caught.value)
    return str(caught.value)


NOT_HTTP = {
    "JSON": json.dumps([MACHINE]).encode() + b"\r\n\r\n",
    "its end": b'"root_pw": "' + SECRET.encode() + b'"}]HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    "no end": SECRET.encode(),
    "a status": b"HTTP/1.1 " + SECRET.encode() + b"\r\n\r\n",
    "a version": b"HTTP/" + SECRET.encode() + b" 200 OK\r\n\r\n",
}


@pytest.mark.parametrize("sent", NOT_HTTP.values(), ids=NOT_HTTP)
def test_a_first_line_that_is_not_http(
    stub: StubServer, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    stub.otherwise = [sent, None]
    text = failed(stub, DataCenter.account, caplog)
    line, ended, _ = sent.partition(b"\r\n")
    length = len(line) if ended else f"{len(line)} or more"
    assert text == (
        f"GET /bob: the connection to {stub.url} broke (its answer is not HTTP: the first line has {length} "
        "characters)"
    )


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: " + SECRET.encode() + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + SECRET.encode() + b"\r\n",
    ],
    ids=["length", "chunk"],
)
def test_a_length_that_is_no_number(stub: StubServer, caplog: pytest.LogCaptureFixture, sent: bytes) -> None:
    stub.otherwise = [sent, None]
    failed(stub, DataCenter.account, caplog)


@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream", None])
@pytest.mark.parametrize("start", ["", " ", "<", "<?xml", '"a": "'])
def test_a_body_that_is_neither_json_nor_a_page(
    stub: StubServer, caplog: pytest.LogCaptureFixture, content_type: str | None, start: str
) -> None:
    body = f"{start}{SECRET}".encode()
    stub.answer(Reply(body, content_type=content_type))
    text = failed(stub, DataCenter.account, caplog)
    assert f" ({len(body)} bytes). Is " in text


@pytest.mark.parametrize("page", [b"<html>Log in</html>", b"<!DOCTYPE HTML><p>Log in", b"\r\n <HTML>Log in"])
def test_the_beginning_of_a_page_is_shown(stub: StubServer, page: bytes) -> None:
    stub.answer(Reply(page, content_type="text/html"))
    with datacenter_at(stub.url) as sdc, pytest.raises(InvalidResponse) as caught:
        sdc.account()
    assert f"; it begins {page.strip()!r}. Is " in str(caught.value)


ERRORS: dict[str, tuple[Any, str]] = {
    "a machine": (MACHINE, "an object with id, name, metadata"),
    "a list": ([MACHINE], "a list"),
    "metadata": ({"root_pw": SECRET}, "an object with root_pw"),
    "many fields": (dict.fromkeys("abcdefgh", SECRET), "an object with a, b, c, d, e, ..."),
    "a long field": ({"x" * 90: SECRET}, f"an object with {'x' * 40}..."),
    "no field": ({}, "an empty object"),
    "a text": (f'"{SECRET}"'.encode(), "text"),
    "broken JSON": (f'[{{"root_pw": "{SECRET}"'.encode(), "broken JSON of 28 bytes"),
    "an echo": (
        f"<html><h1>400</h1><pre>GET /my\nAuthorization: Signature {SECRET}".encode(),
        "<html><h1>400</h1><pre>GET /my ...",
    ),
    "an echo of a query": (f"no route to /my?signature={SECRET}".encode(), "no route to ..."),
    "an echo to a proxy": (f"bad: proxy-authorization: Basic {SECRET}".encode(), "bad: ..."),
}


@pytest.mark.parametrize("status", [404, 409, 500])
@pytest.mark.parametrize(("body", "shown"), ERRORS.values(), ids=ERRORS)
def test_an_error_whose_body_is_not_an_error(
    stub: StubServer, caplog: pytest.LogCaptureFixture, status: int, body: Any, shown: str
) -> None:
    stub.otherwise = Reply(body, status)
    assert failed(stub, DataCenter.account, caplog).endswith(f": {shown}")


def test_the_errors_of_fields_are_three_texts(stub: StubServer) -> None:
    entry = {"field": "name", "code": "Invalid", "message": "no"}
    stub.answer(Reply({"code": "X", "message": "m", "errors": [entry | MACHINE, MACHINE]}, 409))
    with datacenter_at(stub.url) as sdc, pytest.raises(APIError) as caught:
        sdc.account()
    assert caught.value.errors == [entry, {}]


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_repeats_its_password(
    stub: StubServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", stub.url.replace("//", f"//{SECRET}@"))
    for status in (407, 403, 502):
        echo = b"Basic " + base64.b64encode(SECRET.encode() + b":")
        stub.otherwise = [b"HTTP/1.1 %d %b\r\nContent-Length: 0\r\n\r\n" % (status, echo), b""]
        with caplog.at_level(logging.DEBUG), datacenter_at(f"{scheme}://far.example") as sdc:
            with pytest.raises(SmartDCError) as caught:
                sdc.account()
            assert isinstance(caught.value, ConnectionFailed) or scheme == "http"
        written = "".join(traceback.format_exception(caught.value)) + caplog.text
        assert "Basic" not in written
        assert SECRET not in written


def test_a_long_message_is_cut_in_the_text(stub: StubServer) -> None:
    long = "m" * 100_000
    fields = [{"field": "f", "code": long, "message": long}] * 9
    stub.answer(
        Reply({"code": long, "message": long, "errors": fields}, 409, headers={"Request-Id": "r" * 900})
    )
    with datacenter_at(stub.url) as sdc, pytest.raises(APIError) as caught:
        sdc.account()
    error = caught.value
    assert str(error) == (
        f"GET /bob: 409 {'m' * 120}...: {'m' * 1000}... [f {'m' * 998}...] (request {'r' * 120}...)"
    )
    assert (error.code, error.message, error.errors) == (long, long, fields)


def test_a_message_that_is_just_not_too_long_is_whole(stub: StubServer) -> None:
    code, message, ident = "c" * 120, "m" * 1000, "r" * 120
    fields = [{"field": "f", "code": "Invalid", "message": "n" * 990}]
    stub.answer(
        Reply({"code": code, "message": message, "errors": fields}, 409, headers={"Request-Id": ident})
    )
    with datacenter_at(stub.url) as sdc, pytest.raises(APIError) as caught:
        sdc.account()
    assert str(caught.value) == f"GET /bob: 409 {code}: {message} [f Invalid {'n' * 990}] (request {ident})"
