from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smartdc import (
    ConfigurationError,
    ConflictError,
    DataCenter,
    InvalidStateError,
    Machine,
    NotFoundError,
    OutcomeUnknown,
    Snapshot,
    WaitFailed,
)
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Drop
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine("web").uuid, lazy=True)


def test_a_new_snapshot_has_no_dates(cloud: Emulator, machine: Machine) -> None:
    # py-smartdc crashed on these.
    snapshot = machine.create_snapshot("before")
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.name, snapshot.state, snapshot.created, snapshot.updated) == (
        "before",
        "queued",
        None,
        None,
    )
    assert (snapshot.machine, snapshot.size) == (machine, None)
    assert sent(cloud) == [call("POST", f"/my/{machine.path}/snapshots", body={"name": "before"})]
    # It has the state deleted until it exists (docs/cloudapi/storage.md#snapshot-that-is-being-made).
    assert snapshot.status() == snapshot.state == "deleted"
    assert snapshot.created is None


def test_a_snapshot_that_exists(cloud: Emulator, machine: Machine) -> None:
    snapshot = machine.create_snapshot("before")
    assert machine.snapshots() == []
    cloud.clock.advance(3)
    assert snapshot.status() == "created"
    (listed,) = machine.snapshots()
    assert listed.name == str(listed) == "before"
    assert listed.created == listed.updated == snapshot.created
    assert listed.created is not None
    assert listed.created.tzinfo is UTC
    assert datetime.now(UTC) - listed.created < timedelta(minutes=1)
    assert repr(listed) == f"<Snapshot before (created) of machine {machine.id}>"
    path = f"/my/{machine.path}/snapshots"
    assert listed.path == f"{machine.path}/snapshots/before"
    assert sent(cloud)[1:] == [call("GET", path), call("GET", f"{path}/before"), call("GET", path)]


def test_snapshot_gets_one(cloud: Emulator, sdc: DataCenter, machine: Machine) -> None:
    # The server takes a name that its job refuses (docs/cloudapi/storage.md#create-a-snapshot).
    sdc.request("POST", f"{machine.path}/snapshots", data={"name": "a/b c"})
    assert machine.snapshot("a/b c").state == "deleted"
    machine.create_snapshot("fine")
    cloud.clock.advance(10)
    assert machine.snapshot("fine").state == "created"
    assert machine.raw_snapshot_data("fine")["state"] == "created"
    assert Snapshot(machine, "fine").state == "created"
    path = f"/my/{machine.path}/snapshots"
    assert sent(cloud)[1] == call("GET", f"{path}/a%2Fb%20c")
    assert sent(cloud)[3:] == [call("GET", f"{path}/fine")] * 3


@pytest.mark.parametrize("nothing", [None, ""], ids=repr)
def test_create_snapshot_without_a_name(cloud: Emulator, machine: Machine, nothing: str | None) -> None:
    # The client chooses a name, so that it can be found when the answer is lost.
    name = machine.create_snapshot(nothing).name
    assert re.fullmatch(r"20[0-9]{6}T[0-9]{6}Z-[0-9a-f]{4}", name)
    assert sent(cloud) == [call("POST", f"/my/{machine.path}/snapshots", body={"name": name})]


@pytest.mark.parametrize(
    "name", ["a/b", "a b", "@", "one@two", "ä", "a\n", ".", "..", "x" * 65], ids=lambda name: ascii(name)[:9]
)
def test_a_name_that_no_snapshot_can_have_is_refused(cloud: Emulator, machine: Machine, name: str) -> None:
    # docs/cloudapi/storage.md#create-a-snapshot: the job would fail, and no state says so.
    with pytest.raises(ConfigurationError) as caught:
        machine.create_snapshot(name)
    what = repr(name) if len(name) < 65 else "(text of 65 characters, not shown, because it may be a key)"
    assert str(caught.value) == (
        f"name cannot be {what}: a snapshot's name has 1 to 64 of A-Z a-z 0-9 - _ . : %"
    )
    assert sent(cloud) == []


@pytest.mark.parametrize("name", ["-._:1", "...", "a%b", "x" * 64], ids=lambda name: name[:5])
def test_other_names_are_sent(cloud: Emulator, machine: Machine, name: str) -> None:
    assert machine.create_snapshot(name).name == name
    assert sent(cloud) == [call("POST", f"/my/{machine.path}/snapshots", body={"name": name})]


def test_a_name_that_is_no_text_is_refused(cloud: Emulator, machine: Machine) -> None:
    with pytest.raises(ConfigurationError, match=r"^name must be text, not 5$"):
        machine.create_snapshot(5)  # type: ignore[arg-type]
    assert sent(cloud) == []


def test_a_snapshot_whose_answer_is_lost_is_named(cloud: Emulator, site: Site) -> None:
    cloud.faults.add("CreateMachineSnapshot", Drop(after_commit=False))
    with cloud.datacenter(retry="none") as sdc:
        machine = sdc.machine(site.add_machine("web").uuid, lazy=True)
        with pytest.raises(
            OutcomeUnknown, match=r"^it is not known whether the snapshot with name 'before' was created: "
        ) as caught:
            machine.create_snapshot("before")
    assert (caught.value.what, caught.value.wanted) == ("snapshot", {"name": "before"})


