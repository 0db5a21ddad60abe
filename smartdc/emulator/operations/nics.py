"""The NICs of a machine: NAPI knows a new NIC at once, the machine has it when the job has run.

A job adds or removes a NIC; a running machine reboots meanwhile. A NIC is ``provisioning`` until the machine
has it, then ``running`` or ``stopped`` like the machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from smartdc.emulator.http.answers import Answer, Refusal, invalid_argument, missing_parameter, not_found
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.machine_json import nic_json
from smartdc.emulator.http.parameters import ANY_CASE_UUID, as_text
from smartdc.emulator.http.routes import Route
from smartdc.emulator.http.versions import since
from smartdc.emulator.operations.lifecycle import check_provisioned
from smartdc.emulator.rules.placement import WantedNic, asked_ip, check_object
from smartdc.emulator.state.jobs import NIC_SECONDS, Action, Step, Work
from smartdc.emulator.state.resources import Network, SubnetFull
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM, Nic

#: CloudAPI checks only the beginning of an address; NAPI then checks all of it.
_MAC = re.compile(r"[0-9a-f]{12}", re.IGNORECASE)


def list_nics(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/nics``: empty for a deleted machine.

    See docs/cloudapi/networks.md#nics-of-a-deleted-machine.
    """
    vm = request.vm
    shown = [_json(vm, nic) for nic in site.nics_of(vm)]
    return Answer(shown, headers={"x-resource-count": str(len(shown))})


