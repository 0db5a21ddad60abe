"""Writes a machine as CloudAPI does: its fields in the server's order, and without those that it omits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smartdc.emulator.http.answers import JSONArray, to_json, to_utf8
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
        site: The data center.
        vm: The record.
        version: The range of API versions that the client accepts; 7.0 has no networks.
        credentials: The request's parameter: any non-empty value shows passwords and is echoed
            (docs/cloudapi/lists.md#credentials-in-a-list).
        with_package: False in the answer to a create, and in a list with the parameter ``package``, where the
            server leaves the name empty (docs/cloudapi/lists.md#package-in-a-list-query).
        dns_names: Its names in CNS; None omits the field.
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


def machine_list(
    site: Site, machines: Iterable[VM], version: str, credentials: Any = None, *, with_package: bool = True
) -> JSONArray:
    """Write the machines of a list; the JSON of a machine that has not changed comes from its cache."""
    if credentials is not None:
        shown = (machine_json(site, vm, version, credentials, with_package=with_package) for vm in machines)
        return JSONArray([to_utf8(to_json(each)) for each in shown])
    # What the JSON depends on besides the machine: the version, the clock, and its package's name.
    cache_keys: dict[str | None, tuple[object, ...]] = {}
    items = []
    for vm in machines:
        cache_key = cache_keys.get(vm.billing_id)
        if cache_key is None:
            package = site.packages.get(vm.billing_id or "")
            name = package.name if package and with_package else ""
            cache_key = cache_keys[vm.billing_id] = (before_networks(version), site.shared.clock.skew, name)
        text = vm.cached_json
        if text is None or vm.cached_for != cache_key:
            text = to_utf8(to_json(machine_json(site, vm, version, with_package=with_package)))
            vm.cached_json, vm.cached_for = text, cache_key
        items.append(text)
    return JSONArray(items)


def nic_json(nic: Nic) -> dict[str, Any]:
    """Write one NIC as a field of a machine, which does not show its state."""
    shown: dict[str, Any] = {"mac": nic.mac, "ip": nic.ip, "primary": nic.primary}
    if nic.gateway is not None:
        shown["gateway"] = nic.gateway
    return shown | {"netmask": nic.netmask, "network": nic.network_uuid}


def disk_json(disk: Disk) -> dict[str, Any]:
    """Write one disk as a field of a machine."""
    shown: dict[str, Any] = {"size": disk.size, "block_size": disk.block_size}
    if disk.boot:
        shown["boot"] = True
    if disk.image_uuid is not None:
        shown["image"] = disk.image_uuid
    return shown | {"id": disk.uuid}


def passwords(vm: VM) -> dict[str, Any]:
    """Return the passwords of a machine by user name; VMAPI keeps them as ``NAME_pw``."""
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
    """Return the disk size that CloudAPI shows, in MiB."""
    if vm.is_hardware:
        if vm.flexible_disk_size:
            return vm.flexible_disk_size
        if len(vm.disks) > 1:
            return vm.disks[1].size
    return int(vm.quota * 1024)
