"""Streams over TLS 1.3, against the library's server: two threads on one TLS connection."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection

from tests.helpers.servers import datacenter_at, tls_settings
from tests.helpers.sizes import in_two_sizes
from tests.helpers.websocket_servers import websocket_server

MACHINE = "aaaaaaaa-0000-4000-8000-00000000000a"


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A server of this version of TLS only."""
    context = tls_settings(tmp_path)
    context.minimum_version = context.maximum_version = request.param
    with websocket_server(echo, ssl=context, subprotocols=["binary"], compression=None) as url:
        yield url


@in_two_sizes(sample=10, whole=300)
def test_both_directions_at_once(url: str, tmp_path: Path, size: int) -> None:
    # Streams were held to TLS 1.2: in 1.3, tickets that come after the handshake made both threads wait.
    message = b"x" * 5000
    with datacenter_at(url, verify=str(tmp_path / "ca.pem")) as sdc:
        for _ in range(size):
            with sdc.machine(MACHINE, lazy=True).connect_vnc() as vnc:

                def send(vnc=vnc) -> None:  # type: ignore[no-untyped-def]
                    for number in range(100):
                        vnc.send(b"%d " % number + message)

                sender = threading.Thread(target=send)
                sender.start()
                got = [vnc.receive(20) for _ in range(100)]
                sender.join()
                assert got == [b"%d " % number + message for number in range(100)]


def test_closing_wakes_the_reader(url: str, tmp_path: Path) -> None:
    with datacenter_at(url, verify=str(tmp_path / "ca.pem")) as sdc:
        vnc = sdc.machine(MACHINE, lazy=True).connect_vnc()
        seen: list[bytes] = []
        reader = threading.Thread(target=lambda: seen.extend(vnc))
        reader.start()
        vnc.close()
        reader.join(10)
        assert not reader.is_alive()
    assert seen == []
