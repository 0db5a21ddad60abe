"""Waiting for a snapshot: a new one has the state ``deleted`` until it exists.

See docs/cloudapi/storage.md#snapshot-that-is-being-made.
"""

from __future__ import annotations

import pytest

from smartdc import DataCenter, Machine, NotFoundError, WaitFailed, WaitTimeout
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine("web").uuid, lazy=True)


def test_a_new_snapshot_is_awaited_through_the_state_deleted(machine: Machine) -> None:
    snapshot = machine.create_snapshot("before")
    assert snapshot.status() == "deleted"
    snapshot.poll_until("created", timeout=60)
    assert snapshot.state == "created"


def test_a_new_snapshot_is_not_taken_for_a_deleted_one(machine: Machine) -> None:
    snapshot = machine.create_snapshot("before")
    with pytest.raises(WaitTimeout) as caught:
        # It is created meanwhile, and not deleted.
        snapshot.poll_until("deleted", interval=1, timeout=10)
    assert caught.value.state == "created"
    snapshot.delete()
    snapshot.poll_until("deleted", timeout=60)
    assert snapshot.state == "deleted"


def test_a_snapshot_whose_job_failed_shows_in_the_audit_only(site: Site, sdc: DataCenter) -> None:
    # docs/cloudapi/storage.md#create-a-snapshot: it reads as one that is being made.
    machine = sdc.machine(site.add_machine("web", state="failed").uuid, lazy=True)
    snapshot = machine.create_snapshot("before")
    with pytest.raises(WaitTimeout, match=r"is not yet 'created', now 'deleted'$"):
        snapshot.poll_until("created", timeout=600)
    assert [(entry["action"], entry["success"]) for entry in machine.audit()] == [("create_snapshot", "no")]
    # When the server has forgotten the job, it says that there is no snapshot.
    site.machines[machine.id].jobs.clear()
    with pytest.raises(WaitFailed, match=r"^snapshot before is deleted: it will not become 'created'$"):
        snapshot.poll_until("created", timeout=600)


def test_a_listed_snapshot_is_known_to_have_existed(machine: Machine) -> None:
    machine.create_snapshot("before").poll_until("created")
    (snapshot,) = machine.snapshots()
    machine.delete_snapshot("before")
    with pytest.raises(WaitFailed, match="snapshot before is deleted: it will not become 'failed'"):
        snapshot.poll_until("failed", timeout=60)


def test_a_snapshot_that_the_server_forgot_is_gone(cloud: Emulator, site: Site, machine: Machine) -> None:
    snapshot = machine.create_snapshot("before")
    snapshot.poll_until("created")
    # The server forgets jobs: GET is 404 then, though the snapshot was there
    # (docs/cloudapi/storage.md#snapshot-after-its-deletion).
    site.machines[machine.id].jobs.clear()
    with pytest.raises(NotFoundError):
        snapshot.refresh()
    # It was made a moment ago, so that the 404 counts when it has stayed for `settling`.
    snapshot.poll_until("deleted", timeout=60)
    assert snapshot.state == "deleted"
