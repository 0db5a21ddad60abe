"""Connections that several requests of a test use: a handshake costs three times as much as a request."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection

from urllib3.util.wait import wait_for_read

from smartdc.emulator import Emulator

__all__ = ["Connections"]


class Connections:
    """Connections to one server.

    Args:
        make: Makes a new one.
    """

    def __init__(self, make: Callable[[], HTTPSConnection]) -> None:
        self._make = make
        self._idle: list[HTTPSConnection] = []
        weakref.finalize(self, _close, self._idle)

    @contextmanager
    def one(self, cloud: Emulator) -> Iterator[HTTPSConnection]:
        """Yield a connection for one request, whose answer has to be read to its end.

        It is not kept where the cloud has faults, as some close connections without a word.
        """
        connection = self._idle_one() or self._make()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if cloud.faults.planned or connection.sock is None:  # the answer announced that the server closes it
            connection.close()
        else:
            self._idle.append(connection)

    def _idle_one(self) -> HTTPSConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if not wait_for_read(connection.sock, timeout=0):  # else the server has closed it
                return connection
            connection.close()
        return None


def _close(connections: list[HTTPSConnection]) -> None:
    for connection in connections:
        connection.close()
