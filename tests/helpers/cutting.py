"""A proxy that cuts connections at random; it passes bytes on, TLS or not, without reading them."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from tests.helpers.relays import Relay

__all__ = ["CuttingRelay"]


class CuttingRelay(Relay):
    """Cuts a connection, both ways, before some of the pieces that it would pass on.

    Args:
        url: The URL of the server.
        seed: The seed of the random numbers.
        there: The share of the pieces to the server before which it cuts.
        back: The same for pieces to the client.

    Attributes:
        cuts: How many connections it cut.
    """

    def __init__(self, url: str, seed: int, *, there: float, back: float) -> None:
        super().__init__(url)
        self._chance = random.Random(seed)  # noqa: S311
        self._there, self._back = there, back
        self.cuts = 0

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self._open.add(writer)
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        both = (writer, server_writer)
        await asyncio.gather(
            self._pass_on(reader, server_writer, self._there, both),
            self._pass_on(server_reader, writer, self._back, both),
        )
        self._open.discard(writer)

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        share: float,
        both: tuple[asyncio.StreamWriter, ...],
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self._chance.random() < share:
                    self.cuts += 1
                    break
                writer.write(data)
                await writer.drain()
        for each in both:
            each.transport.abort()
