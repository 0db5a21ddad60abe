"""TLS on one connection that two threads use: one reads while the other writes, as WebSockets do."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from urllib3.util import wait_for_read, wait_for_write

__all__ = ["SharedTLSSocket"]

T = TypeVar("T")


class SharedTLSSocket(ssl.SSLSocket):
    """A TLS socket that one thread may read while another writes.

    OpenSSL allows one call at a time on a connection
    (https://docs.openssl.org/master/man7/openssl-threads/), and in TLS 1.3 reading can also write. So each
    step is made without waiting and under a lock; what has to wait does so outside the lock.

    `ssl.SSLContext.sslsocket_class` makes a context wrap sockets in it.
    """

    _turn: threading.Lock | None = None
    _patience: float | None = None

    def do_handshake(self, block: bool = False) -> None:
        """Set up TLS; from then on two threads may use the socket."""
        super().do_handshake(block)
        self._patience = super().gettimeout()
        super().settimeout(0)
        self._turn = threading.Lock()

    def settimeout(self, value: float | None) -> None:
        """As for any socket."""
        if self._turn is None:
            super().settimeout(value)
        self._patience = value

    def gettimeout(self) -> float | None:
        """As for any socket."""
        return super().gettimeout() if self._turn is None else self._patience

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """As for any socket."""
        return self._in_turn(partial(super().recv, buflen, flags))

    def sendall(self, data: Any, flags: int = 0) -> None:
        """As for any socket."""
        rest = memoryview(data).cast("B")
        while rest:
            rest = rest[self._in_turn(partial(super().send, rest, flags)) :]

    def shutdown(self, how: int) -> None:
        """As for any socket. What the other end sends is still read as TLS."""
        socket.socket.shutdown(self, how)

    def close(self) -> None:
        """Close, and wake a thread that waits."""
        with suppress(OSError):
            socket.socket.shutdown(self, socket.SHUT_RDWR)
        super().close()

    def _in_turn(self, step: Callable[[], T]) -> T:
        if self._turn is None:
            return step()
        end = None if self._patience is None else time.monotonic() + self._patience
        while True:
            wait = wait_for_read
            try:
                with self._turn:
                    return step()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLWantWriteError:
                wait = wait_for_write
            if not wait(self, None if end is None else max(0.0, end - time.monotonic())):
                raise TimeoutError("the TLS connection took too long")
