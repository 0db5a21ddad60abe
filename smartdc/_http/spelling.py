"""Checking and encoding a request's path, query, headers and body."""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from requests.structures import CaseInsensitiveDict

from smartdc._http.request import Params
from smartdc.arguments.ids import path_of, plain, refuse_key, shown
from smartdc.errors import ConfigurationError, shortened

__all__ = ["account_url", "checked_path", "encoded_body", "encoded_query", "merged_headers"]

_URL_SPECIAL = r"[\s?#\\]|[^\x21-\x7e]|%(?![0-9A-Fa-f]{2})"
_OLD_VERSION = "x-api-version"
_PRESIGN_ONLY = frozenset({"keyId", "expires", "algorithm", "signature"})


@lru_cache(maxsize=64)  # called for each request
def account_url(base_url: str, login: str) -> str:
    """The URL of an account."""
    return base_url + path_of((login,))


def checked_path(path: str) -> str:
    """Return the path, unless it would lead outside the account or break the request line."""
    if re.search(_URL_SPECIAL, path):
        raise ConfigurationError(f"path {shown(path)} must be quoted, and its query given as params=")
    segments = path.split("/")
    if "%" in path:
        segments = [unquote(segment) for segment in segments]
    if any(segment in ("", ".", "..") for segment in segments[1:]):
        # An empty id makes the server fail (docs/cloudapi/hazards.md#empty-machine-id); the dots lead to
        # another account.
        raise ConfigurationError(
            f"path {shown(path)} has an empty part, or one that leads out of the account"
        )
    for segment in segments:
        refuse_key(segment)
    if segments[1:2] == ["my"]:
        raise ConfigurationError(f"path {shown(path)} must be below the account: leave '/my' out")
    return path


def encoded_query(params: Params | None) -> list[tuple[str, str]]:
    """Encode the query: None is left out, booleans are true and false, and a list is sent entry by entry."""
    query = []
    for name, values in (params or {}).items():
        if name in _PRESIGN_ONLY:
            # One of them alone makes the server fail with 500
            # (docs/cloudapi/hazards.md#parts-of-a-pre-signed-url).
            raise ConfigurationError(f"query parameter {name!r} belongs to pre-signed URLs only")
        for entry in values if isinstance(values, list | tuple) else [values]:
            value = plain(entry)
            if isinstance(value, bool):
                value = "true" if value else "false"
            if value is not None:
                query.append((_query_text(plain(name)), _query_text(value)))
    return query


def _query_text(value: Any) -> str:
    try:
        text = str(value)
        text.encode()
    except Exception:  # a lone surrogate, a number of thousands of digits, a str() that raises
        raise ConfigurationError(f"{shown(value)} cannot be sent in a query") from None
    refuse_key(text)
    return text


def merged_headers(
    defaults: CaseInsensitiveDict[str], own: Mapping[str, str], our_version: str, *, has_body: bool
) -> dict[str, str]:
    """The headers of a request: its own win over the default ones.

    The server prefers Accept-Version to X-Api-Version
    (docs/cloudapi/versions.md#other-headers-that-name-a-version): our Accept-Version is left out if the
    caller names a version in the other header.

    Args:
        defaults: The default headers.
        own: Those of this request.
        our_version: The version that is asked for when the caller names none.
        has_body: Whether the request has a body.

    Raises:
        ConfigurationError: A header must not be sent.
    """
    merged = {name.lower(): (name, value) for name, value in defaults.items()}
    is_ours = "accept-version" in merged and merged["accept-version"][1] == our_version
    if (is_ours and _OLD_VERSION in merged) or any(name.lower() == _OLD_VERSION for name in own):
        merged.pop("accept-version", None)
    if has_body:
        merged["content-type"] = ("Content-Type", "application/json")
    merged.update((name.lower(), (name, value)) for name, value in own.items())
    if "x-date" in merged:
        # The server keeps the first signed header list it parses: X-Date breaks it for all
        # (docs/cloudapi/hazards.md#x-date-breaks-all-requests).
        raise ConfigurationError("X-Date must not be sent to CloudAPI: Date is set when signing")
    return dict(merged.values())


def encoded_body(data: Any) -> bytes:
    try:
        # Not escaped, so that a lone surrogate, which the server would replace, is an error here.
        return json_module.dumps(data, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"the body cannot be sent as JSON: {shortened(str(error))}") from error
