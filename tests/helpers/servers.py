"""A small HTTP server that answers what a test tells it to.

For what the emulator never sends: answers that are none of CloudAPI's, and the API 6.5 of old.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from smartdc import DataCenter


def datacenter_at(url: str, **arguments: Any) -> DataCenter:
    """A data center at a server whose every answer counts: no request is made again."""
    return DataCenter(url, **{"login": "bob", "retry": "none", **arguments})


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Reply:
    """One answer.

    Attributes:
        body: Sent as it is when it is bytes, not at all when None, else as JSON.
        length: What Content-Length claims, where that is not the truth.
        hang: Do not answer before the server is closed.
        dates: Date headers, instead of the one that tells the time.
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
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class StubServer:
    """Answers requests with the replies it was given, in their order.

    Args:
        port: Where to listen; 0 takes any that is free.

    Attributes:
        url: Where it listens; plain HTTP.
        asked: The requests that it got.
    """

    def __init__(self, port: int = 0) -> None:
        self.asked: list[Asked] = []
        self._replies: list[Reply] = []
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, *replies: Reply) -> None:
        """Answer the next requests so."""
        self._replies += replies

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                stub.asked.append(Asked(self.command, self.path, headers, json.loads(body) if body else None))
                reply = (
                    stub._replies.pop(0) if stub._replies else Reply(b"no reply is left", 599, "text/plain")
                )
                if reply.hang:
                    stub._closing.wait()
                    return
                if reply.dates is None:
                    self.send_response(reply.status)
                else:
                    self.send_response_only(reply.status)
                for date in reply.dates or ():
                    self.send_header("Date", date)
                if reply.content_type is not None:
                    self.send_header("Content-Type", reply.content_type)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                length = len(reply.content) if reply.length is None else reply.length
                self.send_header("Content-Length", str(length))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(reply.content)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
