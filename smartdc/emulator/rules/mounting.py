"""Volumes that machines mount: the checks of a create, the volumes that it makes, and who uses a volume."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from smartdc.emulator.http.answers import Refusal, crashed, invalid_argument
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.violations import note_violation
from smartdc.emulator.state.fields import VOLUME_NAME
from smartdc.emulator.state.jobs import VOLUME_SECONDS
from smartdc.emulator.state.resources import Network, Volume
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import HARDWARE_BRANDS

_MOUNT_POINT = re.compile(r"/[^\0]*[^/\0][^\0]*")


def references(site: Site, owner_uuid: str) -> dict[str, list[str]]:
    """By volume, the machines that mount it; failed and destroyed machines do not count."""
    found: dict[str, list[str]] = {}
    for vm in site.machines.values():
        if vm.volumes and vm.active and vm.owner_uuid == owner_uuid:
            for name in {mount["name"] for mount in vm.volumes}:
                found.setdefault(name, []).append(vm.uuid)
    return found


def new_volume(
    site: Site,
    owner_uuid: str,
    name: str,
    networks: list[str],
    size: int | None = None,
    labels: dict[str, str] | None = None,
) -> Volume:
    """Add a volume in state ``creating``; without a size it has the smallest size available."""
    now = site.shared.clock.now()
    size = int(size or min(site.volume_sizes))
    volume = Volume(site.new_uuid(), name, owner_uuid, size, now, networks, labels=labels or {})
    site.volumes[volume.uuid] = volume
    fails, site.fail_next_volume = site.fail_next_volume, False
    site.later(VOLUME_SECONDS, partial(finish_volume, site, volume.uuid, fails))
    return volume


def finish_volume(site: Site, volume_uuid: str, fails: bool, _due: float) -> None:
    """At the end of the creation: the volume is ready and has an address, or has failed."""
    volume = site.volumes.get(volume_uuid)
    if volume is None or volume.state != "creating":
        return  # it was deleted in the meantime
    if fails:
        volume.state = "failed"
        return
    address = site.networks[volume.networks[0]].take()
    volume.state, volume.filesystem_path = "ready", f"{address}:/exports/data"


def check_mounts(
    site: Site, request: Incoming, brand: str, networks: Sequence[Network]
) -> list[dict[str, Any]]:
    """Check the ``volumes`` of a create as CloudAPI does, and then as VMAPI does.

    Args:
        site: The data center.
        request: The request for the machine.
        brand: The brand of the new machine.
        networks: The networks of the new machine.

    Returns:
        The volumes to mount.
    """
    volumes = request.params.get("volumes")
    if not volumes:
        return []
    if brand in HARDWARE_BRANDS:
        raise invalid_argument(f'volumes not yet supported with brand "{brand}"')
    if not site.automount_volumes:
        raise invalid_argument("Support for automounting volumes is not enabled")
    if not isinstance(volumes, list) or not all(map(_is_valid, volumes)):
        what = "an invalid entry in volumes gets no answer"
        note_violation(site, request, what, "invalid-volumes-on-create")
        raise crashed("invalid volumes")
    network_uuids = [network.uuid for network in networks]
    for mount in volumes:
        volume = _ready(site, request.account.uuid, mount["name"])
        if volume is not None and not {*network_uuids} & {*volume.networks}:
            reason = f"Volume {volume.name} not reachable on networks {', '.join(network_uuids)}"
            # The server means 409 VolumesNotReachable, but reads both from the wrong place (errors.js).
            raise Refusal(500, "Error", f"Volumes not reachable from machine: {reason}")
    return volumes


def make_missing(site: Site, owner_uuid: str, mounts: list[dict[str, Any]]) -> None:
    """Create the volumes that a new machine mounts and that do not exist, on the default fabric network."""
    default = site.default_fabric_networks.get(owner_uuid)
    for mount in mounts:
        known = [
            volume
            for volume in site.volumes.values()
            if (volume.owner_uuid, volume.name) == (owner_uuid, mount["name"]) and volume.state != "failed"
        ]
        if not known and default is not None:
            new_volume(site, owner_uuid, mount["name"], [default])


def _ready(site: Site, owner_uuid: str, name: str) -> Volume | None:
    for volume in site.volumes.values():
        if (volume.owner_uuid, volume.name, volume.state) == (owner_uuid, name, "ready"):
            return volume
    return None


def _is_valid(mount: Any) -> bool:
    if not isinstance(mount, dict):
        return False
    name, mountpoint = mount.get("name"), mount.get("mountpoint")
    return (
        mount.get("type", "tritonnfs") == "tritonnfs"
        and mount.get("mode", "rw") in ("ro", "rw")
        and VOLUME_NAME.fits(name)
        and isinstance(mountpoint, str)
        and _MOUNT_POINT.fullmatch(mountpoint) is not None
    )
