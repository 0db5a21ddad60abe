"""Faults of WebSockets: before the handshake, instead of it, and right after it."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from smartdc.emulator.faults import (
    HAPROXY_503,
    Delay,
    Drop,
    Fault,
    Garbage,
    HalfBody,
    Status,
    WrongDigest,
)
from tests.helpers.raw_requests import SIGNATURE, Raw

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(params=["changefeed", "ConnectMachineVNC"])
def operation(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@contextmanager
def upgrade(raw: Raw, operation: str, brand: str = "bhyve") -> Iterator[ClientConnection]:
    """Open a WebSocket with a signed request."""
    target = "/my/changefeed"
    if operation == "ConnectMachineVNC":
        target = f"/my/machines/{raw.site.add_machine(brand=brand).uuid}/vnc"
    headers = {"date": formatdate(time.time(), usegmt=True)}
    signed = raw.authorization(SIGNATURE, "GET", target, headers, "date")
    context = ssl.create_default_context(cafile=str(raw.cloud.ca_file))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with connect(
        f"wss://{raw.host}{target}",
        ssl=context,
        proxy=None,
        compression=None,
        additional_headers={**headers, "Authorization": signed, "Accept-Version": "~8||~9"},
    ) as websocket:
        yield websocket


@pytest.mark.parametrize(
    "fault", [HAPROXY_503, Status(503), Status(429, "slow", after_commit=True)], ids=repr
)
def test_a_status_instead_of_the_handshake(fresh: Raw, operation: str, fault: Status) -> None:
    fresh.cloud.faults.add(operation, fault, times=1)
    with pytest.raises(InvalidStatus) as caught, upgrade(fresh, operation):
        pass
    response = caught.value.response
    assert response.status_code == fault.status
    if fault is HAPROXY_503:
        assert b"currently unavailable" in (response.body or b"")
        assert response.headers["Cache-Control"] == "no-cache"
    assert [(call.status, call.fault) for call in fresh.cloud.calls] == [(fault.status, fault)]
    with upgrade(fresh, operation):
        pass


@pytest.mark.parametrize("fault", [Drop(after_commit=False), Drop(after_commit=True), Garbage()], ids=repr)
def test_no_handshake(fresh: Raw, operation: str, fault: Fault) -> None:
    fresh.cloud.faults.add(operation, fault, times=1)
    with pytest.raises((EOFError, InvalidHandshake, OSError)), upgrade(fresh, operation):
        pass
    assert [(call.status, call.fault) for call in fresh.cloud.calls] == [(0, fault)]
    with upgrade(fresh, operation):
        pass


def test_a_websocket_that_breaks_off(fresh: Raw, operation: str) -> None:
    fresh.cloud.faults.add(operation, HalfBody(), times=1)
    with upgrade(fresh, operation) as websocket:
        with pytest.raises(ConnectionClosed) as caught:
            websocket.recv(timeout=10)
        assert caught.value.rcvd is None  # there was no close frame
    assert len(fresh.site.changes) == 0
    with upgrade(fresh, operation):
        pass


@pytest.mark.parametrize("fault", [Delay(0.01), Delay(0.01, after_commit=False), WrongDigest()], ids=repr)
def test_faults_without_effect_on_a_websocket(fresh: Raw, operation: str, fault: Fault) -> None:
    fresh.cloud.faults.add(operation, fault)
    with upgrade(fresh, operation) as websocket:
        if operation == "ConnectMachineVNC":
            assert websocket.recv(timeout=10) == b"RFB 003.008\n"
    assert [(call.status, call.fault) for call in fresh.cloud.calls] == [(101, fault)]


def test_a_refusal_with_a_fault(fresh: Raw) -> None:
    """If the operation refuses the upgrade, its status is sent, because there is no body to cut."""
    fresh.cloud.faults.add("ConnectMachineVNC", HalfBody())
    with pytest.raises(InvalidStatus) as caught, upgrade(fresh, "ConnectMachineVNC", brand="joyent"):
        pass
    assert caught.value.response.status_code == 400
