from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, InvalidArgumentError, NotFoundError
from smartdc.emulator import Emulator
from smartdc.emulator.state.resources import Network
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"


@pytest.fixture
def fabric(site: Site) -> Network:
    return next(network for network in site.networks.values() if network.kind == "fabric")


@pytest.fixture
def public(site: Site) -> Network:
    return next(network for network in site.networks.values() if network.public)


@pytest.fixture
def shared(site: Site, fabric: Network, cloud: Emulator) -> Network:
    """A private network of this account and another, which has a machine on it."""
    other = site.shared.directory.add("neighbour")
    network = Network(
        UNKNOWN, "shared", "other", "10.99.92.0/24", "10.99.92.5", "10.99.92.250", gateway="10.99.92.1"
    )
    network.owner_uuids = [cloud.account.uuid, other.uuid]
    site.networks[network.uuid] = network
    site.add_machine(account=other, networks=[network.uuid])
    return network


def test_networks_lists_them(cloud: Emulator, sdc: DataCenter) -> None:
    networks = sdc.networks()
    assert {network["public"] for network in networks} == {True, False}
    assert sent(cloud) == [call("GET", "/my/networks")]


def test_networks_are_searched_by_name_by_the_client(cloud: Emulator, sdc: DataCenter) -> None:
    # py-smartdc's default was fields=('name,'): a typo that made it find nothing.
    name = sdc.networks()[0]["name"]
    assert [network["name"] for network in sdc.networks(f"^{name.upper()}$")] == [name]
    assert sdc.networks("^$") == []
    assert sent(cloud) == [call("GET", "/my/networks")] * 3


def test_network_by_id_or_dict(cloud: Emulator, sdc: DataCenter) -> None:
    listed = sdc.networks()[0]
    assert sdc.network(listed["id"]) == listed
    assert sdc.network(listed) == listed
    assert sent(cloud)[1:] == [call("GET", f"/my/networks/{listed['id']}")] * 2


def test_network_that_does_not_exist(sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError, match=f"{UNKNOWN} not found"):
        sdc.network(UNKNOWN)


@pytest.mark.parametrize("nothing", ["", None, {}, {"name": "external"}])
def test_network_by_an_invalid_reference(cloud: Emulator, sdc: DataCenter, nothing: Any) -> None:
    with pytest.raises(ConfigurationError, match="names no network"):
        sdc.network(nothing)
    assert sent(cloud) == []


def test_network_ips(cloud: Emulator, sdc: DataCenter, site: Site, fabric: Network, public: Network) -> None:
    vm = site.add_machine(networks=[public.uuid, fabric.uuid])
    owner = cloud.account.uuid
    # The gateway and the broadcast address are Triton's (the reference's ListNetworkIPs).
    assert sdc.network_ips(fabric.uuid) == [
        {"ip": "192.168.128.1", "reserved": True, "managed": True},
        {
            "ip": vm.nics[1].ip,
            "reserved": False,
            "owner_uuid": owner,
            "belongs_to_uuid": vm.uuid,
            "managed": False,
        },
        {"ip": "192.168.255.255", "reserved": True, "managed": True},
    ]
    path = f"/my/networks/{fabric.uuid}/ips"
    # A page that is not full may not be the last
    # (docs/cloudapi/lists.md#network-ips-are-counted-after-filtering): pages are read until one is empty.
    assert sent(cloud) == [call("GET", path), call("GET", path, {"offset": "1000"})]


def test_network_ips_of_a_public_network_are_those_of_the_account(
    sdc: DataCenter, site: Site, public: Network, shared: Network
) -> None:
    own = site.add_machine(networks=[public.uuid])
    site.add_machine(account="neighbour", networks=[public.uuid])
    assert [address["ip"] for address in sdc.network_ips(public.uuid)] == [own.nics[0].ip]


def test_network_ips_that_another_account_uses_do_not_name_the_machine(
    sdc: DataCenter, site: Site, shared: Network
) -> None:
    other = site.shared.directory.find("neighbour")
    assert other is not None
    assert sdc.network_ips(shared.uuid)[1] == {
        "ip": "10.99.92.5",
        "reserved": False,
        "owner_uuid": other.uuid,
        "managed": False,
    }


