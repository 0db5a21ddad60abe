"""A TLS socket that two threads may use: it behaves as any socket, before and after the handshake."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
import trustme

from smartdc._http.shared_tls import SharedTLSSocket


class Ends:
    """Both ends of a TLS connection.

    Attributes:
        server: The other end, with TLS.
    """

    def __init__(self) -> None:
        authority = trustme.CA()
        self._client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("host.example").configure_cert(self._server)
        authority.configure_trust(self._client)
        self._client.sslsocket_class = SharedTLSSocket
        self._raw, self._other = socket.socketpair()
        self.server: ssl.SSLSocket
        self._thread = threading.Thread(target=self._accept)

    def _accept(self) -> None:
        self.server = self._server.wrap_socket(self._other, server_side=True)

    def wrapped(self) -> SharedTLSSocket:
        """The client's end, before the handshake."""
        client = self._client.wrap_socket(
            self._raw, server_hostname="host.example", do_handshake_on_connect=False
        )
        assert isinstance(client, SharedTLSSocket)
        return client

    def connected(self, timeout: float | None) -> SharedTLSSocket:
        """The client's end, after the handshake."""
        client = self.wrapped()
        client.settimeout(timeout)
        self._thread.start()
        client.do_handshake()
        self._thread.join()
        return client

    def close(self) -> None:
        with suppress(AttributeError):
            self.server.close()
        self._other.close()
        self._raw.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    with closing(Ends()) as ends:
        yield ends


def test_before_the_handshake_it_is_a_plain_tls_socket(ends: Ends) -> None:
    client = ends.wrapped()
    for timeout in (None, 3.5):
        client.settimeout(timeout)
        assert client.gettimeout() == timeout
        assert ssl.SSLSocket.gettimeout(client) == timeout
    client.close()


def test_the_timeout_of_the_handshake_is_kept(ends: Ends) -> None:
    client = ends.connected(3.5)
    assert client.gettimeout() == 3.5
    assert ssl.SSLSocket.gettimeout(client) == 0  # each step is made without waiting
    for timeout in (None, 2.5):
        client.settimeout(timeout)
        assert client.gettimeout() == timeout
        assert ssl.SSLSocket.gettimeout(client) == 0
    client.close()


@pytest.mark.parametrize("timeout", [None, 10.0])
def test_it_waits_for_what_comes(ends: Ends, timeout: float | None) -> None:
    client = ends.connected(timeout)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(client.recv(3)))
    reader.start()
    client.sendall(memoryview(b"question"))  # while the other thread waits
    assert ends.server.recv(100) == b"question"
    ends.server.sendall(b"answer")
    reader.join(10)
    assert got == [b"ans"]
    assert client.recv() == b"wer"
    client.close()


def test_a_read_ends_with_the_timeout(ends: Ends) -> None:
    client = ends.connected(0.05)
    with pytest.raises(TimeoutError) as caught:
        client.recv(1)
    assert str(caught.value) == "the TLS connection took too long"
    client.settimeout(10)
    ends.server.sendall(b"a")
    assert client.recv(1) == b"a"
    client.close()


def test_more_than_fits_is_sent_in_pieces(ends: Ends) -> None:
    client = ends.connected(10)
    sent = bytes(range(256)) * 8192
    got = bytearray()

    def read() -> None:
        while len(got) < len(sent):
            got.extend(ends.server.recv(65536))

    reader = threading.Thread(target=read)
    reader.start()
    client.sendall(memoryview(sent).cast("H"))  # of two bytes each
    reader.join(10)
    assert got == sent
    client.close()


def test_a_write_ends_with_the_timeout(ends: Ends) -> None:
    client = ends.connected(0.05)
    with pytest.raises(TimeoutError):
        client.sendall(bytes(50_000_000))
    client.close()


def test_shutting_down_one_way_leaves_the_other(ends: Ends) -> None:
    client = ends.connected(10)
    client.shutdown(socket.SHUT_WR)
    ends.server.sendall(b"still here")
    assert client.recv(100) == b"still here"
    client.close()


def test_closing_wakes_a_thread_that_waits(ends: Ends) -> None:
    client = ends.connected(None)
    ended: list[object] = []

    def read() -> None:
        try:
            ended.append(client.recv(1))
        except (OSError, ValueError) as error:
            ended.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    reader.join(0.05)
    assert reader.is_alive()
    client.close()
    reader.join(10)
    assert not reader.is_alive()
    assert client.fileno() == -1
