"""Doing jobs at their time, whether somebody asks or not: the change feed waits for them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger("smartdc.emulator")

#: Jobs that are due are done this often, in real seconds.
TICK_SECONDS = 0.02


class Ticker:
    """Does jobs while the server runs and time goes on by itself.

    Args:
        settle: Does what is due.
        complain: Called with what went wrong, in words.
        always: Whether time goes on by itself anyway, and not only while somebody needs it.
    """

    def __init__(self, settle: Callable[[], None], complain: Callable[[str], None], *, always: bool) -> None:
        self._settle = settle
        self._complain = complain
        self._needed = int(always)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ticking: concurrent.futures.Future[None] | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """The server runs, in this event loop."""
        self._loop = loop
        self._update()

    def stop(self) -> None:
        """The server is about to stop."""
        self._loop = None
        self._update()

    @contextmanager
    def needed(self) -> Iterator[None]:
        """Meanwhile time goes on by itself."""
        self._needed += 1
        self._update()
        try:
            yield
        finally:
            self._needed -= 1
            self._update()

    def _update(self) -> None:
        if self._ticking is None and self._loop is not None and self._needed:
            self._ticking = asyncio.run_coroutine_threadsafe(self._tick(), self._loop)
        elif self._ticking is not None and (self._loop is None or not self._needed):
            self._ticking.cancel()
            self._ticking = None

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                self._settle()
            except Exception as error:
                log.exception("the emulator failed at a job")
                self._complain(f"the emulator failed at a job: {error}")
