"""What tags and metadata may be: checked here, because the server loses or misdirects the rest in silence.

CloudAPI merges the body of a request over its URL, so that an entry called ``machine`` would be written to
another machine (docs/cloudapi/tags-and-metadata.md#tag-named-machine), and one called ``image`` would be
dropped (docs/cloudapi/tags-and-metadata.md#tags-named-image-or-package).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from smartdc.errors import ConfigurationError
from smartdc.types import Value

__all__ = ["checked_metadata", "checked_tags", "readable_alone"]

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
_METADATA_NAME = re.compile(r"\w.*", re.ASCII | re.DOTALL)
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]")


def checked_tags(tags: Mapping[str, Any]) -> dict[str, Value]:
    """The tags, if each will arrive as it is.

    Raises:
        ConfigurationError: A name that the server keeps for itself, or a value it does not store.
    """
    return {name: _checked("tag", name, value) for name, value in tags.items()}


def checked_metadata(metadata: Mapping[str, Any]) -> dict[str, Value]:
    """The metadata, if each entry will arrive as it is.

    Raises:
        ConfigurationError: A name that the server keeps for itself, or a value it does not store.
    """
    for name in metadata:
        if name == "credentials" or str(name).endswith("_pw"):
            raise ConfigurationError(f"the server keeps metadata {name!r} for passwords and drops it")
        if not _METADATA_NAME.fullmatch(str(name)):
            raise ConfigurationError(f"metadata {name!r} must begin with a letter, a digit or '_'")
    return {name: _checked("metadata", name, value) for name, value in metadata.items()}


def readable_alone(name: str) -> bool:
    """Whether the server answers for this entry alone: over a space it fails or hangs.

    See docs/cloudapi/hazards.md#keys-with-a-space.
    """
    return not (isinstance(name, str) and _SPACE.search(name))


def _checked(kind: str, name: Any, value: Any) -> Value:
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"a {kind} name must be text, not {name!r}")
    if name in _ROUTE_PARAMETERS:
        raise ConfigurationError(
            f"{kind} {name!r} cannot be set: the server takes it for a part of the request; rename it"
        )
    if not isinstance(value, str | int | float):
        raise ConfigurationError(
            f"{kind} {name!r} must be text, a number or a boolean, not {type(value).__name__}"
        )
    return value
