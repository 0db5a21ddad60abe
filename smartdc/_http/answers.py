"""Decoding answers, and checking that they have the expected shape.

An answer must have the shape that the operation expects: an object, a list of objects, a count. Any other
raises an `InvalidResponse` that names the verb, the path and what came instead. The contents of an object are
passed on unchanged: new fields, new states and odd values are not checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from io import BytesIO
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests

from smartdc._error_bodies import is_page, kind, reason
from smartdc.arguments.ids import is_uuid
from smartdc.errors import InvalidResponse, NotFoundError, shortened

__all__ = [
    "MOST_PAGES",
    "Answer",
    "count_of",
    "decoded",
    "endless_list",
    "from_json",
    "invalid_response",
    "list_of",
    "location_of",
    "not_listed",
    "object_of",
    "object_seen",
    "reject_bytes",
    "reject_other_id",
    "reject_other_name",
    "reject_redirect",
    "strings_of",
    "value_of",
]

Answer = tuple[Any, requests.Response]
"""The decoded body of an answer, and the answer itself."""

D = TypeVar("D", bound=Mapping[str, Any])

MOST_PAGES = 1000
"""A million entries: a longer list is taken to be endless."""

_COUNT = r"[0-9]{1,15}"


def from_json(text: bytes | str) -> Any:
    """Decode JSON.

    Raises:
        ValueError: The text is not JSON, not UTF-8, or nested too deep.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def decoded(response: requests.Response) -> Any:
    """Return the body: JSON is decoded, plain text is str, an empty body is None, and the rest is bytes."""
    if not response.content:
        return None
    content_type = response.headers.get("Content-Type", "").lower()
    if "json" in content_type:
        try:
            return from_json(response.content)
        except ValueError as error:  # also UnicodeDecodeError
            raise _unreadable(response, f"broken JSON: {error}") from error
    if content_type.startswith("text/plain"):
        # The charset that the answer names is ignored: it may not be able to decode this.
        return response.content.decode("utf-8", "replace")
    return response.content


def reject_redirect(body: Any, response: requests.Response) -> Answer:
    """Return the answer; raise InvalidResponse for a redirect, and for other answers below 400 but 2xx."""
    status = response.status_code
    if status < 200 or 300 <= status < 400:
        url = shortened(response.request.url or "?")
        what = f"{reason(status)}, which CloudAPI does not send"
        if status >= 300 and status != HTTPStatus.NOT_MODIFIED and "Location" in response.headers:
            what = "with a redirect, which is not followed"
        raise invalid_response(response, f"{what}. Is {url} the URL of a CloudAPI?", lasting=True)
    return body, response


def reject_bytes(body: Any, response: requests.Response) -> Answer:
    """Return the answer; raise InvalidResponse for a body that is neither JSON nor text."""
    if isinstance(body, bytes):
        raise _unreadable(response, "not JSON")
    return body, response


def object_of(body: Any, response: requests.Response, key: str | None = None) -> dict[str, Any]:
    """Return the body if it is an object; with a `key`, that field must have text."""
    if not isinstance(body, dict):
        raise invalid_response(response, f"with {_kind(body, response)} where an object was expected")
    if key is not None:
        _require_text(body, response, key)
    return body


def reject_other_id(body: D, response: requests.Response) -> D:
    """Return the object, unless its id is not the one in the path: then it answers another request."""
    asked = urlsplit(response.request.path_url).path.rpartition("/")[2].lower()
    got = body.get("id")
    if is_uuid(asked) and isinstance(got, str) and got.lower() != asked:
        raise invalid_response(response, f"with an object whose id is {got[:40]!r}")
    return body


def reject_other_name(body: D, response: requests.Response, asked: str | None) -> D:
    """Return what was created, unless it shows another name than the one asked for, as `reject_other_id`."""
    got = body.get("name")
    if asked is not None and isinstance(got, str) and got != asked:
        raise invalid_response(response, f"with an object whose name is {got[:40]!r}, not {asked[:40]!r}")
    return body