def get_nic(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/nics/:mac``: found under any machine of the account.

    See docs/cloudapi/networks.md#nic-of-another-machine.
    """
    nic, vm = _find(site, request)
    return Answer(_json(vm, nic))


def add_nic(site: Site, request: Incoming) -> Answer:
    """``POST /:account/machines/:machine/nics``: 302 when the machine has a NIC on that network."""
    vm = request.vm
    wanted = _wanted(site, request)
    existing = [nic for nic in site.nics_of(vm) if nic.network_uuid == wanted.network.uuid]
    if len(existing) > 1:
        raise Refusal(500, "InternalError", "VM has multiple NICs on that network")
    if existing:
        return Answer(status=302, headers={"Location": _path(request, existing[0])})
    if wanted.ip is not None:
        wanted.ip = asked_ip({"ipv4_ips": [wanted.ip]}, wanted.network)
    check_provisioned(vm, "add_nics")
    primary = request.params.get("primary") in (True, "true")
    try:
        nic = site.new_nic(wanted.network, wanted.ip, primary=primary, vm=vm)
    except SubnetFull as error:
        raise Refusal(507, "SubnetFull", str(error)) from error

    work = _rebooting(vm, partial(attach, site, vm, nic.mac), partial(can_attach, site, vm, nic.mac))
    site.start_job(vm, "add_nics", "add_nics", work, caller=request.audit_caller)
    shown = nic_json(nic) | {"state": "provisioning", "network": nic.network_uuid}
    return Answer(shown, 201, {"Location": _path(request, nic)})


def remove_nic(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/machines/:machine/nics/:mac``: the NIC stays until the job has run.

    See docs/cloudapi/networks.md#remove-a-nic.
    """
    vm = request.vm
    nic, _ = _find(site, request)
    check_provisioned(vm, "remove_nics")
    # The server does not check that the NIC belongs to this machine: if it does not, the job fails.
    work = _rebooting(vm, partial(detach, site, vm, nic.mac), partial(can_detach, vm, nic.mac))
    site.start_job(vm, "remove_nics", "remove_nics", work, caller=request.audit_caller)
    return Answer(status=204)


def can_attach(site: Site, vm: VM, mac: str) -> bool:
    """Whether a job can reach the machine; if not, remove the NIC, as the reference says of a failed job."""
    nic = site.nic(vm, mac)
    if not vm.workable and nic is not None:
        site.release([nic])
    return vm.workable


def attach(site: Site, vm: VM, mac: str, _due: float) -> None:
    """Attach the NIC; if it is primary, the others no longer are."""
    nic = site.nic(vm, mac)
    if nic is None:
        return
    if nic.primary:
        for other in vm.nics:
            other.primary = False
    vm.nics = (*vm.nics, nic)


def can_detach(vm: VM, mac: str) -> bool:
    """Whether the machine has the NIC, and a job can reach it."""
    return vm.workable and any(nic.mac == mac for nic in vm.nics)


def detach(site: Site, vm: VM, mac: str, _due: float) -> None:
    """Detach the NIC and release its address."""
    gone = [nic for nic in vm.nics if nic.mac == mac]
    vm.nics = [nic for nic in vm.nics if nic.mac != mac]
    site.release(gone)


def _rebooting(vm: VM, change: Action, possible: Callable[[], bool]) -> Work:
    """Work that changes the machine and reboots it if it is running."""
    finish = partial(change_and_boot, vm, change, vm.state == "running")
    steps = [Step(3, partial(halt, vm, "stopping")), Step(5, partial(halt, vm, "stopped"))]
    return Work(NIC_SECONDS, finish=finish, steps=steps, possible=possible)


def halt(vm: VM, state: str, _due: float) -> None:
    """During the job: a running machine goes through `state`."""
    if vm.state in ("running", "stopping"):
        vm.state = state


def change_and_boot(vm: VM, change: Action, was_running: bool, due: float) -> None:
    """At the end of the job: make the change, and start the machine if it was running."""
    change(due)
    vm.updated = due
    if was_running:
        vm.state = "running"


def _find(site: Site, request: Incoming) -> tuple[Nic, VM]:
    mac = as_text(request.params["mac"])
    if not _MAC.match(mac):
        raise invalid_argument("mac has invalid format")
    if not _MAC.fullmatch(mac):
        error = {"field": "mac", "code": "InvalidParameter", "message": "invalid MAC address"}
        raise Refusal(422, "InvalidParameters", "Invalid parameters", [error])
    # The machine in the path comes first, because it nearly always has the NIC.
    for vm in (request.vm, *site.machines.values()):
        if vm.owner_uuid == request.account.uuid:
            for nic in site.nics_of(vm):
                if nic.mac.replace(":", "") == mac.lower():
                    return nic, vm
    raise not_found("nic not found")


def _wanted(site: Site, request: Incoming) -> WantedNic:
    """The network that the request names, and the address if it names one."""
    asked: Any = request.params.get("network")
    if not asked and not isinstance(asked, dict | list):
        raise missing_parameter("network must be specified")
    account_uuid = request.account.uuid
    usable = {uuid: net for uuid, net in site.networks.items() if net.provisionable_by(account_uuid)}
    ip = None
    if isinstance(asked, str):
        if not ANY_CASE_UUID.fullmatch(asked):
            raise invalid_argument("network argument has invalid format")
        network_uuid = asked
    elif isinstance(asked, dict | list):
        entry = asked if isinstance(asked, dict) else {}
        check_object(entry, usable)
        network_uuid, ip = entry["ipv4_uuid"], (entry.get("ipv4_ips") or [None])[0]
    else:
        raise invalid_argument("network argument must be a network object or string")
    network: Network | None = usable.get(network_uuid)
    if network is None:
        raise invalid_argument("network not found")
    return WantedNic(network, ip)


def _json(vm: VM, nic: Nic) -> dict[str, Any]:
    shown = nic_json(nic)
    network = shown.pop("network")
    state = "running" if vm.state == "running" else "stopped"
    return shown | {"state": state if nic in vm.nics else "provisioning", "network": network}


def _path(request: Incoming, nic: Nic) -> str:
    mac = nic.mac.replace(":", "")
    return f"/{request.account.login}/machines/{request.vm.uuid}/nics/{mac}"


_ALL = "/:account/machines/:machine/nics"
_ONE = "/:account/machines/:machine/nics/:mac"
_SINCE = since((7, 2, 0))
ROUTES = [
    Route("AddNic", "POST", _ALL, add_nic, params=("network", "primary", "origin"), versions=_SINCE),
    Route("ListNics", "GET", _ALL, list_nics, versions=_SINCE),
    Route("ListNics", "HEAD", _ALL, list_nics, versions=_SINCE),
    Route("GetNic", "GET", _ONE, get_nic, versions=_SINCE),
    Route("GetNic", "HEAD", _ONE, get_nic, versions=_SINCE),
    Route("RemoveNic", "DELETE", _ONE, remove_nic, params=("origin",), versions=_SINCE),
]
