"""What each kind of thing is found by when its answer is lost, and what the error says of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import Any

import pytest

from smartdc import DataCenter, InvalidArgumentError, OutcomeUnknown
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Drop, Status
from smartdc.emulator.state.clock import timestamp
from tests.contract.row import FOUND, Operation, World
from tests.faults.lost_answers import expected
from tests.operations import OPERATIONS

pytestmark = pytest.mark.usefixtures("schema_only")

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"
OTHER = "11111111-dead-4bad-8bad-000000000000"
BEFORE, AFTER = Drop(after_commit=False), Drop(after_commit=True)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJKwZyPEGqSxwKsIEIcWG2ZzuLdPA3vTNrSTOWJJRq7J"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOiEYpXDVXuU6SMVTeQFMg0gV2h6fnnI7ZZuvAMpbNlM"
HIDDEN = "(text of 89 characters, not shown, because it may be a key)"
RULE = "FROM any TO tag role = web ALLOW tcp (PORT 80 AND PORT 443) PRIORITY 1"

CREATED = {
    "DataCenter.create_access_key": "access key with description 'backups', status 'Inactive'",
    "DataCenter.create_user_access_key": "access key with description 'backups', status 'Inactive'",
    "DataCenter.create_fabric_vlan": "VLAN with vlan_id 100",
    "DataCenter.create_fabric_network": "fabric network with name 'contract', subnet '10.50.1.0/24'",
    "DataCenter.create_firewall_rule": f"firewall rule with rule '{RULE}'",
    "DataCenter.create_image_from_machine": "image with name 'contract', version '1.0.0'",
    "DataCenter.import_image_from_datacenter": "image with id '6d982e76-f03a-5b56-b292-35aac8b8f105'",
    "DataCenter.clone_image": "copy of image with id '18e9568c-ae3d-5081-b2ec-b23804567a51'",
    "DataCenter.add_key": f"key with name 'contract', key {HIDDEN}",
    "DataCenter.add_user_key": f"key with name 'contract', key {HIDDEN}",
    "DataCenter.create_machine": "machine with name 'new-{{shortId}}'",
    "DataCenter.create_volume": "volume with name 'new'",
    "Machine.create_disk": "disk with size 1024, pci_slot '0:5:0'",
    "Machine.create_snapshot": "snapshot with name 'first'",
}
ROWS = {row.method: row for row in OPERATIONS if row.verb == "POST"}
UNIQUE = [row for row in ROWS.values() if expected(row)[0] == FOUND and row.status != 405]


def unknown(cloud: Emulator, sdc: DataCenter, method: str, fault: Drop) -> OutcomeUnknown:
    """The error of a call whose request or answer is lost once."""
    row = ROWS[method]
    cloud.faults.add(row.name, fault, times=1)
    with pytest.raises(OutcomeUnknown) as caught:
        row.call(sdc, World(cloud, sdc))
    return caught.value


@pytest.mark.parametrize("method", CREATED)
def test_the_error_names_what_may_have_been_created(cloud: Emulator, method: str) -> None:
    with cloud.datacenter(retry="none") as sdc:
        error = unknown(cloud, sdc, method, BEFORE)
    assert str(error) == (
        f"it is not known whether the {CREATED[method]} was created: it was not looked for, "
        f"as retry is 'none' ({error.__cause__})"
    )
    assert error.what == CREATED[method].partition(" with ")[0]


def copies(sdc: DataCenter) -> list[Any]:
    return [
        image for image in sdc.images(public=False) if "acl" not in image and image["name"] == "shared-app"
    ]


ALIKE: dict[str, Callable[[DataCenter], Sequence[object]]] = {
    "DataCenter.create_access_key": lambda sdc: sdc.access_keys(),
    "DataCenter.create_user_access_key": lambda sdc: sdc.user_access_keys("bob"),
    "DataCenter.create_firewall_rule": lambda sdc: sdc.firewall_rules(),
    "DataCenter.clone_image": copies,
}
"""What may exist twice, and how the new one is listed in the world of the contract."""


@pytest.mark.parametrize("method", ALIKE)
def test_what_may_exist_twice_is_a_candidate(cloud: Emulator, sdc: DataCenter, method: str) -> None:
    error = unknown(cloud, sdc, method, AFTER)
    assert "created: the possible ones are in candidates" in str(error)
    assert len(error.candidates) == 1
    assert error.candidates == ALIKE[method](sdc)


def test_another_version_is_no_copy_of_an_image(cloud: Emulator, sdc: DataCenter) -> None:
    images = cloud.site().images
    shared = next(image for image in images.values() if image.name == "shared-app")
    mine = replace(shared, uuid=UNKNOWN, owner=cloud.account.uuid, acl=[], version="0.0.1")
    images[UNKNOWN] = mine
    images[OTHER] = replace(mine, uuid=OTHER, version=shared.version)
    cloud.faults.add(ROWS["DataCenter.clone_image"].name, BEFORE, times=1)
    with pytest.raises(OutcomeUnknown, match="created: the possible ones are in candidates") as caught:
        sdc.clone_image(shared.uuid)
    assert [image["id"] for image in caught.value.candidates] == [OTHER]


@pytest.mark.parametrize("method", ALIKE)
def test_what_may_exist_twice_is_not_created_again(cloud: Emulator, sdc: DataCenter, method: str) -> None:
    error = unknown(cloud, sdc, method, BEFORE)
    assert "created: none is found, but it may still come" in str(error)
    assert error.candidates == []
    assert [call.status for call in cloud.calls if call.operation == ROWS[method].name] == [0]


@pytest.mark.parametrize("row", UNIQUE, ids=str)
def test_what_was_created_is_found_among_others(cloud: Emulator, sdc: DataCenter, row: Operation) -> None:
    cloud.faults.add(row.name, AFTER, times=1)
    # The machine of that row has {{shortId}} in its name.
    stays_unknown = row.method == "DataCenter.create_machine"
    with pytest.raises(OutcomeUnknown) if stays_unknown else nullcontext():
        row.call(sdc, World(cloud, sdc))
    assert [call.status for call in cloud.calls if call.operation == row.name] == [0]


@pytest.mark.parametrize("name", ["laptop", None])
def test_a_key_is_found_by_its_material(cloud: Emulator, sdc: DataCenter, name: str | None) -> None:
    cloud.faults.add("CreateKey", AFTER, times=1)
    listed = [
        {"name": "other", "fingerprint": "a", "key": f"{OTHER_KEY} a@b"},
        {"name": "laptop", "fingerprint": "b", "key": f"{KEY} rewritten"},
    ]
    cloud.faults.add("ListKeys", Status(200, json.dumps(listed)), times=1)
    assert sdc.add_key(name, f"{KEY} a@b") == listed[1]


def test_the_same_key_of_another_name_is_not_taken_for_it(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.add_key("first", KEY)
    cloud.faults.add("CreateKey", BEFORE, times=1)
    with pytest.raises(InvalidArgumentError, match="key already exists or is invalid"):
        sdc.add_key("second", KEY)


@pytest.mark.parametrize(("seconds", "differs"), [(0, False), (60, True)])
def test_an_image_of_another_time_is_not_taken_for_it(
    cloud: Emulator, sdc: DataCenter, seconds: int, differs: bool
) -> None:
    made = {"id": UNKNOWN, "name": "app", "version": "1.0.0", "state": "active"}
    made["published_at"] = timestamp(cloud.clock.now() + seconds)
    cloud.faults.add("CreateImageFromMachine", BEFORE, times=1)
    cloud.faults.add("ListImages", Status(200, json.dumps([made])))
    machine = cloud.site().add_machine(state="stopped").uuid
    if not differs:
        assert sdc.create_image_from_machine(machine, "app", "1.0.0")["id"] == UNKNOWN
        return
    with pytest.raises(
        OutcomeUnknown, match="one is found that differs in published_at; it is in candidates"
    ):
        sdc.create_image_from_machine(machine, "app", "1.0.0")


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("web", {"name": "web", "tombstone": "60"}),
        ("web-{{shortId}}-a", {"name": "web-", "tombstone": "60"}),
        ("{{shortId}}", {"tombstone": "60"}),
    ],
)
def test_a_machine_is_looked_for_by_the_part_of_its_name_that_is_known(
    cloud: Emulator, sdc: DataCenter, name: str, query: dict[str, str]
) -> None:
    cloud.faults.add("CreateMachine", AFTER, times=1)
    with suppress(OutcomeUnknown):  # the server completes two of the names
        sdc.create_machine(name, "sample-512M", image="base-64-lts")
    assert next(call.query for call in cloud.calls if call.operation == "ListMachines") == query


def test_the_package_of_a_machine_is_compared_by_its_name(cloud: Emulator, sdc: DataCenter) -> None:
    image, package = sdc.images(name="base-64-lts")[0], sdc.package("sample-512M")
    ways: list[Any] = [package, package["id"], package["name"], package["id"][:8]]
    for at, given in enumerate(ways):
        before = len(cloud.calls)
        cloud.faults.add("CreateMachine", AFTER, times=1)
        assert sdc.create_machine(f"web{at}", given, image=image).package == "sample-512M"
        fetched = [call.path for call in cloud.calls[before:] if call.operation == "GetPackage"]
        # Only a UUID says nothing of the name.
        assert fetched == ([f"/my/packages/{package['id']}"] if at in (1, 3) else [])


def test_a_volume_that_is_a_little_older_is_named_when_its_name_is_in_use(
    cloud: Emulator, sdc: DataCenter
) -> None:
    older = sdc.create_volume("data")
    cloud.clock.advance(20)
    cloud.faults.add("CreateVolume", BEFORE, times=1)
    with pytest.raises(OutcomeUnknown, match="created: one is found that is a little older") as caught:
        sdc.create_volume("data")
    assert [each["id"] for each in caught.value.candidates] == [older["id"]]
