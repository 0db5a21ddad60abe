"""Answers to the client: an `Answer` that a handler returns, or a `Refusal` that it raises.

The functions at the end make refusals that many handlers need; their docstrings give the code. A refusal
without a code is what the server sends when its own code throws (500 with only a message).
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.websockets import WebSocket


class Nothing:
    """The type of `NOTHING`."""


#: The body of an answer without a body, which differs from a body of ``null`` or ``""``.
NOTHING: Final = Nothing()

JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain"
BINARY_TYPE = "application/octet-stream"
SCRIPT_TYPE = "application/javascript"

ErrorItem = dict[str, Any]


@dataclass
class Answer:
    """A handler's result: a body that becomes JSON, a status, and additional headers."""

    body: Any = NOTHING
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JSONArray:
    """An array whose items are already encoded as JSON."""

    items: Sequence[bytes]

    def json(self) -> bytes:
        """Return the array as JSON."""
        return b"[" + b",".join(self.items) + b"]"

    def values(self) -> list[Any]:
        """Return the decoded items."""
        return [json.loads(item) for item in self.items]


@dataclass
class Lines(Answer):
    """An answer that is sent as it is produced: a line of JSON for each event."""

    body: AsyncIterator[bytes] = field(kw_only=True)
    media_type = "application/x-json-stream"


@dataclass
class Upgrade(Answer):
    """An answer that turns the connection into a WebSocket, if the client asked for an upgrade.

    Attributes:
        converse: Called with the WebSocket, once it is accepted.
        subprotocol: The subprotocol that the server chose.
    """

    status: int = 101
    converse: Callable[[WebSocket], Awaitable[None]] = field(kw_only=True)
    subprotocol: str | None = None


class Refusal(Exception):
    """An error answer.

    Attributes:
        status: The HTTP status.
        code: CloudAPI's error code, or None if the server sends none.
        message: The text.
        errors: The list of field errors, or None.
        headers: Additional headers, such as ``Allow``.
    """

    def __init__(
        self,
        status: int,
        code: str | None,
        message: str,
        errors: list[ErrorItem] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors
        self.headers: dict[str, str] = headers or {}

    def body(self) -> dict[str, Any]:
        """Return the object that the answer's body holds."""
        if self.code is None:
            return {"message": self.message} if self.message else {}
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        return body


def encode(body: Any, media_type: str) -> bytes:
    """Write a body in the media type that the client prefers.

    See docs/cloudapi/requests.md#media-types-of-answers.
    """
    if isinstance(body, JSONArray):
        return b"[object Object]" if media_type == BINARY_TYPE else body.json()
    refused = isinstance(body, Refusal)
    if media_type == TEXT_TYPE:
        if refused:
            return to_utf8(str(body.message))
        return to_utf8(body if isinstance(body, str) else to_json(body))
    if refused:
        body = body.body()
    if media_type == BINARY_TYPE:
        # The result of JavaScript's toString(): the server does not encode objects as JSON here.
        return to_utf8(body if isinstance(body, str) else "[object Object]")
    return to_utf8(to_json(body))


def to_json(body: Any) -> str:
    """Write JSON as JavaScript does: no spaces, no ASCII escapes, and null for NaN and infinity."""
    try:
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError:
        return to_json(_finite(body))


def _finite(body: Any) -> Any:
    if isinstance(body, dict):
        return {name: _finite(value) for name, value in body.items()}
    if isinstance(body, list | tuple):
        return [_finite(value) for value in body]
    return None if isinstance(body, float) and not math.isfinite(body) else body


def to_utf8(text: str) -> bytes:
    """Encode as UTF-8 like Node: a lone surrogate, which JSON can hold, becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def invalid_argument(message: str) -> Refusal:
    """Return a 409 InvalidArgument."""
    return Refusal(409, "InvalidArgument", message)


def missing_parameter(message: str) -> Refusal:
    """Return a 409 MissingParameter."""
    return Refusal(409, "MissingParameter", message)


def not_found(message: str) -> Refusal:
    """Return a 404 ResourceNotFound."""
    return Refusal(404, "ResourceNotFound", message)


def validation_failed(message: str, errors: list[ErrorItem]) -> Refusal:
    """Return a 409 ValidationFailed, which VMAPI sends when it rejects values."""
    return Refusal(409, "ValidationFailed", message, errors)


def invalid_field(name: str, message: str = "Invalid parameter") -> ErrorItem:
    """Return an item of VMAPI's ``errors`` list with the code ``Invalid``."""
    return {"field": name, "code": "Invalid", "message": message}


def crashed(message: str) -> Refusal:
    """Return a 500 without a code: the server's handler threw."""
    return Refusal(500, None, message)
