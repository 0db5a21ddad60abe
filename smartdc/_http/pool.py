"""The pooled connections to one server, and the limits on size and time of one answer."""

from __future__ import annotations

import queue
import time
from collections import deque
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from smartdc._http.environment import refuse_unreadable
from smartdc._http.framing import BoundedAnswer

__all__ = ["Adapter"]

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
    ) -> BoundedAnswer:
        return BoundedAnswer(sock, method, self)

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
    def _tunnel(self) -> None:
        """Ask the proxy for a tunnel; urllib3 blames the proxy for an error if this connection is closed."""
        try:
            super()._tunnel()
        except (HTTPException, ConnectionError):
            self.close()
            raise
        if self.sock is None:  # closed, because something follows the answer
            raise ConnectionError("it sent more than its answer to CONNECT")


class _Idle:
    """The connections that are not in use; the one that was used last is taken first.

    It has no lock, unlike `queue.LifoQueue`: Ctrl-C cannot leave it locked.
    """

    def __init__(self, _size: int) -> None:
        self._connections: deque[Any] = deque()

    def put(self, connection: Any, block: bool | None = None) -> None:
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
        connection.deadline = started + timeout.total
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
