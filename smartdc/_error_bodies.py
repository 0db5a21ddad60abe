"""What the body of a refusal says: code, message and the errors of single fields, whatever its shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import requests

_PREVIEW = 200
"""How many characters of a body that is not CloudAPI's own JSON an error shows."""


def json_or_none(response: requests.Response) -> Any:
    """The decoded body, None where it is not JSON."""
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested too deep
        return None


def error_fields(body: Any) -> Mapping[str, Any]:
    """Where code and message stand: in the object, or in the first one of a list.

    See docs/cloudapi/storage.md#errors-of-volumes-may-be-a-list.
    """
    if isinstance(body, list):
        body = next((entry for entry in body if isinstance(entry, Mapping)), None)
    return body if isinstance(body, Mapping) else {}


def only_text(fields: Mapping[str, Any]) -> str | None:
    """The text of ``{"BadHTTPRequest": "..."}``: so the proxy before the server speaks.

    See docs/cloudapi/throttle.md#haproxy-errors.
    """
    values = [] if "code" in fields else list(fields.values())
    return text_or_none(values[0]) if len(values) == 1 else None


def text_or_none(value: Any) -> str | None:
    """The text, with a question mark for half a character, which could not be printed."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) and value else None


def preview(response: requests.Response) -> str:
    """The start of a body that is not JSON, on one line."""
    text = response.content[: _PREVIEW * 4].decode("utf-8", "replace")
    return " ".join(text.split())[:_PREVIEW]


def reason(status: int) -> str:
    """The words for a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "error"


def field_errors(value: Any) -> list[dict[str, Any]]:
    """The objects in the ``errors`` of a body."""
    return [dict(item) for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def describe_field_error(error: Mapping[str, Any]) -> str:
    """One of these on one line."""
    parts = (text_or_none(error.get(name)) for name in ("field", "code", "message"))
    return " ".join(part for part in parts if part)


def without_passwords(machine: dict[str, Any]) -> dict[str, Any]:
    """Exceptions are logged and pickled: the passwords of ``credentials=true`` stay out of them."""
    metadata = machine.get("metadata")
    if not isinstance(metadata, dict) or "credentials" not in metadata:
        return machine
    return machine | {"metadata": {key: metadata[key] for key in metadata if key != "credentials"}}
