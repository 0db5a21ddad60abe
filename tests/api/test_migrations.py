from __future__ import annotations

import pytest

from smartdc import DataCenter, Machine, NotFoundError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine("moving").uuid, lazy=True)


def test_migrations(cloud: Emulator, sdc: DataCenter, site: Site, machine: Machine) -> None:
    assert sdc.migrations() == []
    assert sent(cloud) == [call("GET", "/my/migrations")]
    machine.migrate("begin")
    cloud.clock.advance(1)
    later = sdc.machine(site.add_machine("second").uuid, lazy=True)
    later.migrate("begin")
    assert [migration["machine"] for migration in sdc.migrations()] == [later.id, machine.id]


def test_migrations_of_another_account(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    cloud.add_account("neighbour")
    other = site.add_machine("theirs", account="neighbour")
    with pytest.raises(NotFoundError, match="VM not found"):
        sdc.migration(other.uuid)
    assert sdc.migrations() == []


def test_migration(cloud: Emulator, sdc: DataCenter, machine: Machine) -> None:
    machine.migrate("begin")
    cloud.clock.advance(12)
    migration = sdc.migration(machine)
    assert sent(cloud)[1] == call("GET", f"/my/migrations/{machine.id}")
    [step] = migration["progress_history"]
    assert migration == {
        "automatic": False,
        "created_timestamp": migration["created_timestamp"],
        "finished_timestamp": migration["finished_timestamp"],
        "phase": "begin",
        "state": "paused",
        "progress_history": [step],
        "machine": machine.id,
    }
    assert step["type"] == "progress"
    assert (step["phase"], step["state"], step["message"]) == ("begin", "successful", "reserving instance")
    assert step["current_progress"] == step["total_progress"] == 100
    assert step["duration_ms"] == 12000


def test_migration_of_a_machine_without_one(sdc: DataCenter, machine: Machine) -> None:
    with pytest.raises(NotFoundError, match="migration not found"):
        sdc.migration(machine)
