"""WebSockets: from a signed request to an open socket, or to the server's refusal.

The library `websockets` implements the protocol; the extra ``stream`` installs it, and it is imported when it
is needed.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from smartdc._forks import importing
from smartdc._http.environment import Proxy, proxies_for, proxy_of, refuse_unreadable, with_scheme
from smartdc._http.failures import failure, refused_by_proxy, unusable_authorities
from smartdc._http.insecure import is_this_machine
from smartdc._http.shared_tls import SharedTLSSocket
from smartdc.errors import ConfigurationError, ConnectionFailed, InvalidResponse, RequestTimeout

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

__all__ = ["Upgraded", "WebSocket", "dial", "require_websockets"]

log: logging.Logger = logging.getLogger("smartdc.websocket")
# At DEBUG, the library logs all headers, with the signature, and the contents of messages.
log.setLevel(logging.INFO)

PING_SECONDS = 20.0
"""Seconds between two pings, which the server answers: a proxy closes connections that are idle for long."""
CLOSE_SECONDS = 2.0
"""Seconds that the other end has to answer a close."""
_STEP_SECONDS = 0.1
_UNREAD = 1000
"""How many messages may be unread. If there are more, the library stops reading, and misses the answers to
its pings; those tell it that the other end is there."""

_NOT_TAKEN_OVER = ("connection", "content-length", "host", "transfer-encoding", "upgrade", "user-agent")
"""Headers that the library sends itself, or that must not be sent twice."""


class WebSocket:
    """An open WebSocket, as the streams see it.

    Args:
        connection: The library's.
        where: Verb and path, for errors.
    """

    def __init__(self, connection: ClientConnection, where: str) -> None:
        self._connection = connection
        self._where = where
        self._early: deque[bytes] = deque()

    @property
    def subprotocol(self) -> str | None:
        """The one that the server chose."""
        return self._connection.subprotocol

    def receive(self, timeout: float | None) -> bytes | None:
        """The next message, text not decoded; None when the other end has closed, or this one.

        Raises:
            TimeoutError: No message came in time.
            ConnectionFailed: The connection broke.
            InvalidResponse: The message is too large, or has too many parts.
        """
        from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, WebSocketException
        from websockets.frames import CloseCode

        if self._early:
            return self._early.popleft()
        try:
            # A text that the library could not decode would be lost if the other end has closed.
            return self._connection.recv(timeout, decode=False)
        except ConnectionClosedOK as error:
            if isinstance(error.__cause__, WebSocketException):
                raise InvalidResponse(
                    f"{self._where}: a message of the stream cannot be read ({error.__cause__})"
                ) from error
            return None
        except ConnectionClosed as error:
            if error.sent is not None and error.sent.code == CloseCode.MESSAGE_TOO_BIG:
                raise InvalidResponse(
                    f"{self._where}: a message of the stream is too large ({error.sent.reason}); "
                    "give DataCenter a larger max_response"
                ) from error
            raise ConnectionFailed(f"{self._where}: the stream broke off ({error})") from error

    def send(self, message: str | bytes) -> None:
        """Send a message.

        Raises:
            ConnectionFailed: The connection is closed or broke.
        """
        from websockets.exceptions import ConnectionClosed

        try:
            self._connection.send(message)
        except ConnectionClosed as error:
            raise ConnectionFailed(f"{self._where}: the stream is closed ({error})") from error

    def settle(self, timeout: float) -> None:
        """Wait until the server has read all that was sent: it answers a ping after that.

        Messages that come before the answer are kept for `receive`: the library reads no further if too many
        are unread.
        """
        from websockets.exceptions import ConnectionClosed
        from websockets.protocol import State

        end = time.monotonic() + timeout
        try:
            pong = self._connection.ping()
        except ConnectionClosed as error:
            raise ConnectionFailed(f"{self._where}: the stream broke off ({error})") from error
        # In steps: nothing wakes this when the connection breaks.
        while not pong.wait(_STEP_SECONDS):
            with suppress(TimeoutError, ConnectionClosed):
                while not pong.is_set():
                    self._early.append(self._connection.recv(0, decode=False))
            if self._connection.state is not State.OPEN:
                raise ConnectionFailed(f"{self._where}: the stream broke off")
            if time.monotonic() > end:
                raise RequestTimeout(f"{self._where}: no answer in time")

    def close(self) -> None:
        """Close the WebSocket; any thread may do so, more than once."""
        self._connection.close()


class Upgraded(requests.Response):
    """The answer that upgraded the connection to a WebSocket."""

    websocket: WebSocket


def require_websockets() -> None:
    """Import the library.

    Raises:
        ConfigurationError: The extra ``stream`` is not installed.
    """
    try:
        with importing:
            import websockets.sync.client  # noqa: F401
    except ImportError as error:
        raise ConfigurationError("streams need the extra 'stream': pip install 'smartdc[stream]'") from error


def dial(
    request: requests.PreparedRequest,
    timeout: float | tuple[float, float],
    authorities: bool | str,
    max_size: int,
    subprotocols: Sequence[str] = (),
) -> Upgraded:
    """Make one attempt to open a WebSocket.

    Args:
        request: The request, signed.
        timeout: Seconds for the whole of it.
        authorities: What to trust: True, False, or the path of the authorities.
        max_size: How many bytes of a message to take.
        subprotocols: Those that are acceptable, best first.

    Returns:
        The answer; one of 400 and above has no `websocket`.

    Raises:
        ConfigurationError: The extra ``stream`` is not installed.
        TransportError: There was no answer, or not that of a WebSocket.
    """
    require_websockets()
    with importing:
        from websockets.exceptions import (
            ConnectionClosed,
            InvalidProxy,
            InvalidProxyStatus,
            InvalidStatus,
            InvalidURI,
            WebSocketException,
        )
        from websockets.proxy import get_proxy
        from websockets.sync.client import ClientConnection, connect
        from websockets.typing import Subprotocol
        from websockets.uri import parse_uri

    class Client(ClientConnection):
        """Differs from the library's in two points.

        It does not follow redirects: a request that was signed for one URL is not sent to another. And if the
        answer to a ping or a close cannot be sent, it still processes what came with them.
        """

        def handshake(self, *args: Any, **kwargs: Any) -> None:
            try:
                super().handshake(*args, **kwargs)
            except InvalidStatus as refusal:
                raise _Refused(refusal.response) from None

        def send_data(self) -> None:
            try:
                super().send_data()
            except OSError:
                # The thread that reads would drop the messages; it notices the end when it reads on.
                if threading.current_thread() is not self.recv_events_thread:
                    raise

    url, path = request.url or "", request.path_url
    address, secure = url.replace("http", "ws", 1), url.startswith("https:")
    about: dict[str, Any] = {"method": "GET", "path": path}
    try:
        # No proxy could reach this machine itself.
        proxy = None if is_this_machine(url) else get_proxy(parse_uri(address))
        opened = connect(
            address,
            ssl=_tls(authorities) if secure else None,
            additional_headers=_headers(request),
            user_agent_header=_text(request.headers.get("User-Agent")),
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            compression=None,
            proxy=proxy and with_scheme(proxy),
            open_timeout=timeout[0] + timeout[1] if isinstance(timeout, tuple) else timeout,
            ping_interval=PING_SECONDS,
            close_timeout=CLOSE_SECONDS,
            max_queue=_UNREAD,
            max_size=max_size,
            create_connection=Client,
            logger=log,
        ).__enter__()
    except _Refused as refusal:
        answer = _answer(request, refusal.response)
        if answer.status_code < 400:
            message = f"GET {path}: {answer.status_code} where a WebSocket was expected"
            raise InvalidResponse(message, response=answer, lasting=True, **about) from None
        return answer
    except ssl.SSLError as error:
        raise failure(error, "GET", path, url, authorities, None) from error
    except TimeoutError as error:
        raise RequestTimeout(f"GET {path}: no answer from {url} in time", **about) from error
    except (OSError, EOFError) as error:
        raise ConnectionFailed(f"GET {path}: no connection to {url} ({error})", **about) from error
    except InvalidURI as error:
        raise ConfigurationError(f"GET {url}: {error}") from error
    except InvalidProxy as error:  # its own text has the proxy's password
        raise ConfigurationError(f"GET {url}: the environment's proxy cannot be used: {error.msg}") from None
    except ImportError as error:
        raise ConfigurationError(f"GET {url}: the environment's proxy cannot be used: {error}") from error
    except InvalidProxyStatus as error:
        refusing = proxy_of(url, proxies_for(url)) or Proxy("HTTPS_PROXY", "proxy", has_user=False)
        raise refused_by_proxy(refusing, error.response.status_code, "GET", path, url) from None
    except WebSocketException as error:
        if isinstance(error, ConnectionClosed) or isinstance(error.__cause__, EOFError | OSError):
            message = f"GET {path}: no answer from {url}: the connection broke"
            raise ConnectionFailed(message, **about) from error
        raise InvalidResponse(f"GET {path}: {url} does not speak WebSocket ({error})", **about) from error
    answer = _answer(request, opened.response)
    answer.websocket = WebSocket(opened, f"GET {path}")
    return answer


class _Refused(Exception):
    """The server answered, but not with an upgrade."""

    def __init__(self, response: Any) -> None:
        super().__init__(response)
        self.response = response


def _answer(request: requests.PreparedRequest, response: Any) -> Upgraded:
    answer = Upgraded()
    answer.status_code = response.status_code
    answer.reason = response.reason_phrase
    answer.headers = CaseInsensitiveDict(response.headers.raw_items())
    answer.request = request
    answer.url = request.url or ""
    answer._content = bytes(response.body or b"")
    return answer


def _headers(request: requests.PreparedRequest) -> dict[str, str]:
    return {
        name: _text(value) or ""
        for name, value in request.headers.items()
        if name.lower() not in _NOT_TAKEN_OVER
    }


def _text(value: str | bytes | None) -> str | None:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _tls(authorities: bool | str) -> ssl.SSLContext:
    context = _context(authorities)
    context.sslsocket_class = SharedTLSSocket  # the library reads in another thread
    return context


def _context(authorities: bool | str) -> ssl.SSLContext:
    if authorities is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    # The same authorities as for every other request.
    trusted = Path(DEFAULT_CA_BUNDLE_PATH if authorities is True else authorities)
    try:
        refuse_unreadable(str(trusted))
    except OSError as error:
        raise unusable_authorities(error, authorities) from error
    if trusted.is_dir():
        return ssl.create_default_context(capath=str(trusted))
    return ssl.create_default_context(cafile=str(trusted))
