"""Actions on one machine, its deletion and its audit. Waiting is in tests/http/test_waiting."""

from __future__ import annotations

from operator import methodcaller
from typing import Any

import pytest

from smartdc import (
    ConfigurationError,
    ConflictError,
    DataCenter,
    GoneError,
    InvalidArgumentError,
    InvalidStateError,
    Machine,
    NotFoundError,
    ValidationFailedError,
)
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.clock import Instant
from tests.helpers.recorded import call, sent
from tests.helpers.servers import Reply, StubServer

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"
PLAIN_ACTIONS = [
    "stop",
    "start",
    "reboot",
    "enable_firewall",
    "disable_firewall",
    "enable_deletion_protection",
    "disable_deletion_protection",
]


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    """A machine that runs; making this object costs no request."""
    return sdc.machine(site.add_machine("web").uuid, lazy=True, look_first=False)


@pytest.mark.parametrize("action", PLAIN_ACTIONS)
def test_an_action_is_one_request(cloud: Emulator, machine: Machine, action: str) -> None:
    assert methodcaller(action)(machine) is None
    # It has no body.
    assert sent(cloud) == [call("POST", f"/my/{machine.path}", {"action": action})]
    assert (cloud.calls[0].status, cloud.calls[0].ignored) == (202, ())


def test_stop_and_start_change_the_state_in_time(cloud: Emulator, machine: Machine) -> None:
    machine.stop()
    assert machine.status() == "running"
    cloud.clock.advance(5)
    # `state` is what was seen last; `status` looks.
    assert machine.state == "running"
    assert machine.status() == machine.state == "stopped"
    machine.start()
    cloud.clock.advance(5)
    assert machine.status() == "running"


def test_reboot_shows_in_the_audit(cloud: Emulator, machine: Machine) -> None:
    machine.reboot()
    assert machine.audit() == []
    cloud.clock.advance(8)
    (entry,) = machine.audit()
    assert (entry["action"], entry["success"], machine.status()) == ("reboot", "yes", "running")
    assert entry["caller"]["keyId"] == cloud.key_id
    assert sent(cloud)[-2] == call("GET", f"/my/{machine.path}/audit")


def test_audit_lists_the_newest_first(cloud: Emulator, machine: Machine) -> None:
    machine.stop()
    machine.start()
    cloud.clock.advance(20)
    assert [entry["action"] for entry in machine.audit()] == ["start", "stop"]


@pytest.mark.parametrize("as_what", ["name", "id", "dict"])
def test_resize(cloud: Emulator, sdc: DataCenter, machine: Machine, as_what: str) -> None:
    package = sdc.package("g3-standard-1-smartos")
    start = len(cloud.calls)
    machine.resize(package if as_what == "dict" else package[as_what])  # type: ignore[literal-required]
    named = package["name"] if as_what == "name" else package["id"]
    assert sent(cloud, start) == [
        call("POST", f"/my/{machine.path}", {"action": "resize"}, {"package": named})
    ]
    cloud.clock.advance(2)
    machine.refresh()
    assert (machine.package, machine.memory) == ("g3-standard-1-smartos", 1024)


def test_resize_to_an_unknown_package(cloud: Emulator, machine: Machine) -> None:
    with pytest.raises(InvalidArgumentError, match="nothing is not a valid package"):
        machine.resize("nothing")
    with pytest.raises(NotFoundError):
        machine.resize(UNKNOWN)
    start = len(cloud.calls)
    with pytest.raises(ConfigurationError, match="names no package"):
        machine.resize("")
    assert sent(cloud, start) == []


def test_rename(cloud: Emulator, machine: Machine) -> None:
    machine.rename("db")
    assert sent(cloud) == [call("POST", f"/my/{machine.path}", {"action": "rename"}, {"name": "db"})]
    cloud.clock.advance(2)
    machine.refresh()
    assert machine.name == "db"


def test_rename_to_a_name_that_is_taken(machine: Machine, site: Site) -> None:
    site.add_machine("taken")
    for name in ("taken", "web"):
        with pytest.raises(ValidationFailedError, match="Invalid VM update parameters"):
            machine.rename(name)


def test_a_rename_that_is_refused_is_not_looked_for_beyond_the_settling(stub: StubServer) -> None:
    """With a turn every 10 s: the last one after the refusal that comes in time is at 50 s."""
    taken = Reply({"code": "ValidationFailed", "message": "Invalid VM update parameters"}, 409)
    old = Reply({"id": UNKNOWN, "name": "web", "state": "running"})
    clock = Instant()
    stub.answer([b""], old, taken)
    stub.otherwise = old
    with DataCenter(stub.url, login="bob", clock=clock, rate=0.1) as sdc:
        machine = Machine(sdc, data=old.body)
        with pytest.raises(ValidationFailedError):
            machine.rename("db")
    assert [asked.method for asked in stub.asked[:3]] == ["POST", "GET", "POST"]
    assert (clock.now, len(stub.asked)) == (50, 6)