def object_seen(body: D, response: requests.Response, key: str, asked: str) -> D:
    """Return the object that was looked at: it must have a state, and be the one that was asked for.

    Args:
        body: The object.
        response: The answer that it comes from.
        key: The field that names it: ``id``, ``mac`` or ``name``.
        asked: The name that was asked for.
    """
    for field in (key, "state"):
        _require_text(body, response, field)
    if body[key].replace(":", "").lower() != asked.replace(":", "").lower():  # a MAC has no colons in a path
        raise invalid_response(response, f"with an object whose {key} is {body[key][:40]!r}")
    return body


def list_of(body: Any, response: requests.Response, key: str | None = None) -> list[dict[str, Any]]:
    """Return the body if it is a list of objects; with a `key`, that field of each must have text."""
    if not isinstance(body, list):
        raise invalid_response(response, f"with {_kind(body, response)} where a list was expected")
    for entry in body:
        if not isinstance(entry, dict):
            raise invalid_response(response, f"with {_kind(entry, response)} in a list of objects")
        if key is not None:
            found = entry.get(key)  # inlined: a list may have a hundred thousand entries
            if not (isinstance(found, str) and found):
                _require_text(entry, response, key)
    return body


def value_of(body: Any, response: requests.Response) -> str | int | float | bool:
    """The body as a single value; no body is the empty text."""
    if isinstance(body, Mapping | list):
        raise invalid_response(response, f"with {_kind(body, response)} where a single value was expected")
    return "" if body is None else body


def strings_of(value: Any, response: requests.Response) -> list[str]:
    """Return a field of an object if it is a list of texts; one that is absent or null is an empty list."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise invalid_response(response, "with something else where a list of texts was expected")
    return value


def count_of(response: requests.Response) -> int:
    """The number in the header x-resource-count."""
    text = response.headers.get("x-resource-count", "")
    if not re.fullmatch(_COUNT, text):
        raise invalid_response(response, f"with {text[:40]!r} as its x-resource-count")
    return int(text)


def location_of(response: requests.Response) -> str:
    """The URL in the header Location."""
    location = response.headers.get("Location", "")
    if not location.rpartition("/")[2]:
        raise invalid_response(response, f"with {location[:40]!r} as its Location")
    return location


def invalid_response(response: requests.Response, why: str, *, lasting: bool = False) -> InvalidResponse:
    """The error for an answer that cannot be used. It does not quote the body, which may hold secrets.

    Args:
        response: The answer.
        why: The rest of the message, after verb, path and status.
        lasting: Whether another attempt would fail in the same way.
    """
    request = response.request
    error = InvalidResponse(
        f"{request.method} {shortened(request.path_url)}: {response.status_code} {why}",
        method=request.method,
        path=request.path_url,
        response=response,
        lasting=lasting,
    )
    error.attempts = getattr(response, "attempts", 0)
    return error


def not_listed(response: requests.Response, message: str) -> NotFoundError:
    """The error for something that is not in a list: the same as for the server's own 404.

    Args:
        response: The answer with the list.
        message: Says what was not found.
    """
    answer = requests.Response()
    answer.status_code = HTTPStatus.NOT_FOUND
    answer.request = response.request
    answer.raw = BytesIO(json.dumps({"code": "ResourceNotFound", "message": message}).encode())
    return NotFoundError(answer)


def endless_list(method: str, path: str) -> InvalidResponse:
    """The error for a list whose pages have no end."""
    return InvalidResponse(
        f"{method} {path}: there is always another page after {MOST_PAGES} of them", method=method, path=path
    )


def _require_text(entry: Mapping[str, Any], response: requests.Response, key: str) -> None:
    if not (isinstance(entry.get(key), str) and entry[key]):
        raise invalid_response(response, f"with an object that has no {key!r}")


def _kind(value: Any, response: requests.Response) -> str:
    return kind(value) if response.content else "no body"


def _unreadable(response: requests.Response, why: str) -> InvalidResponse:
    # Anything else may be a value of a machine's metadata, or a part of one.
    excerpt = f"; it begins {response.content[:80].strip()!r}" if is_page(response) else ""
    where = f"Is {shortened(response.request.url or '?')} the URL of a CloudAPI?"
    return invalid_response(
        response, f"with a body that is {why} ({len(response.content)} bytes){excerpt}. {where}"
    )
