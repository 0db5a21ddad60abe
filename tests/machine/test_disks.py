from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smartdc import (
    ConfigurationError,
    ConflictError,
    DataCenter,
    InvalidArgumentError,
    InvalidStateError,
    Machine,
    MissingParameterError,
    NotFoundError,
    OutcomeUnknown,
    ValidationFailedError,
)
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Drop
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import Disk
from tests.helpers.recorded import call, sent

BOOT, DATA = "00000000-0000-4000-8000-00000000000b", "00000000-0000-4000-8000-00000000000d"


def add_bhyve(site: Site, **fields: Any) -> str:
    """A bhyve machine of 100 GiB, 20 of which are used by disks."""
    disks = [Disk(BOOT, 10240, boot=True), Disk(DATA, 10240)]
    settings = {"state": "stopped", "disks": disks, "free_space": 81920, **fields}
    return site.add_machine(brand="bhyve", package="g4-bhyve-4G-flex", **settings).uuid


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(add_bhyve(site), lazy=True)


def changes(machine: Machine) -> list[Callable[[], object]]:
    return [
        lambda: machine.create_disk(1024),
        lambda: machine.resize_disk(DATA, 20480),
        lambda: machine.delete_disk(DATA),
    ]


def states(machine: Machine) -> list[tuple[str, int, str]]:
    return [(disk["pci_slot"], disk["size"], disk["state"]) for disk in machine.get_disks()]


def test_get_disks(cloud: Emulator, machine: Machine) -> None:
    boot, data = machine.get_disks()
    common = {"size": 10240, "block_size": 8192, "state": "stopped"}
    assert boot == {"id": BOOT, "pci_slot": "0:4:0", "boot": True, **common}
    assert data == {"id": DATA, "pci_slot": "0:4:1", "boot": False, **common}
    assert sent(cloud) == [call("GET", f"/my/{machine.path}/disks")]


def test_num_disks(cloud: Emulator, machine: Machine) -> None:
    assert machine.num_disks() == 2
    assert sent(cloud) == [call("HEAD", f"/my/{machine.path}/disks")]


@pytest.mark.parametrize("brand", ["joyent", "lx"])
def test_a_container_has_none(sdc: DataCenter, site: Site, brand: str) -> None:
    machine = sdc.machine(site.add_machine(brand=brand).uuid, lazy=True)
    assert machine.get_disks() == []
    assert machine.num_disks() == 0


def test_get_disk(cloud: Emulator, machine: Machine) -> None:
    assert machine.get_disk(DATA)["id"] == DATA
    assert machine.get_disk(machine.get_disks()[0])["boot"] is True
    assert sent(cloud)[0] == call("GET", f"/my/{machine.path}/disks/{DATA}")


@pytest.mark.parametrize("disk", ["", None, {}, {"pci_slot": "0:4:0"}], ids=repr)
def test_a_disk_without_an_id(cloud: Emulator, machine: Machine, disk: Any) -> None:
    calls: list[Callable[[], object]] = [
        lambda: machine.get_disk(disk),
        lambda: machine.poll_disk(disk),
        lambda: machine.resize_disk(disk, 20480),
        lambda: machine.delete_disk(disk),
    ]
    for act in calls:
        with pytest.raises(ConfigurationError) as caught:
            act()
        assert str(caught.value) == f"{disk!r} names no disk: give its id, or a dict or object that has one"
    assert sent(cloud) == []


def test_get_an_unknown_disk(machine: Machine) -> None:
    with pytest.raises(NotFoundError, match="disk not found"):
        machine.get_disk(machine.id)


def test_create_disk_in_a_slot(cloud: Emulator, machine: Machine) -> None:
    made = machine.create_disk(4096, pci_slot="0:5:0")
    assert made is not None
    # The answer of disks.js has only what was requested.
    assert made == {
        "id": made["id"],
        "pci_slot": "0:5:0",
        "size": 4096,
        "boot": False,
        "state": "creating",
    }
    assert sent(cloud) == [
        call("POST", f"/my/{machine.path}/disks", body={"size": 4096, "pci_slot": "0:5:0"})
    ]
    assert cloud.calls[0].status == 200
    assert states(machine)[2:] == [("0:5:0", 4096, "creating")]
    with pytest.raises(NotFoundError):
        machine.get_disk(made)  # the list includes it before it exists, a GET does not find it
    cloud.clock.advance(4)
    assert machine.get_disk(made)["state"] == "stopped"
    machine.refresh()
    assert machine.free_space == 81920 - 4096


def test_create_disk_anywhere(cloud: Emulator, machine: Machine) -> None:
    assert machine.create_disk("remaining") is None
    assert sent(cloud) == [call("POST", f"/my/{machine.path}/disks", body={"size": "remaining"})]
    assert cloud.calls[0].status == 202
    assert len(machine.get_disks()) == 2
    cloud.clock.advance(4)
    assert states(machine)[2:] == [("0:4:2", 81920, "stopped")]


