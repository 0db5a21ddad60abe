"""A scripted server, which sends the answers of a test byte for byte, with TLS or without.

It sends what the emulator never does: answers that are not CloudAPI's, and those of API 6.5.
"""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import trustme

from smartdc import DataCenter

__all__ = ["Asked", "Pieces", "Reply", "StubServer", "datacenter_at", "reply", "tls_settings"]

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_WITHOUT_BODY = (204, 304)

Pieces = Iterable[bytes | None]
"""An answer byte for byte. An empty piece closes the connection; None leaves it open and is the last."""


def datacenter_at(url: str, **arguments: Any) -> DataCenter:
    """A data center at a scripted server: no request is repeated."""
    return DataCenter(url, **{"login": "bob", "retry": "none", **arguments})


def reply(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> list[bytes]:
    """An answer with these headers and a Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return [head, body] if body else [head]


def tls_settings(folder: Path, host: str = "127.0.0.1") -> ssl.SSLContext:
    """The TLS settings of a server of this name; ``ca.pem`` in the folder has its certificate authority."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


@dataclass(frozen=True)
class Asked:
    """One request, raw and parsed.

    Attributes:
        head: All of it up to the blank line.
        content: The rest.
    """

    head: bytes
    content: bytes

    @cached_property
    def _lines(self) -> list[str]:
        return self.head.removesuffix(_END).decode("latin-1").split("\r\n")

    @property
    def method(self) -> str:
        return self._lines[0].partition(" ")[0]

    @property
    def target(self) -> str:
        return self._lines[0].split(" ")[1]

    @property
    def headers(self) -> dict[str, str]:
        """The headers, by their names in lower case."""
        pairs = (line.partition(":") for line in self._lines[1:])
        return {name.lower(): value.strip() for name, _, value in pairs}

    @property
    def body(self) -> Any:
        """The decoded JSON; None if there is no body."""
        return json.loads(self.content) if self.content else None


@dataclass(frozen=True)
class Reply:
    """One answer.

    Attributes:
        body: Bytes are sent unchanged, None is not sent, and other values are sent as JSON.
        length: A false Content-Length; the connection is closed after the answer.
        hang: Do not answer, and leave the connection open.
        dates: Date headers, instead of the one with the current time.
    """

    body: Any = None
    status: int = 200
    content_type: str | None = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    hang: bool = False
    dates: tuple[str, ...] | None = None

    @property
    def content(self) -> bytes:
        """The bytes of the body."""
        if self.body is None or self.status in _WITHOUT_BODY:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    def pieces(self, method: str) -> Pieces:
        """The answer to a request with this verb."""
        if self.hang:
            return [None]
        headers = [("Date", date) for date in self.dates or ()]
        if self.dates is None:
            headers = [("Date", formatdate(usegmt=True))]
        if self.content_type is not None:
            headers.append(("Content-Type", self.content_type))
        lines = [f"{name}: {value}" for name, value in [*headers, *self.headers.items()]]
        head, *content = reply(self.content, *lines, status=f"{self.status} Scripted", length=self.length)
        sent = head if method == "HEAD" else head + b"".join(content)
        return [sent] if self.length is None else [sent, b""]


class StubServer:
    """Answers each request with the next of its replies, or else with a 599.

    Args:
        replies: The first replies.
        port: Where to listen; 0 takes any that is free.
        tls: The TLS settings; None is plain HTTP.

    Attributes:
        url: Where it listens.
        asked: The requests that it got.
        opened: How many connections were made in all.
        otherwise: The answer when no reply is left.
    """

    def __init__(self, *replies: Reply | Pieces, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.opened = 0
        self.otherwise: Reply | Pieces = Reply(b"no reply is left", 599, "text/plain")
        self._replies = list(replies)
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", port), backlog=256)
        self._threads = [threading.Thread(target=self._accept)]
        self._connections: list[socket.socket] = []
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    @property
    def heads(self) -> list[bytes]:
        """The heads of the requests, as they came."""
        return [asked.head for asked in self.asked]

    def answer(self, *replies: Reply | Pieces) -> None:
        """Add replies for the next requests."""
        self._replies += replies

    def send_past_tls(self, data: bytes) -> None:
        """Send bytes without encrypting them, on the connection that was opened last."""
        os.write(self._connections[-1].fileno(), data)

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
        with suppress(OSError):  # closed
            while True:
                connection, _ = self._socket.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.opened += 1
                self._connections.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, self._secured(connection) as secured:
            if isinstance(secured, ssl.SSLSocket):
                secured.do_handshake()
            got = b""
            while data := secured.recv(65536):
                requests, got = _requests(got + data)
                self.asked += requests
                for asked in requests:
                    for piece in self._pieces(asked):
                        if not piece:
                            if piece is None:
                                secured.recv(1)  # until one end closes it
                            return
                        secured.sendall(piece)

    def _secured(self, connection: socket.socket) -> socket.socket:
        if self._tls is None:
            return connection
        secured = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._connections.append(secured)  # which has taken the socket from the other
        return secured

    def _pieces(self, asked: Asked) -> Pieces:
        chosen = self._replies.pop(0) if self._replies else self.otherwise
        return chosen.pieces(asked.method) if isinstance(chosen, Reply) else chosen


def _requests(got: bytes) -> tuple[list[Asked], bytes]:
    """All requests that have come completely, and the rest."""
    found: list[Asked] = []
    while _END in got:
        head, _, rest = got.partition(_END)
        stated = _LENGTH.search(head)
        length = int(stated[1]) if stated else 0
        if len(rest) < length:
            break
        found.append(Asked(head + _END, rest[:length]))
        got = rest[length:]
    return found, got
