"""The pooled connections to one server, and the limits on size and time of one answer.

This module keeps an answer from being taken for that of another request, and an endless answer from blocking
a
thread: interim answers (1xx) are skipped, and a connection is closed instead of used again when unread bytes
are left on it.
"""

from __future__ import annotations

import io
import queue
import time
from collections import deque
from http import HTTPStatus
from http.client import HTTPResponse, UnknownProtocol
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from smartdc._http.environment import refuse_unreadable
from smartdc._http.heads import read_fields

__all__ = ["HEAD_LIMIT", "MOST_INTERIM", "Adapter", "Overlong"]

HEAD_LIMIT = 256 * 1024
"""Bytes of status line and headers, and of the interim answers before them."""

MOST_INTERIM = 20
"""Interim answers (1xx) before the one that counts; 100 Continue is bounded by `HEAD_LIMIT` alone."""

_WITHOUT_BODY = (204, 304)


class Overlong(Exception):
    """An answer goes on for longer than it is read, or its end is unknown.

    `requests` and urllib3 do not catch it, and close the connection.
    """


class _Incoming(io.RawIOBase):
    """The bytes of one answer as they come: they are counted, and not read after the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: Any, connection: _Bounded) -> None:
        self._raw = raw
        self._sock = sock
        self._timeout: float | None = connection.timeout
        self._pace = connection.pace
        self._deadline = connection.deadline
        self._count = 0
        self._limit: float = HEAD_LIMIT
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.ended:
            return None  # do not wait for more
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer is not complete in time")
        if self._timeout is None or left < self._timeout:
            self._sock.settimeout(left)
        count = self._raw.readinto(buffer)
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


class _Answer(HTTPResponse):
    """One answer. If bytes follow it, the connection is closed, as they belong to no request."""

    fp: Any

    def __init__(self, sock: Any, method: str | None, connection: _Bounded) -> None:
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
        stated = None if self.chunked or self.length is not None else self.headers.get("Content-Length")
        if stated is not None:
            raise Overlong(f"its Content-Length is {stated[:40]!r}")
        if self.status in _WITHOUT_BODY and self.chunked:
            self.chunked = False
            del self.headers["Transfer-Encoding"]
        if self._connection.goes_on and self.status < 300:
            self._incoming.go_on()
        else:
            self._incoming.allow(self._connection.limit)

    def _read_head(self) -> None:
        """Read the next head, and what it says of the body, as `begin` of the base class does."""
        version, status, reason = self._read_status()  # type: ignore[attr-defined]
        while status == HTTPStatus.CONTINUE:
            read_fields(self.fp)
            version, status, reason = self._read_status()  # type: ignore[attr-defined]
        if not version.startswith(("HTTP/1.", "HTTP/0.9")):
            raise UnknownProtocol(version)
        self.code = self.status = status
        self.reason = reason.strip()
        self.version = 10 if version in ("HTTP/1.0", "HTTP/0.9") else 11
        self.headers = self.msg = read_fields(self.fp)
        self.chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.length = None if self.chunked else _length(self.headers.get("content-length", ""))
        if status in _WITHOUT_BODY or status < 200 or self._method == "HEAD":  # type: ignore[attr-defined]
            self.length = 0
        self.will_close = self._check_close() or not (  # type: ignore[attr-defined]
            self.chunked or self.length is not None
        )

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
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:
            raise ValueError("a chunk of a negative size")  # as for a size that is not a number
        return size

    def _close_conn(self) -> None:
        incoming, buffered = self._incoming, self.fp
        self.fp = None
        incoming.ended = True
        surplus = buffered.peek(1)
        buffered.close()
        if surplus:
            self._connection.close()


def _length(stated: str) -> int | None:
    """The length that a Content-Length states; None if it is not a number, or negative."""
    try:
        length = int(stated)
    except ValueError:
        return None
    return length if length >= 0 else None


if TYPE_CHECKING:
    _Connection = HTTPConnection
    _Pool = HTTPConnectionPool
else:
    _Connection = _Pool = object


class _Bounded(_Connection):
    """A connection whose answers have an end.

    Attributes:
        limit: Bytes of an answer after its head.
        goes_on: Whether what comes after the head is a stream, which has no end.
        deadline: When the answer must be complete, on the monotonic clock.
        pace: Seconds that a stream may be silent; its `timeout` is also cut to the time of one answer.
    """

    limit: int
    goes_on: bool
    deadline: float
    pace: float | None

    def response_class(  # type: ignore[override]  # urllib3 only calls it
        self, sock: Any, debuglevel: int = 0, method: str | None = None
    ) -> _Answer:
        return _Answer(sock, method, self)

    @property
    def is_connected(self) -> bool:
        # Bytes that TLS has decrypted, but that were not read, are no longer in the socket.
        pending = getattr(self.sock, "pending", None)
        return super().is_connected and not (pending and pending())

    def putheader(self, header: str, *values: str) -> None:  # type: ignore[override]
        """Write a header: printable ASCII directly, as `prepared` has checked it; others as the base does."""
        line = f"{header}: {values[0]}"
        if isinstance(values[0], str) and line.isascii() and line.isprintable():
            self._output(line.encode())  # type: ignore[attr-defined]
        else:
            super().putheader(header, *values)


class _PlainConnection(_Bounded, HTTPConnection):
    pass


class _TLSConnection(_Bounded, HTTPSConnection):
    pass


class _Idle:
    """The connections that are not in use; the one that was used last is taken first.

    It has no lock, unlike `queue.LifoQueue`: Ctrl-C cannot leave it locked.
    """

    def __init__(self, _size: int) -> None:
        self._connections: deque[Any] = deque()

    def put(self, connection: Any, block: bool = True) -> None:
        if connection is not None:  # urllib3 puts None for one that was closed
            self._connections.append(connection)

    def get(self, block: bool, timeout: float | None = None) -> Any:
        try:
            return self._connections.pop()
        except IndexError:
            raise queue.Empty from None  # then urllib3 opens a connection


class _BoundedPool(_Pool):
    """A pool of connections whose answers have an end.

    The `total` of a request's timeout bounds the whole answer.

    Attributes:
        limit: The limit of its connections.
        goes_on: The same as for its connections; then each is used once.
    """

    QueueCls: Any = _Idle
    limit: int
    goes_on: bool

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["pool_timeout"] = kwargs["timeout"]
        kwargs["headers"] = dict(kwargs["headers"].items())  # urllib3 copies and iterates them several times
        return super().urlopen(*args, **kwargs)

    def _get_timeout(self, timeout: Any) -> Any:
        """Return it unchanged: it was made for this request alone."""
        return timeout

    def _get_conn(self, timeout: Any = None) -> Any:
        """Take a connection; what `urlopen` passes on as seconds is the whole timeout of the request."""
        started = time.monotonic()
        connection: Any = super()._get_conn()
        connection.limit, connection.goes_on = self.limit, self.goes_on
        connection.pace = timeout.read_timeout  # the total does not cut it before the connection is begun
        connection.deadline = float("inf") if timeout.total is None else started + timeout.total
        return connection

    def _put_conn(self, conn: Any) -> None:
        if not self.goes_on:
            super()._put_conn(conn)
        elif conn is not None:
            conn.close()


class _PlainPool(_BoundedPool, HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TLSPool(_BoundedPool, HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


_POOLS = {"http": _PlainPool, "https": _TLSPool}


class Adapter(HTTPAdapter):
    """Keeps the pool of its one server, which the base class would look up anew for each request.

    It opens a connection whenever none is idle: `smartdc._http.places` limits their number.

    Args:
        pool_size: How many connections to keep.
        limit: Bytes of an answer after its head.
        warned: Whether the caller was warned that certificates are not verified.
        goes_on: Whether answers are streams, which have no end, on connections that are not kept.
    """

    def __init__(self, pool_size: int, limit: int, warned: bool, *, goes_on: bool = False) -> None:
        self._pools: dict[bool | str, Any] = {}
        self._limit = limit
        self._warned = warned
        self._goes_on = goes_on
        super().__init__(pool_connections=1, pool_maxsize=pool_size)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        pool: Any = self._pools.get(verify)
        if pool is None:
            pool = super().get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
            if pool.scheme == "https":
                refuse_unreadable(verify)
            super().cert_verify(pool, request.url, verify, cert)  # type: ignore[no-untyped-call]
            pool.limit, pool.goes_on = self._limit, self._goes_on
            if self._warned and pool.scheme == "https":
                # urllib3's own method would warn at each request.
                pool._validate_conn = _connected
            self._pools[verify] = pool
        return pool

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        return super().request_url(request, proxies) if proxies else request.path_url

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Make a response as the base class does, but without cookies: CloudAPI has none."""
        response = requests.Response()
        response.status_code, response.reason, response.raw = resp.status, resp.reason, resp
        response.headers = CaseInsensitiveDict(resp.headers.itermerged())
        response.encoding = get_encoding_from_headers(response.headers)
        response.url = req.url or ""
        response.request, response.connection = req, self
        return response

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Do nothing: certificates were set up when the pool was made."""

    def close(self) -> None:
        # A pool closes its connections when it is garbage-collected.
        self._pools.clear()
        super().close()


def _connected(connection: Any) -> None:
    if connection.sock is None:
        connection.connect()
