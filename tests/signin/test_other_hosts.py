"""The signature is sent only to its server, not to the target of a redirect or to a proxy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from urllib3.exceptions import InsecureRequestWarning

from smartdc import ConfigurationError, ConnectionFailed, DataCenter, InvalidResponse
from smartdc.emulator import Emulator
from tests.helpers.relays import HTTPProxy
from tests.helpers.servers import StubServer, reply, tls_settings

JSON = "Content-Type: application/json"
ID = "00000000-dead-4bad-8bad-000000000000"
PASSWORD = "secret77"


@pytest.fixture
def other() -> Iterator[StubServer]:
    """Another host, to which nothing must connect."""
    with StubServer() as other:
        yield other
        assert (other.opened, other.heads) == (0, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT", "DELETE"])
def test_a_redirect_is_not_followed(cloud: Emulator, other: StubServer, method: str, status: int) -> None:
    answer = reply(b"", JSON, f"Location: {other.url}/x", status=f"{status} Elsewhere")
    with StubServer(answer, answer) as server, cloud.datacenter(location=server.url) as sdc:
        data = {"a": 1} if method in ("POST", "PUT") else None
        decoded, response = sdc.request(method, "/x", data=data)
        assert (decoded, response.status_code) == (None, status)
        assert response.history == []
        assert len(server.heads) == 1
        assert b"Authorization: Signature " in server.heads[0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "operation",
    [
        DataCenter.account,
        DataCenter.machines,
        DataCenter.num_machines,
        lambda sdc: sdc.delete_key("x"),
        lambda sdc: sdc.update_account(phone="5"),
        lambda sdc: sdc.machine(ID, lazy=True).stop(),
        lambda sdc: sdc._open_lines("POST", ("x",), {}),
    ],
)
def test_an_operation_refuses_a_redirect(
    cloud: Emulator, other: StubServer, operation: Callable[[DataCenter], Any], status: int
) -> None:
    answer = reply(b'{"login": "x"}', JSON, f"Location: {other.url}/x", status=f"{status} Elsewhere")
    with (
        StubServer([answer[0]] if operation is DataCenter.num_machines else answer) as server,
        cloud.datacenter(location=server.url) as sdc,
        pytest.raises(InvalidResponse, match=f": {status} with a redirect, which is not followed"),
    ):
        operation(sdc)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_websocket_follows_no_redirect(cloud: Emulator, other: StubServer, status: int) -> None:
    for scheme in ("http", "ws"):
        location = other.url.replace("http", scheme)
        answer = reply(b"", f"Location: {location}/x", status=f"{status} Elsewhere")
        with (
            StubServer(answer) as server,
            cloud.datacenter(location=server.url) as sdc,
            pytest.raises(InvalidResponse, match=f"{status} where a WebSocket was expected"),
        ):
            sdc.changefeed()
        assert len(server.heads) == 1


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[StubServer, HTTPProxy]]:
    """A server with a name that is not loopback, and the proxy that leads to it."""
    context = tls_settings(tmp_path, "cloudapi.invalid")
    answers = [reply(b"{}", JSON)] * 3
    with StubServer(*answers, tls=context) as server, HTTPProxy(server.url) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://bob:{PASSWORD}@{proxy.address}")
        monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "ca.pem"))
        yield server, proxy


def test_a_proxy_sees_nothing_inside_tls(cloud: Emulator, far: tuple[StubServer, HTTPProxy]) -> None:
    server, proxy = far
    with cloud.datacenter(location="cloudapi.invalid", verify=True) as sdc:
        sdc.account()
        with pytest.raises(InvalidResponse, match=r"does not speak WebSocket|where a WebSocket was expected"):
            sdc.changefeed()
    for head in proxy.heads:
        assert head.startswith(b"CONNECT cloudapi.invalid:443 HTTP/1.")
        assert b"Proxy-Authorization: Basic " in head
        assert b"Signature" not in head
        assert b"\r\nauthorization:" not in head.lower()
        assert b"/my" not in head
    assert len(proxy.heads) == len(server.heads) == 2
    for head in server.heads:
        assert b"\r\nAuthorization: Signature " in head
        assert b"Proxy-Authorization" not in head


def test_without_verification_through_a_proxy(cloud: Emulator, far: tuple[StubServer, HTTPProxy]) -> None:
    server, _ = far
    with pytest.warns(InsecureRequestWarning, match="not verified"):
        sdc = cloud.datacenter(location="cloudapi.invalid", verify=False)
    with sdc:
        sdc.account()  # no second warning
        sdc.account()
    assert len(server.heads) == 2


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "127.0.0.1:x", "", ":1", "[::1"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_invalid_proxy_urls(monkeypatch: pytest.MonkeyPatch, scheme: str, address: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}bob:{PASSWORD}@{address}")
    with pytest.raises(ConfigurationError, match="the proxy in the environment must have the form") as caught:
        DataCenter("cloudapi.invalid")
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "socks5"])
@pytest.mark.parametrize("path", ["", "/path?query#fragment"])
def test_the_password_of_a_proxy_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, free_port: int, scheme: str, path: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://bob:{PASSWORD}@127.0.0.1:{free_port}{path}")

    def asking(what: str) -> None:
        with DataCenter("cloudapi.invalid", retry="none") as sdc:
            getattr(sdc, what)()

    for what in ("account", "changefeed"):
        with pytest.raises((ConnectionFailed, ConfigurationError)) as caught:
            asking(what)
        assert PASSWORD not in str(caught.value)
