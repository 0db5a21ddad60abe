"""Running jobs when they fall due, even if no request comes: the change feed waits for them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log: logging.Logger = logging.getLogger("smartdc.emulator")

#: How often jobs that are due are run, in real seconds.
TICK_SECONDS = 0.02


class Ticker:
    """Runs jobs while the server runs and time runs by itself.

    Args:
        settle: Runs the jobs that are due.
        complain: Called with a message if a job fails.
        always: Whether time always runs by itself, and not only inside `needed`.
    """

    def __init__(self, settle: Callable[[], None], complain: Callable[[str], None], *, always: bool) -> None:
        self._settle = settle
        self._complain = complain
        self._needed = int(always)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ticking: concurrent.futures.Future[None] | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to tick, in the event loop of the running server."""
        self._loop = loop
        self._update()

    def stop(self) -> None:
        """Stop ticking, before the server stops."""
        self._loop = None
        self._update()

    @contextmanager
    def needed(self) -> Iterator[None]:
        """Tick inside the ``with``, while time runs by itself."""
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
