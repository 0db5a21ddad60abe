from __future__ import annotations

from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, InvalidArgumentError, NotAuthorizedError, NotFoundError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"


def test_limits_of_a_data_center_without_limits(cloud: Emulator, sdc: DataCenter) -> None:
    assert sdc.limits() == []
    assert sent(cloud) == [call("GET", "/my/limits")]


def test_limits_and_their_use(sdc: DataCenter, site: Site) -> None:
    site.limits = [
        {"value": "25"},
        {"value": 4096, "by": "ram"},
        {"value": 900, "by": "quota"},
        {"value": 5, "check": "brand", "brand": "lx"},
        {"value": 3, "check": "image", "image": "debian-11"},
        {"value": 2048, "by": "ram", "check": "os", "os": "linux"},
        {"value": 7, "by": "machines", "check": "os", "os": "any"},
        # The plugin leaves out entries that limit nothing or are incomplete.
        {"value": 0},
        {"value": 9, "check": "os"},
    ]
    site.add_machine(package="sample-512M")
    site.add_machine(package="g4-general-4G", brand="lx")
    site.add_machine(state="destroyed")
    site.add_machine(account=site.shared.directory.add("neighbour"))
    assert sdc.limits() == [
        {"value": 25, "used": 2},
        {"value": 4096, "by": "ram", "used": 512 + 4096},
        {"value": 900, "by": "quota", "used": 10 + 50},
        {"value": 5, "check": "brand", "brand": "lx", "used": 1},
        {"value": 3, "check": "image", "image": "debian-11", "used": 1},
        {"value": 2048, "by": "ram", "check": "os", "os": "linux", "used": 4096},
        {"value": 7, "by": "machines", "used": 2},
    ]


@pytest.mark.parametrize(
    ("limit", "refused"),
    [
        ({"value": 1}, True),
        ({"value": 2}, False),
        ({"value": -1}, True),
        ({"value": 1023, "by": "ram"}, True),
        ({"value": 1024, "by": "ram"}, False),
        ({"value": 19, "by": "quota"}, True),
        ({"value": 1, "check": "brand", "brand": "joyent"}, True),
        ({"value": 1, "check": "brand", "brand": "lx"}, False),
        ({"value": 1, "check": "os", "os": "smartos"}, True),
        ({"value": 1, "check": "os", "os": "linux"}, False),
        ({"value": 1, "check": "image", "image": "base64"}, True),
        ({"value": 1, "check": "image", "image": "debian-11"}, False),
        ({"value": 1, "check": "image", "image": "any"}, True),
    ],
    ids=str,
)
def test_a_create_that_exceeds_a_limit(
    sdc: DataCenter, site: Site, limit: dict[str, Any], refused: bool
) -> None:
    site.add_machine(package="sample-512M")
    site.limits = [limit]
    image = sdc.images(name="base64")[0]
    if not refused:
        assert sdc.create_machine(package="sample-512M", image=image)
        return
    with pytest.raises(NotAuthorizedError, match="Quota exceeded"):
        sdc.create_machine(package="sample-512M", image=image)
    assert len(site.machines) == 1


def test_a_resize_that_exceeds_a_limit(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine(package="sample-512M").uuid, lazy=True)
    site.limits = [{"value": 1}, {"value": 1024, "by": "ram"}]
    machine.resize("g3-standard-1-smartos")  # the number of machines stays the same
    cloud.clock.advance(3)
    with pytest.raises(NotAuthorizedError, match="Quota exceeded"):
        machine.resize("g4-general-4G")


def test_config(cloud: Emulator, sdc: DataCenter) -> None:
    fabric = next(network for network in sdc.networks() if network.get("fabric"))
    before = len(cloud.calls)
    assert sdc.config() == {"default_network": fabric["id"]}
    assert sent(cloud, before) == [call("GET", "/my/config")]


def test_config_without_a_fabric(sdc: DataCenter, site: Site) -> None:
    site.default_fabric_networks.clear()
    assert sdc.config() == {}


def test_update_config(cloud: Emulator, sdc: DataCenter) -> None:
    private = sdc.networks("private")[0]
    before = len(cloud.calls)
    assert sdc.update_config(private) == {"default_network": private["id"]}
    assert sent(cloud, before) == [call("PUT", "/my/config", body={"default_network": private["id"]})]
    assert sdc.config() == {"default_network": private["id"]}
    assert sdc.update_config(default_network=private["id"].upper())


def test_update_config_to_an_unknown_network(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.raises(InvalidArgumentError, match="unknown network"):
        sdc.update_config(UNKNOWN)
    with pytest.raises(NotFoundError, match="no network has the name or short id 'nowhere'"):
        sdc.update_config("nowhere")
    with pytest.raises(InvalidArgumentError, match='property "default_network": must be a UUID'):
        sdc.update_config({"id": "private"})
    before = len(cloud.calls)
    with pytest.raises(ConfigurationError, match="names no network"):
        sdc.update_config("")
    assert len(cloud.calls) == before
    # The schema requires this key and allows no other.
    for body in ({}, {"default_network": UNKNOWN, "colour": "red"}, {"default_network": 5}):
        with pytest.raises(InvalidArgumentError, match='property "'):
            sdc.request("PUT", "/config", data=body)
