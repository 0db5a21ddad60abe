"""The networks of a new machine: from the ``networks`` parameter, the package, or the defaults."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

from smartdc.emulator.http.answers import Refusal, crashed, invalid_argument, missing_parameter, not_found
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import ANY_CASE_UUID
from smartdc.emulator.javascript.truth import is_true
from smartdc.emulator.state.resources import Network, Package
from smartdc.emulator.state.site import Site


@dataclass
class WantedNic:
    """A NIC to create: its network, and its address if the request names one."""

    network: Network
    ip: str | None
    primary: bool = False


def choose_networks(site: Site, request: Incoming, package: Package) -> list[WantedNic]:
    """Choose the NICs of a new machine, and mark the primary one.

    Raises:
        Refusal: The errors described in docs/cloudapi/create.md, "Networks".
    """
    account_uuid = request.account.uuid
    usable = {uuid: net for uuid, net in site.networks.items() if net.provisionable_by(account_uuid)}
    requested = request.params.get("networks")
    if isinstance(requested, list):
        wanted = _from_request(request, requested, usable)
    elif package.networks:
        wanted = [WantedNic(_known(uuid, usable), None) for uuid in package.networks]
    else:
        kinds = request.params.get("default_networks")
        if not is_true(kinds):
            kinds = ["external", "internal"]
        if not isinstance(kinds, str | list):
            raise crashed("defaultNetworks.indexOf is not a function")
        defaults = site.default_networks(account_uuid)
        wanted = [
            WantedNic(net, None) for net in defaults if ("external" if net.public else "internal") in kinds
        ]
    if sum(nic.network.public for nic in wanted) > 1:
        raise invalid_argument("Can specify a maximum of 1 public networks")
    # docs/cloudapi/create.md#primary-network: the first external network is primary, else the first network;
    # the server ignores `primary` in the request.
    primary = next((nic for nic in wanted if nic.network.public), wanted[0] if wanted else None)
    if primary is not None:
        primary.primary = True
    return wanted


def _from_request(request: Incoming, requested: list[Any], usable: dict[str, Network]) -> list[WantedNic]:
    allows_objects = request.since((7, 3, 0))
    entries: list[Any] = []
    seen = set()
    for index, entry in enumerate(requested):
        if not allows_objects and not isinstance(entry, str):
            raise invalid_argument("Invalid Networks")
        if not isinstance(entry, str | dict | list) and entry is not None:
            raise invalid_argument(f'property "networks[{index}]": array of strings or objects expected')
        if not isinstance(entry, str):
            if not isinstance(entry, dict):
                raise crashed("netObj (object) is required")
            check_object(entry, usable)
        network_uuid = entry if isinstance(entry, str) else entry["ipv4_uuid"]
        if not ANY_CASE_UUID.fullmatch(network_uuid):
            raise crashed("netUuid (uuid) is required")
        if network_uuid not in seen:  # duplicates are dropped silently (docs/cloudapi/create.md#odd-networks)
            seen.add(network_uuid)
            entries.append(entry)
    if len({type(entry) for entry in entries}) > 1:
        # The server reads every entry as the type of the first, and then finds no network in the others.
        raise invalid_argument("Invalid Networks")
    wanted = []
    for entry in entries:
        if isinstance(entry, str):
            wanted.append(WantedNic(_known(entry, usable), None))
        else:
            network = _known(entry["ipv4_uuid"], usable)
            wanted.append(WantedNic(network, asked_ip(entry, network)))
    return wanted


def _known(network_uuid: str, usable: dict[str, Network]) -> Network:
    network = usable.get(network_uuid)
    if network is None:
        raise invalid_argument("Invalid Networks")
    return network


def check_object(entry: dict[str, Any], usable: dict[str, Network]) -> None:
    """Refuse an invalid network object, or an address that cannot be requested."""
    network_uuid, ips, count = entry.get("ipv4_uuid"), entry.get("ipv4_ips"), entry.get("ipv4_count")
    has_ips, has_count = "ipv4_ips" in entry, "ipv4_count" in entry
    if not network_uuid:
        raise missing_parameter("network objects must contain ipv4_uuid")
    if not isinstance(network_uuid, str):
        raise invalid_argument("ipv4_uuid must be a string")
    if not ANY_CASE_UUID.fullmatch(network_uuid):
        raise invalid_argument(f"ipv4_uuid: {network_uuid} is not a uuid")
    if has_count and has_ips:
        raise invalid_argument("ipv4_count and ipv4_ips cannot be specified together")
    if has_count and (isinstance(count, bool) or not isinstance(count, int | float)):
        raise invalid_argument("ipv4_count must be a number")
    if has_count and count != 1:
        raise invalid_argument("ipv4_count can only be set to 1")
    if not has_ips:
        return
    if not isinstance(ips, list):
        raise invalid_argument("ipv4_ips must be an array with a single IP")
    if len(ips) != 1:
        message = f"ipv4_ips: network with ipv4_uuid {network_uuid} should contain a single IP array"
        raise invalid_argument(message)
    if not isinstance(ips[0], str):
        raise invalid_argument("ipv4_ips[0]: string expected")
    network = usable.get(network_uuid)
    if network is None:
        raise not_found(f"ipv4_uuid: network {network_uuid} not found")
    if network.owner_uuids is None:
        raise invalid_argument(f"ipv4_uuid: {network_uuid} cannot specify IP on a public network")


def asked_ip(entry: dict[str, Any], network: Network) -> str | None:
    """The address that a network object requests; NAPI refuses one that is not available."""
    if "ipv4_ips" not in entry:
        return None
    ip = str(entry["ipv4_ips"][0])
    try:
        inside = ipaddress.IPv4Address(ip) in ipaddress.IPv4Network(network.subnet)
    except ValueError:
        raise not_found(f"cannot validate {ip}: Invalid IP address") from None
    if not inside:
        raise not_found(f"cannot validate {ip}: IP is not in subnet")
    if int(ipaddress.IPv4Address(ip)) in network.managed:
        raise invalid_argument(f"cannot use {ip} because it is a managed IP")
    if not network.is_free(ip):
        in_use = [{"field": "ip", "code": "UsedBy", "message": "IP in use"}]
        raise Refusal(422, "InvalidParameters", "Invalid parameters", in_use)
    return ip
