"""The arguments of `create_machine` in the form that the server reads.

The module also compares a machine with them, to find one that was created although its answer was lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from smartdc.arguments.ids import is_uuid, shown, without_none
from smartdc.arguments.kinds import as_list, dict_of, text_of
from smartdc.arguments.likeness import differing_fields, differing_shown_fields
from smartdc.arguments.scripts import script_text
from smartdc.arguments.values import checked_metadata, checked_tags, merged_entries
from smartdc.errors import ConfigurationError

if TYPE_CHECKING:
    from smartdc.types import Locality, VolumeMount

__all__ = [
    "SHORT_ID",
    "affinity_rules",
    "checked_name",
    "checked_rename",
    "fields_unlike_request",
    "flat_entries",
    "has_name",
    "locality_hints",
    "network_entry",
    "network_list",
    "volume_mounts",
]

SHORT_ID = "{{shortId}}"
"""The server replaces this text in a name by the first part of the new machine's UUID."""

_COMPARED = ("brand", "firewall_enabled", "deletion_protection", "delegate_dataset", "encrypted")
"""Fields of a create that machines show under the same name."""

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,188}"
_BEGINNING_OF_METADATA = r"[A-Za-z0-9_]"
"""docs/cloudapi/create.md#names-of-flat-keys"""
_VOLUME_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]+"
_MOUNT_POINT = r"/[^\0]*[^/\0][^\0]*"


def checked_name(name: str | None) -> str | None:
    """Check the name of a new machine: the server fails on a name that is not text.

    See docs/cloudapi/create.md#name-of-another-type.

    Raises:
        ConfigurationError: It has characters that are not allowed, or too many.
    """
    if name is None or name == "":
        return name
    if not isinstance(name, str) or not re.fullmatch(_NAME, name.replace(SHORT_ID, "shortId0")):
        raise _invalid_name(name)
    return name


def checked_rename(name: str) -> str:
    """Check the new name of an existing machine, in which the server does not replace ``{{shortId}}``.

    Raises:
        ConfigurationError: It has characters that are not allowed, or too many.
    """
    name = text_of("name", name)
    if not re.fullmatch(_NAME, name):
        raise _invalid_name(name)
    return name


def _invalid_name(name: Any) -> ConfigurationError:
    return ConfigurationError(
        f"{shown(name)} is not a machine name: use letters, digits, '_', '-' and '.', at most 189, "
        "the first a letter or a digit"
    )


