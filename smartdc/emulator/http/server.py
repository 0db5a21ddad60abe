"""The web server: one uvicorn in one background thread, TLS, and one listening socket per data center."""

from __future__ import annotations

import asyncio
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

#: Idle connections are kept this long; a client that polls for minutes finds its own again.
KEEP_ALIVE_SECONDS = 600
#: What stopping gives to requests that are being answered.
GRACE_SECONDS = 2.0
_STARTUP_SECONDS = 20.0
#: Turns of the event loop that a connection needs to be gone after it was broken off; SSH and TLS take some.
_TURNS = 20


@cache
def authority() -> trustme.CA:
    """The certificate authority of this process; making one takes longer than starting a server."""
    return trustme.CA()


@cache
def tls_context(host: str, signer: trustme.CA) -> ssl.SSLContext:
    """TLS for the loopback, signed by a certificate authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    names = dict.fromkeys([host, "127.0.0.1", "::1", "localhost"])
    signer.issue_cert(*names).configure_cert(context)
    return context


def write_authority(path: Path, signer: trustme.CA) -> None:
    """Write the certificate that a client has to trust, in PEM."""
    path.write_bytes(signer.cert_pem.bytes())


def listen(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """Open the sockets; port 0 takes any that is free.

    Raises:
        OSError: A port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    try:
        for port in ports:
            # Saying TCP makes asyncio switch Nagle's algorithm off, which costs 40 ms a connection.
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


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Server:
    """The server's thread.

    Args:
        app: What answers.
        host: The address that the sockets listen on.
        sockets: From `listen`; the server closes them.
        signer: Signs its certificate.
    """

    def __init__(self, app: ASGIApp, host: str, sockets: Sequence[socket.socket], signer: trustme.CA) -> None:
        context = tls_context(host, signer)
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
        """Serve; requests are answered when this returns."""
        self._thread.start()
        if not self._uvicorn.ready.wait(_STARTUP_SECONDS) or not self._uvicorn.started:
            raise RuntimeError("the emulator's server did not start")

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of the thread, for what else is served there."""
        return self._uvicorn.loop

    def stop(self) -> None:
        """Close everything and end the thread; idle connections are not waited for."""
        self._uvicorn.ask_to_stop()
        self._thread.join()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, and leave in the scope what it needs to break the connection."""
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
    """A transport that is closed once at most: one of TLS that is closed twice can no longer be aborted."""

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close it, unless that has begun."""
        if not self._transport.is_closing():
            self._transport.close()


class _WebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, with four things put right.

    It would log a refusal as an application without a handshake, answer a ping before the application has
    seen what was sent earlier (a real server does not), close connections twice, and fail while it stops.

    Its other implementation for `websockets` stands on a part of that library which is going away.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection over."""
        super().connection_made(cast(asyncio.BaseTransport, _ClosedOnce(transport)))

    async def send(self, message: Any) -> None:
        """Send; a refusal that is sent ends the handshake."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    def handle_ping(self) -> None:
        """Answer, after the application has had its turn."""
        self.loop.call_soon(self._pong)

    def _pong(self) -> None:
        if not self.transport.is_closing():
            super().handle_ping()

    def shutdown(self) -> None:
        """Say goodbye; a connection that is being closed already has heard it."""
        with suppress(InvalidState):
            super().shutdown()


class _Uvicorn(uvicorn.Server):
    """uvicorn's server, which stops at once instead of at its next tick of 0.1 s."""

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
        """Wait until somebody asks to stop."""
        self._loop = asyncio.get_running_loop()
        self.ready.set()
        await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, let requests end, and drop the connections that are idle."""
        for listening in sockets or []:
            asyncio.get_running_loop().remove_reader(listening)
        # A turn for the connection that has just been accepted: asyncio loses its socket if the server is
        # closed before its task has begun.
        await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        for _ in range(_TURNS):
            # A client that broke the TLS handshake off is not among the connections: let it be noticed.
            await asyncio.sleep(0)
        for listening in sockets or []:
            listening.close()
        for connection in list(self.server_state.connections):
            if not connection.transport.is_closing():  # closing it twice would make abort() do nothing
                connection.shutdown()
        await self._wait_for_requests()
        for connection in list(self.server_state.connections):
            # A TLS goodbye would wait for the client's; a client that keeps its connection sends none.
            connection.transport.abort()
        await self._wait_for_requests()  # those that waited for the rest of a body learn that there is none
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def _wait_for_requests(self) -> None:
        if self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks), timeout=GRACE_SECONDS)
