"""A server that gives every request the same answer, byte for byte, and fast."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_END = b"\r\n\r\n"
_WITHOUT_BODY = (204, 304)


class Canned:
    """The server.

    Attributes:
        url: Where it listens; plain HTTP.
        asked: How many requests it got.
        head: The answer down to the empty line.
        body: The rest of it, which a HEAD does not get.
        close: Whether it hangs up after each answer.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.head = self.body = b""
        self.close = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._connections: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Answer every request so from now on."""
        self.body = b"" if status in _WITHOUT_BODY else body
        lines = [f"HTTP/1.1 {status} Odd", *(f"{name}: {value}" for name, value in headers.items())]
        lines.append(f"Content-Length: {len(self.body)}")
        self.head = "\r\n".join(lines).encode("latin-1") + _END
        self.close = False
        self.asked = 0

    def answer_bytes(self, everything: bytes) -> None:
        """Answer every request with these bytes, and hang up."""
        self.head, self.body, self.close, self.asked = everything, b"", True, 0

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._threads[0].join()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                connection, _ = self._server.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._connections.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            got = b""
            while data := connection.recv(65536):
                got += data
                head, end, body = got.partition(_END)
                length = _LENGTH.search(head)
                if not end or (length and len(body) < int(length[1])):
                    continue
                got = b""
                self.asked += 1
                connection.sendall(self.head if head.startswith(b"HEAD ") else self.head + self.body)
                if self.close:
                    return
