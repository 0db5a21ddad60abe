"""Rows of networks and their addresses."""

from __future__ import annotations

from tests.contract.row import Operation

IP = "192.168.128.77"

ROWS = [
    Operation(
        name="ListNetworks",
        verb="GET",
        path="/:login/networks",
        since="7.0",
        method="DataCenter.networks",
        call=lambda sdc, world: sdc.networks(),
    ),
    Operation(
        name="GetNetwork",
        verb="GET",
        path="/:login/networks/:network",
        since="7.0",
        method="DataCenter.network",
        call=lambda sdc, world: sdc.network(world.network_id),
    ),
    Operation(
        name="ListNetworkIPs",
        verb="GET",
        path="/:login/networks/:network/ips",
        since="8.4",
        method="DataCenter.network_ips",
        call=lambda sdc, world: (world.vm, sdc.network_ips(world.network_id, paged=True)),
    ),
    Operation(
        name="HeadNetworkIPs",
        verb="HEAD",
        path="/:login/networks/:network/ips",
        since="8.4",
        method="DataCenter.num_network_ips",
        call=lambda sdc, world: sdc.num_network_ips(world.network_id),
        query={"offset": "1000"},  # the last request finds no more
    ),
    Operation(
        name="GetNetworkIP",
        verb="GET",
        path="/:login/networks/:network/ips/:ip_address",
        since="8.4",
        method="DataCenter.network_ip",
        call=lambda sdc, world: sdc.network_ip(world.network_id, IP),
    ),
    Operation(
        name="UpdateNetworkIP",
        verb="PUT",
        path="/:login/networks/:network/ips/:ip_address",
        since="8.4",
        method="DataCenter.update_network_ip",
        call=lambda sdc, world: sdc.update_network_ip(world.network_id, IP, reserved=True),
        body={"reserved": True},
    ),
    Operation(
        name="HeadNetworks",
        verb="HEAD",
        path="/:login/networks",
        since="7.0",
        method="DataCenter.exists",
        call=lambda sdc, world: sdc.exists("networks"),
    ),
    Operation(
        name="HeadNetwork",
        verb="HEAD",
        path="/:login/networks/:network",
        since="7.0",
        method="DataCenter.exists",
        call=lambda sdc, world: sdc.exists("networks", world.network_id),
    ),
    Operation(
        name="HeadNetworkIP",
        verb="HEAD",
        path="/:login/networks/:network/ips/:ip_address",
        since="8.4",
        method="DataCenter.exists",
        call=lambda sdc, world: sdc.exists("networks", world.network_id, "ips", IP),
    ),
]
