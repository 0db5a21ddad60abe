"""A machine as CloudAPI writes it: fields in the server's order, and which are left out when."""

from __future__ import annotations

from typing import Any

from smartdc.emulator.http.answers import to_json, to_utf8
from smartdc.emulator.http.versions import before_networks
from smartdc.emulator.state.resources import Package
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM, Disk, Nic


def machine_json(
    site: Site,
    vm: VM,
    version: str,
    credentials: Any = None,
    *,
    with_package: bool = True,
    dns_names: list[str] | None = None,
) -> dict[str, Any]:
    """Write one machine.

    Args:
        site: Where it is.
        vm: The record.
        version: The API version range asked for; 7.0 has no networks.
        credentials: The request's parameter: any non-empty value shows passwords and is echoed
            (docs/cloudapi/lists.md#credentials-in-a-list).
        with_package: False in the answer to a create, and in a list asked for with ``package``, where the
            server leaves the name empty (docs/cloudapi/lists.md#package-in-a-list-query).
        dns_names: Left out when None.
    """
    shown: dict[str, Any] = {
        "id": vm.uuid,
        "name": vm.alias,
        "type": "virtualmachine" if vm.is_hardware else "smartmachine",
        "brand": vm.brand,
        "state": vm.shown_state,
        "image": vm.image_uuid,
        "ips": [nic.ip for nic in vm.nics],
        "memory": vm.ram,
        "disk": disk_size(vm),
        "deletion_protection": vm.indestructible_zoneroot,
        "metadata": dict(vm.customer_metadata),
        "tags": dict(vm.tags),
    }
    if credentials is not None:
        shown["credentials"] = credentials
    shown["created"] = site.shared.clock.dated(vm.created)
    shown["updated"] = site.shared.clock.dated(vm.updated)
    if vm.docker:
        shown["docker"] = True
    if not before_networks(version):
        shown["networks"] = [nic.network_uuid for nic in vm.nics]
    if vm.datasets:
        shown["delegate_dataset"] = any(dataset.endswith("/data") for dataset in vm.datasets)
    if vm.nics:
        shown["nics"] = [nic_json(nic) for nic in vm.nics]
        shown["primaryIp"] = next((nic.ip for nic in vm.nics if nic.primary), vm.nics[0].ip)
    if credentials:
        _show_passwords(vm, shown["metadata"])
    shown["firewall_enabled"] = vm.firewall_enabled
    shown["compute_node"] = vm.server_uuid
    package = site.packages.get(vm.billing_id or "")
    shown["package"] = package.name if isinstance(package, Package) and with_package else ""
    if vm.brand == "bhyve" and shown["package"]:
        shown["flexible"] = vm.flexible_disk_size is not None
    if dns_names is not None:
        shown["dns_names"] = dns_names
    if vm.free_space is not None:
        shown["free_space"] = vm.free_space
    if vm.brand == "bhyve":
        shown["disks"] = [disk_json(disk) for disk in vm.disks]
    if vm.internal_metadata.get("encrypted"):
        shown["encrypted"] = vm.internal_metadata["encrypted"]
    return shown


def listed_json(
    site: Site, vm: VM, version: str, credentials: Any = None, *, with_package: bool = True
) -> bytes:
    """Write one machine of a list in JSON; one that is as it was the last time is not written anew."""
    if credentials is not None:
        return to_utf8(to_json(machine_json(site, vm, version, credentials, with_package=with_package)))
    package = site.packages.get(vm.billing_id or "") if with_package else None
    # What else decides about the text than the machine itself.
    circumstances = (before_networks(version), package.name if package else "", site.shared.clock.skew)
    if vm.written is None or vm.written[0] != circumstances:
        shown = machine_json(site, vm, version, with_package=with_package)
        vm.written = (circumstances, to_utf8(to_json(shown)))
    return vm.written[1]


def nic_json(nic: Nic) -> dict[str, Any]:
    """Write one NIC as it stands in a machine, which does not say its state."""
    shown: dict[str, Any] = {"mac": nic.mac, "ip": nic.ip, "primary": nic.primary}
    if nic.gateway is not None:
        shown["gateway"] = nic.gateway
    return shown | {"netmask": nic.netmask, "network": nic.network_uuid}


def disk_json(disk: Disk) -> dict[str, Any]:
    """Write one disk as it stands in a machine."""
    shown: dict[str, Any] = {"size": disk.size, "block_size": disk.block_size}
    if disk.boot:
        shown["boot"] = True
    if disk.image_uuid is not None:
        shown["image"] = disk.image_uuid
    return shown | {"id": disk.uuid}


def passwords(vm: VM) -> dict[str, Any]:
    """The passwords of a machine by user name, which VMAPI keeps as ``NAME_pw``."""
    return {
        name.removesuffix("_pw"): value
        for name, value in vm.internal_metadata.items()
        if name.endswith("_pw")
    }


def _show_passwords(vm: VM, metadata: dict[str, Any]) -> None:
    found = passwords(vm)
    if found:
        metadata["credentials"] = found


def disk_size(vm: VM) -> int:
    """What is shown as its disk, in MiB."""
    if vm.is_hardware:
        if vm.flexible_disk_size:
            return vm.flexible_disk_size
        if len(vm.disks) > 1:
            return vm.disks[1].size
    return int(vm.quota * 1024)
