"""With which settings a WebSocket is opened: timeouts, headers, authorities, proxies."""

from __future__ import annotations

import logging
import ssl
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import requests
import trustme
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from smartdc import (
    ConfigurationError,
    RequestTimeout,
    SmartDCError,
    TransportError,
)
from smartdc._http.shared_tls import SharedTLSSocket
from smartdc._http.transport import prepared
from smartdc._http.websocket import dial

PATH = "/my/changefeed"
FAR = "https://far.example"


def request(base: str, **headers: str) -> requests.PreparedRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return prepared("GET", base, PATH, {"User-Agent": "smartdc/1", **named}, None, ())


def refusal(base: str, authorities: bool | str = True) -> SmartDCError:
    """The error of an attempt to open a WebSocket there."""
    with pytest.raises(SmartDCError) as caught:
        dial(request(base), 5, authorities, 1000)
    if isinstance(caught.value, TransportError):
        assert (caught.value.method, caught.value.path) == ("GET", PATH)
    return caught.value


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the library is asked to open, which it does not do in time."""
    asked: dict[str, Any] = {}

    def connect(url: str, **settings: Any) -> None:
        asked.clear()
        asked.update(settings, url=url)
        raise TimeoutError

    monkeypatch.setattr("websockets.sync.client.connect", connect)
    return asked


def test_the_settings_of_the_library(opened: dict[str, Any]) -> None:
    error = refusal("http://127.0.0.1:1")
    assert isinstance(error, RequestTimeout)
    assert str(error) == f"GET {PATH}: no answer from http://127.0.0.1:1{PATH} in time"
    assert {name: opened[name] for name in opened if name not in ("create_connection", "logger")} == {
        "url": f"ws://127.0.0.1:1{PATH}",
        "ssl": None,
        "additional_headers": {},
        "user_agent_header": "smartdc/1",
        "subprotocols": None,
        "compression": None,
        "proxy": None,
        "open_timeout": 5,
        "ping_interval": 20,
        "close_timeout": 2,
        "max_queue": 1000,
        "max_size": 1000,
    }
    # At DEBUG the library logs the signature and the contents of messages.
    assert (opened["logger"].name, opened["logger"].level) == ("smartdc.websocket", logging.INFO)


@pytest.mark.parametrize(
    ("variable", "proxy"),
    [
        (None, None),
        ("https_proxy", "http://bob:x@127.0.0.1:1"),
        ("https_proxy", "bob:x@localhost:1"),
        ("wss_proxy", "localhost:1"),
        ("https_proxy", "socks5h://127.0.0.1:1"),
    ],
)
def test_a_far_server_is_reached_by_tls_and_by_the_proxy_of_the_environment(
    opened: dict[str, Any], monkeypatch: pytest.MonkeyPatch, variable: str | None, proxy: str | None
) -> None:
    if variable and proxy:
        monkeypatch.setenv(variable, proxy)
    assert isinstance(refusal(FAR), RequestTimeout)
    used = f"http://{proxy}" if proxy and "://" not in proxy else proxy
    assert (opened["url"], opened["proxy"]) == (f"wss://far.example{PATH}", used)


@pytest.mark.parametrize(("timeout", "seconds"), [(7, 7), (0.5, 0.5), ((1, 2), 3), ((10.0, 120.0), 130)])
def test_the_two_timeouts_of_a_request_are_one_here(
    opened: dict[str, Any], timeout: Any, seconds: float
) -> None:
    with pytest.raises(RequestTimeout):
        dial(request(FAR), timeout, True, 1000, ["binary", "rfb"])
    assert (opened["open_timeout"], opened["subprotocols"]) == (seconds, ["binary", "rfb"])


def test_headers_that_the_library_sends_itself_are_not_sent_twice(opened: dict[str, Any]) -> None:
    own = {"Authorization": "Signature x", "Date": "now", "X_Mine": "1"}
    twice = {"Connection": "x", "Host": "x", "Upgrade": "x"}
    asked = request(FAR, **own, **twice)
    asked.headers["Transfer-Encoding"] = asked.headers["Content-Length"] = "x"
    asked.headers["X-Bytes"] = cast(str, b"\xe9")
    with pytest.raises(RequestTimeout):
        dial(asked, 5, True, 1000)
    assert opened["additional_headers"] == {
        "Authorization": "Signature x",
        "Date": "now",
        "X-Mine": "1",
        "X-Bytes": "\xe9",
    }


@pytest.mark.parametrize("authorities", [True, False])
def test_what_is_trusted(authorities: bool, opened: dict[str, Any]) -> None:
    assert isinstance(refusal(FAR, authorities), RequestTimeout)
    context = opened["ssl"]
    assert context.sslsocket_class is SharedTLSSocket
    assert (context.check_hostname, context.verify_mode is ssl.CERT_REQUIRED) == (authorities, authorities)
    if authorities:
        # The same authorities as for every other request.
        same = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
        assert context.cert_store_stats() == same.cert_store_stats()


def test_a_file_or_a_folder_of_authorities(opened: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    for trusted, loaded in ((file, 1), (tmp_path, 0)):  # those of a folder are read when they are needed
        assert isinstance(refusal(FAR, str(trusted)), RequestTimeout)
        assert opened["ssl"].cert_store_stats()["x509_ca"] == loaded
    error = refusal(FAR, str(tmp_path / "none"))
    assert isinstance(error, ConfigurationError)
    assert str(error) == (
        f"verify='{tmp_path}/none': it cannot be read (No such file or directory); "
        "give the path of a file of PEM certificates"
    )


def test_proxies_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "ftp://bob:secret77@127.0.0.1:1")
    error = refusal(FAR)
    assert type(error) is ConfigurationError
    assert str(error).startswith(f"GET {FAR}{PATH}: the environment's proxy cannot be used: ")
    assert "secret77" not in str(error)
    assert error.__cause__ is None
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1")
    for name in [name for name in sys.modules if name.partition(".")[0] == "python_socks"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "python_socks", None)
    error = refusal(FAR)
    assert type(error) is ConfigurationError
    assert str(error).startswith(f"GET {FAR}{PATH}: the environment's proxy cannot be used: ")
