"""Streams of events from the server. Each is an iterator that can be closed early.

::

    with sdc.changefeed() as feed:
        for change in feed:
            print(change['changedResourceId'], change['resourceState'])

A stream holds a separate connection until it is closed: by `Stream.close`, at the end of its ``with``, when
the server ends it, or when it is garbage-collected.
"""

from __future__ import annotations

import json
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Generic, Self, TypeVar, cast

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from smartdc._forks import renew_in_children
from smartdc._http.answers import from_json
from smartdc._http.bodies import read_lines
from smartdc._http.waiting import checked_timeout
from smartdc._http.websocket import WebSocket
from smartdc.errors import (
    ConfigurationError,
    ConnectionFailed,
    InvalidResponse,
    RequestTimeout,
    TransportError,
    WaitTimeout,
)
from smartdc.types import Change, MigrationEvent

__all__ = ["VNC", "ChangeFeed", "Conversation", "MigrationWatch", "Stream"]

T_co = TypeVar("T_co", covariant=True)


class Stream(ABC, Generic[T_co]):
    """The base of all streams.

    A stream belongs to the process that opened it: in a forked child it is closed, in the parent it goes on.

    Attributes:
        closed: Whether this side or the server has closed it.
    """

    closed: bool

    def __init__(self, close: Callable[[], None]) -> None:
        self.closed = False
        self._reading = threading.Lock()
        # Runs once: at `close`, when this object is garbage-collected, or at exit.
        self._close = weakref.finalize(self, close)
        renew_in_children(self)

    def renew(self) -> None:
        """In a forked child: leave the connection to the parent."""
        self._close.detach()
        self.closed = True

    @abstractmethod
    def _receive(self, timeout: float | None) -> T_co | None:
        """Return the next item; None at the end."""

    def _next(self, timeout: float | None) -> T_co | None:
        if self.closed:
            return None
        if not self._reading.acquire(blocking=False):
            raise ConfigurationError(
                "another thread reads this stream: read it in one thread, and pass on what comes"
            )
        try:
            found = self._receive(timeout)
        except TimeoutError as error:
            raise WaitTimeout(f"nothing came within {timeout:g} s") from error
        except BaseException:
            self.close()
            raise
        finally:
            self._reading.release()
        if found is None:
            self.close()
        return found

    def close(self) -> None:
        """Close the stream. Any thread may call this, more than once."""
        self.closed = True
        self._close()

    def __iter__(self) -> Iterator[T_co]:
        return self

    def __next__(self) -> T_co:
        found = self._next(None)
        if found is None:
            raise StopIteration
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'closed' if vars(self).get('closed') else 'open'}>"


class Conversation(Stream[T_co]):
    """A stream over a WebSocket."""

    def receive(self, timeout: float | None = None) -> T_co | None:
        """Wait for the next item.

        Args:
            timeout: Seconds; None waits for as long as it takes.

        Returns:
            The item; None when the stream is over.

        Raises:
            WaitTimeout: Nothing came in time. The stream goes on.
            ConnectionFailed: The connection broke.
            ConfigurationError: It is not a valid timeout, or another thread reads the stream. It goes on.
        """
        return self._next(checked_timeout(timeout))


class ChangeFeed(Conversation[Change]):
    """Changes of machines, as they happen.

    A change has no `resourceObject` if the server sent data that cannot be the machine's: another id, no
    state. Such a change only says that something has changed.

    Args:
        websocket: An open connection.
        subresources: The changes to report.
        machines: Ids of the machines to watch; None for all of the account.
        timeout: Seconds for the server to read the subscription.
    """

    def __init__(
        self,
        websocket: WebSocket,
        subresources: Sequence[str],
        machines: Sequence[str] | None,
        timeout: float,
    ) -> None:
        super().__init__(websocket.close)
        self._websocket = websocket
        wanted: dict[str, Any] = {"resource": "vm", "subResources": list(subresources)}
        if machines is not None:
            wanted["vms"] = list(machines)
        try:
            websocket.send(json.dumps(wanted))
            # The server does not confirm the subscription: a pong only shows that it has been read.
            websocket.settle(timeout)
        except BaseException:
            self.close()
            raise

    def _receive(self, timeout: float | None) -> Change | None:
        message = self._websocket.receive(timeout)
        return None if message is None else _change(_decoded(message))


