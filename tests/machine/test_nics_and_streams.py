"""NICs and migration streams of a machine on a stub server: what is sent, and what is read."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc import Machine, NotFoundError
from tests.helpers.refusals import refusal
from tests.helpers.servers import Reply, StubServer
from tests.helpers.stub_machine import ABSENT, ID, clock, machine, requests, sdc

__all__ = ["clock", "machine", "sdc"]

MAC, PLAIN = "02:08:20:AA:BB:CC", "020820aabbcc"
NIC: Any = {"mac": MAC.lower(), "network": ID, "state": "running"}
MOVED = Reply(None, 302, headers={"Location": f"/my/machines/{ID}/nics/{PLAIN}"})


@pytest.mark.parametrize("spelling", [MAC, PLAIN, {"mac": MAC}], ids=str)
def test_requests_about_one_nic(stub: StubServer, machine: Machine, spelling: Any) -> None:
    stub.answer(Reply(NIC), Reply(NIC), Reply(None, 204))
    assert machine.get_nic(spelling) == machine.poll_nic(spelling) == NIC
    machine.remove_nic(spelling)
    assert requests(stub) == [*[("GET", f"/nics/{PLAIN}", None)] * 2, ("DELETE", f"/nics/{PLAIN}", None)]


def test_requests_about_all_nics(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply([NIC]), Reply(None, 200, headers={"x-resource-count": "5"}))
    assert (machine.get_nics(), machine.num_nics()) == ([NIC], 5)
    assert requests(stub) == [("GET", "/nics", None), ("HEAD", "/nics", None)]


@pytest.mark.parametrize(
    ("primary", "sent"), [(None, {}), (True, {"primary": True}), (False, {"primary": False})]
)
def test_a_new_nic(stub: StubServer, machine: Machine, primary: bool | None, sent: dict[str, bool]) -> None:
    stub.answer(Reply(NIC, 201))
    assert machine.add_nic(ID, primary=primary) == {**NIC, "added": True}
    assert requests(stub) == [("POST", "/nics", {"network": ID, **sent})]


def test_a_nic_with_an_address(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply(NIC, 201))
    machine.add_nic({"ipv4_uuid": ID, "ipv4_ips": ["10.0.0.5"]})
    assert requests(stub) == [("POST", "/nics", {"network": {"ipv4_uuid": ID, "ipv4_ips": ["10.0.0.5"]}})]


def test_a_nic_that_is_there_already(stub: StubServer, machine: Machine) -> None:
    # docs/cloudapi/networks.md#add-a-nic
    provisioning = Reply(NIC | {"state": "provisioning"})
    stub.answer(MOVED, Reply(NIC), MOVED, provisioning)
    assert machine.add_nic(ID) == {**NIC, "added": False}
    assert machine.add_nic(ID) == {**NIC, "state": "provisioning", "added": False}
    # After a lost answer, one that is still being added is the requested one.
    stub.answer(Reply(None, 503), MOVED, provisioning, Reply(None, 503), MOVED, Reply(NIC))
    assert machine.add_nic(ID)["added"] is True
    assert machine.add_nic(ID)["added"] is False
    assert ("GET", f"/nics/{PLAIN}", None) in requests(stub)


def test_a_migration_is_watched(stub: StubServer, machine: Machine) -> None:
    events = b'{"type": "progress", "percentage": 50}\n{"type": "end"}\n'
    stub.answer(Reply({"machine": ID}), Reply(events, 200, "application/x-json-stream"))
    assert [event["type"] for event in machine.watch_migration()] == ["progress", "end"]
    assert [(asked.method, asked.target) for asked in stub.asked] == [
        ("GET", f"/bob/migrations/{ID}"),
        ("POST", f"/bob/machines/{ID}/migrate?action=watch"),
    ]


def test_a_migration_that_does_not_exist_is_not_watched(stub: StubServer, machine: Machine) -> None:
    stub.answer(ABSENT, ABSENT)
    refusal(machine.watch_migration, NotFoundError)
    assert {asked.method for asked in stub.asked} == {"GET"}
