"""Fabrics, and effects of their schemas that no client should rely on."""

import pytest

from tests.emulator.facts import fact
from tests.helpers.raw_requests import Raw

VLANS = "/my/fabrics/default/vlans"


@fact("networks.md#fabrics-off")
def test_fabrics_off(fresh: Raw) -> None:
    fresh.site.fabrics_enabled = False
    message = "fabrics not enabled for this datacenter"
    for path in (VLANS, f"{VLANS}/2", f"{VLANS}/2/networks"):
        fresh.get(path).refused(501, "NotImplementedError", message)
        assert fresh.head(path).status == 501
    fresh.post(VLANS, {}).refused(501, "NotImplementedError", message)


def test_fabrics_came_with_7_3(raw: Raw) -> None:
    # endpoints/networks.js: the routes have versions 7.3, 8 and 9.
    raw.get(VLANS, headers={"Accept-Version": "~7.3"}).ok()
    raw.get(VLANS, headers={"Accept-Version": "~7.2"}).refused(400, "InvalidVersion", early=True)


@pytest.mark.parametrize("query", ["as-role=x", "limit=5"])
def test_fabrics_refuse_other_parameters(raw: Raw, query: str) -> None:
    # endpoints/networks.js, schemaValidate: it checks every parameter but the account; lists check none.
    name = query.partition("=")[0]
    answer = raw.get(f"{VLANS}/2?{query}")
    answer.refused(409, "InvalidArgument", f'property "{name}": unsupported property')
    raw.get(f"{VLANS}?limit=5").ok()


def test_fabric_vlan_numbers_in_texts(fresh: Raw) -> None:
    # json-schema 0.4.0: an integer is what fits value % 1 === 0, and bounds apply to numbers only.
    assert fresh.post(VLANS, {"vlan_id": "0", "name": "zero"}).ok(201) == {"name": "zero", "vlan_id": 0}
    fresh.get(f"{VLANS}/0").ok()
    answer = fresh.post(VLANS, {"vlan_id": 2.5, "name": "half"})
    message = 'property "vlan_id": 2.5 - number value found, but a integer is required'
    answer.refused(409, "InvalidArgument", message)
    # The body takes precedence over the path (docs/cloudapi/requests.md#parameters-are-one-bag).
    fresh.put(f"{VLANS}/2", {"vlan_id": 10}).refused(404, "ResourceNotFound", "vlan not found")
    fresh.put(f"{VLANS}/2", {"vlan_id": 0, "name": "nought"}).refused(409, "InvalidArgument")


def test_fabric_network_without_a_default(fresh: Raw) -> None:
    # lib/networks.js, getDefaultFabricNetworkForUser
    network = next(network for network in fresh.site.networks.values() if network.kind == "fabric")
    fresh.site.default_fabric_networks.clear()
    answer = fresh.delete(f"{VLANS}/2/networks/{network.uuid}")
    assert (answer.status, answer.json) == (500, {"message": "Could not get default network"})


def test_fabric_networks_by_head(raw: Raw) -> None:
    network = raw.get(f"{VLANS}/2/networks").ok()[0]["id"]
    for path in (VLANS, f"{VLANS}/2", f"{VLANS}/2/networks", f"{VLANS}/2/networks/{network}"):
        head = raw.head(path)
        assert (head.status, head.body) == (200, b"")
