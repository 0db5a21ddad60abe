"""Ids and names: what an argument names, and how it stands in a URL."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from ipaddress import IPv4Address
from typing import Any, TypeVar
from urllib.parse import quote

from smartdc._forks import importing
from smartdc._secrets import is_key, written
from smartdc.errors import ConfigurationError

__all__ = [
    "ID_KEYS",
    "closest_word",
    "entity_id",
    "escaped",
    "has_half_character",
    "is_lower_case_uuid",
    "is_segment",
    "is_uuid",
    "machine_ref",
    "path_of",
    "path_part",
    "path_parts",
    "plain",
    "refuse_key",
    "shown",
    "without_none",
]

_T = TypeVar("_T")

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_COLLECTIONS = (
    "accesskeys", "datacenters", "fabrics", "fwrules", "images", "keys", "machines", "migrations", "networks",
    "packages", "policies", "roles", "services", "users", "volumes",
)  # fmt: skip
_LONGEST_WORD = 40
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]")

ID_KEYS: Mapping[str, tuple[str, ...]] = {
    "accesskeys": ("accesskeyid",),
    "ips": ("ip",),
    "keys": ("fingerprint", "name"),
    "migrations": ("machine", "id"),
    "nics": ("mac",),
    "packages": ("id", "name"),
    "policies": ("id", "name"),
    "roles": ("id", "name"),
    "snapshots": ("name",),
    "users": ("id", "login"),
    "vlans": ("vlan_id",),
}
"""Where a dict of these collections has its name in a URL, best first; of others it is the ``id``."""


def without_none(**arguments: _T | None) -> dict[str, _T]:
    """The arguments that were given: unset is None, and None is not sent. 0, False and '' are."""
    return {name: value for name, value in arguments.items() if value is not None}


def plain(value: Any) -> Any:
    """The value of an enum's member, of which str() makes ``Class.NAME``; anything else as it is.

    Text becomes a str: that of a subclass may write itself as something else.
    """
    value = value.value if isinstance(value, Enum) else value
    return str.__str__(value) if isinstance(value, str) else value


def shown(value: Any) -> str:
    """A value as an error shows it: on one line, its beginning only, and nothing that may be a key."""
    return written(plain(value))


def closest_word(given: Any, words: Iterable[str]) -> str | None:
    """The one of these words that was probably meant; None where none is near."""
    with importing:  # only errors need it
        from difflib import get_close_matches

    text = str(given)[:_LONGEST_WORD].strip().lower() if isinstance(given, str) else ""
    return next(iter(get_close_matches(text, list(words), n=1, cutoff=0.7)), None)


def escaped(text: str) -> str:
    """Text that a terminal shows as it is: what would control it, or has no form, is written as an escape."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


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
    entity = plain(entity)
    if isinstance(entity, Mapping):
        found = None
        for key in keys or ("id",):
            if entity.get(key):
                found = plain(entity[key])
                break
    elif isinstance(entity, str) or _is_uuid_object(entity):
        found = str(entity)
    else:
        found = getattr(entity, "id", None)
    if not isinstance(found, str) or not found:
        wanted = " or ".join(keys or ("id",))
        raise ConfigurationError(
            f"{shown(entity)} names no {what}: give its {wanted}, or a dict or object that has one"
        )
    # The server compares ids as text and answers 409 to upper case
    # (docs/cloudapi/machines.md#bad-and-upper-case-ids).
    return found.lower() if is_uuid(found) else found


def machine_ref(machine: Any, *keys: str) -> str:
    """The id of a machine.

    Args:
        machine: The id itself, a dict that CloudAPI returned, or a `Machine`.
        keys: Where a dict has it, best first; ``id`` when not given.

    Raises:
        ConfigurationError: It has none, or one with a space, over which the server fails
            (docs/cloudapi/machines.md#machine-id-with-a-space).
    """
    ident = entity_id(machine, "machine", *keys)
    if _SPACE.search(ident):
        raise ConfigurationError(
            f"{shown(ident)} is not the id or the name of a machine: it has a space or a control character"
        )
    return ident


def path_part(part: Any, collection: str) -> str:
    """One part of a path below the account, of what an argument names in a collection.

    Args:
        part: The id or name itself, or a dict or object that has one; of a VLAN also its number.
        collection: The part before it, such as ``keys``; empty where a collection is to be named.

    Raises:
        ConfigurationError: It names nothing.
    """
    part = plain(part)
    if collection in ("machines", "migrations"):
        return machine_ref(part, *ID_KEYS.get(collection, ()))
    if collection in ("tags", "metadata") and isinstance(part, str):
        return part  # one that looks like a UUID keeps its case
    if collection == "vlans":
        number = part.get("vlan_id") if isinstance(part, Mapping) else part
        part = str(number) if type(number) is int else part
    elif collection == "ips":
        part = str(part) if isinstance(part, IPv4Address) else part
    elif collection == "snapshots":
        part = getattr(part, "name", part)
    ident = entity_id(part, collection.removesuffix("s") or "resource", *ID_KEYS.get(collection, ()))
    # A MAC stands in paths without colons.
    return ident.replace(":", "").lower() if collection == "nics" else ident


def path_parts(parts: Iterable[Any]) -> tuple[str, ...]:
    """The parts of a path below the account: collections, and what is in them, in turn.

    Raises:
        ConfigurationError: One names nothing.
    """
    segments: list[str] = []
    for part in parts:
        if not segments and isinstance(part, str) and f"{part}s" in _COLLECTIONS:
            raise ConfigurationError(f"{shown(part)} is no collection: did you mean '{part}s'?")
        segments.append(path_part(part, segments[-1] if len(segments) % 2 else ""))
    return tuple(segments)


def is_uuid(text: str) -> bool:
    """Whether it has the form of an id."""
    return _UUID.fullmatch(text) is not None


def is_lower_case_uuid(text: str) -> bool:
    """Whether it is an id as the server writes it."""
    return is_uuid(text) and text == text.lower()


def _is_uuid_object(entity: Any) -> bool:
    """Whether it is a `uuid.UUID`: then that module has been imported, which takes its time."""
    module = sys.modules.get("uuid")
    return module is not None and isinstance(entity, module.UUID)


def path_of(segments: Sequence[str]) -> str:
    """The segments as a URL path, each quoted by itself so that none can climb out of its place.

    Raises:
        ConfigurationError: A segment is no text, or empty, ``.`` or ``..``, which would lead elsewhere, or
            has half a character in it.
    """
    for segment in segments:
        if not is_segment(segment):
            raise ConfigurationError(f"{shown(segment)} cannot be an id or a name in a URL")
        refuse_key(segment)
    return "".join("/" + quote(segment, safe="") for segment in segments)


def refuse_key(text: str) -> None:
    """Let no private key leave in a URL or a header, where somebody took it for an id or a name.

    Raises:
        ConfigurationError: It is one.
    """
    if is_key(text):
        raise ConfigurationError(
            f"{shown(text)} cannot be an id or a name, and was not sent; the private key belongs in secret="
        )


def is_segment(part: Any) -> bool:
    """Whether it can be one part of a path: text that UTF-8 can write and that does not lead elsewhere."""
    return isinstance(part, str) and part not in ("", ".", "..") and not has_half_character(part)


def has_half_character(text: str) -> bool:
    """Whether the text has half a character in it, which UTF-8 cannot write."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