@pytest.mark.parametrize("name", ["a b", "a/b", "{{shortId}}", "-a", "x" * 190, "", None, 5], ids=repr)
def test_rename_to_an_invalid_name(cloud: Emulator, machine: Machine, name: Any) -> None:
    # The server refuses these (docs/cloudapi/actions.md#rename).
    before = len(cloud.calls)
    with pytest.raises(ConfigurationError, match=r"is not a machine name: use letters|name must be text"):
        machine.rename(name)
    assert len(cloud.calls) == before


def test_firewall(cloud: Emulator, machine: Machine) -> None:
    machine.enable_firewall()
    cloud.clock.advance(2)
    machine.refresh()
    assert machine.firewall_enabled is True
    machine.disable_firewall()
    cloud.clock.advance(2)
    machine.refresh()
    assert machine.firewall_enabled is False


def test_deletion_protection(cloud: Emulator, machine: Machine) -> None:
    machine.enable_deletion_protection()
    cloud.clock.advance(2)
    with pytest.raises(InvalidStateError, match="deletion_protection") as caught:
        machine.delete()
    # The server's code has an Error suffix here (docs/cloudapi/errors.md#codes-that-end-in-error).
    assert (caught.value.status, caught.value.code) == (409, "CannotDestroyMachineError")
    machine.disable_deletion_protection()
    cloud.clock.advance(2)
    machine.delete()
    machine.poll_until("deleted")


def test_delete(cloud: Emulator, machine: Machine) -> None:
    assert machine.delete() is None  # type: ignore[func-returns-value]
    # 204 again while the job is queued or runs (docs/cloudapi/actions.md#answers-of-a-deletion)
    machine.delete()
    assert sent(cloud) == [call("DELETE", f"/my/{machine.path}")] * 2
    # The job has succeeded and the state lags: 410 with the id as a bare JSON string
    # (docs/cloudapi/actions.md#answers-of-a-deletion).
    cloud.clock.advance(5.5)
    with pytest.raises(GoneError, match=f"machine {machine.id} is deleted") as caught:
        machine.delete()
    assert caught.value.machine is None
    cloud.clock.advance(1)
    with pytest.raises(GoneError) as caught:
        machine.delete()
    assert caught.value.machine is not None
    assert caught.value.machine["id"] == machine.id


def test_delete_of_a_failed_machine_that_has_no_server(sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine(state="failed").uuid)
    with pytest.raises(ConflictError, match="no server_uuid") as caught:
        machine.delete()
    assert (caught.value.status, caught.value.code) == (409, "ConflictError")


@pytest.mark.parametrize("action", PLAIN_ACTIONS)
def test_an_action_on_a_machine_known_to_be_deleted_is_not_sent(
    cloud: Emulator, sdc: DataCenter, site: Site, action: str
) -> None:
    # docs/cloudapi/hazards.md#action-on-a-deleted-machine: it takes the server's process down. The fixture
    # fails this test if it is sent.
    vm = site.add_machine("web", state="deleted")
    (listed,) = sdc.machines(tombstone=20)
    assert (listed.id, listed.state) == (vm.uuid, "deleted")
    start = len(cloud.calls)
    with pytest.raises(GoneError, match="is deleted"):
        methodcaller(action)(listed)
    assert sent(cloud, start) == [call("GET", f"/my/{listed.path}")]


def test_an_action_after_the_machine_was_seen_gone_is_not_sent(cloud: Emulator, machine: Machine) -> None:
    machine.delete()
    machine.poll_until("deleted")
    start = len(cloud.calls)
    for action in (machine.stop, lambda: machine.rename("x"), lambda: machine.resize("x")):
        with pytest.raises(GoneError):
            action()
    assert {got.method for got in sent(cloud, start)} == {"GET"}
    assert machine.state == "deleted"


def test_an_action_that_finds_the_machine_deleted_is_remembered(cloud: Emulator, machine: Machine) -> None:
    machine.delete()
    cloud.clock.advance(10)
    with pytest.raises(GoneError):
        machine.stop()  # the client could not know
    assert machine.state == "deleted"
    assert len(cloud.violations) == 1
    with pytest.raises(GoneError):
        machine.stop()
    assert len(cloud.violations) == 1
    cloud.violations.clear()


def test_actions_on_an_unknown_machine(sdc: DataCenter) -> None:
    machine = sdc.machine(UNKNOWN, lazy=True)
    for action in (machine.stop, machine.delete, machine.audit, machine.refresh, machine.status):
        with pytest.raises(NotFoundError, match="VM not found"):
            action()
