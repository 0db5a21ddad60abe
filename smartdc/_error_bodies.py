"""Reads the body of an error answer, in any of its shapes: code, message, errors of single fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import requests

_PREVIEW = 200
"""How many characters of a body that is not CloudAPI's own JSON an error shows."""


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
    values = [] if "code" in fields else list(fields.values())
    return text_or_none(values[0]) if len(values) == 1 else None


def text_or_none(value: Any) -> str | None:
    """Return text with ``?`` for lone surrogates, which cannot be printed; None for anything else."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) and value else None


def preview(response: requests.Response) -> str:
    """Return the start of a body that is not JSON, on one line."""
    text = response.content[: _PREVIEW * 4].decode("utf-8", "replace")
    return " ".join(text.split())[:_PREVIEW]


def reason(status: int) -> str:
    """Return the standard phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "error"


def field_errors(value: Any) -> list[dict[str, Any]]:
    """Return the objects in the ``errors`` of a body."""
    return [dict(item) for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def describe_field_error(error: Mapping[str, Any]) -> str:
    """Return one field's error as a line of text."""
    parts = (text_or_none(error.get(name)) for name in ("field", "code", "message"))
    return " ".join(part for part in parts if part)


def without_passwords(machine: dict[str, Any]) -> dict[str, Any]:
    """Return a machine without the passwords of ``credentials=true``: errors are logged and pickled."""
    metadata = machine.get("metadata")
    if not isinstance(metadata, dict) or "credentials" not in metadata:
        return machine
    return machine | {"metadata": {key: metadata[key] for key in metadata if key != "credentials"}}
