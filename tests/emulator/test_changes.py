"""Changes of machines are recorded at each assignment, and listeners are told."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.state.changes import Change, Listener
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM, Disk, Snapshot


@pytest.fixture
def site() -> Site:
    return Emulator(datacenters=["here"]).site()


@pytest.fixture
def told(site: Site) -> Iterator[list[Change]]:
    """The changes that a listener is told."""
    changes: list[Change] = []
    listener = Listener(changes.append, lambda: None)
    site.changes.add(listener)
    yield changes
    site.changes.remove(listener)


def look(site: Site, changes: list[Change]) -> list[list[str]]:
    """The names of the fields that have changed since the last call."""
    site.changes.publish(0.0)
    found = [change.names for change in changes]
    changes.clear()
    return found


# VMAPI's names (docs of its changefeed), in its order.
@pytest.mark.parametrize(
    ("field", "value", "names"),
    [
        ("alias", "db", ["alias"]),
        ("state", "stopped", ["state", "zone_state"]),
        ("state", "destroyed", ["state", "zone_state", "destroyed"]),
        ("updated", 5.0, ["last_modified"]),
        ("tags", {"a": "b"}, ["tags"]),
        ("customer_metadata", {"a": "b"}, ["customer_metadata"]),
        ("snapshots", [Snapshot("s", 0.0)], ["snapshots"]),
        ("disks", [Disk("d", 10)], ["disks"]),
        ("nics", (), ["nics"]),
        ("datasets", ["zones/data"], None),  # listeners are not told
        ("internal_metadata", {"root_pw": "secret"}, None),
    ],
)
def test_an_assignment_is_told_once(
    site: Site, told: list[Change], field: str, value: Any, names: list[str] | None
) -> None:
    vm = site.add_machine("web")
    look(site, told)
    setattr(vm, field, value)
    assert look(site, told) == ([names] if names else [])
    setattr(vm, field, value)  # the value that it already has
    assert look(site, told) == []


def test_changes_at_the_same_time_are_told_together(site: Site, told: list[Change]) -> None:
    web, db = site.add_machine("web"), site.add_machine("db")
    told.clear()
    db.tags = {"a": "b"}
    web.state = "stopped"
    db.alias = "db1"
    assert look(site, told) == [["alias", "tags"], ["state", "zone_state"]]


def test_values_in_a_machine_cannot_be_changed_unnoticed(site: Site, told: list[Change]) -> None:
    vm = site.add_machine("web", tags={"a": "b"}, metadata={"c": "d"}, disks=[Disk("d", 10)])
    assert (vm.tags, vm.customer_metadata) == ({"a": "b"}, {"c": "d"})
    held: Any = vm
    for values in (held.tags, held.customer_metadata, held.internal_metadata):
        with pytest.raises(TypeError):
            values["x"] = "y"
    for many in (held.nics, held.disks, held.snapshots, held.role_tags):
        assert isinstance(many, tuple)
    told.clear()
    vm.disks[0].size = 20
    vm.note("disks")
    assert look(site, told) == [["disks"]]


def test_changes_without_a_listener_are_not_kept(site: Site) -> None:
    vm = site.add_machine("web")
    vm.alias = "db"
    heard: list[Change] = []
    site.changes.add(Listener(heard.append, lambda: None))
    assert look(site, heard) == []


@pytest.mark.parametrize("change", [{"state": "failed"}, {"state": "destroyed"}, {"owner_uuid": "another"}])
def test_the_index_of_machines_stays_correct(site: Site, change: dict[str, Any]) -> None:
    owner = site.shared.account.uuid
    vms = [site.add_machine(f"web{number}") for number in range(20)]
    gone = vms[7]
    for name, value in change.items():
        setattr(gone, name, value)
    owned = site.machines.of(owner)
    remaining = sorted(vm.uuid for vm in vms if vm is not gone)
    assert owned.active == remaining
    assert owned.every == (remaining if "owner_uuid" in change else sorted(vm.uuid for vm in vms))
    assert "web7" not in owned.aliases
    assert sum(owned.aliases.values()) == sum(owned.servers.values()) == 19
    gone.state, gone.owner_uuid, gone.alias = "running", owner, "again"
    assert owned.active == owned.every == sorted(vm.uuid for vm in vms)
    assert owned.aliases["again"] == 1
    del site.machines[gone.uuid]
    gone.alias = "web7"  # the machine is no longer in the index
    assert owned.active == owned.every == remaining
    site.machines.clear()
    assert (owned.active, owned.every, owned.aliases, owned.servers) == ([], [], {}, {})


def test_watchers_see_each_assignment(site: Site) -> None:
    seen: list[tuple[VM, str, object]] = []
    site.machines.watchers.append(lambda vm, name, old: seen.append((vm, name, old)))
    vm = site.add_machine("web")
    vm.alias = "db"
    vm.note("jobs")
    assert seen == [(vm, "", None), (vm, "alias", "web"), (vm, "jobs", None)]


def test_threads_may_assign_at_the_same_time(site: Site) -> None:
    vms = [site.add_machine(f"web{number}", networks=()) for number in range(60)]

    def flap(mine: list[VM]) -> None:
        for number in range(60):
            for vm in mine:
                vm.state = "failed" if number % 2 else "running"
                vm.alias = f"{vm.uuid}-{number}"

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(flap, [vms[start::6] for start in range(6)]))
    owned = site.machines.of(site.shared.account.uuid)
    assert (owned.active, owned.aliases) == ([], {})
    assert owned.every == sorted(vm.uuid for vm in vms)