@pytest.mark.parametrize(
    ("size", "slot", "error", "message"),
    [
        (0, None, MissingParameterError, "size must be specified"),
        ("some", None, ConfigurationError, "size must be a whole number"),
        (-1, None, ValidationFailedError, "Must be greater than zero"),
        (81921, None, ConflictError, "InsufficientDiskSpace"),
        (1, "4:1", InvalidArgumentError, "pci_slot has wrong format"),
        (1, "0:4:1", ValidationFailedError, "pci_slot Invalid Already in use"),
    ],
)
def test_create_disk_refused(
    machine: Machine, size: Any, slot: str | None, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        machine.create_disk(size, pci_slot=slot)


def test_a_machine_has_eight_disks_at_most(sdc: DataCenter, site: Site) -> None:
    disks = [Disk(f"00000000-0000-4000-8000-00000000000{number}", 1024) for number in range(8)]
    machine = sdc.machine(add_bhyve(site, disks=disks), lazy=True)
    with pytest.raises(InvalidArgumentError, match="maximum of 8 disks"):
        machine.create_disk(1024)


def test_disks_change_while_the_machine_is_stopped(sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(add_bhyve(site, state="running"), lazy=True)
    assert [state for _, _, state in states(machine)] == ["running", "running"]
    for change in changes(machine):
        with pytest.raises(InvalidArgumentError, match="VM must be stopped"):
            change()


def test_disks_change_where_the_package_is_flexible(sdc: DataCenter, site: Site) -> None:
    # In all three the server looks at this after the machine's state (sdc-vmapi, endpoints/vms.js).
    machine = sdc.machine(add_bhyve(site, flexible_disk_size=None), lazy=True)
    for change in changes(machine):
        with pytest.raises(InvalidStateError, match="VmWithoutFlexibleDiskSize"):
            change()


def test_create_disk_for_a_container_is_not_sent(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    # The server never answers that: disks.js calls an error's constructor without `new`.
    machine = sdc.machine(site.add_machine(state="stopped").uuid)
    with pytest.raises(ConfigurationError) as caught:
        machine.create_disk(1024)
    assert str(caught.value) == (
        f"disks can be created for bhyve machines only, and {machine.id} is {machine.brand}"
    )
    assert len(cloud.calls) == 1
    with pytest.raises(InvalidArgumentError, match="only for BHYVE"):
        sdc.machine(machine, lazy=True).create_disk(1024)
    assert len(cloud.violations) == 1
    cloud.violations.clear()


def test_create_disk_for_a_machine_of_unknown_brand_is_sent(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    ident = add_bhyve(site)
    Machine(sdc, data={"id": ident, "state": "stopped"}).create_disk(1024)
    assert sent(cloud) == [call("POST", f"/my/machines/{ident}/disks", body={"size": 1024})]


@pytest.mark.parametrize(
    ("size", "candidates"), [(10240, [BOOT, DATA]), (1024, []), ("remaining", [BOOT, DATA])]
)
def test_a_disk_whose_answer_is_lost(
    cloud: Emulator, machine: Machine, size: Any, candidates: list[str]
) -> None:
    """Without a slot it cannot be told from others of its size; any size may be what remained."""
    cloud.faults.add("CreateMachineDisk", Drop(after_commit=False), times=1)
    with pytest.raises(
        OutcomeUnknown, match=f"^it is not known whether the disk with size '?{size}'? was created: "
    ) as caught:
        machine.create_disk(size)
    assert (caught.value.what, caught.value.wanted) == ("disk", {"size": size})
    assert [disk["id"] for disk in caught.value.candidates] == candidates


def test_resize_disk(cloud: Emulator, machine: Machine) -> None:
    resized = machine.resize_disk(DATA, 20480)
    assert (resized["size"], resized["state"]) == (10240, "resizing")
    assert sent(cloud) == [
        call("POST", f"/my/{machine.path}/disks/{DATA}", {"action": "resize"}, {"size": 20480})
    ]
    assert states(machine) == [("0:4:0", 10240, "stopped"), ("0:4:1", 10240, "resizing")]
    cloud.clock.advance(4)
    assert states(machine)[1] == ("0:4:1", 20480, "stopped")
    machine.refresh()
    assert machine.free_space == 71680


def test_resize_disk_down(cloud: Emulator, machine: Machine) -> None:
    for permitted in (None, False):
        with pytest.raises(ValidationFailedError, match="Reducing disk size is a dangerous operation"):
            machine.resize_disk(DATA, 5120, dangerous_allow_shrink=permitted)
    machine.resize_disk(DATA, 5120, dangerous_allow_shrink=True)
    assert sent(cloud)[2].body == {"size": 5120, "dangerous_allow_shrink": True}
    cloud.clock.advance(4)
    assert machine.get_disk(DATA)["size"] == 5120


@pytest.mark.parametrize(
    ("size", "error", "message"),
    [
        (0, MissingParameterError, "size must be specified"),
        ("remaining", ConfigurationError, "size must be a whole number"),
        (92161, ConflictError, "InsufficientDiskSpace"),
    ],
)
def test_resize_disk_refused(machine: Machine, size: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        machine.resize_disk(DATA, size)


def test_delete_disk(cloud: Emulator, machine: Machine) -> None:
    machine.delete_disk(DATA)
    assert sent(cloud) == [call("DELETE", f"/my/{machine.path}/disks/{DATA}")]
    assert machine.get_disk(DATA)["state"] == "deleting"
    cloud.clock.advance(4)
    assert machine.num_disks() == 1
    machine.refresh()
    assert machine.free_space == 92160


def test_the_boot_disk_stays(machine: Machine) -> None:
    with pytest.raises(ValidationFailedError, match="Cannot remove boot disk"):
        machine.delete_disk(BOOT)


def test_a_server_that_is_too_old(cloud: Emulator, machine: Machine) -> None:
    with cloud.datacenter(api_version="~7.1") as old, pytest.raises(Exception, match="InvalidVersion"):
        old.machine(machine, lazy=True).get_disks()
