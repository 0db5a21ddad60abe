"""A server that sends the very bytes that a test gives it, with TLS or without; it keeps connections open."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Self


class RawServer:
    """Answers each request with the next of its replies; when none is left, it closes the connection.

    Args:
        replies: Each in pieces, sent until the other end closes. An empty piece closes the connection.
        tls: What to speak TLS with.

    Attributes:
        url: Where it listens.
        heads: What came, up to the blank line, of each request.
        opened: How many connections were made in all.
    """

    def __init__(self, *replies: Iterable[bytes], tls: ssl.SSLContext | None = None) -> None:
        self._replies = list(replies)
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._connections: list[socket.socket] = []
        self.heads: list[bytes] = []
        self.opened = 0
        self.port = self._socket.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    def answer(self, *replies: Iterable[bytes]) -> None:
        """Answer the next requests so, and nothing after them."""
        self._replies[:] = replies

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._threads[0].join()
        self._socket.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.opened += 1
            self._connections.append(connection)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, self._spoken(connection) as spoken:
            while self._read_head(spoken) and self._replies:
                for piece in self._replies.pop(0):
                    if not piece:
                        return
                    spoken.sendall(piece)

    def _spoken(self, connection: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def _read_head(self, connection: socket.socket) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            more = connection.recv(65536)
            if not more:
                return False
            head += more
        self.heads.append(head)
        return True


def reply(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> list[bytes]:
    """An answer that says how long it is."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return (
        ["\r\n".join([*lines, "", ""]).encode(), body] if body else ["\r\n".join([*lines, "", ""]).encode()]
    )
