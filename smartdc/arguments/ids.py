"""Ids and names in arguments, and how they are written in URLs."""

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
    "has_lone_surrogate",
    "is_login",
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
_SPACE = r"[\s\x00-\x1f\x7f]"

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
"""The fields by which a dict is named in a URL, best first, by collection; in others it is the ``id``."""


def without_none(**arguments: _T | None) -> dict[str, _T]:
    """Return the arguments that are not None: None is not sent. 0, False and '' are kept."""
    return {name: value for name, value in arguments.items() if value is not None}


def plain(value: Any) -> Any:
    """Return the value of an enum's member, and anything else unchanged.

    ``str()`` of a member is ``Class.NAME``. Text becomes a plain `str`, because a subclass may print
    differently.
    """
    value = value.value if isinstance(value, Enum) else value
    return str.__str__(value) if isinstance(value, str) else value


def shown(value: Any) -> str:
    """Return a value for an error: on one line, only its beginning, and nothing that may be a key."""
    return written(plain(value))


def closest_word(value: Any, words: Iterable[str]) -> str | None:
    """Return the word that was probably meant; None if none is similar."""
    with importing:  # only errors need it
        from difflib import get_close_matches

    text = str(value)[:_LONGEST_WORD].strip().lower() if isinstance(value, str) else ""
    return next(iter(get_close_matches(text, list(words), n=1, cutoff=0.7)), None)


def escaped(text: str) -> str:
    """Return the text with escapes for control characters and others that cannot be printed."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def entity_id(entity: Any, what: str, *keys: str) -> str:
    """Return the id (or name) of the thing that an argument refers to.

    Args:
        entity: The id itself, a dict that CloudAPI returned, or an object with an `id`.
        what: What it is, for the error: ``image``.
        keys: The fields of a dict that have the id, best first; ``id`` by default.

    Raises:
        ConfigurationError: There is no id, or it is empty.
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
    """Return the id of a machine.

    Args:
        machine: The id itself, a dict that CloudAPI returned, or a `Machine`.
        keys: The fields of a dict that have the id, best first; ``id`` by default.

    Raises:
        ConfigurationError: There is no id, or it has a space, on which the server fails
            (docs/cloudapi/machines.md#machine-id-with-a-space).
    """
    found_id = entity_id(machine, "machine", *keys)
    if re.search(_SPACE, found_id):
        raise ConfigurationError(
            f"{shown(found_id)} is not the id or the name of a machine: it has a space or a control character"
        )
    return found_id


def path_part(part: Any, collection: str) -> str:
    """Return one segment of a path below the account, for a collection or an entry of one.

    Args:
        part: The id or name itself, or a dict or object that has one; for a VLAN also its number.
        collection: The segment before it, such as ``keys``; empty if this segment is a collection.

    Raises:
        ConfigurationError: It has no id or name.
    """
    part = plain(part)
    if collection in ("machines", "migrations"):
        return machine_ref(part, *ID_KEYS.get(collection, ()))
    if collection in ("tags", "metadata") and isinstance(part, str):
        return part  # a name that looks like a UUID keeps its case
    if collection == "vlans":
        number = part.get("vlan_id") if isinstance(part, Mapping) else part
        part = str(number) if type(number) is int else part
    elif collection == "ips":
        part = str(part) if isinstance(part, IPv4Address) else part
    elif collection == "snapshots":
        part = getattr(part, "name", part)
    found_id = entity_id(part, collection.removesuffix("s") or "resource", *ID_KEYS.get(collection, ()))
    # Paths have MAC addresses without colons.
    return found_id.replace(":", "").lower() if collection == "nics" else found_id


def path_parts(parts: Iterable[Any]) -> tuple[str, ...]:
    """Return the segments of a path below the account: collections and their entries in turn.

    Raises:
        ConfigurationError: A part has no id or name.
    """
    segments: list[str] = []
    for part in parts:
        if not segments and isinstance(part, str) and f"{part}s" in _COLLECTIONS:
            raise ConfigurationError(f"{shown(part)} is not a collection: did you mean '{part}s'?")
        segments.append(path_part(part, segments[-1] if len(segments) % 2 else ""))
    return tuple(segments)


def is_uuid(text: str) -> bool:
    """Whether the text has the form of a UUID."""
    return _UUID.fullmatch(text) is not None


def is_lower_case_uuid(text: str) -> bool:
    """Whether the text is an id as the server writes it."""
    return is_uuid(text) and text == text.lower()


def _is_uuid_object(entity: Any) -> bool:
    """Whether it is a `uuid.UUID`; does not import `uuid`, which takes time."""
    module = sys.modules.get("uuid")
    return module is not None and isinstance(entity, module.UUID)


def path_of(segments: Sequence[str]) -> str:
    """Return the segments as a URL path, each quoted, so that none can lead to another path.

    Raises:
        ConfigurationError: A segment is not text, or is empty, ``.`` or ``..``, or has a lone surrogate.
    """
    for segment in segments:
        if not is_segment(segment):
            raise ConfigurationError(f"{shown(segment)} cannot be an id or a name in a URL")
        refuse_key(segment)
    return "".join("/" + quote(segment, safe="") for segment in segments)


def refuse_key(text: str) -> None:
    """Refuse a private key in the place of an id or a name, so that it does not leave in a URL or header.

    Raises:
        ConfigurationError: The text is a private key.
    """
    if is_key(text):
        raise ConfigurationError(
            f"{shown(text)} cannot be an id or a name, and was not sent; the private key belongs in secret="
        )


def is_segment(part: Any) -> bool:
    """Whether it can be one segment of a path: text in UTF-8 that is not empty, ``.`` or ``..``."""
    return isinstance(part, str) and part not in ("", ".", "..") and not has_lone_surrogate(part)


def is_login(text: str) -> bool:
    """Whether it can be the login of an account, whichever characters the server permits in one."""
    return is_segment(text) and "/" not in text and text.isprintable()


def has_lone_surrogate(text: str) -> bool:
    """Whether the text has a lone surrogate, which UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
