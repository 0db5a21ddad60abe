"""Where one answer ends: its framing, and the limits on its size and time.

This module keeps an answer from being taken for that of another request, and an endless answer from blocking
a thread: interim answers (1xx) are skipped, and a connection is closed instead of used again when unread
bytes are left on it. An answer that ends too early is a broken connection.
"""

from __future__ import annotations

import io
import re
import time
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, LineTooLong, RemoteDisconnected
from typing import Any

from smartdc._http.heads import read_fields

__all__ = ["HEAD_LIMIT", "MOST_INTERIM", "BoundedAnswer", "NotHTTP", "Overlong"]

HEAD_LIMIT = 256 * 1024
"""Bytes of status line and headers, and of the interim answers before them."""

MOST_INTERIM = 20
"""Interim answers (1xx) before the one that counts; 100 Continue is bounded by `HEAD_LIMIT` alone."""

_WITHOUT_BODY = (204, 304)
_STATUS_LINE = r"HTTP/(0\.9|1\.[0-9])[ \t]+([1-9][0-9]{2})(?:[ \t](.*))?\r?\n"
_BEGINNING = 4
_LENGTH = r"[0-9]{1,18}"
_CHUNK_SIZE = rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\r?\n"
_LONGEST_LINE = 65536
"""The limit of http.client."""


class Overlong(Exception):
    """An answer goes on for longer than it is read, or its end is unknown.

    `requests` and urllib3 do not catch it, and close the connection.
    """


class NotHTTP(HTTPException):
    """What came is not an answer of HTTP. Its text is not quoted: it may be a part of a machine's metadata.

    Attributes:
        beginning: The first characters, which show another protocol.
    """

    def __init__(self, text: str) -> None:
        line, ended, _ = text.partition("\n")
        count = f"{len(line.strip())}{'' if ended else ' or more'}"
        super().__init__(f"its answer is not HTTP: the first line has {count} characters")
        self.beginning = line[:_BEGINNING]


class _Incoming(io.RawIOBase):
    """The bytes of one answer as they come: they are counted, and not read after the deadline.

    Attributes:
        ended: Whether the answer has been read, so that nothing more is waited for.
        may_end: Whether the connection may end now: not in a head, and not before the end of chunks.
    """

    def __init__(self, raw: io.RawIOBase, sock: Any, connection: Any) -> None:
        self._raw = raw
        self._sock = sock
        self._timeout: float | None = connection.timeout
        self._pace = connection.pace
        self._deadline = connection.deadline
        self._count = 0
        self._limit: float = HEAD_LIMIT
        self.ended = self.may_end = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.ended:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer is not complete in time")
        if self._timeout is None or left < self._timeout:
            self._sock.settimeout(left)
        count = self._raw.readinto(buffer)
        if not count and self._count and not self.may_end:
            raise ConnectionAbortedError("it ended before the end of the answer")
        self._count += count or 0
        if self._count > self._limit:
            raise Overlong(f"it goes on after {self._limit:.0f} bytes")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()

    def allow(self, size: float) -> None:
        """Permit this many bytes after the head."""
        self._limit += size

    def go_on(self) -> None:
        """Permit any size and duration: the answer is a stream."""
        self._limit = self._deadline = float("inf")
        self._sock.settimeout(self._pace)


