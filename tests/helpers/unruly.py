"""A server in another process that sends bytes around its answers that do not belong there.

``python -m tests.helpers.unruly SEED`` prints its port, and serves until its input ends. A GET is answered
with the id that ends its path; one answer in twenty each has interim answers before it, surplus bytes after
it, or is framed wrongly. Surplus bytes are often the whole answer to another request.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from socketserver import StreamRequestHandler, ThreadingTCPServer

__all__ = ["unruly"]

SHARE = 0.05
_HINTS = [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"]


def whole(ident: str, status: int = 200, request_id: str = "") -> bytes:
    """The correct answer about this id."""
    body = b"" if status == HTTPStatus.NO_CONTENT else json.dumps({"id": ident, "name": ident}).encode()
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json"]
    if request_id:
        lines.append(f"Request-Id: {request_id}")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def other(request_id: str) -> bytes:
    """The answer to another request; CloudAPI echoes the id of the request that it answers."""
    return whole(str(uuid.uuid4()), request_id=request_id)


def misframed(chance: random.Random, ident: str, request_id: str) -> tuple[bytes, bool]:
    """An answer that is framed wrongly, and whether the connection is closed after it."""
    body = whole(ident).partition(b"\r\n\r\n")[2]
    head = b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\n"
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    chunked = head + b"Transfer-Encoding: chunked\r\n"
    return chance.choice(
        [
            (head + b"Content-Length: 5\r\n\r\n" + body + other(request_id), False),  # short
            (head + b"Content-Length: 5000\r\n\r\n" + body, True),  # long, and cut off
            (head + b"Content-Length: x\r\n\r\n" + body, True),
            (head + b"Content-Length: 7\r\nContent-Length: 9\r\n\r\n" + body, True),
            (chunked + b"Content-Length: 3\r\n\r\n" + chunk + other(request_id), False),
            (chunked + b"\r\nzz\r\n" + body, True),
            (chunked + b"\r\n" + chunk[:-5] + other(request_id), True),  # without the last chunk
            (b"HTP/9 what\r\n\r\n" + body, True),
            (b"\r\n" + whole(ident) + other(request_id), False),
        ]
    )


class Handler(StreamRequestHandler):
    """One connection."""

    disable_nagle_algorithm = True
    chance = random.Random()  # noqa: S311 - not for secrets

    def handle(self) -> None:
        """Answer until the other end closes."""
        while line := self.rfile.readline():
            request_id = ""
            while (header := self.rfile.readline()) not in (b"\r\n", b""):
                if header.lower().startswith(b"x-request-id:"):
                    request_id = header.partition(b":")[2].decode().strip()
            method, target, _ = line.decode().split(" ")
            if not self.answer(method, target.rpartition("/")[2], request_id):
                return

    def answer(self, method: str, ident: str, request_id: str) -> bool:
        """Send one answer; return whether the connection stays open."""
        right = whole(ident, 204 if method == "DELETE" else 200, request_id)
        if method == "HEAD":
            right = right.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        kind = self.chance.random()
        if kind < SHARE:
            for hint in self.chance.choices(_HINTS, k=self.chance.randint(1, 4)):
                self.wfile.write(hint)
            self.wfile.write(right)
        elif kind < 2 * SHARE:
            surplus = self.chance.choice(
                [b"\r\n", b"x" * 20_000, other(request_id), _HINTS[0] + other(request_id)]
            )
            if self.chance.random() < 0.5:
                self.wfile.write(right + surplus)
            else:
                self.wfile.write(right)
                self.wfile.write(surplus)
        elif kind < 3 * SHARE and method == "GET":
            wrong, ends = misframed(self.chance, ident, request_id)
            self.wfile.write(wrong)
            return not ends
        else:
            self.wfile.write(right)
        return True


class Server(ThreadingTCPServer):
    """A thread for each connection."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore it: clients are right to close such connections."""


@contextmanager
def unruly(seed: int) -> Iterator[str]:
    """The URL of such a server."""
    command = [sys.executable, "-m", "tests.helpers.unruly", str(seed)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


def main(read: Callable[[], str] = sys.stdin.read) -> None:
    """Serve until the input ends."""
    Handler.chance.seed(sys.argv[1])
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        print(server.server_address[1], flush=True)
        read()
        server.shutdown()


if __name__ == "__main__":
    main()
