"""Programs between client and server: a relay that counts connections and cuts them, and an HTTP proxy."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

import pytest

from smartdc.emulator import Emulator


class Relay:
    """Passes bytes on, in both directions, TLS and all.

    Attributes:
        opened: How many connections were made in all.
        url: The server's URL through this relay.
    """

    def __init__(self, url: str, host: str = "127.0.0.1") -> None:
        parts = urlsplit(url)
        self._target = parts.hostname, parts.port
        self._host = host
        self.opened = 0
        self.url = ""
        self._scheme = parts.scheme
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @property
    def open_now(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def cut(self) -> None:
        """Close all connections, as a server does with those that were idle for long."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connected, self._host, 0, backlog=256)
        self.url = f"{self._scheme}://{self._host}:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        await server.wait_closed()
        pending = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*pending, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self._open.add(writer)
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        await asyncio.gather(self._pump(reader, server_writer), self._pump(server_reader, writer))
        self._open.discard(writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def _cut(self) -> None:
        for writer in list(self._open):
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


class HTTPProxy(Relay):
    """A proxy for CONNECT that connects to one server, whatever host is asked for.

    Attributes:
        heads: The heads of the CONNECT requests, which are not encrypted.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.heads: list[bytes] = []

    @property
    def address(self) -> str:
        """Host and port, for a proxy's URL."""
        return self.url.partition("://")[2]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await super()._connected(reader, writer)


@pytest.fixture
def relay(cloud: Emulator) -> Iterator[Relay]:
    """A relay in front of the emulator."""
    with Relay(cloud.url()) as relay:
        yield relay
