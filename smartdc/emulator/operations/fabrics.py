"""Fabrics: VLANs of one account, and the networks on them. The checks of a network are in `fabric_checks`.

CloudAPI checks the parameters against its schemas; NAPI then checks their values. CloudAPI turns NAPI's codes
(InUse, InvalidParameters) into InvalidArgument, although its reference names those codes.
"""

from __future__ import annotations

from typing import Any

from smartdc.emulator.http.answers import Answer, Refusal, crashed, invalid_argument, not_found
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.routes import Handler, Route
from smartdc.emulator.http.versions import since
from smartdc.emulator.operations.networks import network_json
from smartdc.emulator.rules import fabric_checks
from smartdc.emulator.rules.schema import IPV4, NAME, UUID_PATTERN, Property, as_number, check
from smartdc.emulator.state.resources import Network, Vlan
from smartdc.emulator.state.site import Site

MOST_RESOLVERS = 4

_VLAN_ID = Property("integer", required=True, minimum=2, maximum=4095)
_ID = Property("string", required=True, pattern=UUID_PATTERN)
_TEXT = Property("string")
_ADDRESS = Property("string", pattern=IPV4)
_NEEDED_ADDRESS = Property("string", required=True, pattern=IPV4)
_RESOLVERS = Property("array", items=_ADDRESS)
_ONE_VLAN = {"vlan_id": _VLAN_ID}
_ONE_NETWORK = {"vlan_id": _VLAN_ID, "id": _ID}
_NEW_VLAN = {
    "vlan_id": _VLAN_ID,
    "name": Property("string", required=True, pattern=NAME),
    "description": _TEXT,
}
_CHANGED_VLAN = {"vlan_id": _VLAN_ID, "name": Property("string", pattern=NAME), "description": _TEXT}
_NEW_NETWORK = {
    "name": Property("string", required=True, pattern=NAME),
    "description": _TEXT,
    "subnet": Property("string", required=True),
    "internet_nat": Property("any"),
    "provision_start_ip": _NEEDED_ADDRESS,
    "provision_end_ip": _NEEDED_ADDRESS,
    "gateway": _ADDRESS,
    "resolvers": _RESOLVERS,
    "routes": Property("object"),
    "vlan_id": _VLAN_ID,
}
# There is no gateway here: the reference says as well that it cannot be changed.
_CHANGED_NETWORK = {
    "id": _ID,
    "name": Property("string", pattern=NAME),
    "routes": Property("object"),
    "description": _TEXT,
    "resolvers": _RESOLVERS,
    "provision_start_ip": _ADDRESS,
    "provision_end_ip": _ADDRESS,
    "vlan_id": _VLAN_ID,
}


def list_fabric_vlans(site: Site, request: Incoming) -> Answer:
    """``GET /:account/fabrics/default/vlans``, by number."""
    owned = [vlan for vlan in site.vlans.values() if vlan.owner_uuid == request.account.uuid]
    return Answer([vlan_json(vlan) for vlan in sorted(owned, key=lambda vlan: vlan.vlan_id)])


def create_fabric_vlan(site: Site, request: Incoming) -> Answer:
    """``POST /:account/fabrics/default/vlans``; two VLANs may have the same name."""
    params = _checked(request, _NEW_VLAN)
    vlan_id = _vlan_id(params)
    fabric_checks.check_texts(params)
    owner = request.account.uuid
    if (owner, vlan_id) in site.vlans:
        raise invalid_argument('property "vlan_id": VLAN ID is already in use')
    vlan = Vlan(owner, vlan_id, params["name"], params.get("description"))
    site.vlans[owner, vlan_id] = vlan
    return Answer(vlan_json(vlan), 201)


def get_fabric_vlan(site: Site, request: Incoming) -> Answer:
    """``GET /:account/fabrics/default/vlans/:vlan_id``."""
    return Answer(vlan_json(_vlan(site, request, _checked(request, _ONE_VLAN))))


