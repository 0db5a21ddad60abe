"""Waits for changes of a machine's data, and for entries of its audit."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, InvalidStateError, Machine, WaitFailed, WaitTimeout
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.clock import Instant
from tests.helpers.recorded import call, sent
from tests.helpers.servers import Reply, StubServer, datacenter_at

ID = "11111111-8b2f-4c42-9d3f-0123456789ab"


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine("web", tags={"role": "web"}).uuid)


def test_a_reboot_is_waited_for(cloud: Emulator, machine: Machine) -> None:
    machine.reboot()
    begun = cloud.clock.monotonic()
    entry = machine.poll_action(timeout=600)
    assert (entry["action"], entry["success"]) == ("reboot", "yes")
    assert cloud.clock.monotonic() > begun
    assert sent(cloud)[-1] == call("GET", f"/my/{machine.path}/audit")


def test_an_earlier_reboot_is_not_taken_for_the_next(cloud: Emulator, machine: Machine) -> None:
    machine.reboot()
    first = machine.poll_action(interval=0.1, timeout=600)
    machine.reboot()
    second = machine.poll_action(interval=0.1, timeout=600)
    assert second["time"] > first["time"]
    assert [entry["action"] for entry in machine.audit()[:2]] == ["reboot", "reboot"]


def test_threads_wait_for_the_same_reboot(machine: Machine) -> None:
    machine.reboot()
    with ThreadPoolExecutor(3) as threads:
        waits = [threads.submit(machine.poll_action, timeout=600) for _ in range(3)]
        entries = [wait.result() for wait in waits]
    assert entries == [machine.poll_action(timeout=0)] * 3
    machine.reboot()
    assert machine.poll_action(timeout=600)["time"] > entries[0]["time"]


def test_other_actions_are_waited_for(machine: Machine) -> None:
    machine.stop()
    assert machine.poll_action("stop", timeout=600)["action"] == "stop"
    machine.start()
    assert machine.poll_action("start", timeout=600)["action"] == "start"


def test_an_action_that_failed(stub: StubServer) -> None:
    clock = Instant()
    entry = {"action": "reboot", "success": "no", "time": "2099-01-01T00:00:00.000Z"}
    other = {"action": "stop", "success": "yes", "time": "2099-01-01T00:00:00.000Z"}
    old = {"action": "reboot", "success": "yes", "time": "2013-01-01T00:00:00.000Z"}
    stub.answer(Reply(status=202), Reply([other, old]), Reply(status=503), Reply([entry, other, old]))
    with DataCenter(stub.url, login="bob", clock=clock) as sdc:
        machine = Machine(sdc, ID, lazy=True, look_first=False)
        machine.reboot()
        with pytest.raises(WaitFailed, match=f"reboot of machine {ID} failed"):
            machine.poll_action(timeout=600)


def test_a_wait_for_an_action_that_was_not_requested_is_refused(cloud: Emulator, machine: Machine) -> None:
    machine.reboot()
    again: Machine = pickle.loads(pickle.dumps(machine))  # noqa: S301 - our own
    for each, action in ((machine, "rebot"), (again, "reboot")):
        with pytest.raises(ConfigurationError, match=f"there is no '{action}' to wait for"):
            each.poll_action(action)


def test_a_machine_that_is_found_in_between_is_not_taken_for_deleted(stub: StubServer) -> None:
    """Each 404 is a lag of its own: together they last longer than the server may take to settle."""
    absent = Reply({"code": "ResourceNotFound", "message": "not found"}, 404)
    clock = Instant()
    stub.answer(absent, Reply({"id": ID, "state": "stopped"}), absent, Reply({"id": ID, "state": "running"}))
    with datacenter_at(stub.url, clock=clock) as sdc:
        Machine(sdc, ID, lazy=True).poll_until("running", interval=20)
    assert (len(stub.asked), clock.now) == (4, 60)


def test_a_list_that_waits_share_is_that_of_all_machines(cloud: Emulator, machine: Machine) -> None:
    with machine.datacenter._looks.waiting():  # as if another thread waited
        machine.poll_until("running")
    assert sent(cloud)[-1] == call("GET", "/my/machines")


def test_a_wait_for_an_action_has_a_timeout(cloud: Emulator, machine: Machine, site: Site) -> None:
    machine.reboot()
    with pytest.raises(WaitTimeout, match=r"reboot of machine .* is not done"):
        machine.poll_action(timeout=0.5)


def test_a_rename_and_a_resize_are_waited_for(cloud: Emulator, sdc: DataCenter, machine: Machine) -> None:
    machine.rename("new")
    machine.poll_applied(name="new", timeout=600)
    assert machine.name == "new"
    package = next(each for each in sdc.packages() if each["name"] != machine.package)
    machine.resize(package)
    machine.poll_applied(package=package, timeout=600)
    assert machine.package == package["name"]
    # By its UUID the package is looked up, once.
    before = len(cloud.calls)
    machine.poll_applied(package=package["id"], timeout=0)
    assert sent(cloud, before)[0] == call("GET", f"/my/packages/{package['id']}")


def test_tags_and_metadata_are_waited_for(cloud: Emulator, machine: Machine) -> None:
    machine.add_tags(number=5, flag=False)
    machine.update_metadata(key="value")
    machine.poll_applied(tags={"number": 5, "flag": False}, metadata={"key": "value"}, timeout=600)
    assert machine.tags == {"role": "web", "number": 5, "flag": False}
    machine.delete_tag("role")
    machine.delete_metadata_at_key("key")
    machine.poll_applied(tags={"role": None}, metadata={"key": None}, timeout=600)
    assert "role" not in machine.tags


def test_the_firewall_and_the_protection_from_deletion_are_waited_for(
    cloud: Emulator, machine: Machine
) -> None:
    machine.enable_firewall()
    machine.enable_deletion_protection()
    machine.poll_applied(firewall_enabled=True, deletion_protection=True, timeout=600)
    assert (machine.firewall_enabled, machine.deletion_protection) == (True, True)
    machine.disable_firewall()
    machine.disable_deletion_protection()
    with pytest.raises(InvalidStateError):  # it is queued (docs/cloudapi/actions.md#deletion-protection)
        machine.delete()
    machine.poll_applied(firewall_enabled=False, deletion_protection=False, timeout=600)
    assert (machine.firewall_enabled, machine.deletion_protection) == (False, False)
    machine.delete()
    with pytest.raises(ConfigurationError, match="firewall_enabled must be True or False, not 'on'"):
        machine.poll_applied(firewall_enabled="on")  # type: ignore[arg-type]


@pytest.mark.parametrize("asked", [{"name": "x"}, {"tags": {"x": ""}}, {"tags": {"role": None}}], ids=str)
def test_changes_that_are_never_applied(machine: Machine, asked: Any) -> None:
    with pytest.raises(WaitTimeout, match=r"gave up after 5 s: machine .* does not show the new '"):
        machine.poll_applied(timeout=5, **asked)


def test_a_machine_that_is_deleted_shows_nothing_new(cloud: Emulator, machine: Machine) -> None:
    machine.delete()
    with pytest.raises(WaitFailed, match="is deleted"):
        machine.poll_applied(name="x", timeout=600)


@pytest.mark.parametrize("kind", ["tags", "metadata"])
@pytest.mark.parametrize("entries", [True, "role", ["role"], {"role": ["web"]}, {"": 1}, {5.5: object()}])
def test_entries_of_a_wrong_kind_are_refused_before_the_first_look(
    machine: Machine, cloud: Emulator, kind: str, entries: object
) -> None:
    before = len(cloud.calls)
    with pytest.raises(ConfigurationError, match=r"must be|such as"):
        machine.poll_applied(timeout=5, **{kind: entries})  # type: ignore[arg-type]
    assert len(cloud.calls) == before