class VNC(Conversation[bytes]):
    """The console of a hardware virtual machine: RFB, the protocol of VNC, in pieces as they arrive.

    Args:
        websocket: An open connection.

    Attributes:
        subprotocol: ``binary`` or ``rfb``, as the server chose.
    """

    def __init__(self, websocket: WebSocket) -> None:
        super().__init__(websocket.close)
        self._websocket = websocket
        self.subprotocol: str | None = websocket.subprotocol

    def send(self, data: bytes) -> None:
        """Send bytes to the console.

        Args:
            data: Bytes of the RFB protocol.

        Raises:
            ConnectionFailed: The stream is closed, or broke.
        """
        self._websocket.send(data)

    def _receive(self, timeout: float | None) -> bytes | None:
        return self._websocket.receive(timeout)


class MigrationWatch(Stream[MigrationEvent]):
    """The progress of a phase of a migration: events of type ``progress``, and one of type ``end``.

    Args:
        source: The answer with a line for each event, or a WebSocket with a message for each.
    """

    def __init__(self, source: requests.Response | WebSocket) -> None:
        if isinstance(source, WebSocket):
            super().__init__(source.close)
            self._message: Callable[[], bytes | None] = partial(source.receive, None)
        else:
            lines = _Lines(source)
            super().__init__(lines.close)
            self._message = lines.receive

    def _receive(self, timeout: float | None) -> MigrationEvent | None:
        message = self._message()
        return None if message is None else cast(MigrationEvent, _decoded(message))


class _Lines:
    """The lines of an answer that is still arriving."""

    def __init__(self, response: requests.Response) -> None:
        self._response = response
        self._lines = read_lines(response)
        self._closed = False

    def receive(self) -> bytes | None:
        """Return the next line that is not empty; None at the end."""
        where = f"{self._response.request.method} {self._response.request.path_url}"
        try:
            return next((line for line in self._lines if line), None)
        except TransportError:
            raise
        except Exception as error:
            if self._closed:
                return None  # another thread has closed it, which raises an error in this one
            cause = error.args[0] if error.args else None
            if isinstance(error, requests.Timeout) or isinstance(cause, ReadTimeoutError):
                raise RequestTimeout(f"{where}: nothing arrived in time") from error
            if isinstance(error, requests.RequestException | HTTPError | OSError | ValueError):
                raise ConnectionFailed(f"{where}: the stream broke off ({error})") from error
            raise

    def close(self) -> None:
        """Close the answer, and wake a thread that waits for a line."""
        self._closed = True
        with suppress(Exception):  # some versions of urllib3 lack it, and it may fail
            self._response.raw.shutdown()
        self._response.close()


def _change(event: dict[str, Any]) -> Change:
    """Return the change that an event reports, without a `resourceObject` that is not the machine's."""
    ident, kind, machine = (event.get(name) for name in ("changedResourceId", "changeKind", "resourceObject"))
    if not isinstance(ident, str):
        raise InvalidResponse("the stream sent an event that is not a change")
    change = {**event, "changedResourceId": ident.lower()}
    names = kind.get("subResources") if isinstance(kind, dict) else None
    is_whole = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not is_whole:
        change["changeKind"] = {"resource": "vm", "subResources": []}
    resource = machine if is_whole and isinstance(machine, dict) else {}
    if resource.get("id") != change["changedResourceId"] or not isinstance(resource.get("state"), str):
        change.pop("resourceObject", None)
    return cast(Change, change)


def _decoded(message: bytes) -> Any:
    try:
        event = from_json(message)
    except ValueError as error:
        raise InvalidResponse(f"the stream sent a message that is not JSON: {len(message)} bytes") from error
    if not isinstance(event, dict):
        raise InvalidResponse("the stream sent JSON that is not an object")
    return event
