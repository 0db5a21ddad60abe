"""The ``networks`` of a create, in both forms, and the errors about them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.raw_creation import Creation
from tests.helpers.raw_requests import UNKNOWN, Raw

FABRIC = "My-Fabric-Network"


@pytest.fixture(scope="module")
def creation(raw: Raw) -> Creation:
    return Creation(raw)


def test_objects(creation: Creation) -> None:
    fabric = creation.network(FABRIC)
    for count in ({}, {"ipv4_count": 1}):
        made = creation.made(networks=[{"ipv4_uuid": fabric} | count])
        assert made["networks"] == [fabric]
        assert made["ips"][0].startswith("192.168.128.")


def test_an_address_in_the_request(creation: Creation) -> None:
    fabric, private, external = (creation.network(name) for name in (FABRIC, "private", "external"))
    wanted = {"ipv4_uuid": fabric, "ipv4_ips": ["192.168.129.77"]}
    made = creation.made(networks=[wanted, {"ipv4_uuid": external}])
    assert made["ips"][0] == "192.168.129.77"
    assert made["primaryIp"] == made["ips"][1]
    answer = creation.ask(networks=[wanted])
    answer.refused(422, "InvalidParameters", "Invalid parameters", field="ip", detail="IP in use")
    creation.raw.delete(f"/my/machines/{made['id']}").empty(204)
    creation.raw.cloud.clock.advance(10)
    assert creation.made(networks=[wanted])["ips"] == ["192.168.129.77"]
    for uuid in (private, external):
        message = f"ipv4_uuid: {uuid} cannot specify IP on a public network"
        creation.refused(message, networks=[{"ipv4_uuid": uuid, "ipv4_ips": ["10.88.0.99"]}])


@pytest.mark.parametrize(
    ("ip", "problem"), [("10.1.2.3", "IP is not in subnet"), ("nonsense", "Invalid IP address")]
)
def test_an_address_of_another_network(creation: Creation, ip: str, problem: str) -> None:
    message = f"cannot validate {ip}: {problem}"
    networks = [{"ipv4_uuid": creation.network(FABRIC), "ipv4_ips": [ip]}]
    creation.refused(message, "ResourceNotFound", 404, networks=networks)


def test_the_gateways_address(creation: Creation) -> None:
    networks = [{"ipv4_uuid": creation.network(FABRIC), "ipv4_ips": ["192.168.128.1"]}]
    creation.refused("cannot use 192.168.128.1 because it is a managed IP", networks=networks)


@pytest.mark.parametrize(
    ("entry", "code", "message"),
    [
        ({}, "MissingParameter", "network objects must contain ipv4_uuid"),
        ({"ipv4_uuid": 7}, "InvalidArgument", "ipv4_uuid must be a string"),
        ({"ipv4_uuid": "x"}, "InvalidArgument", "ipv4_uuid: x is not a uuid"),
        ({"ipv4_uuid": UNKNOWN}, "InvalidArgument", "Invalid Networks"),
    ],
)
def test_objects_without_a_valid_network(
    creation: Creation, entry: dict[str, Any], code: str, message: str
) -> None:
    creation.refused(message, code, networks=[entry])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"ipv4_count": 1, "ipv4_ips": []}, "ipv4_count and ipv4_ips cannot be specified together"),
        ({"ipv4_count": "1"}, "ipv4_count must be a number"),
        ({"ipv4_count": True}, "ipv4_count must be a number"),
        ({"ipv4_count": 2}, "ipv4_count can only be set to 1"),
        ({"ipv4_ips": "10.0.0.1"}, "ipv4_ips must be an array with a single IP"),
        ({"ipv4_ips": []}, "ipv4_ips: network with ipv4_uuid {} should contain a single IP array"),
        ({"ipv4_ips": [7]}, "ipv4_ips[0]: string expected"),
    ],
)
def test_objects_with_bad_addresses(creation: Creation, entry: dict[str, Any], message: str) -> None:
    fabric = creation.network(FABRIC)
    creation.refused(message.format(fabric), networks=[{"ipv4_uuid": fabric} | entry])


def test_an_address_on_an_unknown_network(creation: Creation) -> None:
    networks = [{"ipv4_uuid": UNKNOWN, "ipv4_ips": ["10.0.0.1"]}]
    creation.refused(f"ipv4_uuid: network {UNKNOWN} not found", "ResourceNotFound", 404, networks=networks)


def test_a_list_inside_the_list(creation: Creation) -> None:
    answer = creation.ask(networks=[["x"]])
    assert (answer.status, answer.json) == (500, {"message": "netObj (object) is required"})


def test_objects_came_with_7_3(creation: Creation) -> None:
    body = creation.body | {"networks": [{"ipv4_uuid": creation.network(FABRIC)}]}
    answer = creation.raw.post("/my/machines", body, headers={"Accept-Version": "~7.2"})
    answer.refused(409, "InvalidArgument", "Invalid Networks")
    creation.raw.post("/my/machines", body, headers={"Accept-Version": "~7.3"}).ok(201)


def test_the_packages_networks(creation: Creation) -> None:
    package = creation.raw.site.packages[creation.body["package"]]
    package.networks = [creation.network("private")]
    try:
        assert creation.made()["networks"] == package.networks
        fabric = creation.network(FABRIC)
        assert creation.made(networks=[fabric])["networks"] == [fabric]
    finally:
        package.networks = None


@pytest.mark.parametrize(
    ("kinds", "names"),
    [(["external"], ["external"]), (["internal"], [FABRIC]), ([], []), (["x"], [])],
)
def test_default_networks(creation: Creation, kinds: list[str], names: list[str]) -> None:
    made = creation.made(default_networks=kinds)
    assert made["networks"] == [creation.network(name) for name in names]
