from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, InvalidArgumentError, NotFoundError, ServerError
from smartdc.emulator import Emulator
from smartdc.emulator.state.resources import Vlan
from smartdc.emulator.state.site import Site
from smartdc.types import FabricVLAN, Network
from tests.helpers.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"
VLANS = "/my/fabrics/default/vlans"
NEW_NETWORK: dict[str, Any] = {
    "name": "newnet",
    "subnet": "10.50.1.0/24",
    "provision_start_ip": "10.50.1.5",
    "provision_end_ip": "10.50.1.20",
}


@pytest.fixture
def vlan(sdc: DataCenter) -> FabricVLAN:
    return sdc.create_fabric_vlan(100, "new")


@pytest.fixture
def network(sdc: DataCenter, vlan: FabricVLAN) -> Network:
    return sdc.create_fabric_network(vlan, **NEW_NETWORK, gateway="10.50.1.1")


def test_fabric_vlans(cloud: Emulator, sdc: DataCenter) -> None:
    # Every account has this VLAN from the start (cloudapi's test/fabrics.test.js).
    assert sdc.fabric_vlans() == [{"name": "My-Fabric-VLAN", "vlan_id": 2}]
    assert sent(cloud) == [call("GET", VLANS)]


def test_create_fabric_vlan(cloud: Emulator, sdc: DataCenter) -> None:
    vlan = sdc.create_fabric_vlan(100, "new", description="my description")
    body = {"vlan_id": 100, "name": "new", "description": "my description"}
    assert sent(cloud) == [call("POST", VLANS, body=body)]
    assert vlan == body
    assert sdc.create_fabric_vlan(3, "new") == {"vlan_id": 3, "name": "new"}
    assert [each["vlan_id"] for each in sdc.fabric_vlans()] == [2, 3, 100]


