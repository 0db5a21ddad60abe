"""What a new machine shall be like: the arguments of `create_machine`, in the form that the server reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from smartdc.arguments.ids import entity_id, machine_ref
from smartdc.arguments.values import checked_metadata, checked_tags
from smartdc.errors import ConfigurationError
from smartdc.types import Locality, NetworkObject, VolumeMount

__all__ = [
    "SHORT_ID",
    "affinity_rules",
    "checked_name",
    "flat_entries",
    "locality_hints",
    "network_entry",
    "network_list",
    "volume_mounts",
]

EntityRef = str | Mapping[str, Any]

SHORT_ID = "{{shortId}}"
"""What the server replaces in a name by the first part of the new machine's UUID."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,188}")
_VOLUME_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+")
_MOUNT_POINT = re.compile(r"/[^\0]*[^/\0][^\0]*")


def checked_name(name: str | None) -> str | None:
    """The name, if the server takes it; of another type it would make the server fail.

    See docs/cloudapi/create.md#name-of-another-type.

    Raises:
        ConfigurationError: It has characters that it must not have, or too many.
    """
    if name is None or name == "":
        return name
    if not isinstance(name, str) or not _NAME.fullmatch(name.replace(SHORT_ID, "shortId0")):
        raise ConfigurationError(
            f"{name!r} is not a machine name: use letters, digits, '_', '-' and '.', at most 189, "
            "the first a letter or a digit"
        )
    return name


def flat_entries(
    metadata: Mapping[str, Any] | None,
    boot_script: str | PathLike[str] | None,
    tags: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Metadata and tags as flat keys: the server drops nested ones in silence.

    See docs/cloudapi/create.md#nested-tags-and-metadata-are-dropped.
    """
    entries = dict(metadata or {})
    if boot_script is not None:
        entries["user-script"] = Path(boot_script).expanduser().read_text(encoding="utf-8")
    flat = {f"metadata.{key}": value for key, value in checked_metadata(entries).items()}
    return flat | {f"tag.{key}": value for key, value in checked_tags(tags or {}).items()}


def network_list(networks: Iterable[EntityRef] | EntityRef | None) -> list[Any] | None:
    """Networks as ids, or, if one of them is an object, all of them as objects."""
    if networks is None:
        return None
    entries = [network_entry(network) for network in _listed(networks)]
    if all(isinstance(entry, str) for entry in entries):
        return entries
    # The server refuses ids and objects in one list (docs/cloudapi/create.md#mixed-networks-are-refused).
    return [NetworkObject(ipv4_uuid=entry) if isinstance(entry, str) else entry for entry in entries]


def network_entry(network: Any) -> Any:
    """One network: a `NetworkObject` as it is, of anything else the id."""
    if isinstance(network, Mapping) and "ipv4_uuid" in network:
        return network
    return entity_id(network, "network")


def affinity_rules(affinity: Iterable[str] | str | None) -> list[str] | None:
    """Affinity rules as a list: a lone one of another type makes the server fail."""
    rules = None if affinity is None else _listed(affinity)
    for rule in rules or ():
        if not isinstance(rule, str):
            raise ConfigurationError(f"{rule!r} is not an affinity rule such as 'role!=db'")
    return rules


def locality_hints(locality: Locality | None) -> dict[str, Any] | None:
    """Locality with machines as ids."""
    if locality is None:
        return None
    hints: dict[str, Any] = dict(locality)
    for side in ("near", "far"):
        if side in hints:
            hints[side] = [machine_ref(machine) for machine in _listed(hints[side])]
    return hints


def volume_mounts(volumes: Iterable[VolumeMount] | None) -> list[VolumeMount] | None:
    """Volumes with their mount points; to one that is wrong the server never answers.

    See docs/cloudapi/hazards.md#invalid-volumes-on-create.

    Raises:
        ConfigurationError: A name, mount point, mode or type that the server does not take.
    """
    mounts = None if volumes is None else list(volumes)
    for mount in mounts or ():
        _check_mount(mount)
    return mounts


def _check_mount(mount: Any) -> None:
    fits = (
        isinstance(mount, Mapping)
        and mount.get("type", "tritonnfs") == "tritonnfs"
        and mount.get("mode", "rw") in ("ro", "rw")
        and isinstance(mount.get("name"), str)
        and _VOLUME_NAME.fullmatch(mount["name"])
        and isinstance(mount.get("mountpoint"), str)
        and _MOUNT_POINT.fullmatch(mount["mountpoint"])
    )
    if not fits:
        raise ConfigurationError(
            f"{mount!r} cannot be mounted: it needs a volume's name, a mountpoint such as '/data', and no "
            "mode but 'ro' and 'rw'"
        )


def _listed(several: Any) -> list[Any]:
    one = isinstance(several, str | Mapping) or not isinstance(several, Iterable)
    return [several] if one else list(several)