class BoundedAnswer(HTTPResponse):
    """One answer. If bytes follow it, the connection is closed, as they belong to no request."""

    fp: Any

    def __init__(self, sock: Any, method: str | None, connection: Any) -> None:
        super().__init__(sock, method=method)
        self._connection = connection
        self._incoming = _Incoming(self.fp.detach(), sock, connection)
        self.fp = io.BufferedReader(self._incoming)

    def begin(self) -> None:
        for _ in range(MOST_INTERIM + 1):
            self._read_head()
            if self.status >= 200 or self.status == 101:
                break
        else:
            raise Overlong(f"more than {MOST_INTERIM} interim answers (1xx) came first")
        if not self._is_framed_well():
            self.will_close = True
        if not self.chunked and self.length is None:
            self._refuse_unknown_length()
        if self.status in _WITHOUT_BODY and self.chunked:
            self.chunked = False
            del self.headers["Transfer-Encoding"]
        self._incoming.may_end = not self.chunked
        if self._connection.goes_on and self.status < 300:
            self._incoming.go_on()
        else:
            self._incoming.allow(self._connection.limit)

    def _read_head(self) -> None:
        """Read the next head, and what it says of the body, as `begin` of the base class does."""
        version, status, reason = self._read_status_line()
        while status == HTTPStatus.CONTINUE:
            read_fields(self.fp)
            version, status, reason = self._read_status_line()
        self.code = self.status = status
        self.reason = reason.strip()
        self.version = 10 if version in ("0.9", "1.0") else 11
        self.headers = self.msg = read_fields(self.fp)
        self.chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.length = None if self.chunked else _length(self.headers.get("content-length", ""))
        if status in _WITHOUT_BODY or status < 200 or self._method == "HEAD":  # type: ignore[attr-defined]
            self.length = 0
        self.will_close = self._check_close() or not (  # type: ignore[attr-defined]
            self.chunked or self.length is not None
        )

    def _read_status_line(self) -> tuple[str, int, str]:
        """Read version, status and reason."""
        start = self.fp.peek()
        if not b"HTTP/".startswith(start[:5]):  # such a line may have no end
            raise NotHTTP(start.decode("latin-1"))
        line = self.fp.readline(_LONGEST_LINE + 1).decode("latin-1")
        if len(line) > _LONGEST_LINE:
            raise LineTooLong("status line")
        if not line:
            raise RemoteDisconnected("Remote end closed connection without response")
        match = re.fullmatch(_STATUS_LINE, line)
        if match is None:
            raise NotHTTP(line)
        return match[1], int(match[2]), match[3] or ""

    def _read_status(self) -> tuple[str, int, str]:
        """Read the status of a proxy's answer to CONNECT, without the reason, which errors would quote."""
        version, status, _ = self._read_status_line()
        return version, status, ""

    def _refuse_unknown_length(self) -> None:
        """Refuse an answer that states its length so that it cannot be read."""
        stated = self.headers.get("Content-Length")
        if stated is not None:
            raise Overlong(f"its Content-Length ({len(stated)} characters) is not a number")
        if self.headers.get("Transfer-Encoding") is not None:
            raise Overlong("its Transfer-Encoding, which was not asked for, is not chunked")
        if self.headers.defects:  # the fields after such a line are lost
            raise Overlong("a line of its head is not a field, and no length comes before it")

    def _is_framed_well(self) -> bool:
        """Whether every implementation would see the same end of the answer (RFC 9112, section 6.3)."""
        lengths, encodings = set(), []
        for name, value in self.headers.raw_items():
            field = name.lower()
            if field == "content-length":
                lengths.add(value.strip())
            elif field == "transfer-encoding":
                encodings.append(value.strip().lower())
        if self.status == 101 or self.headers.defects or len(lengths) + len(encodings) > 1:
            return False
        if self.status == 204 and (encodings or lengths - {"0"}):
            return False
        return encodings in ([], ["chunked"]) and all(
            length.isascii() and length.isdigit() for length in lengths
        )

    def _read_next_chunk_size(self) -> int:
        line = self.fp.readline(_LONGEST_LINE)
        size = re.fullmatch(_CHUNK_SIZE, line)
        if size is None:
            raise ValueError("a chunk without its size")  # as the base class does
        return int(size[1], 16)

    def _close_conn(self) -> None:
        incoming, buffered = self._incoming, self.fp
        self.fp = None
        incoming.ended = True
        surplus = buffered.peek()
        buffered.close()
        if surplus:
            self._connection.close()


def _length(stated: str) -> int | None:
    """The length that a Content-Length states; None if it is not a number in decimal digits."""
    return int(stated) if re.fullmatch(_LENGTH, stated.strip()) else None
