"""Networks and their addresses: CloudAPI asks NAPI for them, and rewrites NAPI's errors."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from smartdc.emulator.http.answers import Answer, invalid_argument, missing_parameter, not_found
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.http.routes import Route
from smartdc.emulator.state.resources import Network
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

LONGEST_PAGE = 1000
_INTEGER = re.compile(r"[+-]?[0-9]+")
_BAD_PAGING = {
    "limit": "invalid limit, must be an integer greater than 0 or less than or equal to 1000",
    "offset": "invalid value, offset must be an integer greater than or equal to 0",
}


@dataclass
class Address:
    """NAPI's record of one address.

    Attributes:
        managed: Whether Triton uses the address itself.
    """

    ip: str
    reserved: bool = False
    owner_uuid: str | None = None
    machine_uuid: str | None = None
    managed: bool = False


def network_json(network: Network) -> dict[str, Any]:
    """Write one network; only a fabric network shows its subnet and addresses."""
    shown: dict[str, Any] = {"id": network.uuid, "name": network.name, "public": network.public}
    if network.description:
        shown["description"] = network.description
    if network.kind != "fabric":
        return shown
    details = {
        "fabric": True,
        "gateway": network.gateway,
        "internet_nat": network.internet_nat,
        "provision_end_ip": network.provision_end_ip,
        "provision_start_ip": network.provision_start_ip,
        "resolvers": network.resolvers,
        "routes": network.routes,
        "subnet": network.subnet,
        "vlan_id": network.vlan_id,
    }
    return shown | {name: value for name, value in details.items() if value is not None}


def list_networks(site: Site, request: Incoming) -> Answer:
    """``GET /:account/networks``; any ``fabric`` in the query limits the list to fabric networks."""
    fabrics_only = bool(request.query.get("fabric"))
    # Sorted by name, fabric networks last (docs/cloudapi/networks.md#order-of-networks).
    networks = [network for network in _usable(site, request) if not fabrics_only or network.kind == "fabric"]
    networks.sort(key=lambda network: (network.kind == "fabric", network.name))
    return Answer([network_json(network) for network in networks])


def get_network(site: Site, request: Incoming) -> Answer:
    """``GET /:account/networks/:network``."""
    wanted = request.params["network"]
    for network in _usable(site, request):
        if network.uuid == wanted:
            return Answer(network_json(network))
    raise not_found(f"{wanted} not found")


def list_network_ips(site: Site, request: Incoming) -> Answer:
    """``GET /:account/networks/:id/ips``: the addresses that are in use or reserved.

    NAPI makes the pages, and CloudAPI then drops free addresses from each: a short page is not necessarily
    the last, and ``x-resource-count`` counts what remains
    (docs/cloudapi/lists.md#network-ips-are-counted-after-filtering).
    """
    network = _network_of_ips(site, request)
    limit, offset = request.params.get("limit") or LONGEST_PAGE, request.params.get("offset") or 0
    first, count = _check_paging(limit, offset)
    records = _addresses(site, network)
    if network.owner_uuids is None:
        records = (address for address in records if address.owner_uuid == request.account.uuid)
    page = islice(records, first, first + count)
    shown = [_address_json(address, request) for address in page if address.machine_uuid or address.reserved]
    headers = {"x-query-limit": as_text(limit), "x-resource-count": str(len(shown))}
    return Answer(shown, headers=headers)


def get_network_ip(site: Site, request: Incoming) -> Answer:
    """``GET /:account/networks/:id/ips/:ip_address``; on a shared network, only the account's addresses."""
    network = _network_of_ips(site, request)
    address = _address(site, network, request)
    if network.owner_uuids is None and address.owner_uuid != request.account.uuid:
        raise not_found(f"{request.params['ip_address']} not found")
    return Answer(_address_json(address, request))


def update_network_ip(site: Site, request: Incoming) -> Answer:
    """``PUT /:account/networks/:id/ips/:ip_address``: reserve or release an address."""
    network = _network_of_ips(site, request)
    if "reserved" not in request.params:
        raise missing_parameter("reserved is a required argument")
    reserved = request.params["reserved"]
    if not (isinstance(reserved, bool) or reserved in ("true", "false")):
        raise invalid_argument("reserved must be set to true or false")
    if network.owner_uuids is None:
        raise invalid_argument(f"cannot update an IP on a public network: {network.uuid}")
    address = _address(site, network, request)
    if address.managed:
        raise invalid_argument(f"cannot update managed IP: {request.params['ip_address']}")
    if address.owner_uuid not in (None, request.account.uuid):
        message = f"IP {request.params['ip_address']} on network {network.uuid} is in use by another account"
        raise invalid_argument(message)
    number = int(ipaddress.IPv4Address(address.ip))
    address.reserved = reserved in (True, "true")
    if address.reserved:
        network.reserved[number] = address.owner_uuid
    else:
        network.reserved.pop(number, None)
        network.remembered.add(number)
    return Answer(_address_json(address, request))


def _network_of_ips(site: Site, request: Incoming) -> Network:
    wanted = request.params["id"]
    for network in _usable(site, request):
        if network.uuid == wanted:
            return network
    raise not_found(f"{as_text(wanted)} not found")


def _check_paging(limit: Any, offset: Any) -> tuple[int, int]:
    problems = []
    for name, value, low in (("limit", limit, 1), ("offset", offset, 0)):
        text = as_text(value)
        fits = _INTEGER.fullmatch(text) and low <= int(text)
        if not fits or (name == "limit" and int(text) > LONGEST_PAGE):
            problems.append(f'property "{name}": {_BAD_PAGING[name]}')
    if problems:
        raise invalid_argument(", ".join(problems))
    return int(as_text(offset)), int(as_text(limit))


def _addresses(site: Site, network: Network) -> Iterator[Address]:
    """NAPI's records, in order; they include the two addresses that enclose the provisioning range."""
    ends = {
        int(ipaddress.IPv4Address(network.provision_start_ip)) - 1,
        int(ipaddress.IPv4Address(network.provision_end_ip)) + 1,
    }
    managed = network.managed
    numbers = managed | network.in_use | network.reserved.keys() | network.remembered | ends
    return (_look_up(site, network, managed, number) for number in sorted(numbers))


def _address(site: Site, network: Network, request: Incoming) -> Address:
    text = as_text(request.params["ip_address"])
    try:
        ip = ipaddress.ip_address(int(text) if text.isdecimal() else text)
    except ValueError:
        raise not_found("Invalid IP address") from None
    if ip.version != 4:
        raise not_found("IP and subnet are of different address families")
    if ip not in ipaddress.IPv4Network(network.subnet):
        raise not_found("IP is not in subnet")
    return _look_up(site, network, network.managed, int(ip))


def _look_up(site: Site, network: Network, managed: set[int], number: int) -> Address:
    ip = str(ipaddress.IPv4Address(number))
    if number in managed:
        return Address(ip, reserved=True, managed=True)
    address = Address(ip, number in network.reserved, network.reserved.get(number))
    nic = network.nics.get(number)
    vm = site.machines.get(nic.machine_uuid or "") if nic is not None else None
    if vm is None and number in network.in_use:
        vm = next((vm for vm in site.machines.values() if vm.active and ip in _ips(vm, network)), None)
    if vm is not None:
        address.owner_uuid, address.machine_uuid = vm.owner_uuid, vm.uuid
    return address


def _ips(vm: VM, network: Network) -> list[str]:
    return [nic.ip for nic in vm.nics if nic.network_uuid == network.uuid]


def _address_json(address: Address, request: Incoming) -> dict[str, Any]:
    """Write one address; only the owner sees which machine has it."""
    shown: dict[str, Any] = {"ip": address.ip, "reserved": address.reserved}
    if address.owner_uuid is not None:
        shown["owner_uuid"] = address.owner_uuid
        if address.machine_uuid is not None and address.owner_uuid == request.account.uuid:
            shown["belongs_to_uuid"] = address.machine_uuid
    return shown | {"managed": address.managed}


def _usable(site: Site, request: Incoming) -> list[Network]:
    account_uuid = request.account.uuid
    return [network for network in site.networks.values() if network.provisionable_by(account_uuid)]


_IPS = "/:account/networks/:id/ips"
_IP = "/:account/networks/:id/ips/:ip_address"
ROUTES = [
    Route("ListNetworks", "GET", "/:account/networks", list_networks, params=("fabric",)),
    Route("HeadNetworks", "HEAD", "/:account/networks", list_networks, params=("fabric",)),
    Route("GetNetwork", "GET", "/:account/networks/:network", get_network),
    Route("HeadNetwork", "HEAD", "/:account/networks/:network", get_network),
    Route("ListNetworkIPs", "GET", _IPS, list_network_ips, params=("limit", "offset")),
    Route("HeadNetworkIPs", "HEAD", _IPS, list_network_ips, params=("limit", "offset")),
    Route("UpdateNetworkIP", "PUT", _IP, update_network_ip, params=("reserved",)),
    Route("GetNetworkIP", "GET", _IP, get_network_ip),
    Route("HeadNetworkIP", "HEAD", _IP, get_network_ip),
]
