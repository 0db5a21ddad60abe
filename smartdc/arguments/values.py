"""Checks tags and metadata, because the server silently drops or misdirects what it does not accept.

CloudAPI merges the body of a request over its URL, so that an entry called ``machine`` would be written to
another machine (docs/cloudapi/tags-and-metadata.md#tag-named-machine), and one called ``image`` would be
dropped (docs/cloudapi/tags-and-metadata.md#tags-named-image-or-package).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from smartdc.arguments.ids import plain, shown
from smartdc.errors import ConfigurationError

if TYPE_CHECKING:
    from smartdc.types import Value

__all__ = [
    "awaited_entries",
    "checked_metadata",
    "checked_number",
    "checked_tags",
    "checked_values",
    "is_number",
    "is_readable_by_name",
    "merged_entries",
]

_ROUTE_PARAMETERS = frozenset(
    {
        "account",
        "machine",
        "uuid",
        "owner_uuid",
        "context",
        "image",
        "dataset",
        "package",
        "as-role",
        "origin",
    }
)
_UNREADABLE = r"[\s\x00-\x1f\x7f/%]"
_LARGEST_EXACT = 2**53
"""JavaScript does not have every whole number above this one."""

_ESCAPE = r"%[23]D"
"""An escape in the text in which VMAPI stores tags
(docs/cloudapi/tags-and-metadata.md#tags-are-stored-as-text)."""
_TYPED = r"%n\{[-+]?[0-9]*\.?[0-9]+\}|%b\{(true|false)\}"
"""A number or a boolean in that text."""
_OBJECT_PROPERTIES = frozenset(
    {
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
        "__proto__",
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
    }
)
"""Names that every JavaScript object has
(docs/cloudapi/tags-and-metadata.md#tags-named-like-properties-of-objects)."""


def merged_entries(kind: str, entries: Any, more: Mapping[str, Any]) -> dict[Any, Any]:
    """Merge entries that were passed as a dict and as keyword arguments.

    Raises:
        ConfigurationError: `entries` is not a dict.
    """
    if entries is not None and not isinstance(entries, Mapping):
        raise ConfigurationError(f"{kind} must be a dict such as {{'role': 'web'}}, not {shown(entries)}")
    return {**(entries or {}), **more}


def checked_tags(tags: Mapping[Any, Any]) -> dict[str, Value]:
    """Check that the server stores each tag unchanged, and return the tags.

    Raises:
        ConfigurationError: The server reserves a name, or does not store a value unchanged.
    """
    checked = dict(_checked("tag", name, value) for name, value in tags.items())
    for name, value in checked.items():
        if name in _OBJECT_PROPERTIES:
            raise ConfigurationError(
                f"tag {name!r} cannot be set: objects in the server have this property; rename it"
            )
        text = value if isinstance(value, str) else ""
        if re.search(_ESCAPE, name) or re.search(_ESCAPE, text) or re.fullmatch(_TYPED, text):
            raise ConfigurationError(
                f"tag {shown(name)} cannot be set: the server reads '%2D', '%3D', '%n{{5}}' and '%b{{true}}' "
                "as something else; write it in another way"
            )
        # docs/cloudapi/tags-and-metadata.md#numbers-with-an-exponent
        if isinstance(value, float) and value and not 1e-6 <= abs(value) < 1e21:
            raise ConfigurationError(
                f"tag {shown(name)} cannot be {value}: the server does not read back what JavaScript writes "
                "with an exponent; give it as text"
            )
    return checked


def checked_metadata(metadata: Mapping[Any, Any]) -> dict[str, Value]:
    """Check that the server stores each metadata entry unchanged, and return the metadata.

    Raises:
        ConfigurationError: The server reserves a name, or does not store a value.
    """
    for name in map(plain, metadata):
        if name == "credentials" or str(name).endswith("_pw"):
            raise ConfigurationError(f"the server keeps metadata {name!r} for passwords and drops it")
        if name == "__proto__":
            raise ConfigurationError(f"the server drops metadata {name!r}: rename it")
    return dict(_checked("metadata", name, value) for name, value in metadata.items())


def checked_number(what: str, value: Value) -> Value:
    """Check that JavaScript does not alter a number, and return it.

    Raises:
        ConfigurationError: JavaScript would alter it.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigurationError(f"{what} cannot be {value}: JSON has no such number; give it as text")
    if isinstance(value, int) and abs(value) > _LARGEST_EXACT:
        raise ConfigurationError(
            f"{what} is a whole number beyond 2**53, which the server would alter: give it as text"
        )
    return value


def is_number(name: Any) -> bool:
    """Whether the name of a tag is a number; it is sent as text, as in py-smartdc."""
    return isinstance(name, int | float) and not isinstance(name, bool)


def is_readable_by_name(name: Any) -> bool:
    """Whether the server returns this entry by its name; others can only be read from the list.

    On a space it fails or hangs (docs/cloudapi/hazards.md#keys-with-a-space), to a percent sign it answers
    400 (docs/cloudapi/tags-and-metadata.md#keys-with-a-percent-sign), it loses a slash
    (docs/cloudapi/tags-and-metadata.md#keys-with-a-slash), and ``.`` and ``..`` lead to another path.
    """
    return not (isinstance(name, str) and (name in (".", "..") or re.search(_UNREADABLE, name)))


def checked_values(kind: str, entries: Any) -> dict[str, Value]:
    """Check entries that are sent in a separate object, where any name is allowed.

    Raises:
        ConfigurationError: They are not a dict of text, numbers and booleans, or the server would alter a
            value.
    """
    return dict(_checked_value(kind, *entry) for entry in merged_entries(f"{kind}s", entries, {}).items())


def awaited_entries(argument: str, kind: str, entries: Any) -> dict[str, Value | None]:
    """Check the entries that a wait compares, with any name; None as the value awaits that one is gone.

    Raises:
        ConfigurationError: They are not a dict of text, numbers, booleans and None.
    """
    awaited: dict[str, Value | None] = {}
    for any_name, value in merged_entries(argument, entries, {}).items():
        name, checked = _checked_value(kind, any_name, "" if value is None else value)
        awaited[name] = None if value is None else checked
    return awaited


def _checked(kind: str, name: Any, value: Any) -> tuple[str, Value]:
    name, value = _checked_value(kind, name, value)
    if name in _ROUTE_PARAMETERS:
        raise ConfigurationError(
            f"{kind} {name!r} cannot be set: the server takes it for a part of the request; rename it"
        )
    return name, value


def _checked_value(kind: str, name: Any, value: Any) -> tuple[str, Value]:
    name, value = plain(name), plain(value)
    name = str(name) if is_number(name) else name
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"a {kind} name must be text, not {shown(name)}")
    if not isinstance(value, str | int | float):
        raise ConfigurationError(
            f"{kind} {shown(name)} must be text, a number or a boolean, not {type(value).__name__}"
        )
    return name, checked_number(f"{kind} {shown(name)}", value)