def without_none(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


LONG = "x" * 65
BAD_VLANS: list[tuple[int | Any, Any, Any, str]] = [
    # The messages are those of cloudapi's test/fabrics.test.js and of the schemas and validators behind it.
    (2, "again", None, 'property "vlan_id": VLAN ID is already in use'),
    (1, "one", None, 'property "vlan_id": must have a minimum value of 2'),
    (0, "zero", None, 'property "vlan_id": must have a minimum value of 2'),
    (4096, "many", None, 'property "vlan_id": must have a maximum value of 4095'),
    (4095, "last", None, 'property "vlan_id": VLAN ID must be a number between 0 and 4094, and not 1'),
    (4, LONG, None, 'property "name": must not be longer than 64 characters'),
    (4, "1st", None, 'property "name": does not match the regex pattern'),
    (4, 5, None, 'property "name": 5 - number value found, but a string is required'),
    (4, "name", LONG, 'property "description": must not be longer than 64 characters'),
    (4, "name", " ", 'property "description": must not be empty'),
    ("foo", "name", None, 'property "vlan_id": foo - string value found, but a integer is required'),
    (None, "name", None, 'property "vlan_id": is missing and it is required'),
    (4, None, None, 'property "name": is missing and it is required'),
]


@pytest.mark.parametrize(("vlan_id", "name", "description", "message"), BAD_VLANS)
def test_create_fabric_vlan_that_the_server_refuses(
    sdc: DataCenter, vlan_id: Any, name: Any, description: Any, message: str
) -> None:
    body = {"vlan_id": vlan_id, "name": name, "description": description}
    with pytest.raises(InvalidArgumentError) as caught:
        sdc.request("POST", "/fabrics/default/vlans", data=without_none(body))
    assert (caught.value.status, caught.value.code) == (409, "InvalidArgument")
    assert caught.value.message.startswith(message)


def test_create_fabric_vlan_reports_every_error(sdc: DataCenter) -> None:
    with pytest.raises(InvalidArgumentError, match=r'property "description": .*, property "name": '):
        sdc.create_fabric_vlan(4, LONG, description=LONG)


def test_fabric_vlan(cloud: Emulator, sdc: DataCenter, vlan: FabricVLAN) -> None:
    assert sdc.fabric_vlan(100) == sdc.fabric_vlan("100") == sdc.fabric_vlan(vlan) == vlan
    assert sent(cloud, 1) == [call("GET", f"{VLANS}/100")] * 3


def test_fabric_vlan_that_does_not_exist(cloud: Emulator, sdc: DataCenter) -> None:
    for act in (sdc.fabric_vlan, sdc.update_fabric_vlan, sdc.delete_fabric_vlan, sdc.fabric_networks):
        with pytest.raises(NotFoundError, match="vlan not found"):
            act(999)
    with pytest.raises(NotFoundError, match="vlan not found"):
        sdc.create_fabric_network(999, **NEW_NETWORK)
    # In a path the number is text: CloudAPI's schema does not check its bounds, NAPI does.
    assert sdc.create_fabric_vlan(4000, "far")
    with pytest.raises(InvalidArgumentError, match="VLAN ID must be a number between 0 and 4094"):
        sdc.fabric_vlan(5000)
    with pytest.raises(NotFoundError, match="vlan not found"):
        sdc.fabric_vlan(0)


@pytest.mark.parametrize("nothing", ["", None, {}, -1, True, 2.5, {"name": "default"}, {"vlan_id": "x"}])
def test_fabric_vlan_by_an_invalid_reference(cloud: Emulator, sdc: DataCenter, nothing: Any) -> None:
    with pytest.raises(ConfigurationError, match="names no VLAN"):
        sdc.fabric_vlan(nothing)
    assert sent(cloud) == []


def test_update_fabric_vlan(cloud: Emulator, sdc: DataCenter, vlan: FabricVLAN) -> None:
    changed = sdc.update_fabric_vlan(vlan, description="new description")
    assert changed == {"vlan_id": 100, "name": "new", "description": "new description"}
    assert sdc.update_fabric_vlan(100, name="newer") == {**changed, "name": "newer"}
    assert sent(cloud, 1) == [
        call("PUT", f"{VLANS}/100", body={"description": "new description"}),
        call("PUT", f"{VLANS}/100", body={"name": "newer"}),
    ]
    assert [got.status for got in cloud.calls[1:]] == [202, 202]
    assert sdc.fabric_vlan(100)["name"] == "newer"


def test_update_fabric_vlan_to_a_bad_name(sdc: DataCenter) -> None:
    with pytest.raises(InvalidArgumentError, match='property "name": must not be longer than 64'):
        sdc.update_fabric_vlan(2, name=LONG)


def test_delete_fabric_vlan(cloud: Emulator, sdc: DataCenter, vlan: FabricVLAN) -> None:
    sdc.delete_fabric_vlan(vlan)
    assert sent(cloud, 1) == [call("DELETE", f"{VLANS}/100")]
    assert len(sdc.fabric_vlans()) == 1


def test_delete_fabric_vlan_with_a_network(sdc: DataCenter, network: Network) -> None:
    # The reference says InUseError; endpoints/networks.js turns NAPI's InUse into InvalidArgument.
    with pytest.raises(InvalidArgumentError, match=f'In use by network "{network["id"]}"') as caught:
        sdc.delete_fabric_vlan(100)
    assert (caught.value.status, caught.value.code) == (409, "InvalidArgument")
    sdc.delete_fabric_network(100, network)
    sdc.delete_fabric_vlan(100)


def test_create_fabric_network(cloud: Emulator, sdc: DataCenter, vlan: FabricVLAN) -> None:
    details: dict[str, Any] = {
        "gateway": "10.50.1.1",
        "resolvers": ["8.8.8.8", "8.8.4.4"],
        "routes": {"10.25.0.0/21": "10.50.1.2", "10.27.1.1": "10.50.1.3"},
        "internet_nat": False,
        "description": "A network",
    }
    network = sdc.create_fabric_network(vlan, **NEW_NETWORK, **details)
    assert sent(cloud, 1) == [call("POST", f"{VLANS}/100/networks", body=NEW_NETWORK | details)]
    expected = NEW_NETWORK | details | {"public": False, "fabric": True, "vlan_id": 100}
    assert network == expected | {"id": network["id"]}
    assert sdc.network(network) == sdc.fabric_network(100, network) == network
    assert network in sdc.networks()


def test_create_fabric_network_sends_only_the_arguments_that_are_set(
    cloud: Emulator, sdc: DataCenter, vlan: FabricVLAN
) -> None:
    network = sdc.create_fabric_network(100, **NEW_NETWORK)
    assert sent(cloud, 1) == [call("POST", f"{VLANS}/100/networks", body=NEW_NETWORK)]
    assert (network["internet_nat"], network["resolvers"], "gateway" in network) == (True, [], False)


def test_create_fabric_network_with_nat_takes_a_gateway(sdc: DataCenter, vlan: FabricVLAN) -> None:
    # sdc-napi, models/network.js, createNetworkObject
    network = sdc.create_fabric_network(100, **NEW_NETWORK, internet_nat=True)
    assert network["gateway"] == "10.50.1.5"
    assert sdc.network_ip(network, "10.50.1.5")["managed"] is True


BAD_NETWORKS: list[tuple[dict[str, Any], str]] = [
    ({"name": None}, 'property "name": is missing and it is required'),
    ({"name": LONG}, 'property "name": must not be longer than 64 characters'),
    ({"name": 5}, 'property "name": 5 - number value found, but a string is required'),
    ({"name": "other"}, 'property "name": Already exists'),
    ({"provision_start_ip": None}, 'property "provision_start_ip": is missing and it is required'),
    ({"provision_start_ip": "a"}, 'property "provision_start_ip": must be an IPv4 address'),
    (
        {"provision_start_ip": "10.9.9.9"},
        'property "provision_start_ip": provision_start_ip cannot be outside subnet',
    ),
    (
        {"provision_end_ip": "10.50.2.9"},
        'property "provision_end_ip": provision_end_ip cannot be outside subnet',
    ),
    (
        {"provision_end_ip": "10.50.1.255"},
        'property "provision_end_ip": provision_end_ip cannot be the broadcast address',
    ),
    (
        {"provision_end_ip": "10.50.1.5"},
        'property "provision_end_ip": provision_start_ip must be before provision_end_ip, '
        'property "provision_start_ip": provision_start_ip must be before provision_end_ip',
    ),
    ({"gateway": "10.9.9.9"}, 'property "gateway": gateway cannot be outside subnet'),
    ({"gateway": "a"}, 'property "gateway": must be an IPv4 address'),
    ({"resolvers": ["a"]}, 'property "resolvers[0]": must be an IPv4 address'),
    ({"resolvers": ["1.2.3.4"] * 5}, 'property "resolvers": maximum of 4 resolvers'),
    ({"subnet": None}, 'property "subnet": is missing and it is required'),
    ({"subnet": "a"}, 'property "subnet": Subnet must be in CIDR form'),
    ({"subnet": "a/24"}, 'property "subnet": Subnet IP invalid'),
    ({"subnet": "10.0.0.0/7"}, 'property "subnet": Subnet bits invalid'),
    ({"subnet": "10.50.1.0/33"}, 'property "subnet": Subnet bits invalid'),
    ({"subnet": "10.50.1.1/24"}, 'property "subnet": invalid CIDR format'),
    ({"subnet": "10.50.0.0/16"}, 'property "subnet": subnet overlaps with another network'),
    (
        {"subnet": "8.8.8.0/24", "provision_start_ip": "8.8.8.5", "provision_end_ip": "8.8.8.9"},
        'property "subnet": subnet must be within private ranges',
    ),
    (
        {"subnet": "fd00::/64"},
        'property "provision_end_ip": provision_end_ip and subnet must both be IPv4 or IPv6 addresses, '
        'property "provision_start_ip": provision_start_ip and subnet must both be IPv4 or IPv6 addresses',
    ),
    ({"internet_nat": "perhaps"}, 'property "internet_nat": must be a boolean value'),
    ({"description": LONG}, 'property "description": must not be longer than 64 characters'),
    ({"routes": {"a": "b"}}, 'property "routes": invalid route'),
    ({"routes": {"a": "b", "10.0.0.0/24": "c"}}, 'property "routes": invalid routes'),
    (
        {"routes": {"10.0.0.0/24": "fd00::1"}},
        'property "routes": address family of route and next-hop address should match',
    ),
]


@pytest.mark.parametrize(("wrong", "message"), BAD_NETWORKS, ids=[str(wrong) for wrong, _ in BAD_NETWORKS])
def test_create_fabric_network_that_the_server_refuses(
    sdc: DataCenter, wrong: dict[str, Any], message: str
) -> None:
    # As for VLANs: cloudapi's schemas and test/fabrics.test.js, then sdc-napi's lib/models/network.js.
    other: dict[str, Any] = {
        "subnet": "10.50.4.0/24",
        "provision_start_ip": "10.50.4.5",
        "provision_end_ip": "10.50.4.9",
    }
    sdc.create_fabric_network(2, "other", **other)
    with pytest.raises(InvalidArgumentError) as caught:
        sdc.request("POST", "/fabrics/default/vlans/2/networks", data=without_none(NEW_NETWORK | wrong))
    assert (caught.value.status, caught.value.code) == (409, "InvalidArgument")
    assert caught.value.message == message


def test_fabric_networks(cloud: Emulator, sdc: DataCenter, network: Network) -> None:
    assert sdc.fabric_networks(100) == [network]
    assert sent(cloud, 2) == [call("GET", f"{VLANS}/100/networks")]
    assert [each["name"] for each in sdc.fabric_networks(2)] == ["My-Fabric-Network"]


def test_fabric_network(cloud: Emulator, sdc: DataCenter, network: Network) -> None:
    assert sdc.fabric_network(100, network["id"]) == sdc.fabric_network(network, network) == network
    assert sent(cloud, 2) == [call("GET", f"{VLANS}/100/networks/{network['id']}")] * 2
    # NAPI checks that the VLAN exists, but not that the network is on it.
    assert sdc.fabric_network(2, network) == network


def test_fabric_network_that_does_not_exist(sdc: DataCenter, site: Site, vlan: FabricVLAN) -> None:
    public = next(network.uuid for network in site.networks.values() if network.public)
    for ident in (UNKNOWN, public):
        for act in (sdc.fabric_network, sdc.update_fabric_network, sdc.delete_fabric_network):
            with pytest.raises(NotFoundError, match="network not found"):
                act(100, ident)
    with pytest.raises(NotFoundError, match="vlan not found"):
        sdc.fabric_network(999, UNKNOWN)
    with pytest.raises(InvalidArgumentError, match='property "id": does not match the regex pattern'):
        sdc.fabric_network(100, {"id": "newnet"})


def test_update_fabric_network(cloud: Emulator, sdc: DataCenter, network: Network) -> None:
    changes: dict[str, Any] = {
        "name": "updatenet",
        "description": "updated description",
        "provision_start_ip": "10.50.1.6",
        "provision_end_ip": "10.50.1.30",
        "resolvers": ["8.8.4.4"],
        "routes": {"172.16.10.0/24": "10.50.1.1"},
    }
    changed = sdc.update_fabric_network(100, network, **changes)
    path = f"{VLANS}/100/networks/{network['id']}"
    assert sent(cloud, 2) == [call("PUT", path, body=changes)]
    assert changed == {**network, **changes}
    assert sdc.fabric_network(100, network) == changed


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "My-Fabric-Network"}, "name is in use by another network"),
        ({"provision_end_ip": "10.9.9.9"}, 'property "provision_end_ip": provision_end_ip cannot be outside'),
        ({"routes": {"a": "b"}}, 'property "routes": invalid route'),
        ({"resolvers": ["1.2.3.4"] * 5}, 'property "resolvers": maximum of 4 resolvers'),
    ],
)
def test_update_fabric_network_that_the_server_refuses(
    sdc: DataCenter, network: Network, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        sdc.update_fabric_network(100, network, **wrong)
    assert sdc.fabric_network(100, network) == network


def test_fields_of_a_fabric_network_that_cannot_be_changed(sdc: DataCenter, network: Network) -> None:
    # The OpenAPI description lets a gateway be changed; cloudapi's schema and its reference do not.
    path = f"/fabrics/default/vlans/100/networks/{network['id']}"
    for field, value in (("gateway", "10.50.1.2"), ("subnet", "10.50.0.0/16"), ("internet_nat", False)):
        with pytest.raises(InvalidArgumentError, match=f'property "{field}": unsupported property'):
            sdc.request("PUT", path, data={field: value})
    with pytest.raises(InvalidArgumentError, match='property "id": cannot be set'):
        sdc.request("PUT", path, data={"id": UNKNOWN})


def test_delete_fabric_network(cloud: Emulator, sdc: DataCenter, network: Network) -> None:
    sdc.delete_fabric_network(network, network)
    assert sent(cloud, 2) == [call("DELETE", f"{VLANS}/100/networks/{network['id']}")]
    assert sdc.fabric_networks(100) == []
    with pytest.raises(NotFoundError):
        sdc.network(network)


def test_delete_fabric_network_that_is_the_default(sdc: DataCenter) -> None:
    default = sdc.fabric_networks(2)[0]
    with pytest.raises(InvalidArgumentError, match="cannot delete default network"):
        sdc.delete_fabric_network(2, default)


def test_a_fabric_network_in_use_cannot_be_deleted(sdc: DataCenter, network: Network) -> None:
    image = sdc.images(name="base-64-lts")[0]
    machine = sdc.create_machine(package="g4-highcpu-1G", image=image, networks=[network])
    with pytest.raises(
        InvalidArgumentError, match='In use by nic "90:b8:d0:'
    ):  # while the machine is being provisioned
        sdc.delete_fabric_network(100, network)
    machine.poll_until("running")
    assert machine.networks == [network["id"]]
    assert machine.ips == ["10.50.1.5"]
    with pytest.raises(InvalidArgumentError, match=f'In use by nic "{machine.nics[0]["mac"]}"'):
        sdc.delete_fabric_network(100, network)
    machine.delete()
    machine.poll_until("deleted")
    sdc.delete_fabric_network(100, network)


def test_the_fabric_of_another_account_is_separate(sdc: DataCenter, site: Site, network: Network) -> None:
    other = site.shared.directory.add("neighbour").uuid
    site.vlans[other, 100] = Vlan(other, 100, "theirs")
    theirs = replace(site.networks[network["id"]], uuid=UNKNOWN, owner_uuids=[other], nics={})
    site.networks[UNKNOWN] = theirs
    assert sdc.fabric_vlan(100)["name"] == "new"
    assert sdc.fabric_networks(100) == [network]
    with pytest.raises(NotFoundError, match="network not found"):
        sdc.fabric_network(100, UNKNOWN)
    sdc.delete_fabric_network(100, network)
    assert sdc.create_fabric_network(100, **NEW_NETWORK)  # overlaps theirs only


def test_fabrics_that_are_switched_off(sdc: DataCenter, site: Site) -> None:
    # docs/cloudapi/networks.md#fabrics-off: 501 NotImplementedError.
    site.fabrics_enabled = False
    for act in (sdc.fabric_vlans, lambda: sdc.fabric_networks(2), lambda: sdc.create_fabric_vlan(5, "five")):
        with pytest.raises(ServerError, match="fabrics not enabled for this datacenter") as caught:
            act()
        assert (caught.value.status, caught.value.code) == (501, "NotImplementedError")
    assert sdc.networks()
