"""Snapshots, which jobs create, delete and roll back."""

import pytest

from tests.emulator.facts import fact
from tests.helpers.raw_requests import Raw


@pytest.fixture
def snapshots(raw: Raw) -> str:
    """The path of the snapshots of a new machine."""
    return f"/my/machines/{raw.site.add_machine().uuid}/snapshots"


@fact("storage.md#snapshot-that-is-being-made", "storage.md#snapshot-after-its-deletion")
def test_snapshot_that_is_being_made(raw: Raw, snapshots: str) -> None:
    assert raw.post(snapshots, {"name": "s1"}).ok(201) == {"name": "s1", "state": "queued"}
    assert raw.get(f"{snapshots}/s1").ok() == {"name": "s1", "state": "deleted"}
    assert raw.get(snapshots).ok() == []
    raw.cloud.clock.advance(4)
    found = raw.get(f"{snapshots}/s1").ok()
    assert (found["name"], found["state"]) == ("s1", "created")
    assert [snapshot["name"] for snapshot in raw.get(snapshots).ok()] == ["s1"]
    raw.delete(f"{snapshots}/s1").empty(204)
    raw.cloud.clock.advance(4)
    assert raw.get(f"{snapshots}/s1").ok()["state"] == "deleted"
    assert raw.get(snapshots).ok() == []


@fact("storage.md#create-a-snapshot")
def test_snapshot_names(raw: Raw, snapshots: str) -> None:
    for name in ("s1", "s1", "not a name", "a/b", "x" * 65, "a%b"):
        assert raw.post(snapshots, {"name": name}).ok(201) == {"name": name, "state": "queued"}
        raw.cloud.clock.advance(4)
    assert [snapshot["name"] for snapshot in raw.get(snapshots).ok()] == ["s1", "a%b"]


@fact("storage.md#snapshot-of-a-machine-that-is-being-made")
def test_snapshot_of_a_machine_that_is_being_provisioned(raw: Raw) -> None:
    machine = raw.site.add_machine(state="provisioning").uuid
    answer = raw.post(f"/my/machines/{machine}/snapshots", {"name": "s1"})
    answer.refused(409, "UnallocatedVM")


@fact("storage.md#snapshot-of-other-brands")
def test_snapshot_of_another_brand(raw: Raw) -> None:
    kvm = raw.site.add_machine(brand="kvm")
    delegated = raw.site.add_machine(datasets=["zones/x/data"])
    for machine in (kvm, delegated):
        answer = raw.post(f"/my/machines/{machine.uuid}/snapshots", {"name": "s1"})
        answer.refused(409, "BrandNotSupported")


@fact("storage.md#snapshots-that-are-missing")
def test_snapshot_that_is_missing(raw: Raw, snapshots: str) -> None:
    raw.post(f"{snapshots}/nosuch").empty(202)
    raw.delete(f"{snapshots}/nosuch").refused(404, "ResourceNotFound", "nosuch not found")  # snapshots.js
    answer = raw.get(f"{snapshots}/never")
    answer.refused(404, "ResourceNotFound", "Snapshot does not exist")  # snapshots.js
    # A rollback is also a job of the task "snapshot" (audit.js), and GET finds a name by such a job.
    assert raw.get(f"{snapshots}/nosuch").ok()["state"] == "deleted"