def test_network_ips_of_a_machine_that_is_being_provisioned(sdc: DataCenter, fabric: Network) -> None:
    image = sdc.images(name="base-64-lts")[0]
    machine = sdc.create_machine(package="g4-highcpu-1G", image=image, networks=[fabric.uuid])
    assert [address.get("belongs_to_uuid") for address in sdc.network_ips(fabric.uuid)] == [
        None,
        machine.id,
        None,
    ]
    machine.poll_until("running")
    machine.delete()
    machine.poll_until("deleted")
    assert len(sdc.network_ips(fabric.uuid)) == 2


def test_network_ips_pages_leave_free_addresses_out(
    cloud: Emulator, sdc: DataCenter, fabric: Network
) -> None:
    # NAPI has a record of the gateway (.1), of the address before the range (.4), of the one after it, and
    # of the broadcast address; CloudAPI leaves out the free ones afterwards
    # (docs/cloudapi/lists.md#network-ips-are-counted-after-filtering).
    pages = [sdc.network_ips(fabric.uuid, paged=True, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [[address["ip"] for address in page] for page in pages] == [
        ["192.168.128.1"],
        ["192.168.255.255"],
        [],
    ]
    path = f"/my/networks/{fabric.uuid}/ips"
    assert sent(cloud) == [call("GET", path, {"limit": "2", "offset": offset}) for offset in ("0", "2", "4")]


def test_network_ips_beyond_the_first_page(
    cloud: Emulator, sdc: DataCenter, site: Site, public: Network
) -> None:
    site.add_machine(networks=[public.uuid])
    first = int(IPv4Address("198.18.1.0"))
    public.in_use |= set(range(first, first + 10))
    large = next(network for network in site.networks.values() if network.kind == "fabric")
    large.subnet, large.provision_end_ip = "192.168.128.0/18", "192.168.191.250"
    start = int(IPv4Address("192.168.140.0"))
    large.reserved |= dict.fromkeys(range(start, start + 2500))
    found = sdc.network_ips(large.uuid)
    assert len(found) == len({address["ip"] for address in found}) == 2502
    assert [request.query.get("offset") for request in sent(cloud)] == [None, "1000", "2000", "3000"]
    assert sdc.network_ips(large.uuid, limit=3, offset=1) == found[1:4]
    assert sdc.num_network_ips(large.uuid) == 2502


def test_num_network_ips(cloud: Emulator, sdc: DataCenter, fabric: Network) -> None:
    assert sdc.num_network_ips(fabric.uuid) == 2
    path = f"/my/networks/{fabric.uuid}/ips"
    assert sent(cloud) == [call("HEAD", path), call("HEAD", path, {"offset": "1000"})]


def test_network_ips_of_a_network_that_does_not_exist(sdc: DataCenter) -> None:
    for act in (sdc.network_ips, sdc.num_network_ips):
        with pytest.raises(NotFoundError):
            act(UNKNOWN)


@pytest.mark.parametrize(
    ("limit", "offset", "message"),
    # sdc-napi, by way of restify-warden
    [
        (1001, None, 'property "limit": invalid limit'),
    ],
)
def test_network_ips_by_a_bad_page(
    sdc: DataCenter, fabric: Network, limit: int, offset: int | None, message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        sdc.network_ips(fabric.uuid, paged=True, limit=limit, offset=offset)


def test_network_ip(cloud: Emulator, sdc: DataCenter, site: Site, fabric: Network) -> None:
    vm = site.add_machine(networks=[fabric.uuid])
    used, free = vm.nics[0].ip, "192.168.129.9"
    assert sdc.network_ip(fabric.uuid, IPv4Address(used))["belongs_to_uuid"] == vm.uuid
    assert sdc.network_ip(sdc.network(fabric.uuid), free) == {
        "ip": free,
        "reserved": False,
        "managed": False,
    }
    path = f"/my/networks/{fabric.uuid}"
    expected = [call("GET", f"{path}/ips/{used}"), call("GET", path), call("GET", f"{path}/ips/{free}")]
    assert sent(cloud) == expected


@pytest.mark.parametrize(
    ("ip", "message"),
    [
        ("10.1.2.3", "IP is not in subnet"),
        ("nonsense", "Invalid IP address"),
        ("fd00::1", "IP and subnet are of different address families"),
    ],
)
def test_network_ip_that_does_not_exist(sdc: DataCenter, fabric: Network, ip: str, message: str) -> None:
    with pytest.raises(NotFoundError, match=message):
        sdc.network_ip(fabric.uuid, ip)


def test_network_ip_of_another_account_on_a_public_network(
    sdc: DataCenter, site: Site, public: Network, shared: Network
) -> None:
    other = site.add_machine(account="neighbour", networks=[public.uuid])
    with pytest.raises(NotFoundError, match=f"{other.nics[0].ip} not found"):
        sdc.network_ip(public.uuid, other.nics[0].ip)


@pytest.mark.parametrize("nothing", ["", None, {}, {"id": "192.168.128.9"}])
def test_network_ip_by_an_invalid_reference(cloud: Emulator, sdc: DataCenter, nothing: Any) -> None:
    with pytest.raises(ConfigurationError, match="names no address"):
        sdc.network_ip(UNKNOWN, nothing)
    assert sent(cloud) == []


def test_update_network_ip(cloud: Emulator, sdc: DataCenter, site: Site, fabric: Network) -> None:
    first = fabric.provision_start_ip
    address = sdc.update_network_ip(fabric.uuid, first, reserved=True)
    assert address == {"ip": first, "reserved": True, "managed": False}
    path = f"/my/networks/{fabric.uuid}/ips/{first}"
    assert sent(cloud) == [call("PUT", path, body={"reserved": True})]
    assert address in sdc.network_ips(fabric.uuid)
    assert site.add_machine(networks=[fabric.uuid]).nics[0].ip == "192.168.128.6"

    released = sdc.update_network_ip(fabric.uuid, address, reserved=False)
    assert released == {"ip": first, "reserved": False, "managed": False}
    assert sent(cloud)[-1] == call("PUT", path, body={"reserved": False})
    assert released not in sdc.network_ips(fabric.uuid)


def test_a_reserved_address_can_be_requested(sdc: DataCenter, fabric: Network) -> None:
    # The reference: it is not assigned automatically. NAPI assigns it to a machine that requests it.
    ip = "192.168.128.99"
    sdc.update_network_ip(fabric.uuid, ip, reserved=True)
    machine = sdc.create_machine(
        package="g4-highcpu-1G",
        image=sdc.images(name="base-64-lts")[0],
        networks=[{"ipv4_uuid": fabric.uuid, "ipv4_ips": [ip]}],
    )
    machine.poll_until("running")
    assert machine.ips == [ip]
    assert sdc.network_ip(fabric.uuid, ip)["reserved"] is True


def test_update_network_ip_that_the_server_refuses(
    sdc: DataCenter, site: Site, fabric: Network, public: Network, shared: Network
) -> None:
    own = site.add_machine(networks=[public.uuid]).nics[0].ip
    for network, ip, message in (
        (public, own, f"cannot update an IP on a public network: {public.uuid}"),
        (fabric, "192.168.128.1", "cannot update managed IP: 192.168.128.1"),
        (shared, "10.99.92.5", "is in use by another account"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            sdc.update_network_ip(network.uuid, ip, reserved=True)
    with pytest.raises(NotFoundError, match="IP is not in subnet"):
        sdc.update_network_ip(fabric.uuid, "10.1.2.3", reserved=True)


def test_update_network_ip_with_a_value_that_is_no_boolean(sdc: DataCenter, fabric: Network) -> None:
    path = f"/networks/{fabric.uuid}/ips/192.168.128.9"
    with pytest.raises(InvalidArgumentError, match="reserved must be set to true or false"):
        sdc.request("PUT", path, data={"reserved": "perhaps"})
