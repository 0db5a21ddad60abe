"""What goes wrong between client and server, when it is asked for.

A `Fault` says what happens to one request and its answer; `Faults` is where they are asked for, by the name
of the operation. A fault strikes a request that was let through to its operation: authentication, read-only
mode and the throttle come first, and what they refuse uses no fault up.
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

#: Where the web server leaves, in a request's scope, the transport that it came by.
TRANSPORT = "smartdc.transport"
#: In place of an operation: whatever is asked.
EVERY = "*"

_NO_HTTP = b"\x00\xffthis is no answer\xff\x00" * 4
#: A connection that is closed sends all that was written before; this long it may take.
_GOODBYE_SECONDS = 0.2
#: The digest of something else.
_WRONG_DIGEST = "AAAAAAAAAAAAAAAAAAAAAA=="


@dataclass(frozen=True)
class Fault:
    """What happens to one request.

    Attributes:
        after_commit: Whether the operation is carried out first, so that only its answer is replaced. If
            not, nothing is carried out.
    """

    _: KW_ONLY
    after_commit: bool

    def logged(self, status: int, body: Any) -> tuple[int, Any]:
        """Status and body for the call log, instead of those of the operation; 0 is no answer at all."""
        return status, body

    async def answer(self, respond: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Go wrong.

        Args:
            respond: What would send the operation's own answer.
            scope: Of the request, an HTTP one or a WebSocket's.
            receive: What comes from the client.
            send: What goes to it.
        """
        await respond(scope, receive, send)


@dataclass(frozen=True)
class Status(Fault):
    """Another answer. It has no headers of CloudAPI, like that of a proxy in front of it.

    Args:
        status: Its status.
        body: An object that is sent as JSON, or a text or bytes that are sent as they are.
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
        """Its own."""
        return self.status, self.body

    async def answer(self, respond: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        headers = dict(self.headers)
        if self.body is not None:
            headers.setdefault("Content-Type", self.content_type)
        body = to_json(self.body) if isinstance(self.body, dict) else self.body
        await Response(body, self.status, headers)(scope, receive, send)


@dataclass(frozen=True)
class Delay(Fault):
    """The operation's own answer comes late, by real seconds. A client that hangs up ends the delay.

    Args:
        seconds: How many.
        after_commit: Whether they pass after the operation or before it; it is carried out in any case.
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
        """Let them pass."""
        if scope["type"] == "websocket":
            await asyncio.sleep(self.seconds)  # what comes from the client is the conversation's
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self.seconds):
                await _gone(receive)


@dataclass(frozen=True)
class Drop(Fault):
    """The connection ends without a byte of an answer.

    Args:
        after_commit: Whether the operation is carried out first.
    """

    def logged(self, status: int, body: Any) -> tuple[int, Any]:
        """No answer."""
        return 0, None

    async def answer(self, respond: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Break the connection off."""
        scope["extensions"][TRANSPORT].abort()
        await _gone(receive)


@dataclass(frozen=True)
class HalfBody(Fault):
    """The head of the answer, half of its body, and then the connection ends.

    Of an empty body only the head comes, and of a stream half of the first part. A WebSocket ends right after
    the handshake.
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
                raise _Enough

        with suppress(_Enough):
            await respond(scope, receive, send_half)
        await _close(scope, receive)


@dataclass(frozen=True)
class Garbage(Fault):
    """Bytes that are not HTTP, and then the connection ends."""

    after_commit: bool = field(default=True, init=False, repr=False)

    def logged(self, status: int, body: Any) -> tuple[int, Any]:
        """No answer."""
        return 0, None

    async def answer(self, respond: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        scope["extensions"][TRANSPORT].write(_NO_HTTP)
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


class _Enough(Exception):
    """Half of it was sent."""


async def _close(scope: Scope, receive: Receive) -> None:
    """Close the connection; the goodbye that TLS wants from the client is not waited for long."""
    transport = scope["extensions"][TRANSPORT]
    transport.close()
    try:
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await _gone(receive)
    except TimeoutError:
        transport.abort()
        await _gone(receive)


async def _gone(receive: Receive) -> None:
    """Return when the connection is gone; what the client says until then goes unheard."""
    while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
        pass


@dataclass(eq=False)
class Planned:
    """A fault that was asked for.

    Attributes:
        operation: The operation that it strikes, or ``*``.
        fault: What happens.
        times: How often it strikes at most; None: without end.
        probability: Its probability to strike a request; None: it strikes each.
        datacenter: The data center; None: all of them.
        applied: How often it has struck.
    """

    operation: str
    fault: Fault
    times: int | None = None
    probability: float | None = None
    datacenter: str | None = None
    applied: int = 0

    def fits(self, operation: str, datacenter: str) -> bool:
        """Whether it may strike a request."""
        return (
            self.operation in (EVERY, operation)
            and self.datacenter in (None, datacenter)
            and (self.times is None or self.applied < self.times)
        )


class Faults:
    """The faults that were asked for.

    ::

        cloud.faults.add("GetMachine", Status(503), times=2)
        cloud.faults.add("CreateMachine", Drop(after_commit=True), probability=0.3)

    One request has one fault at most. Faults without a probability come first, in the order in which they
    were added, until their `times` are used up. Otherwise one of those with a probability is drawn, or none:
    their probabilities add up, to 1 at most.

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
        """Ask for a fault.

        Args:
            operation: The server's name of the operation, such as ``CreateMachine``; ``*`` is any.
            fault: What happens.
            times: How often it strikes at most; by default without end.
            probability: Above 0, up to 1; by default it strikes each request of this operation.
            datacenter: The data center; by default all of them.

        Returns:
            The planned fault; its ``applied`` counts how often it has struck.

        Raises:
            ValueError: There is no such operation or data center, or a number makes no sense.
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
        """All faults that were asked for, also those that are used up."""
        with self._lock:
            return list(self._planned)

    def copy(self) -> Faults:
        """Another one with the same faults: to find out whether more can be added."""
        copied = Faults(self._operations, self._datacenters)
        copied._planned = self.planned
        return copied

    def seed(self, seed: int) -> None:
        """Start the random sequences again with this seed; at first it is 0.

        Each operation of each data center has its own sequence. So what is drawn for it is the same in each
        run with the same seed, whatever other operations are called.
        """
        with self._lock:
            self._seed = seed
            self._random.clear()

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._planned.clear()

    def strike(self, operation: str, datacenter: str) -> Fault | None:
        """What goes wrong with this request; it is counted."""
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
                if total > 1 + 1e-9:  # ten times 0.1 is a bit off
                    raise ValueError(
                        f"probability: those of {operation} would add up to {total:.3g}, above 1"
                    )

    def _drawn(self, fitting: list[Planned], operation: str, datacenter: str) -> Planned | None:
        """One of them, or none."""
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
