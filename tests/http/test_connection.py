"""What requests send, and how answers are decoded."""

from __future__ import annotations

import json
import pickle
import string
from collections.abc import Callable
from typing import Any

import pytest

import smartdc
from smartdc import (
    BadRequestError,
    ConfigurationError,
    ConnectionFailed,
    DataCenter,
    InvalidResponse,
    RequestTimeout,
    TransportError,
)
from smartdc.emulator import Emulator
from tests.helpers.recorded import call, sent
from tests.helpers.relays import Relay
from tests.helpers.servers import Reply, StubServer, reply


def test_the_headers_of_a_request(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.keys()
    sdc.update_account(phone="5")
    headers = cloud.calls[0].headers
    assert headers["accept"] == "application/json"
    assert headers["user-agent"] == f"smartdc/{smartdc.__version__}"
    assert headers["accept-version"] == "~9||~8"
    assert {"date", "authorization", "host"} <= headers.keys()
    # docs/cloudapi/hazards.md#x-date-breaks-all-requests: X-Date breaks the server for everybody.
    assert not {"x-date", "x-api-version", "content-type"} & headers.keys()
    assert cloud.calls[1].headers["content-type"] == "application/json"


def test_the_api_version_can_be_chosen(cloud: Emulator) -> None:
    with cloud.datacenter(api_version="~8") as sdc:
        sdc.keys()
    # The server prefers Accept-Version (docs/cloudapi/versions.md#other-headers-that-name-a-version): the
    # caller's old header must not lose to ours.
    with cloud.datacenter(headers={"x-api-version": "~7"}) as sdc:
        sdc.keys()
    with cloud.datacenter(headers={"accept-version": "~9"}) as sdc:
        sdc.keys()
    got = [(one.headers.get("accept-version"), one.headers.get("x-api-version")) for one in cloud.calls]
    assert got == [("~8", None), (None, "~7"), ("~9", None)]


def test_data_centers_share_no_header_dict(cloud: Emulator) -> None:
    mine = {"X-Mine": "1"}
    with cloud.datacenter(headers=mine) as one, cloud.datacenter() as other:
        mine["X-Mine"] = "2"
        one.default_headers["X-More"] = "3"
        with one.datacenter("us-east-1") as sister:
            sister.default_headers["X-Sister"] = "4"
            one.keys()
            other.keys()
    first, second = (
        {name: value for name, value in got.headers.items() if name[:2] == "x-" and name != "x-request-id"}
        for got in cloud.calls
    )
    assert first == {"x-mine": "1", "x-more": "3"}
    assert second == {}


@pytest.mark.off_the_record("any query can be sent")
def test_request_makes_any_request(cloud: Emulator, sdc: DataCenter) -> None:
    params = {"name": "base64", "public": True, "os": None, "limit": 0}
    decoded, response = sdc.request("get", "/images", {"X-Mine": "1"}, params=params)
    assert decoded == response.json()
    assert response.status_code == 200
    assert sent(cloud) == [call("GET", "/my/images", {"name": "base64", "public": "true", "limit": "0"})]
    assert cloud.calls[0].headers["x-mine"] == "1"
    assert sdc.request("POST", "", data={"phone": "5"})[0]["phone"] == "5"
    assert sdc.request("HEAD", "/machines")[0] is None
    assert sent(cloud)[1:] == [call("POST", "/my", body={"phone": "5"}), call("HEAD", "/my/machines")]


def test_headers_of_one_request_stay_with_it(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.request("GET", "/keys", {"X-Mine": "1"})
    sdc.request("GET", "/keys")
    assert "x-mine" not in cloud.calls[1].headers


@pytest.mark.parametrize("data", [{}, [], "", 0, False], ids=repr)
def test_a_body_that_is_falsy_is_still_a_body(stub: StubServer, data: Any) -> None:
    stub.answer(Reply({}))
    with DataCenter(stub.url) as sdc:
        sdc.request("POST", "/x", data=data)
    assert stub.asked[0].body == data
    assert stub.asked[0].headers["content-length"] == str(len(json.dumps(data)))


def test_each_request_is_signed_afresh_and_only_if_there_is_a_key(cloud: Emulator, sdc: DataCenter) -> None:
    signatures = {
        sdc.request("GET", path)[1].request.headers["Authorization"] for path in ("/keys", "", "/images")
    }
    assert len(signatures) == 3
    with (
        cloud.datacenter(key_id=None, login="test") as stranger,
        pytest.raises(smartdc.AuthenticationError, match="must make authenticated requests"),
    ):
        stranger.account()
    assert "authorization" not in cloud.calls[-1].headers


@pytest.mark.parametrize(
    ("path", "on_the_wire"),
    [
        ("/keys/a%2fb", "/my/keys/a%2Fb"),
        ('/keys/a"b', "/my/keys/a%22b"),
        ("/keys/{a}", "/my/keys/%7Ba%7D"),
        ("/keys/100%25", "/my/keys/100%25"),
        ("/keys/a~b!c'(d)*:@,;=&$+", "/my/keys/a~b!c'(d)*:@,;=&$+"),
    ],
)
def test_the_path_that_is_signed_is_the_one_that_is_sent(
    cloud: Emulator, sdc: DataCenter, path: str, on_the_wire: str
) -> None:
    # 404 and not 401: the signature covers the path.
    with pytest.raises(smartdc.NotFoundError):
        sdc.request("GET", path)
    assert sent(cloud) == [call("GET", on_the_wire)]


def test_any_character_can_be_in_a_name_or_a_query(cloud: Emulator, sdc: DataCenter) -> None:
    odd = string.printable.replace("\0", "") + "öß€😀"
    with pytest.raises(smartdc.NotFoundError):
        sdc.key(odd)
    sdc.request("GET", "/images", params={"name": odd})
    assert cloud.calls[0].response["message"] == f"{odd} does not exist"
    assert sent(cloud)[1] == call("GET", "/my/images", {"name": odd})


def test_a_lone_surrogate_is_not_sent(cloud: Emulator, sdc: DataCenter) -> None:
    # UTF-8 cannot encode it, and the server would replace it.
    machine = sdc.machine("11111111-8b2f-4c42-9d3f-0123456789ab", lazy=True)
    asking: list[Callable[[str], Any]] = [
        sdc.key,
        machine.delete_tag,
        lambda text: sdc.images(name=text),
        lambda text: sdc.request("GET", f"/keys/{text}"),
        lambda text: sdc.update_account(phone=text),
        lambda text: machine.add_tags({"a": text}),
        lambda text: machine.add_tags({text: "a"}),
    ]
    for ask in asking:
        with pytest.raises(ConfigurationError):
            ask("a\ud800b")
    assert sent(cloud) == []


@pytest.mark.parametrize("name", ["X-Date", "x-date", "X-DATE"])
def test_x_date_is_never_sent(cloud: Emulator, sdc: DataCenter, name: str) -> None:
    # See docs/cloudapi/hazards.md#x-date-breaks-all-requests.
    with pytest.raises(ConfigurationError, match="X-Date must not be sent to CloudAPI"):
        sdc.request("GET", "/keys", {name: "Mon, 23 Nov 2026 10:00:00 GMT"})
    with (
        cloud.datacenter(headers={name: "x"}) as other,
        pytest.raises(ConfigurationError, match=r"^X-Date must not be sent to CloudAPI: "),
    ):
        other.keys()
    assert sent(cloud) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Mine": "a\r\nX-Evil: 1"},
        {"X-Mine": "a\nb"},
        {"X-Mine\r\nX-Evil": "1"},
        {"X-Mine": 5},
        {"X-Mine": "€"},
        {"Ö": "1"},
        {"content-length": "5"},
        {"Transfer-Encoding": "chunked"},
    ],
    ids=str,
)
def test_headers_that_cannot_be_sent(cloud: Emulator, sdc: DataCenter, headers: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"GET .*/my/keys: "):
        sdc.request("GET", "/keys", headers)
    assert sent(cloud) == []


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ("GET /x HTTP/1.1\r\nX-Evil: 1", "(text of 26 characters, not shown, because it may be a key)"),
        ("", "''"),
        ("GE T", "'GE T'"),
        ("GET1", "'GET1'"),
        ("G\u00cbT", "'G\u00cbT'"),
        ("A" * 21, f"'{'A' * 21}'"),
    ],
    ids=ascii,
)
def test_verbs_that_cannot_be_sent(cloud: Emulator, sdc: DataCenter, method: str, shown: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sdc.request(method, "/keys")
    assert str(caught.value) == f"{shown} is not an HTTP verb"
    assert sent(cloud) == []


def test_a_verb_that_nobody_knows_is_left_to_the_server(stub: StubServer) -> None:
    stub.answer(Reply({}))
    with DataCenter(stub.url) as sdc:
        sdc.request("a" * 20, "keys")
    assert (stub.asked[0].method, stub.asked[0].target) == ("A" * 20, "/my/keys")


@pytest.mark.parametrize("data", [{"a": object}, {"a": float("inf")}, {"a": {1, 2}}, "\ud800"], ids=ascii)
def test_bodies_that_cannot_be_sent(cloud: Emulator, sdc: DataCenter, data: Any) -> None:
    with pytest.raises(ConfigurationError, match="the body cannot be sent as JSON"):
        sdc.request("POST", "", data=data)
    with pytest.raises(ConfigurationError, match="the body cannot be sent as JSON"):
        sdc.request("POST", "", data=10**5000)
    assert sent(cloud) == []


@pytest.mark.parametrize(
    ("reply", "decoded"),
    [
        (Reply({"a": "ö"}), {"a": "ö"}),
        (Reply(b'"x"', content_type="application/json; charset=utf-8"), "x"),
        (Reply(b"h\xc3\xb6", content_type="text/plain; charset=utf-8"), "hö"),
        (Reply(b"\x00\xff", content_type="application/octet-stream"), b"\x00\xff"),
        (Reply(b"x", content_type=None), b"x"),
        (Reply(), None),
        (Reply(None, 204, None), None),
        (
            Reply({"code": "ResourceMoved"}, 302, headers={"Location": "/elsewhere"}),
            {"code": "ResourceMoved"},
        ),
    ],
    ids=str,
)
def test_request_decodes_the_answer(stub: StubServer, reply: Reply, decoded: Any) -> None:
    stub.answer(reply)
    with DataCenter(stub.url, login="bob") as sdc:
        got, response = sdc.request("GET", "/x")
    assert (got, type(got), response.status_code) == (decoded, type(decoded), reply.status)
    # Redirects are not followed.
    assert len(stub.asked) == 1


def test_broken_json_is_an_error(stub: StubServer) -> None:
    for body in (b'{"a": ', b"\xff", b"<html>"):
        stub.answer(Reply(body))
        with (
            DataCenter(stub.url, login="bob") as sdc,
            pytest.raises(InvalidResponse, match="broken JSON") as caught,
        ):
            sdc.request("GET", "/x")
        assert (caught.value.method, caught.value.path) == ("GET", "/bob/x")
        assert caught.value.response is not None
        assert pickle.loads(pickle.dumps(caught.value)).path == "/bob/x"  # noqa: S301 - our own


def test_an_answer_that_is_not_from_cloudapi(stub: StubServer) -> None:
    stub.answer(Reply(b"<html>Log in to the hotel's network</html>", content_type="text/html"))
    with DataCenter(stub.url, login="bob") as sdc, pytest.raises(InvalidResponse) as caught:
        sdc.machines()
    assert str(caught.value) == (
        'GET /bob/machines: 200 with a body that is not JSON (42 bytes); it begins b"<html>Log in to the '
        f"hotel's network</html>\". Is {stub.url}/bob/machines the URL of a CloudAPI?"
    )


def test_no_answer_in_time(stub: StubServer) -> None:
    stub.answer(Reply(hang=True), Reply(hang=True))
    with (
        DataCenter(stub.url, login="bob", retry="none", timeout=(5, 0.05)) as sdc,
        pytest.raises(RequestTimeout, match=f"GET /bob/x: no answer from {stub.url} in time"),
    ):
        sdc.request("GET", "/x")
    with DataCenter(stub.url, login="bob", retry="none") as sdc, pytest.raises(RequestTimeout) as caught:
        sdc.request("GET", "/x", timeout=0.05)
    assert isinstance(caught.value, TransportError)


def test_a_body_that_stops_coming(stub: StubServer) -> None:
    stub.answer(Reply(b'{"a": 1', length=100))
    with (
        DataCenter(stub.url, login="bob", retry="none") as sdc,
        pytest.raises(ConnectionFailed, match=r"^GET /bob/x: the connection to .* broke "),
    ):
        sdc.request("GET", "/x")


def test_a_body_that_stops_coming_but_stays_open(stub: StubServer) -> None:
    stub.answer([*reply(b'{"a"', length=100), None])
    with DataCenter(stub.url, login="bob", retry="none", timeout=0.05) as sdc, pytest.raises(RequestTimeout):
        sdc.request("GET", "/x")


def test_a_body_that_cannot_be_decompressed(stub: StubServer) -> None:
    stub.answer(Reply(b"not gzip", headers={"Content-Encoding": "gzip"}))
    with (
        DataCenter(stub.url, login="bob", retry="none") as sdc,
        pytest.raises(InvalidResponse, match="cannot be decompressed"),
    ):
        sdc.request("GET", "/x")


def test_a_port_without_a_listener(free_port: int) -> None:
    url = f"https://127.0.0.1:{free_port}"
    with DataCenter(url, retry="none") as sdc, pytest.raises(ConnectionFailed) as caught:
        sdc.account()
    assert str(caught.value).startswith(f"GET /my: no connection to {url} (")
    assert "refused" in str(caught.value)


def test_a_host_that_does_not_exist() -> None:
    with (
        DataCenter("cloudapi.invalid", retry="none") as sdc,
        pytest.raises(
            ConnectionFailed,
            match=r"^GET /my: no connection to https://cloudapi\.invalid \(Failed to resolve",
        ),
    ):
        sdc.account()


@pytest.mark.parametrize("host", ["a..invalid", "a" * 64 + ".invalid"])
def test_a_host_that_cannot_exist(host: str) -> None:
    with (
        DataCenter(f"https://{host}") as sdc,
        pytest.raises(ConnectionFailed, match=rf"^GET /my: .* https://{host} \(.*label empty or too long\)$"),
    ):
        sdc.account()


def test_http_to_an_https_port(cloud: Emulator) -> None:
    with (
        DataCenter(cloud.url().replace("https", "http"), login="x", retry="none") as sdc,
        pytest.raises(ConnectionFailed),
    ):
        sdc.account()


def test_requests_in_a_row_share_a_connection(cloud: Emulator, relay: Relay) -> None:
    with cloud.datacenter(location=relay.url) as sdc:
        for _ in range(5):
            sdc.keys()
        assert relay.opened == 1
        sdc.close()
        sdc.keys()
        assert relay.opened == 2
        # A connection that the server has closed is replaced, without an error.
        relay.cut()
        sdc.keys()
        assert relay.opened == 3
    sdc.keys()
    assert relay.opened == 4
    sdc.close()


def test_a_url_too_long_for_the_server_is_not_sent(cloud: Emulator, sdc: DataCenter) -> None:
    # docs/cloudapi/hazards.md#urls-of-more-than-8-kb: no answer at all.
    machine = sdc.machine("b6c9a5e0-8b2f-4c42-9d3f-0123456789ab", lazy=True)
    for ask in (
        lambda: sdc.request("GET", "/machines", params={"name": "x" * 9000}),
        lambda: sdc.image({"id": "x" * 9000}),
        lambda: sdc.exists("images", "ö" * 1500),
        lambda: machine.get_tag("x" * 9000),
        lambda: machine.delete_disk("x" * 9000),
        lambda: machine.snapshot("x" * 9000),
    ):
        with pytest.raises(ConfigurationError, match="longer than 7000 bytes") as caught:
            ask()
        assert len(str(caught.value)) < 300
    assert cloud.calls == []


def test_an_accept_header_of_the_caller(sdc: DataCenter) -> None:
    # docs/cloudapi/requests.md#media-types-of-answers: the body is JSON text, and errors are bare messages.
    text, response = sdc.request("GET", "", {"Accept": "text/plain"})
    assert isinstance(text, str)
    assert json.loads(text)["login"] == "test"
    assert response.headers["Content-Type"] == "text/plain"
    with pytest.raises(BadRequestError, match=r"^GET /my: 406 NotAcceptableError: "):
        sdc.request("GET", "", {"Accept": "text/html"})
    with pytest.raises(smartdc.NotFoundError, match="404 Not Found: nothing does not exist"):
        sdc.request("GET", "/keys/nothing", {"Accept": "text/plain"})
