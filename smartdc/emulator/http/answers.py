"""What goes back to the client: an `Answer`, or a `Refusal` that a handler raises.

The functions at the end make the refusals that many handlers share; each says which code it carries. A
refusal without a code is what the server sends when its own code throws (500 with only a message).
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


#: An answer without a body at all, which differs from a body of ``null`` or ``""``.
NOTHING: Final = Nothing()

JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain"
BINARY_TYPE = "application/octet-stream"
SCRIPT_TYPE = "application/javascript"

ErrorItem = dict[str, Any]


@dataclass
class Answer:
    """A handler's result: a body that becomes JSON, a status, and headers of its own."""

    body: Any = NOTHING
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """An array whose items are JSON already."""

    items: Sequence[bytes]

    def json(self) -> bytes:
        """The array in JSON."""
        return b"[" + b",".join(self.items) + b"]"

    def values(self) -> list[Any]:
        """The items, read again."""
        return [json.loads(item) for item in self.items]


@dataclass
class Lines(Answer):
    """An answer that goes on while it is read: JSON, a line for each event."""

    body: AsyncIterator[bytes] = field(kw_only=True)
    media_type = "application/x-json-stream"


@dataclass
class Upgrade(Answer):
    """The connection becomes a WebSocket, if that was asked for.

    Attributes:
        converse: What is said over it, once it is accepted.
        subprotocol: The one that was chosen.
    """

    status: int = 101
    converse: Callable[[WebSocket], Awaitable[None]] = field(kw_only=True)
    subprotocol: str | None = None


class Refusal(Exception):
    """An error answer.

    Attributes:
        status: The HTTP status.
        code: CloudAPI's word for it, or None where the server gives none.
        message: The text.
        errors: The list of field errors, or None.
        headers: Headers of its own, such as ``Allow``.
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
        """The object that stands in the answer."""
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
    if isinstance(body, Written):
        return b"[object Object]" if media_type == BINARY_TYPE else body.json()
    refused = isinstance(body, Refusal)
    if media_type == TEXT_TYPE:
        if refused:
            return to_utf8(str(body.message))
        return to_utf8(body if isinstance(body, str) else to_json(body))
    if refused:
        body = body.body()
    if media_type == BINARY_TYPE:
        # JavaScript's toString: the server does not turn objects into text here.
        return to_utf8(body if isinstance(body, str) else "[object Object]")
    return to_utf8(to_json(body))


def to_json(body: Any) -> str:
    """JSON as JavaScript writes it: no spaces, no ASCII escapes, and null for what is no finite number."""
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
    """UTF-8 as Node writes it: half a character, which JSON can say, becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def invalid_argument(message: str) -> Refusal:
    """409 InvalidArgument."""
    return Refusal(409, "InvalidArgument", message)


def missing_parameter(message: str) -> Refusal:
    """409 MissingParameter."""
    return Refusal(409, "MissingParameter", message)


def not_found(message: str) -> Refusal:
    """404 ResourceNotFound."""
    return Refusal(404, "ResourceNotFound", message)


def validation_failed(message: str, errors: list[ErrorItem]) -> Refusal:
    """409 ValidationFailed: VMAPI looked at the values."""
    return Refusal(409, "ValidationFailed", message, errors)


def invalid_field(name: str, message: str = "Invalid parameter") -> ErrorItem:
    """One item of VMAPI's ``errors`` list, with its code ``Invalid``."""
    return {"field": name, "code": "Invalid", "message": message}


def crashed(message: str) -> Refusal:
    """500 without a code: the server's handler threw."""
    return Refusal(500, None, message)