def test_delete(cloud: Emulator, machine: Machine) -> None:
    first, second = machine.create_snapshot("first"), machine.create_snapshot("second")
    cloud.clock.advance(6)
    first.delete()
    machine.delete_snapshot(second.name)
    cloud.clock.advance(6)
    assert machine.snapshots() == []
    path = f"/my/{machine.path}/snapshots"
    assert sent(cloud)[2:4] == [call("DELETE", f"{path}/first"), call("DELETE", f"{path}/second")]
    with pytest.raises(NotFoundError, match="first not found"):
        first.delete()


def test_start_rolls_the_machine_back(cloud: Emulator, machine: Machine) -> None:
    snapshot = machine.create_snapshot("before")
    cloud.clock.advance(3)
    start = len(cloud.calls)
    assert snapshot.start() is machine
    assert machine.start_from_snapshot("before") is machine
    assert sent(cloud, start) == [call("POST", f"/my/{machine.path}/snapshots/before")] * 2
    cloud.clock.advance(1.5)
    assert machine.status() == "stopping"
    # The state is "running" before and after, so only the audit tells when it is done
    # (https://github.com/TritonDataCenter/sdc-cloudapi/blob/master/lib/audit.js).
    entry = machine.poll_action("rollback_snapshot", timeout=60)
    assert (entry["action"], entry["success"], machine.status()) == ("rollback_snapshot", "yes", "running")


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_rollback_is_waited_for(cloud: Emulator, machine: Machine, state: str) -> None:
    machine.create_snapshot("before").poll_until("created")
    if state == "stopped":
        machine.stop()
        machine.poll_until("stopped")
    machine.snapshot("before").start()
    begun = cloud.clock.monotonic()
    machine.poll_action("rollback_snapshot", timeout=60)
    assert cloud.clock.monotonic() > begun
    assert machine.status() == "running"


def test_start_from_a_snapshot_that_is_not_there_shows_in_the_audit_only(
    cloud: Emulator, machine: Machine
) -> None:
    # docs/cloudapi/storage.md#snapshots-that-are-missing: it is accepted.
    machine.start_from_snapshot("nothing")
    with pytest.raises(WaitFailed, match=r"^rollback_snapshot of machine \S+ failed, as its audit says$"):
        machine.poll_action("rollback_snapshot", timeout=60)
    assert [(entry["action"], entry["success"]) for entry in machine.audit()] == [("rollback_snapshot", "no")]


def test_snapshots_that_the_server_refuses(sdc: DataCenter, site: Site) -> None:
    kvm = sdc.machine(site.add_machine(brand="kvm").uuid, lazy=True)
    with pytest.raises(InvalidStateError, match="BrandNotSupported"):
        kvm.create_snapshot("x")
    bhyve = sdc.machine(site.add_machine(brand="bhyve").uuid, lazy=True)
    with pytest.raises(ConflictError, match="bhyve"):
        bhyve.create_snapshot("x")
    new = sdc.machine(site.add_machine(state="provisioning").uuid, lazy=True)
    with pytest.raises(InvalidStateError, match="UnallocatedVM"):
        new.create_snapshot("x")
    with pytest.raises(NotFoundError, match="Snapshot does not exist"):
        new.snapshot("nothing")


@pytest.mark.parametrize("name", ["", None, ".", "..", 5], ids=repr)
def test_snapshot_by_an_invalid_name(cloud: Emulator, machine: Machine, name: Any) -> None:
    ways = (
        machine.snapshot,
        machine.raw_snapshot_data,
        machine.delete_snapshot,
        machine.start_from_snapshot,
    )
    for way in ways:
        with pytest.raises(ConfigurationError, match=r"^a snapshot needs a name| in a URL$"):
            way(name)
    assert sent(cloud) == []


@pytest.mark.parametrize("data", [None, {}, {"state": "created"}, {"name": 5}, {"name": ""}], ids=str)
@pytest.mark.parametrize("name", [None, "", 5], ids=repr)
def test_a_snapshot_needs_a_name(cloud: Emulator, machine: Machine, name: Any, data: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^a snapshot needs a name, or data with one$"):
        Snapshot(machine, name, data)
    assert sent(cloud) == []


def test_a_snapshot_whose_constructor_has_not_finished_has_a_repr() -> None:
    snapshot = Snapshot.__new__(Snapshot)  # as a traceback with variables shows it
    assert (repr(snapshot), str(snapshot)) == ("<Snapshot>", "?")


def test_the_time_of_a_change_may_differ_from_that_of_the_creation(machine: Machine) -> None:
    data = {"name": "before", "created": "2011-06-03T20:26:34.000Z", "updated": "2011-06-04T20:26:34.000Z"}
    snapshot = Snapshot(machine, "other", data)
    assert snapshot.name == "other"
    assert snapshot.created == datetime(2011, 6, 3, 20, 26, 34, tzinfo=UTC)
    assert snapshot.updated == datetime(2011, 6, 4, 20, 26, 34, tzinfo=UTC)
    assert (snapshot.state, snapshot.size) == (None, None)
    del data["updated"]
    assert Snapshot(machine, data=data).updated == snapshot.created


def test_a_snapshot_of_data_makes_no_request_and_leaves_the_data_alone(
    cloud: Emulator, machine: Machine
) -> None:
    data = {"name": "before", "state": "created", "size": 5, "created": "2011-06-03T20:26:34.000Z"}
    before = dict(data)
    snapshot = Snapshot(machine, data=data)
    assert data == before
    assert (snapshot.size, snapshot.created) == (5, datetime(2011, 6, 3, 20, 26, 34, tzinfo=UTC))
    # Not every server says when it was changed.
    assert snapshot.updated == snapshot.created
    assert sent(cloud) == []
