"""The web server: one uvicorn in one background thread, TLS, and one listening socket per data center."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, cast

import trustme
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

from smartdc.emulator.http.fault_kinds import TRANSPORT

#: How long idle connections are kept, so that a client that polls every few minutes can use its connection.
KEEP_ALIVE_SECONDS = 600
#: How long stopping waits for requests that are being answered.
GRACE_SECONDS = 2.0
_STARTUP_SECONDS = 20.0
#: Ports of servers that open them again. Outgoing connections get others: Linux from 32768, macOS from 49152.
_LASTING_PORTS = range(20000, 32768)
#: Turns of the event loop after which an aborted connection has ended; SSH and TLS need several.
_TURNS = 20


@cache
def authority() -> trustme.CA:
    """Return the certificate authority of this process; making one takes longer than starting a server."""
    return trustme.CA()


@cache
def tls_context(names: tuple[str, ...], signer: trustme.CA) -> ssl.SSLContext:
    """Return a TLS context with a certificate for these names and addresses, signed by this authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    signer.issue_cert(*names).configure_cert(context)
    return context


def write_authority(path: Path, signer: trustme.CA) -> None:
    """Write the certificate that a client has to trust, in PEM."""
    path.write_bytes(signer.cert_pem.bytes())


def listen(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """Open the sockets; port 0 picks a free port.

    Raises:
        OSError: A port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    try:
        for port in ports:
            # With IPPROTO_TCP asyncio switches Nagle's algorithm off, which would cost 40 ms a connection.
            listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            sockets.append(listening)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
            listening.listen(256)
    except OSError as error:
        for listening in sockets:
            listening.close()
        raise OSError(error.errno, f"cannot listen at {host}:{port} ({error.strerror})") from error
    return sockets


def free_port(host: str) -> int:
    """Return a port that is free now, and that no outgoing connection takes later.

    If none is found, as at an address that is not of this machine, `listen` says why.
    """
    for port in random.sample(_LASTING_PORTS, 100):
        with suppress(OSError):
            (probe,) = listen(host, [port])
            probe.close()
            break
    return port


class Server:
    """The server's thread.

    Args:
        app: The application.
        names: The names and addresses by which clients reach it.
        sockets: From `listen`; the server closes them.
        signer: Signs its certificate.
    """

    def __init__(
        self, app: ASGIApp, names: tuple[str, ...], sockets: Sequence[socket.socket], signer: trustme.CA
    ) -> None:
        context = tls_context(names, signer)
        self._app = app
        config = uvicorn.Config(
            self._serve,
            interface="asgi3",
            http="h11",
            ws=_WebSocket,
            ws_per_message_deflate=False,
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            ssl_context_factory=lambda _config, _default: context,
        )
        self._uvicorn = _Uvicorn(config)
        self._sockets = list(sockets)
        self._thread = threading.Thread(target=self._run, name="smartdc-emulator", daemon=True)

    def start(self) -> None:
        """Start to serve; when this returns, requests are answered."""
        self._thread.start()
        if not self._uvicorn.ready.wait(_STARTUP_SECONDS) or not self._uvicorn.started:
            raise RuntimeError("the emulator's server did not start")

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of the thread, for what else is served there."""
        return self._uvicorn.loop

    def stop(self) -> None:
        """Close everything and end the thread, without waiting for idle connections."""
        self._uvicorn.ask_to_stop()
        self._thread.join()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, with the transport in the scope, so that faults can end the connection."""
        extensions = scope.setdefault("extensions", {})
        for connection in self._uvicorn.server_state.connections:
            if getattr(connection, "scope", None) is scope:
                extensions[TRANSPORT] = connection.transport
        await self._app(scope, receive, send)

    def _run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                runner.run(self._uvicorn.serve(self._sockets))
        finally:
            self._uvicorn.ready.set()


class _ClosedOnce:
    """A transport that is closed at most once: a TLS transport cannot be aborted after a second close."""

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close it, unless it is already closing."""
        if not self._transport.is_closing():
            self._transport.close()


class _WebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, with four corrections.

    Without them it would log a refusal as an application without a handshake, answer a ping before the
    application has seen earlier messages (a real server does not), close connections twice, and fail while it
    stops.

    uvicorn's other implementation uses a part of `websockets` that is deprecated.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with a transport that is closed only once."""
        super().connection_made(cast(asyncio.BaseTransport, _ClosedOnce(transport)))

    async def send(self, message: Any) -> None:
        """Send a message; after a refusal, mark the handshake as complete."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    def handle_ping(self) -> None:
        """Answer a ping after the application has had a turn of the event loop."""
        self.loop.call_soon(self._pong)

    def _pong(self) -> None:
        if not self.transport.is_closing():
            super().handle_ping()

    def shutdown(self) -> None:
        """Close the connection, unless it is already closing."""
        with suppress(InvalidState):
            super().shutdown()


class _Uvicorn(uvicorn.Server):
    """uvicorn's server, but it stops at once instead of at its next tick of 0.1 s."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def ask_to_stop(self) -> None:
        """Make `main_loop` return; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that serves."""
        if self._loop is None:
            raise RuntimeError("the server has not been started")
        return self._loop

    async def main_loop(self) -> None:
        """Wait for `ask_to_stop`."""
        self._loop = asyncio.get_running_loop()
        self.ready.set()
        await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, let requests end, and drop the connections that are idle."""
        for listening in sockets or []:
            asyncio.get_running_loop().remove_reader(listening)
        # One turn for a connection that has just been accepted: asyncio loses its socket if the server is
        # closed before the connection's task has begun.
        await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        for _ in range(_TURNS):
            # A client that aborted the TLS handshake is not in `connections`; asyncio needs turns to notice.
            await asyncio.sleep(0)
        for listening in sockets or []:
            listening.close()
        for connection in list(self.server_state.connections):
            if not connection.transport.is_closing():  # closing it twice would make abort() do nothing
                connection.shutdown()
        await self._wait_for_requests()
        for connection in list(self.server_state.connections):
            # Closing TLS would wait for the client's close_notify, which an idle client does not send.
            connection.transport.abort()
        await self._wait_for_requests()  # those that waited for the rest of a body now see the disconnect
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def _wait_for_requests(self) -> None:
        if self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks), timeout=GRACE_SECONDS)
