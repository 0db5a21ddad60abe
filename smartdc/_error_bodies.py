"""Reads the body of an error answer, in any of its shapes: code, message, errors of single fields.

JSON without a message is not quoted, as it may be a machine with its metadata. Other text is, up to where it
repeats the signature of the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import requests

_PREVIEW = 200
"""How many characters of a body that is not JSON an error shows."""
_MOST_FIELDS = 5
_LONGEST_FIELD = 40
_JSON = (b"{", b"[", b'"')
_PAGE = (b"<html", b"<!doctype html")
_SIGNATURE = r"(?i)\S*(?:authorization[\"']?\s*[:=]|signature=)"
_OF_FIELDS = ("field", "code", "message")
_KINDS = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
}


def json_or_none(response: requests.Response) -> Any:
    """Return the decoded body; None if it is not JSON."""
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested too deep
        return None


def error_fields(body: Any) -> Mapping[str, Any]:
    """Return the object with the code and the message: the body, or the first object of a list.

    See docs/cloudapi/storage.md#errors-of-volumes-may-be-a-list.
    """
    if isinstance(body, list):
        body = next((entry for entry in body if isinstance(entry, Mapping)), None)
    return body if isinstance(body, Mapping) else {}


def only_text(fields: Mapping[str, Any]) -> str | None:
    """Return the text of a body such as ``{"BadHTTPRequest": "..."}``, which the proxy sends.

    See docs/cloudapi/throttle.md#haproxy-errors.
    """
    if len(fields) != 1:
        return None
    ((name, value),) = fields.items()
    return text_or_none(value) if name[:1].isupper() else None  # others may be metadata


def text_or_none(value: Any) -> str | None:
    """Return text with ``?`` for lone surrogates, which cannot be printed; None for anything else."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) and value else None


def kind(value: Any) -> str:
    """Return what a decoded value of JSON is, in words."""
    return _KINDS.get(type(value), "an object")


def description(body: Any, response: requests.Response) -> str:
    """Return, on one line, what a body without a message is: the kind of JSON, or the start of other text.

    Args:
        body: The decoded body; None if it is not JSON.
        response: The answer.
    """
    start = response.content[: _PREVIEW * 4].lstrip()
    if isinstance(body, Mapping):
        names = [n if len(n) <= _LONGEST_FIELD else f"{n[:_LONGEST_FIELD]}..." for n in body]
        if len(names) > _MOST_FIELDS:
            names[_MOST_FIELDS:] = ["..."]
        return f"an object with {', '.join(names)}" if names else "an empty object"
    if body is not None or start == b"null":
        return kind(body)
    if start.startswith(_JSON):
        return f"broken JSON of {len(response.content)} bytes"
    text = " ".join(start.decode("utf-8", "replace").split())
    if echo := re.search(_SIGNATURE, text):
        text = f"{text[: echo.start()]}..."
    return text[:_PREVIEW]


def is_page(response: requests.Response) -> bool:
    """Whether the body is a page, as a proxy sends it."""
    return response.content[:80].lstrip().lower().startswith(_PAGE)


def reason(status: int) -> str:
    """Return the standard phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "error"


def field_errors(value: Any) -> list[dict[str, Any]]:
    """Return the objects in the ``errors`` of a body, with those of their fields that are documented."""
    items = [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
    return [{name: item[name] for name in _OF_FIELDS if name in item} for item in items]


def describe_field_error(error: Mapping[str, Any]) -> str:
    """Return one field's error as a line of text."""
    parts = (text_or_none(error.get(name)) for name in _OF_FIELDS)
    return " ".join(part for part in parts if part)


def without_passwords(machine: dict[str, Any]) -> dict[str, Any]:
    """Return a machine without the passwords of ``credentials=true``: errors are logged and pickled."""
    metadata = machine.get("metadata")
    if not isinstance(metadata, dict) or "credentials" not in metadata:
        return machine
    return machine | {"metadata": {key: metadata[key] for key in metadata if key != "credentials"}}
