"""Faults: what goes wrong between client and server when a test asks for it.

A `Fault` is what happens to one request and its answer; `Faults` has those that tests have added, by the name
of the operation. A fault is applied just before the operation: requests that authentication, read-only mode
or the throttle refuse do not use up a fault.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smartdc.emulator.http.answers import JSON_TYPE, to_json
from smartdc.emulator.state.clock import LONGEST_STEP
from smartdc.emulator.state.kinds import TABLE, TEXT, Kind, check, is_number, number_from

#: The extension in a request's scope that holds its transport.
TRANSPORT = "smartdc.transport"

_NOT_HTTP = b"\x00\xffthis is no answer\xff\x00" * 4
#: The kinds of the fields of `Status`.
STATUS = {
    "status": number_from(200, 599),
    "body": Kind("an object, text or bytes", lambda value: isinstance(value, dict | str | bytes)),
    "headers": TABLE,
    "content_type": TEXT,
}
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

    def __post_init__(self) -> None:
        check(STATUS, vars(self), ("status",))

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
        if not is_number(self.seconds) or not 0 <= self.seconds <= LONGEST_STEP:
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
