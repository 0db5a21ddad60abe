"""The checks of an image's manifest that IMGAPI makes with imgmanifest 3.2.0."""

from __future__ import annotations

import re
from typing import Any

from smartdc.emulator.http.answers import ErrorItem, to_json
from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.javascript.texts import length
from smartdc.emulator.state.fields import IMAGE_NAME_CHARACTERS, LONGEST_IMAGE_NAME, UUID

_LONGEST = {
    "name": LONGEST_IMAGE_NAME,
    "version": 512,
    "description": 10 * 1024,
    "homepage": 1024,
    "eula": 1024,
}
_VERSION = re.compile(r"[A-Za-z0-9._/+-]+")
_WEB = re.compile(r"[\x00-\x20\xa0\ufeff]*[hH][tT][tT][pP][sS]?:")
_MOST_TAGS = 100 * 1024


def errors_of(manifest: dict[str, Any]) -> list[ErrorItem]:
    """IMGAPI's errors about the fields of an image."""
    errors: list[ErrorItem] = []
    for name, value in manifest.items():
        problem = _problem(name, value)
        if problem is not None:
            errors.append({"field": name, "code": "Invalid", "message": problem})
        elif value is None and name in ("name", "version"):
            errors.append({"field": name, "code": "MissingParameter"})
    return errors


def _problem(name: str, value: Any) -> str | None:
    if value is None:
        return None  # null removes the field
    if name == "acl":
        return _acl_problem([value] if isinstance(value, str) else value)
    if name == "tags":
        return _tags_problem(value)
    if name in ("homepage", "eula"):
        title = "EULA" if name == "eula" else name
        if not (isinstance(value, str) and _WEB.match(value)):
            return f"invalid image {title} URL protocol"
        if _length(value) > _LONGEST[name]:
            return f"image {title} URL is too long (max {_LONGEST[name]} characters)"
        return None
    if _length(value) > _LONGEST[name]:
        return f"image {name} is too long, max {_LONGEST[name]} characters"
    if name == "name" and not IMAGE_NAME_CHARACTERS.fullmatch(as_text(value)):
        characters = '" ", ".", "-", "_" and "/"'
    elif name == "version" and not _VERSION.fullmatch(as_text(value)):
        characters = '".", "-", "_" and "/"'
    else:
        return None
    return f"image {name} has invalid characters (only alpha-numeric characters and {characters} are allowed)"


def _acl_problem(acl: Any) -> str | None:
    if not isinstance(acl, list):
        return f'invalid image "acl" (not an array): {as_text(acl)}'
    for number, account in enumerate(acl):
        if not UUID.fullmatch(as_text(account)):
            return f'invalid image "acl" (item {number} is not a UUID): {as_text(account)}'
    return None


def _tags_problem(tags: Any) -> str | None:
    if not isinstance(tags, dict):
        return f'invalid image "tags" (not an object): {to_json(tags)}'
    size = length(to_json(tags))
    if size > _MOST_TAGS:
        return f'image "tags" object is too big: {size} characters (max {_MOST_TAGS})'
    return None


def _length(value: Any) -> int:
    """JavaScript's length; a text is counted in UTF-16 units, and a value without a length counts as 0."""
    if isinstance(value, str):
        return length(value)
    return len(value) if isinstance(value, list) else 0
