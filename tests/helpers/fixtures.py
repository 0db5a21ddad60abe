from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from smartdc.emulator import Emulator
from tests.helpers.relays import Relay


@pytest.fixture
def relay(cloud: Emulator) -> Iterator[Relay]:
    """A relay in front of the emulator."""
    with Relay(cloud.url()) as relay:
        yield relay


@pytest.fixture
def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def stalling() -> Iterator[str]:
    """The URL of a server that sends half a body, and then nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a"')
                connection.recv(1)  # until the client gives up

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()
