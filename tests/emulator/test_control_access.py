"""Control over HTTP: access and its refusals. `test_status_page` attacks it with a real browser."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.control.command_output import guide
from smartdc.emulator.remote.operations import OPERATIONS
from tests.helpers.emulator_http import PATH, Control

ALL = [*OPERATIONS, ("GET", "events")]
SAFE = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    with Emulator() as cloud:
        yield Control(cloud)


def untouched(control: Control) -> bool:
    """Whether none of the refused requests had an effect."""
    status = control.ask("GET", "status").json
    return status["throttle"] is None and not status["read_only"] and not status["faults"]


@pytest.mark.parametrize(("method", "name"), [*ALL, ("GET", "nothing"), ("OPTIONS", "clock"), ("PUT", "x")])
def test_nothing_without_the_token(control: Control, method: str, name: str) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {control.cloud.token}"},
        {"Authorization": f"Bearer {control.cloud.token[:-1]}"},
        {"Authorization": "Bearer \xff"},
        {"Cookie": f"token={control.cloud.token}"},
        {"Cookie": f"{control.cookie().partition('=')[0]}={control.cloud.token}"},
    ):
        answer = control.ask(method, name, token=None, headers=headers)
        answer.refused(401, "token")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert control.cloud.token not in str(answer)
    assert untouched(control)


def test_a_token_in_the_query_gives_access_only_to_the_page(control: Control) -> None:
    for method, name in ALL:
        control.ask(method, f"{name}?token={control.cloud.token}", token=None).refused(401, "token")


def test_the_page_gives_a_cookie_once(control: Control) -> None:
    control.ask("GET", PATH, token=None).refused(401, "token")
    control.ask("GET", f"{PATH}?token=wrong", token=None).refused(401, "token")
    first = control.ask("GET", f"{PATH}?token={control.cloud.token}", token=None)
    cookie, *attributes = first.headers["set-cookie"].split("; ")
    assert attributes == [f"Path={PATH}", "HttpOnly", "Secure", "SameSite=Strict"]
    assert control.cloud.token not in cookie
    assert control.cloud.token.encode() not in first.body
    page = control.ask("GET", PATH, token=None, headers={"Cookie": cookie})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert control.cloud.token.encode() not in page.body
    assert control.ask("GET", "/--emulator", token=None).headers["location"] == PATH


def test_security_headers(control: Control) -> None:
    for path in (PATH, "status", "nothing", "clock"):
        headers = {name.lower(): value for name, value in control.ask("GET", path).headers.items()}
        assert SAFE.items() <= headers.items()
        assert not any(name.startswith("access-control-") for name in headers)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]


def test_a_cookie_gives_access_only_to_the_page_itself(control: Control) -> None:
    cookie = {"Cookie": control.cookie()}
    assert control.ask("GET", "status", token=None, headers=cookie).status == 200
    control.ask("POST", "throttle", {}, token=None, headers=cookie).refused(403, "Origin")
    own = {"Origin": f"https://{control.host}"}
    for origin in ("null", "https://evil.example", f"http://{control.host}", "https://127.0.0.1:1", ""):
        for method, name in ALL if origin == "null" else ALL[-3:]:
            answer = control.ask(method, name, {}, token=None, headers=cookie | {"Origin": origin})
            answer.refused(403, "other origins")
            control.ask(method, name, {}, headers={"Origin": origin}).refused(403, "other origins")
    for site in ("cross-site", "same-site"):
        fetched = cookie | {"Sec-Fetch-Site": site}
        control.ask("GET", "status", token=None, headers=fetched).refused(403, "other origins")
        control.ask("GET", PATH, token=None, headers=fetched).refused(403, "other origins")
        control.ask("DELETE", "faults", token=None, headers=own | fetched).refused(403, "other origins")
    assert untouched(control)
    assert control.ask("DELETE", "faults", token=None, headers=cookie | own).status == 204


@pytest.mark.parametrize(
    "host", ["rebound.example", "rebound.example:443", "127.0.0.1.rebound.example", "localhost.", "", "[::1"]
)
def test_dns_rebinding(control: Control, host: str) -> None:
    for headers in ({"Host": host}, {"Host": host, "Origin": f"https://{host}", "Cookie": control.cookie()}):
        control.ask("GET", "status", headers=headers).refused(403, "Host")
        control.ask("POST", "throttle", {}, token=None, headers=headers).refused(403, "Host")
        control.ask("GET", f"{PATH}?token={control.cloud.token}", headers=headers).refused(403, "Host")
    assert untouched(control)


def test_hosts_of_the_loopback(control: Control) -> None:
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8443", control.host):
        assert control.ask("GET", "status", headers={"Host": host}).status == 200


def test_the_command_prints_the_token_once(control: Control) -> None:
    lines = list(guide(control.cloud, None, [], []))
    assert "".join(lines).count(control.cloud.token) == 1
    (page,) = [line.removeprefix("# status page: ") for line in lines if line.startswith("# status page: ")]
    assert page == control.cloud.page_url
    assert control.ask("GET", page.removeprefix(control.cloud.url()), token=None).status == 200


def test_the_host_of_the_emulator() -> None:
    with Emulator(host="localhost") as cloud:
        assert Control(cloud).ask("GET", "status").status == 200


def test_two_host_headers_are_refused(control: Control) -> None:
    connection = control.connection()
    connection.putrequest("GET", f"{PATH}status", skip_host=True)
    for host in (control.host, "rebound.example"):
        connection.putheader("Host", host)
    connection.putheader("Authorization", f"Bearer {control.cloud.token}")
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


def test_a_websocket_is_refused(control: Control) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    for path in ("events", "status", PATH):
        assert control.ask("GET", path, headers=upgrade).status == 403


def test_similar_paths_go_to_cloudapi(control: Control) -> None:
    for path in ("/--emulato", "/--emulatorx", "/%2D-emulator/status", "//--emulator/status"):
        answer = control.ask("GET", path)
        assert answer.status >= 400
        assert "code" in answer.json
    assert control.ask("GET", "/--ping", token=None).json["ping"] == "pong"


def test_each_emulator_has_its_own_token_and_cookie(control: Control) -> None:
    with Emulator(random_seed=1) as one, Emulator(random_seed=1) as other:
        assert one.token != other.token
        names = {Control(cloud).cookie().partition("=")[0] for cloud in (one, other)}
        assert len(names) == 2
        Control(other).ask("GET", "status", token=one.token).refused(401, "wrong")
        for shown in (repr(one), one.report(), str(one.environment())):
            assert one.token not in shown


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_but_the_loopback_listens(control: Control) -> None:
    mine = set()
    for descriptor in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with suppress(OSError):  # the descriptor of the listing itself is closed
            mine.add(os.readlink(f"/proc/self/fd/{descriptor}"))  # noqa: PTH115
    listening = []
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/self/net/{name}").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and f"socket:[{inode}]" in mine:
                listening.append(local.partition(":")[0])
    assert len(listening) >= len(control.cloud.urls)
    # The kernel writes 127.0.0.1 with the last byte first, and ::1 as four such words.
    six = "00000000000000000000000001000000"
    assert [where for where in listening if not (where.endswith("7F") or where == six)] == []