def flat_entries(
    metadata: Mapping[str, Any] | None,
    boot_script: str | PathLike[str] | None,
    tags: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return metadata and tags as flat keys, because the server silently drops nested ones.

    See docs/cloudapi/create.md#nested-tags-and-metadata-are-dropped.

    Raises:
        ConfigurationError: The server would drop an entry, or not store it unchanged.
    """
    entries = merged_entries("metadata", metadata, {})
    if boot_script:
        entries["user-script"] = script_text(boot_script)
    checked = checked_metadata(entries)
    for key in checked:
        if not re.match(_BEGINNING_OF_METADATA, key):
            raise ConfigurationError(
                f"a create drops metadata {shown(key)}, because it does not begin with A-Z, a-z, 0-9 or '_': "
                "set it with update_metadata"
            )
    return {f"metadata.{key}": value for key, value in checked.items()} | {
        f"tag.{key}": value for key, value in checked_tags(merged_entries("tags", tags, {})).items()
    }


def network_list(networks: Iterable[str | Mapping[str, Any]] | None) -> list[Any] | None:
    """Check networks that are ids or objects, and return them; all as objects, if one of them is one."""
    if networks is None:
        return None
    if not networks:
        raise ConfigurationError(
            f"networks={shown(networks)} is empty, but a machine without networks gets the default ones, "
            "which may be public: leave it out to use those"
        )
    entries = [network_entry(network) for network in networks]
    if all(isinstance(entry, str) for entry in entries):
        return entries
    # The server refuses ids and objects in one list (docs/cloudapi/create.md#mixed-networks-are-refused).
    return [{"ipv4_uuid": entry} if isinstance(entry, str) else entry for entry in entries]


def network_entry(network: str | Mapping[str, Any]) -> str | Mapping[str, Any]:
    """Check the id of a network, or of a `NetworkObject`: the server fails on other forms.

    See docs/cloudapi/create.md.
    """
    ident = network if isinstance(network, str) else network["ipv4_uuid"]
    if not is_uuid(ident):
        raise ConfigurationError(
            f"networks: {shown(ident)} is not the id of a network: give its UUID or its name"
        )
    return network


def affinity_rules(affinity: Iterable[str] | str | None) -> list[str] | None:
    """Return affinity rules as a list: the server fails on a single rule that is not text."""
    rules = None if affinity is None else as_list("affinity", affinity, "['role!=db']")
    for rule in rules or ():
        if not isinstance(rule, str):
            raise ConfigurationError(f"{shown(rule)} is not an affinity rule such as 'role!=db'")
    return rules


def locality_hints(
    locality: Locality | None, ids_of: Callable[[list[Any]], list[str]]
) -> dict[str, Any] | None:
    """Return the locality with ids in place of machines; `ids_of` returns the ids of machines."""
    if locality is None:
        return None
    hints: dict[str, Any] = dict_of("locality", locality, "{'near': [machine]}")
    sides = {
        side: _one_or_more(f"locality[{side!r}]", hints[side]) for side in ("near", "far") if side in hints
    }
    idents = iter(ids_of([machine for machines in sides.values() for machine in machines]))
    return hints | {side: [next(idents) for _ in machines] for side, machines in sides.items()}


def volume_mounts(volumes: Iterable[VolumeMount] | None) -> list[VolumeMount] | None:
    """Check volumes and their mount points: if one is invalid, the server never answers.

    See docs/cloudapi/hazards.md#invalid-volumes-on-create.

    Raises:
        ConfigurationError: A name, mount point, mode or type is not valid.
    """
    mounts = None if volumes is None else as_list("volumes", volumes, "[{'name': 'data', ...}]")
    for mount in mounts or ():
        _check_mount(mount)
    return mounts


def has_name(data: Mapping[str, Any], name: str) -> bool:
    """Whether a machine has this name, with ``{{shortId}}`` replaced."""
    return bool(data.get("name") == name.replace(SHORT_ID, data["id"].partition("-")[0]))


def fields_unlike_request(
    body: Mapping[str, Any], package_name: Callable[[], str | None], data: Mapping[str, Any]
) -> list[str]:
    """Return the fields in which a machine differs from the body of a create.

    Fields that the machine does not show, or not yet, are not compared: the package may be empty, and
    networks and disks appear during provisioning (docs/cloudapi/machines.md#values-a-client-may-not-expect).

    Args:
        body: The body of the create.
        package_name: Returns the name of the package, which is what machines show. It is called only if the
            machine shows something else than the body has.
        data: The machine.
    """
    requested = {name: body[name] for name in _COMPARED if name in body}
    requested |= without_none(image=body.get("image", body.get("dataset")), networks=_network_ids(body))
    differ = differing_shown_fields(requested, {"image": data.get("dataset"), **data})
    if differing_shown_fields(without_none(package=body.get("package")), data):
        differ += differing_shown_fields(without_none(package=package_name()), data)
    differ += differing_fields({"tags": _entries(body, "tag.")}, {"tags": data.get("tags")})
    if isinstance(data.get("metadata"), Mapping):  # the server adds further entries
        metadata = _entries(body, "metadata.")
        differ += ["metadata"] if differing_fields(metadata, data["metadata"]) else []
    return differ + _differing_disks(body.get("disks"), data.get("disks"))


def _network_ids(body: Mapping[str, Any]) -> list[Any] | None:
    networks = body.get("networks")
    if networks is None:
        return None
    return [entry["ipv4_uuid"] if isinstance(entry, Mapping) else entry for entry in networks]


def _entries(body: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in body.items() if name.startswith(prefix)}


def _differing_disks(requested: Any, existing: Any) -> list[str]:
    """Return ``['disks']`` if number or sizes differ; a disk that requests the rest may have any size."""
    if not requested or not existing:
        return []
    wanted, sizes = _sizes(requested), _sizes(existing)
    same = len(wanted) == len(sizes) and all(
        size == found for size, found in zip(wanted, sizes, strict=True) if isinstance(size, int)
    )
    return [] if same else ["disks"]


def _sizes(disks: Any) -> list[Any]:
    """Return the size of each disk; None for a disk that is not a dict."""
    listed = disks if isinstance(disks, list) else []
    return [disk.get("size") if isinstance(disk, Mapping) else None for disk in listed]


def _check_mount(mount: Any) -> None:
    fits = (
        isinstance(mount, Mapping)
        and mount.get("type", "tritonnfs") == "tritonnfs"
        and mount.get("mode", "rw") in ("ro", "rw")
        and isinstance(mount.get("name"), str)
        and re.fullmatch(_VOLUME_NAME, mount["name"])
        and isinstance(mount.get("mountpoint"), str)
        and re.fullmatch(_MOUNT_POINT, mount["mountpoint"])
    )
    if not fits:
        raise ConfigurationError(
            f"{shown(mount)} cannot be mounted: give a volume's name, a mountpoint such as '/data', and "
            "the mode 'ro' or 'rw', or none"
        )


def _one_or_more(argument: str, machines: Any) -> list[Any]:
    """Return one or more machines as a list. A single `Machine` is an object with an id."""
    return [machines] if hasattr(machines, "id") else as_list(argument, machines, "[machine]")
