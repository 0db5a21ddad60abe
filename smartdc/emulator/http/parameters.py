"""The parameters of a request: path, query string and body, merged into one bag as the server does.

See docs/cloudapi/requests.md#parameters-are-one-bag.

The query does not override the path, but the body overrides both. This is why a tag named ``machine`` changes
another machine (docs/cloudapi/tags-and-metadata.md#tag-named-machine).
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from email import message_from_bytes
from email.policy import HTTP
from typing import Any, NoReturn
from urllib.parse import unquote_plus

from smartdc.emulator.http.answers import BINARY_TYPE, Refusal
from smartdc.emulator.javascript.numbers import number_text
from smartdc.emulator.state.fields import UUID

#: Longer bodies are refused; a body of this length passes (docs/cloudapi/requests.md#body-limit).
MAX_BODY = 100_000
#: The limit for multipart forms, which another parser of the server reads; the emulator's own.
MAX_FORM = 16 * 1024 * 1024
FORM_TYPE = "application/x-www-form-urlencoded"
MULTIPART_TYPE = "multipart/form-data"

_BRACKETS = re.compile(r"(?P<name>[^\[\]]+)(?P<keys>(?:\[[^\[\]]*\])+)")
_MOST_PARAMETERS = 1000
#: A parameter of this name is lost: in JavaScript it sets the object's prototype.
LOST_NAME = "__proto__"
#: A uuid in lower case, the only spelling that the server accepts.
ANY_CASE_UUID = re.compile(UUID.pattern, re.IGNORECASE)


def parse_query(text: str) -> dict[str, Any]:
    """Parse a query string or form body: repeated names make a list, ``a[b]=c`` an object."""
    values: dict[str, Any] = {}
    for pair in text.split("&")[:_MOST_PARAMETERS]:
        if pair:
            name, _, value = pair.partition("=")
            _add(values, unquote_plus(name), unquote_plus(value))
    return values


def longest_body(headers: dict[str, str]) -> int:
    """Return how many bytes the body may have."""
    return MAX_FORM if content_type_of(headers) == MULTIPART_TYPE else MAX_BODY


def content_type_of(headers: dict[str, str]) -> str:
    """Return the media type of the body; octet-stream if the request has none."""
    return headers.get("content-type", BINARY_TYPE).partition(";")[0].strip().lower()


def parse_body(method: str, headers: dict[str, str], body: bytes) -> Any:
    """Parse the body if the server would.

    Returns:
        The decoded JSON, the parameters of a form, or None: the server ignores bodies of GET and HEAD, and
        of other content types (docs/cloudapi/requests.md#bodies-of-other-types-are-ignored).

    Raises:
        Refusal: 400 InvalidContent.
    """
    if method in ("GET", "HEAD") or not body:
        return None
    content_type = content_type_of(headers)
    if content_type == MULTIPART_TYPE:
        return _parse_multipart(headers["content-type"], body)
    if content_type == FORM_TYPE:
        return parse_query(body.decode(errors="replace"))
    if content_type != "application/json":
        return None
    try:
        return json.loads(
            body.decode(errors="replace"),
            parse_constant=_no_constant,
            parse_int=number,
            parse_float=number,
        )
    except ValueError as error:
        raise Refusal(400, "InvalidContent", f"Invalid JSON: {error}") from error


def merge(path: dict[str, str], query: dict[str, Any], body: Any) -> dict[str, Any] | None:
    """Merge path, query and body into one bag.

    Returns:
        The bag, or None for a JSON body that is a list or a scalar. Such a body replaces the bag, so that the
        account is lost: 404 "undefined does not exist"
        (docs/cloudapi/requests.md#bodies-that-are-not-objects).
    """
    params: dict[str, Any] = dict(path)
    for name, value in query.items():
        if not params.get(name):
            params[name] = value
    if isinstance(body, dict):
        params.update(body)
    elif isinstance(body, list) or body:
        return None
    params.pop(LOST_NAME, None)
    return params


def as_text(value: Any) -> str:
    """Convert a value to text as JavaScript does inside a message."""
    if isinstance(value, list):
        return ",".join("" if item is None else as_text(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "[object Object]"
    return number_text(value) if isinstance(value, float) else str(value)


def fits_wildcard(value: str, pattern: str) -> bool:
    """Whether a text matches a pattern in which ``*`` stands for any text."""
    return wildcard(pattern).fullmatch(value) is not None


def wildcard(pattern: str) -> re.Pattern[str]:
    """Compile a pattern in which ``*`` stands for any text."""
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def _parse_multipart(content_type: str, body: bytes) -> dict[str, str]:
    """Return the fields of a multipart form; files are ignored."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = message_from_bytes(head + body, policy=HTTP)
    fields = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and part.get_filename() is None and isinstance(content, bytes):
            fields[name] = content.decode(errors="replace")
    return fields


def _add(values: dict[str, Any], name: str, value: str) -> None:
    match = _BRACKETS.fullmatch(name)
    if match is None:
        _append(values, name, value)
        return
    keys = match["keys"][1:-1].split("][")
    if keys[-1] == "" or keys[-1].isdigit():
        earlier = values.setdefault(match["name"], [])
        if isinstance(earlier, list):
            earlier.append(value)
        return
    target = values
    for key in (match["name"], *keys[:-1]):
        target = target.setdefault(key, {})
        if not isinstance(target, dict):
            return
    _append(target, keys[-1], value)


def _append(values: dict[str, Any], name: str, value: str) -> None:
    earlier = values.get(name)
    if earlier is None:
        values[name] = value
    elif isinstance(earlier, list):
        earlier.append(value)
    else:
        values[name] = [earlier, value]


def number(text: str) -> int | float:
    """Return a number as JavaScript holds it, as a double.

    See docs/cloudapi/requests.md#numbers-beyond-2-to-the-53.
    """
    value = float(text)
    if value.is_integer() and abs(value) < 1e21:
        return int(Decimal(repr(value)))
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def is_uuid(value: Any) -> bool:
    """Whether this is a uuid in lower case, the only spelling that the server accepts."""
    return isinstance(value, str) and UUID.fullmatch(value) is not None
