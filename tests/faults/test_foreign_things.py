"""After a lost answer, something that is found is taken only if it has everything that was requested."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from smartdc import DataCenter, OutcomeUnknown
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Drop, Status
from smartdc.emulator.state.clock import timestamp
from smartdc.emulator.state.resources import Image
from smartdc.emulator.state.site import Site

PACKAGE = "g3-standard-0.25-smartos"
UNKNOWN = "00000000-dead-4bad-8bad-000000000000"
BEFORE, AFTER = Drop(after_commit=False), Drop(after_commit=True)
NETWORK: dict[str, Any] = {
    "subnet": "10.50.1.0/24",
    "provision_start_ip": "10.50.1.10",
    "provision_end_ip": "10.50.1.250",
}
KEY = "ssh-rsa " + 400 * "A"


@pytest.fixture
def image(site: Site) -> str:
    return next(image.uuid for image in site.images.values() if image.name == "base64")


def networks(site: Site, kind: str) -> list[str]:
    return [network.uuid for network in site.networks.values() if network.kind == kind]


MACHINES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("tags", {"tags": {"role": "db"}}, {"tags": {"role": "web"}}),
    ("tags", {"tags": {"role": "db"}}, {}),
    ("tags", {}, {"tags": {"role": "db"}}),
    ("metadata", {"metadata": {"note": "theirs"}}, {"metadata": {"note": "ours"}}),
    ("metadata", {}, {"metadata": {"note": "ours"}}),
    ("firewall_enabled", {"firewall_enabled": False}, {"firewall_enabled": True}),
    ("deletion_protection", {}, {"deletion_protection": True}),
]


@pytest.mark.parametrize(("field", "theirs", "ours"), MACHINES, ids=str)
def test_a_new_machine_of_that_name_by_another_program(
    cloud: Emulator,
    sdc: DataCenter,
    image: str,
    field: str,
    theirs: dict[str, Any],
    ours: dict[str, Any],
) -> None:
    other = sdc.create_machine("web", PACKAGE, image=image, **theirs)
    cloud.faults.add("CreateMachine", BEFORE, times=1)
    with pytest.raises(OutcomeUnknown, match=f"one is found that differs in {field}; ") as caught:
        sdc.create_machine("web", PACKAGE, image=image, **ours)
    assert [candidate["id"] for candidate in caught.value.candidates] == [other.id]


def test_a_machine_on_another_network(cloud: Emulator, sdc: DataCenter, site: Site, image: str) -> None:
    external, fabric = networks(site, "external")[0], networks(site, "fabric")[0]
    site.add_machine("web", package=PACKAGE, image=image, networks=[external])
    cloud.faults.add("CreateMachine", BEFORE, times=1)
    with pytest.raises(OutcomeUnknown, match="differs in networks"):
        sdc.create_machine("web", PACKAGE, image=image, networks=[fabric])


@pytest.mark.parametrize("disks", [[{"size": 10240}], [{"size": 10240}, {"size": 7}], ["odd"], 7], ids=str)
def test_a_machine_with_other_disks(cloud: Emulator, sdc: DataCenter, image: str, disks: object) -> None:
    made: dict[str, object] = {"id": UNKNOWN, "name": "vm", "package": PACKAGE, "image": image}
    made |= {"created": timestamp(cloud.clock.now()), "disks": disks}
    cloud.faults.add("CreateMachine", BEFORE, times=1)
    cloud.faults.add("ListMachines", Status(200, json.dumps([made])))
    with pytest.raises(OutcomeUnknown, match="differs in disks"):
        sdc.create_machine("vm", PACKAGE, image=image, disks=[{"size": 10240}, {"size": 1024}])


def test_a_machine_with_all_that_was_requested_is_taken(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str
) -> None:
    cloud.faults.add("CreateMachine", AFTER, times=1)
    machine = sdc.create_machine(
        "web",
        PACKAGE,
        image=image,
        tags={"number": 1, "part": 1.5, "on": True, "role": "web"},
        metadata={"note": "text", "number": 7, "on": False},
        networks=[networks(site, "fabric")[0], networks(site, "external")[0]],
        firewall_enabled=True,
        deletion_protection=False,
    )
    assert list(site.machines) == [machine.id]


VOLUMES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("size", {"size": 20480}, {"size": 10240}),
    ("tags", {"tags": {"role": "db"}}, {}),
    ("tags", {}, {"tags": {"role": "db"}}),
]


@pytest.mark.parametrize(("field", "theirs", "ours"), VOLUMES, ids=str)
def test_a_new_volume_of_that_name_by_another_program(
    cloud: Emulator, sdc: DataCenter, field: str, theirs: dict[str, Any], ours: dict[str, Any]
) -> None:
    other = sdc.create_volume("data", **theirs)
    cloud.faults.add("CreateVolume", BEFORE, times=1)
    with pytest.raises(OutcomeUnknown, match=f"one is found that differs in {field}; ") as caught:
        sdc.create_volume("data", **ours)
    assert [candidate["id"] for candidate in caught.value.candidates] == [other["id"]]


def test_a_volume_with_all_that_was_requested_is_taken(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    cloud.faults.add("CreateVolume", AFTER, times=1)
    fabric = networks(site, "fabric")[0]
    made = sdc.create_volume("data", size=20480, networks=fabric, tags={"role": "db"}, affinity="role!=db")
    assert [volume["id"] for volume in sdc.volumes()] == [made["id"]]


@pytest.mark.parametrize(
    ("field", "theirs"),
    [
        ("provision_end_ip", {"provision_end_ip": "10.50.1.99"}),
        ("gateway", {"gateway": "10.50.1.2"}),
        ("resolvers", {"resolvers": ["8.8.8.8"]}),
        ("routes", {"routes": {}}),
        ("description", {"description": "theirs"}),
        ("internet_nat", {"internet_nat": False}),
    ],
)
def test_a_fabric_network_of_that_name_and_subnet_that_differs(
    cloud: Emulator, sdc: DataCenter, field: str, theirs: dict[str, Any]
) -> None:
    sdc.create_fabric_vlan(100, "new")
    ours = NETWORK | {
        "gateway": "10.50.1.1",
        "resolvers": ["8.8.8.8", "8.8.4.4"],
        "routes": {"10.60.0.0/16": "10.50.1.3"},
        "description": "ours",
        "internet_nat": True,
    }
    other = sdc.create_fabric_network(100, "back", **(ours | theirs))
    cloud.faults.add("CreateFabricNetwork", BEFORE, times=1)
    with pytest.raises(OutcomeUnknown, match=f"one is found that differs in {field}; ") as caught:
        sdc.create_fabric_network(100, "back", **ours)
    assert [candidate["id"] for candidate in caught.value.candidates] == [other["id"]]


def test_a_fabric_network_with_all_that_was_requested_is_taken(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.create_fabric_vlan(100, "new")
    cloud.faults.add("CreateFabricNetwork", AFTER, times=1)
    routes = {"10.60.0.0/16": "10.50.1.3"}
    made = sdc.create_fabric_network(
        100, "back", **NETWORK, gateway="10.50.1.1", resolvers=["8.8.8.8"], routes=routes, description="d"
    )
    assert sdc.fabric_networks(100) == [made]


def test_a_vlan_with_another_description(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.create_fabric_vlan(100, "new", description="theirs")
    cloud.faults.add("CreateFabricVLAN", BEFORE, times=1)
    with pytest.raises(OutcomeUnknown, match="one is found that differs in description"):
        sdc.create_fabric_vlan(100, "new", description="ours")


IMAGES: list[tuple[str, dict[str, Any]]] = [
    ("description", {"description": "theirs"}),
    ("homepage", {}),
    ("tags", {"tags": {"role": "db"}}),
    ("acl", {"acl": [UNKNOWN]}),
    # An image that is stuck: nothing tells when it was created.
    ("state", {"state": "unactivated", "published_at": None}),
    ("state", {"state": "failed", "published_at": None}),
]


@pytest.mark.parametrize(("field", "differs"), IMAGES, ids=str)
def test_an_image_of_that_name_and_version_that_differs(
    cloud: Emulator, sdc: DataCenter, field: str, differs: dict[str, Any]
) -> None:
    ours: dict[str, Any] = {"description": "ours", "tags": {"a": 1}, "homepage": "https://example.org/"}
    made = {"id": UNKNOWN, "name": "app", "version": "1.0.0", "state": "active", **ours}
    made |= {"published_at": timestamp(cloud.clock.now())} | differs
    if not differs:
        del made[field]
    cloud.faults.add("CreateImageFromMachine", BEFORE, times=1)
    cloud.faults.add("ListImages", Status(200, json.dumps([made])))
    machine = cloud.site().add_machine(state="stopped").uuid
    with pytest.raises(OutcomeUnknown, match=f"one is found that differs in {field}; ") as caught:
        sdc.create_image_from_machine(machine, "app", "1.0.0", **ours)
    assert [candidate["id"] for candidate in caught.value.candidates] == [UNKNOWN]


@pytest.fixture
def unactivated(cloud: Emulator, site: Site) -> Image:
    """An image whose import stopped before its files."""
    base = next(image for image in site.images.values() if image.name == "base64")
    image = replace(base, uuid=UNKNOWN, name="app", state="unactivated", owner=cloud.account.uuid)
    site.images[UNKNOWN] = image
    return image


def test_an_import_that_is_stuck_is_not_taken_for_done(
    cloud: Emulator, sdc: DataCenter, unactivated: Image
) -> None:
    cloud.faults.add("CreateImageFromMachine", BEFORE, times=1)
    with pytest.raises(OutcomeUnknown, match="one is found that differs in state; ") as caught:
        sdc.import_image_from_datacenter("us-east-1", UNKNOWN)
    assert [(image["id"], image["state"]) for image in caught.value.candidates] == [(UNKNOWN, "unactivated")]


def test_an_import_that_takes_a_while_is_awaited(
    cloud: Emulator, sdc: DataCenter, site: Site, unactivated: Image
) -> None:
    cloud.faults.add("CreateImageFromMachine", BEFORE, times=1)
    site.later(5, lambda due: setattr(unactivated, "state", "active"))
    assert sdc.import_image_from_datacenter("us-east-1", UNKNOWN)["state"] == "active"


def test_a_snapshot_that_was_deleted_is_not_taken_for_one_that_is_being_made(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    """Both read "deleted" (docs/cloudapi/storage.md#snapshot-that-is-being-made)."""
    machine = sdc.machine(site.add_machine("web").uuid)
    machine.create_snapshot("before").poll_until("created")
    machine.delete_snapshot("before")
    cloud.clock.advance(600)
    cloud.faults.add("CreateMachineSnapshot", BEFORE, times=1)
    with pytest.raises(OutcomeUnknown, match="one is found that differs in state; "):
        machine.create_snapshot("before")
    cloud.faults.add("CreateMachineSnapshot", AFTER, times=1)
    assert machine.create_snapshot("before").state == "created"


def test_an_older_disk_in_the_slot(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine(brand="bhyve", package="g4-bhyve-4G-flex", state="stopped")
    (older,) = (disk for disk in vm.disks if not disk.boot)
    cloud.faults.add("CreateMachineDisk", BEFORE, times=1)
    with pytest.raises(OutcomeUnknown, match="one is found that differs in state; ") as caught:
        sdc.machine(vm.uuid).create_disk(older.size, pci_slot=older.pci_slot)
    assert [disk["id"] for disk in caught.value.candidates] == [older.uuid]


def test_a_firewall_rule_cannot_be_told_from_others(cloud: Emulator, sdc: DataCenter) -> None:
    rule = "FROM any TO tag role = www ALLOW tcp (PORT 80 AND PORT 443)"
    sdc.create_firewall_rule("FROM any TO all vms ALLOW tcp PORT 22")
    cloud.faults.add("CreateFirewallRule", AFTER, times=1)
    with pytest.raises(OutcomeUnknown, match="the possible ones are in candidates") as caught:
        sdc.create_firewall_rule(rule)
    (candidate,) = caught.value.candidates
    assert candidate["id"] == sdc.firewall_rules()[1]["id"]
    assert caught.value.wanted == {"rule": rule}


def test_a_message_does_not_hold_a_whole_key(cloud: Emulator, sdc: DataCenter) -> None:
    cloud.faults.add("CreateKey", BEFORE)
    with pytest.raises(
        OutcomeUnknown, match=r"key with name 'laptop', key \(text of \d+ characters, not shown.*\) was"
    ) as caught:
        sdc.add_key("laptop", KEY)
    assert caught.value.wanted == {"name": "laptop", "key": KEY}
