"""A little HTTP proxy: it takes CONNECT, and passes on all the rest to one server."""

from __future__ import annotations

import asyncio

from tests.helpers.relays import Relay


class HTTPProxy(Relay):
    """Leads to one server, whatever host it is asked for.

    Attributes:
        heads: What it was told in the clear.
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
