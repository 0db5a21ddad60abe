"""Faults: what goes wrong between client and server when a test asks for it.

A `Fault` is what happens to one request and its answer; `Faults` has those that tests have added, by the name
of the operation. A fault is applied just before the operation: requests that authentication, read-only mode
or the throttle refuse do not use up a fault.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from difflib import get_close_matches
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smartdc.emulator.http.answers import JSON_TYPE, to_json
from smartdc.emulator.state.clock import LONGEST_STEP

#: The extension in a request's scope that holds its transport.
TRANSPORT = "smartdc.transport"
#: In place of an operation: every operation.
EVERY = "*"

_NOT_HTTP = b"\x00\xffthis is no answer\xff\x00" * 4
#: How long closing a connection may take, which first sends what was written before.
_CLOSE_SECONDS = 0.2
#: The digest of something else.
_WRONG_DIGEST = "AAAAAAAAAAAAAAAAAAAAAA=="


@dataclass(frozen=True)
class Fault:
    """What happens to one request.

    Attributes:
        after_commit: Whether the operation is carried out first, so that only its answer is replaced; if
            not, the operation is not carried out.
    """

    _: KW_ONLY
    after_commit: bool

    def logged(self, status: int, body: Any) -> tuple[int, Any]:
        """Return status and body for the call log, instead of the operation's; status 0 is no answer."""
        return status, body

    async def answer(self, respond: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the fault.

        Args:
            respond: The application that sends the operation's own answer.
            scope: The scope of the HTTP request or the WebSocket.
            receive: Receives messages from the client.
            send: Sends messages to the client.
        """
        await respond(scope, receive, send)


@dataclass(frozen=True)
class Status(Fault):
    """Another answer. Like that of a proxy in front of CloudAPI, it has no headers of CloudAPI.

    Args:
        status: Its status.
        body: An object that is sent as JSON, or text or bytes that are sent unchanged.
        headers: Further headers, such as ``Retry-After``.
        content_type: The type of the body.
        after_commit: Whether the operation is carried out first.
    """

    status: int
    body: dict[str, Any] | str | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE
    _: KW_ONLY
    after_commit: bool = False

    def logged(self, status: int, body: Any) -> tuple[int, Any]:
        """Return the status and the body of this answer."""
        return self.status, self.body

    async def answer(self, respond: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Send this answer."""
        headers = dict(self.headers)
        if self.body is not None:
            headers.setdefault("Content-Type", self.content_type)
        body = to_json(self.body) if isinstance(self.body, dict) else self.body
        await Response(body, self.status, headers)(scope, receive, send)


@dataclass(frozen=True)
class Delay(Fault):
    """The operation's own answer is delayed by real seconds. The delay ends if the client hangs up.

    Args:
        seconds: The delay.
        after_commit: Whether it comes after the operation or before it; the operation is always carried out.
    """

    seconds: float
    _: KW_ONLY
    after_commit: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.seconds <= LONGEST_STEP:
            raise ValueError(f"seconds must be a number from 0 to {LONGEST_STEP:.0f}: {self.seconds!r:.40}")

    async def answer(self, respond: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the operation's own answer, late."""
        if self.after_commit:
            await self.wait(scope, receive)
        await super().answer(respond, scope, receive, send)

    async def wait(self, scope: Scope, receive: Receive) -> None:
        """Wait for the delay, or until the client hangs up."""
        if scope["type"] == "websocket":
            await asyncio.sleep(self.seconds)  # receive() would take messages from the conversation
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self.seconds):
                await _wait_for_disconnect(receive)


@dataclass(frozen=True)
class Drop(Fault):
    """The connection ends without a byte of an answer.

    Args:
        after_commit: Whether the operation is carried out first.
    """

    def logged(self, status: int, body: Any) -> tuple[int, Any]:
        """Return status 0: there is no answer."""
        return 0, None

    async def answer(self, respond: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Abort the connection."""
        scope["extensions"][TRANSPORT].abort()
        await _wait_for_disconnect(receive)


@dataclass(frozen=True)
class HalfBody(Fault):
    """The head of the answer, half of its body, and then the connection ends.

    If the body is empty, only the head is sent; of a stream, half of the first part. A WebSocket ends right
    after the handshake.
    """

    after_commit: bool = field(default=True, init=False, repr=False)

    async def answer(self, respond: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the first half."""

        async def send_half(message: Message) -> None:
            if message["type"] == "http.response.body":
                body = message.get("body", b"")
                message = {**message, "body": body[: len(body) // 2], "more_body": True}
            await send(message)
            if message["type"] in ("http.response.body", "websocket.accept"):
                raise _HalfSent

        with suppress(_HalfSent):
            await respond(scope, receive, send_half)
        await _close(scope, receive)


@dataclass(frozen=True)
class Garbage(Fault):
    """Bytes that are not HTTP, and then the connection ends."""

    after_commit: bool = field(default=True, init=False, repr=False)

    def logged(self, status: int, body: Any) -> tuple[int, Any]:
        """Return status 0: there is no answer."""
        return 0, None

    async def answer(self, respond: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the bytes, and close the connection."""
        scope["extensions"][TRANSPORT].write(_NOT_HTTP)
        await _close(scope, receive)


@dataclass(frozen=True)
class WrongDigest(Fault):
    """The answer with a ``Content-MD5`` that does not match its body. WebSockets are not changed."""

    after_commit: bool = field(default=True, init=False, repr=False)

    async def answer(self, respond: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Change the header."""

        async def send_changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message["headers"] if pair[0].lower() != b"content-md5"]
                message = {**message, "headers": [*kept, (b"content-md5", _WRONG_DIGEST.encode())]}
            await send(message)

        await respond(scope, receive, send_changed)


class _HalfSent(Exception):
    """Half of the body was sent."""


async def _close(scope: Scope, receive: Receive) -> None:
    """Close the connection; abort it if the client does not answer TLS's close_notify soon."""
    transport = scope["extensions"][TRANSPORT]
    transport.close()
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await _wait_for_disconnect(receive)
    except TimeoutError:
        transport.abort()
        await _wait_for_disconnect(receive)


async def _wait_for_disconnect(receive: Receive) -> None:
    """Return when the connection has ended; drop what the client sends until then."""
    while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
        pass


@dataclass(eq=False)
class Planned:
    """A fault that was added.

    Attributes:
        operation: The operation that it is applied to, or ``*``.
        fault: What happens.
        times: How often it is applied at most; None: no limit.
        probability: The probability that it is applied to a request; None: it is applied to each.
        datacenter: The data center; None: all of them.
        applied: How often it has been applied.
    """

    operation: str
    fault: Fault
    times: int | None = None
    probability: float | None = None
    datacenter: str | None = None
    applied: int = 0

    def fits(self, operation: str, datacenter: str) -> bool:
        """Whether it may be applied to a request."""
        return (
            self.operation in (EVERY, operation)
            and self.datacenter in (None, datacenter)
            and (self.times is None or self.applied < self.times)
        )


class Faults:
    """The faults that were added.

    ::

        cloud.faults.add("GetMachine", Status(503), times=2)
        cloud.faults.add("CreateMachine", Drop(after_commit=True), probability=0.3)

    A request gets at most one fault. Faults without a probability come first, in the order in which they were
    added, until their `times` are used up. After them, one fault with a probability is drawn, or none; the
    probabilities of an operation add up to at most 1.

    Args:
        operations: The names of all operations.
        datacenters: The names of all data centers.
    """

    def __init__(self, operations: Collection[str], datacenters: Collection[str]) -> None:
        self._operations = operations
        self._datacenters = datacenters
        self._planned: list[Planned] = []
        self._seed = 0
        self._random: dict[tuple[str, str], random.Random] = {}
        self._lock = threading.Lock()

    def add(
        self,
        operation: str,
        fault: Fault,
        *,
        times: int | None = None,
        probability: float | None = None,
        datacenter: str | None = None,
    ) -> Planned:
        """Add a fault.

        Args:
            operation: The server's name of the operation, such as ``CreateMachine``; ``*`` is every one.
            fault: What happens.
            times: How often it is applied at most; by default there is no limit.
            probability: Above 0, up to 1; by default it is applied to each request of this operation.
            datacenter: The data center; by default all of them.

        Returns:
            The planned fault; its ``applied`` counts how often it has been applied.

        Raises:
            ValueError: There is no such operation or data center, or a number is out of range.
        """
        _check_name(operation, [*self._operations, EVERY], "operation")
        if datacenter is not None:
            _check_name(datacenter, self._datacenters, "data center")
        if times is not None and times < 1:
            raise ValueError(f"times must be a number from 1 on, or None: {times!r}")
        if probability is not None and not 0 < probability <= 1:
            raise ValueError(f"probability must be a number above 0, up to 1: {probability!r}")
        planned = Planned(operation, fault, times, probability, datacenter)
        with self._lock:
            if probability is not None:
                self._check_sum(planned)
            self._planned.append(planned)
        return planned

    @property
    def planned(self) -> list[Planned]:
        """All faults that were added, also those that are used up."""
        with self._lock:
            return list(self._planned)

    def copy(self) -> Faults:
        """Return a copy with the same faults, to try whether more can be added."""
        copied = Faults(self._operations, self._datacenters)
        copied._planned = self.planned
        return copied

    def seed(self, seed: int) -> None:
        """Restart the random sequences with this seed; the initial seed is 0.

        Each operation of each data center has its own sequence, so that the calls of other operations do not
        change what is drawn for it.
        """
        with self._lock:
            self._seed = seed
            self._random.clear()

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._planned.clear()

    def choose(self, operation: str, datacenter: str) -> Fault | None:
        """Choose the fault of a request, and count it as applied."""
        with self._lock:
            fitting = [planned for planned in self._planned if planned.fits(operation, datacenter)]
            if not fitting:
                return None
            certain = [planned for planned in fitting if planned.probability is None]
            chosen = certain[0] if certain else self._drawn(fitting, operation, datacenter)
            if chosen is None:
                return None
            chosen.applied += 1
            return chosen.fault

    def _check_sum(self, new: Planned) -> None:
        drawn = [new, *(planned for planned in self._planned if planned.probability is not None)]
        for operation in self._operations if new.operation == EVERY else [new.operation]:
            for datacenter in self._datacenters if new.datacenter is None else [new.datacenter]:
                fitting = [planned for planned in drawn if planned.fits(operation, datacenter)]
                total = sum(planned.probability or 0 for planned in fitting)
                if total > 1 + 1e-9:  # allows for rounding: ten times 0.1 is not exactly 1
                    raise ValueError(
                        f"probability: those of {operation} would add up to {total:.3g}, above 1"
                    )

    def _drawn(self, fitting: list[Planned], operation: str, datacenter: str) -> Planned | None:
        """Draw one of them, or none."""
        key = (operation, datacenter)
        if key not in self._random:
            self._random[key] = random.Random(f"{self._seed}/{datacenter}/{operation}")  # noqa: S311
        number = self._random[key].random()
        for planned in fitting:
            number -= planned.probability or 0
            if number < 0:
                return planned
        return None


def _check_name(name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        close = get_close_matches(name, known)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise ValueError(f"there is no {what} {name!r}{hint}")
