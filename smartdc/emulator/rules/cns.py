"""The names that CNS, Triton's name service, gives to a machine."""

from __future__ import annotations

from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

PUBLIC_ZONE, INTERNAL_ZONE = "triton.zone", "cns.joyent.com"


def dns_names(site: Site, vm: VM, *, enabled: bool) -> list[str] | None:
    """The ``dns_names`` of a machine in GetMachine; None where CNS is disabled for the account.

    See docs/cloudapi/machines.md#dns-names. A machine has names from its first start on; the services in its
    tag have names only while it is running.
    """
    if vm.dns_names is not None:
        return list(vm.dns_names)  # set by a test
    if not enabled:
        return None
    if vm.server_uuid is None or not vm.active or vm.tags.get("triton.cns.disable") is True:
        return []
    networks = [site.networks[nic.network_uuid] for nic in vm.nics if nic.network_uuid in site.networks]
    zones = [INTERNAL_ZONE] if networks else []
    if any(network.public for network in networks):
        zones.insert(0, PUBLIC_ZONE)
    hosts = [f"{vm.alias}.inst", f"{vm.uuid}.inst"]
    if vm.state == "running":
        services = str(vm.tags.get("triton.cns.services", "")).split(",")
        hosts += [f"{name}.svc" for service in services if (name := service.partition(":")[0].strip())]
    elif vm.shown_state == "provisioning":
        return []
    return [f"{host}.{vm.owner_uuid}.{site.name}.{zone}" for zone in zones for host in hosts]