def update_fabric_vlan(site: Site, request: Incoming) -> Answer:
    """``PUT /:account/fabrics/default/vlans/:vlan_id``: answers 202, although the change is done at once."""
    params = _checked(request, _CHANGED_VLAN)
    vlan = _vlan(site, request, params)
    fabric_checks.check_texts(params)
    vlan.name = params.get("name", vlan.name)
    vlan.description = params.get("description", vlan.description)
    return Answer(vlan_json(vlan), 202)


def delete_fabric_vlan(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/fabrics/default/vlans/:vlan_id``: refused while the VLAN has networks."""
    params = _checked(request, _ONE_VLAN)
    on_it = [
        network.uuid for network in _fabric_networks(site, request) if network.vlan_id == _vlan_id(params)
    ]
    if on_it:
        raise invalid_argument(", ".join(f'In use by network "{network_uuid}"' for network_uuid in on_it))
    vlan = _vlan(site, request, params)
    del site.vlans[vlan.owner_uuid, vlan.vlan_id]
    return Answer(status=204)


def list_fabric_networks(site: Site, request: Incoming) -> Answer:
    """``GET /:account/fabrics/default/vlans/:vlan_id/networks``."""
    vlan = _vlan(site, request, _checked(request, _ONE_VLAN))
    found = [network for network in _fabric_networks(site, request) if network.vlan_id == vlan.vlan_id]
    return Answer([network_json(network) for network in found])


def create_fabric_network(site: Site, request: Incoming) -> Answer:
    """``POST /:account/fabrics/default/vlans/:vlan_id/networks``."""
    params = _checked(request, _NEW_NETWORK)
    _check_resolvers(params)
    vlan = _vlan(site, request, params)
    others = _fabric_networks(site, request)
    values = fabric_checks.new_network(params, others)
    if any(network.name == params["name"] for network in others):
        raise invalid_argument('property "name": Already exists')
    network = Network(
        site.new_uuid(),
        params["name"],
        "fabric",
        description=params.get("description"),
        vlan_id=vlan.vlan_id,
        owner_uuids=[vlan.owner_uuid],
        **values,
    )
    site.networks[network.uuid] = network
    return Answer(network_json(network), 201)


def get_fabric_network(site: Site, request: Incoming) -> Answer:
    """``GET /:account/fabrics/default/vlans/:vlan_id/networks/:id``: works with any VLAN of the account."""
    return Answer(network_json(_network(site, request, _checked(request, _ONE_NETWORK))))


def update_fabric_network(site: Site, request: Incoming) -> Answer:
    """``PUT /:account/fabrics/default/vlans/:vlan_id/networks/:id``."""
    if isinstance(request.body, dict) and request.body.get("id"):
        raise invalid_argument('property "id": cannot be set')
    params = _checked(request, _CHANGED_NETWORK)
    _check_resolvers(params)
    network = _network(site, request, params)
    values = fabric_checks.changed_network(params, network)
    name = params.get("name", network.name)
    if any(other.name == name for other in _fabric_networks(site, request) if other is not network):
        raise invalid_argument("name is in use by another network")
    network.name = name
    network.description = params.get("description", network.description)
    for field, value in values.items():
        setattr(network, field, value)
    return Answer(network_json(network))


def delete_fabric_network(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/fabrics/default/vlans/:vlan_id/networks/:id``.

    Refused for the default network and for a network in use.
    """
    params = _checked(request, _ONE_NETWORK)
    default = site.default_fabric_networks.get(request.account.uuid)
    if default is None:
        raise crashed("Could not get default network")
    if params["id"] == default:
        raise invalid_argument("cannot delete default network")
    network = _network(site, request, params)
    in_use = sorted(nic.mac for nic in network.nics.values())
    if in_use:
        raise invalid_argument(", ".join(f'In use by nic "{mac}"' for mac in in_use))
    del site.networks[network.uuid]
    return Answer(status=204)


def vlan_json(vlan: Vlan) -> dict[str, Any]:
    """Write one VLAN."""
    shown = {} if vlan.description is None else {"description": vlan.description}
    return shown | {"name": vlan.name, "vlan_id": vlan.vlan_id}


def _checked(request: Incoming, schema: dict[str, Property]) -> dict[str, Any]:
    """Check all parameters but the account against the schema, which refuses even ``as-role``."""
    params = {name: value for name, value in request.params.items() if name != "account"}
    check(schema, params)
    return params


def _check_resolvers(params: dict[str, Any]) -> None:
    if len(params.get("resolvers") or ()) > MOST_RESOLVERS:
        raise invalid_argument(f'property "resolvers": maximum of {MOST_RESOLVERS} resolvers')


def _vlan_id(params: dict[str, Any]) -> int:
    """The VLAN's number; in a path it is a text, whose bounds only NAPI checks, not CloudAPI."""
    vlan_id = int(as_number(params["vlan_id"]))
    if not 0 <= vlan_id <= 4094:
        raise invalid_argument('property "vlan_id": VLAN ID must be a number between 0 and 4094, and not 1')
    return vlan_id


def _vlan(site: Site, request: Incoming, params: dict[str, Any]) -> Vlan:
    vlan = site.vlans.get((request.account.uuid, _vlan_id(params)))
    if vlan is None:
        raise not_found("vlan not found")
    return vlan


def _network(site: Site, request: Incoming, params: dict[str, Any]) -> Network:
    _vlan(site, request, params)
    for network in _fabric_networks(site, request):
        if network.uuid == params["id"]:
            return network
    raise not_found("network not found")


def _fabric_networks(site: Site, request: Incoming) -> list[Network]:
    owner = request.account.uuid
    networks = site.networks.values()
    return [
        network for network in networks if network.kind == "fabric" and owner in (network.owner_uuids or ())
    ]


def _with_fabrics(handler: Handler) -> Handler:
    """Make the handler answer 501 where fabrics are disabled (docs/cloudapi/networks.md#fabrics-off)."""

    def handle(site: Site, request: Incoming) -> Answer:
        if not site.fabrics_enabled:
            raise Refusal(501, "NotImplementedError", "fabrics not enabled for this datacenter")
        return handler(site, request)

    return handle


def _route(name: str, method: str, path: str, handler: Handler, params: tuple[str, ...] = ()) -> Route:
    return Route(name, method, path, _with_fabrics(handler), params=params, versions=since((7, 3, 0)))


_VLANS = "/:account/fabrics/default/vlans"
_VLAN = f"{_VLANS}/:vlan_id"
_NETWORKS = f"{_VLAN}/networks"
_NETWORK = f"{_NETWORKS}/:id"
# The server gives two HEAD routes the names of their GET routes.
ROUTES = [
    _route("ListFabricVLANs", "GET", _VLANS, list_fabric_vlans),
    _route("HeadFabricVLANs", "HEAD", _VLANS, list_fabric_vlans),
    _route("CreateFabricVLAN", "POST", _VLANS, create_fabric_vlan, tuple(_NEW_VLAN)),
    _route("UpdateFabricVLAN", "PUT", _VLAN, update_fabric_vlan, tuple(_CHANGED_VLAN)),
    _route("GetFabricVLAN", "GET", _VLAN, get_fabric_vlan),
    _route("GetFabricVLAN", "HEAD", _VLAN, get_fabric_vlan),
    _route("DeleteFabricVLAN", "DELETE", _VLAN, delete_fabric_vlan),
    _route("ListFabricNetworks", "GET", _NETWORKS, list_fabric_networks),
    _route("HeadFabricNetworks", "HEAD", _NETWORKS, list_fabric_networks),
    _route("CreateFabricNetwork", "POST", _NETWORKS, create_fabric_network, tuple(_NEW_NETWORK)),
    _route("GetFabricNetwork", "GET", _NETWORK, get_fabric_network),
    _route("GetFabricNetwork", "HEAD", _NETWORK, get_fabric_network),
    _route("UpdateFabricNetwork", "PUT", _NETWORK, update_fabric_network, tuple(_CHANGED_NETWORK)),
    _route("DeleteFabricNetwork", "DELETE", _NETWORK, delete_fabric_network),
]
