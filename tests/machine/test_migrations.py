"""Migrating one machine."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, InvalidStateError, Machine, NotFoundError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent

# The rules, and 412 PreconditionFailed instead of the documented InvalidState: sdc-vmapi,
# lib/vm-migration/migrate.js.


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine("moving").uuid, lazy=True)


def seen(machine: Machine) -> tuple[str, str]:
    migration = machine.datacenter.migration(machine)
    return migration["phase"], migration["state"]


def test_migrate_estimate(cloud: Emulator, machine: Machine) -> None:
    assert machine.migrate_estimate()["size"] > 0
    assert sent(cloud) == [call("GET", f"/my/{machine.path}/migrate")]
    machine.migrate("begin")
    with pytest.raises(InvalidStateError, match="active migration already exists"):
        machine.migrate_estimate()


def test_migrate_by_hand(cloud: Emulator, site: Site, machine: Machine) -> None:
    before = site.machines[machine.id].server_uuid
    begun = machine.migrate("begin")
    assert begun is not None
    assert begun["progress_history"] == []  # the job has not begun when this is answered
    assert (begun["phase"], begun["state"], begun["machine"]) == ("begin", "running", machine.id)
    assert sent(cloud) == [call("POST", f"/my/{machine.path}/migrate", body={"action": "begin"})]
    assert cloud.calls[0].status == 201
    assert seen(machine) == ("begin", "running")
    cloud.clock.advance(12)
    machine.migrate("sync")
    assert machine.status() == "running"
    cloud.clock.advance(10)
    assert seen(machine) == ("sync", "paused")
    machine.migrate("switch")
    cloud.clock.advance(5)
    assert machine.status() == "stopped"
    assert seen(machine) == ("switch", "running")
    cloud.clock.advance(10)
    assert seen(machine) == ("switch", "successful")
    machine.refresh()
    assert (machine.state, machine.compute_node == before) == ("running", False)
    assert machine.migrate("finalize") is None
    with pytest.raises(NotFoundError):
        machine.datacenter.migration(machine)


def test_migrate_by_itself(cloud: Emulator, machine: Machine) -> None:
    migration = machine.migrate("automatic", affinity="instance!=db*")
    assert migration is not None
    assert migration["automatic"] is True
    body = {"action": "automatic", "affinity": ["instance!=db*"]}
    assert sent(cloud) == [call("POST", f"/my/{machine.path}/migrate", body=body)]
    cloud.clock.advance(12)
    assert seen(machine) == ("sync", "running")
    cloud.clock.advance(35)
    assert seen(machine) == ("switch", "successful")
    # Two syncs before the switch: sdc-vmapi, workflows/vm-migration/sync.js.
    history = machine.datacenter.migration(machine)["progress_history"]
    assert [step["phase"] for step in history] == ["begin", "sync", "sync", "switch"]


def test_the_first_phase_by_itself_takes_affinity_as_well(cloud: Emulator, machine: Machine) -> None:
    machine.migrate("begin", affinity=["instance!=db*"])
    body = {"action": "begin", "affinity": ["instance!=db*"]}
    assert sent(cloud) == [call("POST", f"/my/{machine.path}/migrate", body=body)]


def test_pause_a_sync(cloud: Emulator, machine: Machine) -> None:
    machine.migrate("begin")
    cloud.clock.advance(12)
    machine.migrate("sync")
    cloud.clock.advance(4)
    machine.migrate("pause")
    cloud.clock.advance(1)
    assert seen(machine) == ("sync", "paused")
    step = machine.datacenter.migration(machine)["progress_history"][-1]
    assert step["state"] == "paused"
    assert step["current_progress"] == step["total_progress"] // 2
    cloud.clock.advance(20)
    with pytest.raises(InvalidStateError, match='at least one "migration sync"'):
        machine.migrate("switch")  # a sync that was paused does not count
    machine.migrate("sync")
    cloud.clock.advance(10)
    machine.migrate("switch")


def test_abort(cloud: Emulator, machine: Machine) -> None:
    machine.migrate("begin")
    with pytest.raises(InvalidStateError, match="Abort cannot work on a running migration"):
        machine.migrate("abort")
    cloud.clock.advance(12)
    aborted = machine.migrate("abort")
    assert aborted is not None
    assert (aborted["phase"], aborted["state"]) == ("abort", "running")
    cloud.clock.advance(4)
    assert machine.datacenter.migrations() == []
    machine.migrate("begin")


def test_a_phase_that_fails(cloud: Emulator, site: Site, machine: Machine) -> None:
    machine.migrate("begin")
    cloud.clock.advance(12)
    site.fail_next_migration = True
    machine.migrate("sync")
    cloud.clock.advance(10)
    migration = machine.datacenter.migration(machine)
    assert (migration["state"], migration["error"]) == ("failed", "syncing data failed")
    machine.migrate("sync")
    cloud.clock.advance(10)
    assert seen(machine) == ("sync", "paused")


@pytest.mark.parametrize("action", ["sync", "switch", "pause", "abort", "finalize"])
def test_migrate_without_a_migration(machine: Machine, action: str) -> None:
    with pytest.raises(NotFoundError, match="migration not found"):
        machine.migrate(action)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("begin", "An active migration already exists"),
        ("automatic", "An active migration already exists"),
        ("sync", "Cannot sync in migration state: running"),
        ("switch", "Cannot switch in migration state: running"),
        ("pause", "Pause requires a running migration sync action"),
        ("finalize", "Finalize only works on a successful migration"),
    ],
)
def test_migrate_in_the_wrong_state(machine: Machine, action: str, message: str) -> None:
    machine.migrate("begin")
    with pytest.raises(InvalidStateError, match=message) as refused:
        machine.migrate(action)
    assert (refused.value.status, refused.value.code) == (412, "PreconditionFailed")


def test_migrate_again_before_finalize(cloud: Emulator, machine: Machine) -> None:
    machine.migrate("automatic")
    cloud.clock.advance(60)
    with pytest.raises(InvalidStateError, match="use migration finalize to complete it"):
        machine.migrate("begin")
    with pytest.raises(InvalidStateError, match="Cannot sync in migration state: successful"):
        machine.migrate("sync")


def test_migrate_where_users_may_not(site: Site, machine: Machine) -> None:
    site.migrations_allowed = False
    with pytest.raises(InvalidStateError, match="User migration on this VM not allowed"):
        machine.migrate("begin")


ACTIONS = "begin, sync, switch, automatic, pause, abort, finalize"


@pytest.mark.parametrize(
    ("action", "affinity", "message"),
    [
        ("watch", None, "there is no migration action 'watch': use watch_migration()"),
        ("roll", None, f"there is no migration action 'roll', only {ACTIONS}"),
        ("stop", None, f"there is no migration action 'stop', only {ACTIONS}"),
        (5, None, f"there is no migration action 5, only {ACTIONS}"),
        ("sync", "a==b", "affinity is for 'begin' and 'automatic', not for 'sync'"),
        *(
            (action, [], f"affinity is for 'begin' and 'automatic', not for '{action}'")
            for action in ("sync", "switch", "pause", "abort", "finalize")
        ),
    ],
)
def test_actions_that_cannot_be_requested(
    cloud: Emulator, machine: Machine, action: Any, affinity: Any, message: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        machine.migrate(action, affinity=affinity)
    assert str(refused.value) == message
    assert sent(cloud) == []
