"""Rows of fabrics: VLANs and the networks on them."""

from __future__ import annotations

from typing import Any

from smartdc import DataCenter
from tests.contract.row import FOUND, Operation, World

VLANS = "/:login/fabrics/default/vlans"
VLAN = f"{VLANS}/:vlan_id"
NETWORKS = f"{VLAN}/networks"
NETWORK = f"{NETWORKS}/:id"

WANTED: dict[str, Any] = {
    "name": "contract",
    "subnet": "10.50.1.0/24",
    "provision_start_ip": "10.50.1.5",
    "provision_end_ip": "10.50.1.20",
    "gateway": "10.50.1.1",
    "resolvers": ["8.8.8.8", "8.8.4.4"],
    "routes": {"10.25.0.0/21": "10.50.1.2"},
    "internet_nat": True,
    "description": "A network",
}
CHANGES: dict[str, Any] = {
    "name": "changed",
    "description": "Another",
    "provision_start_ip": "10.50.1.6",
    "provision_end_ip": "10.50.1.30",
    "resolvers": ["8.8.4.4"],
    "routes": {"10.26.0.0/21": "10.50.1.3"},
}


def _create(sdc: DataCenter, world: World) -> Any:
    return sdc.create_fabric_network(2, **WANTED)


ROWS = [
    Operation(
        name="ListFabricVLANs",
        verb="GET",
        path=VLANS,
        since="7.3",
        method="DataCenter.fabric_vlans",
        call=lambda sdc, world: sdc.fabric_vlans(),
    ),
    Operation(
        name="CreateFabricVLAN",
        verb="POST",
        path=VLANS,
        since="7.3",
        method="DataCenter.create_fabric_vlan",
        call=lambda sdc, world: sdc.create_fabric_vlan(100, "contract", description="A VLAN"),
        body={"vlan_id": 100, "name": "contract", "description": "A VLAN"},
        status=201,
        lost=(FOUND, "by number and name; the server refuses a second one"),
    ),
    Operation(
        name="GetFabricVLAN",
        verb="GET",
        path=VLAN,
        since="7.3",
        method="DataCenter.fabric_vlan",
        call=lambda sdc, world: sdc.fabric_vlan(2),
    ),
    Operation(
        name="UpdateFabricVLAN",
        verb="PUT",
        path=VLAN,
        since="7.3",
        method="DataCenter.update_fabric_vlan",
        call=lambda sdc, world: sdc.update_fabric_vlan(2, name="changed", description="Another"),
        body={"name": "changed", "description": "Another"},
        status=202,
    ),
    Operation(
        name="DeleteFabricVLAN",
        verb="DELETE",
        path=VLAN,
        since="7.3",
        method="DataCenter.delete_fabric_vlan",
        call=lambda sdc, world: sdc.delete_fabric_vlan(sdc.create_fabric_vlan(100, "contract")),
        status=204,
    ),
    Operation(
        name="ListFabricNetworks",
        verb="GET",
        path=NETWORKS,
        since="7.3",
        method="DataCenter.fabric_networks",
        call=lambda sdc, world: sdc.fabric_networks(2),
    ),
    Operation(
        name="CreateFabricNetwork",
        verb="POST",
        path=NETWORKS,
        since="7.3",
        method="DataCenter.create_fabric_network",
        call=_create,
        body=WANTED,
        status=201,
        lost=(FOUND, "by name and subnet; the server refuses a second one with either"),
    ),
    Operation(
        name="GetFabricNetwork",
        verb="GET",
        path=NETWORK,
        since="7.3",
        method="DataCenter.fabric_network",
        call=lambda sdc, world: sdc.fabric_network(2, world.network_id),
    ),
    Operation(
        name="UpdateFabricNetwork",
        verb="PUT",
        path=NETWORK,
        since="7.3",
        method="DataCenter.update_fabric_network",
        call=lambda sdc, world: sdc.update_fabric_network(2, _create(sdc, world), **CHANGES),
        body=CHANGES,
    ),
    Operation(
        name="DeleteFabricNetwork",
        verb="DELETE",
        path=NETWORK,
        since="7.3",
        method="DataCenter.delete_fabric_network",
        call=lambda sdc, world: sdc.delete_fabric_network(2, _create(sdc, world)),
        status=204,
    ),
    Operation(
        name="HeadFabricVLANs",
        verb="HEAD",
        path=VLANS,
        since="7.3",
        method="DataCenter.exists",
        call=lambda sdc, world: sdc.exists("fabrics", "default", "vlans"),
    ),
    Operation(
        name="GetFabricVLAN",
        verb="HEAD",
        path=VLAN,
        since="7.3",
        method="DataCenter.exists",
        call=lambda sdc, world: sdc.exists("fabrics", "default", "vlans", "2"),
    ),
    Operation(
        name="HeadFabricNetworks",
        verb="HEAD",
        path=NETWORKS,
        since="7.3",
        method="DataCenter.exists",
        call=lambda sdc, world: sdc.exists("fabrics", "default", "vlans", "2", "networks"),
    ),
    Operation(
        name="GetFabricNetwork",
        verb="HEAD",
        path=NETWORK,
        since="7.3",
        method="DataCenter.exists",
        call=lambda sdc, world: sdc.exists("fabrics", "default", "vlans", "2", "networks", world.network_id),
    ),
]
