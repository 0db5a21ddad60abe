"""Networks: list and get. Their addresses and the fabrics come with a later issue."""

from __future__ import annotations

from typing import Any

from smartdc.emulator.answers import Answer, not_found
from smartdc.emulator.incoming import Incoming
from smartdc.emulator.resources import Network
from smartdc.emulator.routes import Route
from smartdc.emulator.site import Site


def network_json(network: Network) -> dict[str, Any]:
    """Write one network; only those on a fabric show their addresses."""
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
    """``GET /:account/networks``; any ``fabric`` in the query leaves only the fabric ones."""
    fabrics_only = bool(request.query.get("fabric"))
    networks = [network for network in _usable(site, request) if not fabrics_only or network.kind == "fabric"]
    return Answer([network_json(network) for network in networks])


def get_network(site: Site, request: Incoming) -> Answer:
    """``GET /:account/networks/:network``."""
    wanted = request.params["network"]
    for network in _usable(site, request):
        if network.uuid == wanted:
            return Answer(network_json(network))
    raise not_found(f"{wanted} not found")


def _usable(site: Site, request: Incoming) -> list[Network]:
    account_uuid = request.account.uuid
    return [network for network in site.networks.values() if network.provisionable_by(account_uuid)]


ROUTES = [
    Route("ListNetworks", "GET", "/:account/networks", list_networks, params=("fabric",)),
    Route("HeadNetworks", "HEAD", "/:account/networks", list_networks, params=("fabric",)),
    Route("GetNetwork", "GET", "/:account/networks/:network", get_network),
    Route("HeadNetwork", "HEAD", "/:account/networks/:network", get_network),
]
