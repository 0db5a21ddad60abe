"""Ids and names: what an argument names, and how it stands in a URL."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from smartdc.errors import ConfigurationError

__all__ = ["entity_id", "given", "is_segment", "is_uuid", "path_of"]

_T = TypeVar("_T")

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SURROGATE = re.compile("[\ud800-\udfff]")


def given(**arguments: _T | None) -> dict[str, _T]:
    """The arguments that were given: unset is None, and None is not sent. 0, False and '' are."""
    return {name: value for name, value in arguments.items() if value is not None}


def entity_id(entity: Any, what: str, *keys: str) -> str:
    """The id (or name) of what an argument names.

    Args:
        entity: The id itself, a dict that CloudAPI returned, or an object with an `id`.
        what: The field's word for it, for the error: ``image``.
        keys: Where a dict has its id, best first; ``id`` when not given.

    Raises:
        ConfigurationError: It has none, or it is empty.
    """
    found: Any
    if isinstance(entity, Mapping):
        found = next((entity[key] for key in keys or ("id",) if entity.get(key)), None)
    elif isinstance(entity, str | uuid.UUID):
        found = str(entity)
    else:
        found = getattr(entity, "id", None)
    if not isinstance(found, str) or not found:
        wanted = " or ".join(keys or ("id",))
        raise ConfigurationError(
            f"{entity!r} names no {what}: give its {wanted}, or a dict or object that has one"
        )
    # The server compares ids as text and answers 409 to upper case
    # (docs/cloudapi/machines.md#bad-and-upper-case-ids).
    return found.lower() if is_uuid(found) else found


def is_uuid(text: str) -> bool:
    """Whether it has the form of an id."""
    return _UUID.fullmatch(text) is not None


def path_of(segments: Sequence[str]) -> str:
    """The segments as a URL path, each quoted by itself so that none can climb out of its place.

    Raises:
        ConfigurationError: A segment is no text, or empty, ``.`` or ``..``, which would lead elsewhere, or
            has half a character in it.
    """
    for segment in segments:
        if not is_segment(segment):
            raise ConfigurationError(f"{segment!r} cannot be an id or a name in a URL")
    return "".join("/" + quote(segment, safe="") for segment in segments)


def is_segment(part: Any) -> bool:
    """Whether it can be one part of a path: text that UTF-8 can write and that does not lead elsewhere."""
    return isinstance(part, str) and part not in ("", ".", "..") and not _SURROGATE.search(part)
