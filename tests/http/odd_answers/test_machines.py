"""The attributes of machines and snapshots with odd values."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from smartdc import DataCenter, Machine, Snapshot
from tests.helpers.servers import Reply, StubServer
from tests.http.odd_answers.conftest import ID, NETWORK

ODD = [None, True, 5, 2.5, "text", "", [], ["x"], [None, {"a": 1}], {}, {"a": None}, float("nan"), 10**30]
TYPES: dict[str, Any] = {
    "name": str, "state": str, "metadata": dict, "tags": dict, "networks": list, "nics": list, "disks": list,
    "dns_names": list, "ips": list, "public_ips": list, "private_ips": list,
    "type": str | None, "brand": str | None, "image": str | None, "dataset": str | None,
    "package": str | None, "boot_script": str | None, "primary_ip": str | None, "compute_node": str | None,
    "memory": int | None, "disk": int | None, "free_space": int | None,
    "created": datetime | None, "updated": datetime | None,
    "deletion_protection": bool | None, "delegate_dataset": bool | None, "docker": bool | None,
    "encrypted": bool | None, "firewall_enabled": bool | None, "flexible": bool | None,
}  # fmt: skip
FIELDS = [
    "name", "type", "brand", "state", "image", "dataset", "ips", "networks", "nics", "primaryIp", "memory",
    "disk", "metadata", "tags", "package", "compute_node", "created", "updated", "deletion_protection",
    "delegate_dataset", "disks", "dns_names", "docker", "encrypted", "firewall_enabled", "flexible",
    "free_space",
]  # fmt: skip


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_attributes_have_their_types_with_any_value(stub: StubServer, sdc: DataCenter, value: Any) -> None:
    data = {"id": ID, **dict.fromkeys(FIELDS, value), "new_field": value}
    stub.answer(*[Reply(data)] * 3)  # for ips
    machine = Machine(sdc, data=data)
    for name, kind in TYPES.items():
        assert isinstance(getattr(machine, name), kind), name
    assert repr(machine) == f"<Machine {machine.name} ({machine.state}) {ID} in {stub.url}>"
    copied = pickle.loads(pickle.dumps(machine))  # noqa: S301 - our own
    assert copied == machine == {"id": ID}
    raw: Any = machine.raw
    assert {name: raw[name] for name in FIELDS if name != "metadata"} == {
        name: data[name] for name in FIELDS if name != "metadata"
    }


def test_odd_entries_are_left_out_of_lists(sdc: DataCenter) -> None:
    nic = {"mac": "90:b8:d0:00:00:01"}
    data = {
        "id": ID,
        "ips": ["dhcp", 5, None, "10.0.0.1", "fe80::1%eth0", 10**50],
        "networks": [NETWORK, None, 5],
        "nics": [nic, None, "x"],
        "tags": {"a": None, "b": 5, "c": True},
        "metadata": {"user-script": 5, "credentials": "x", "a": None},
    }
    machine = Machine(sdc, data=data)
    assert machine.ips == ["dhcp", "10.0.0.1", "fe80::1%eth0"]
    assert (machine.public_ips, machine.private_ips) == ([], ["10.0.0.1", "fe80::1%eth0"])
    assert machine.networks == [NETWORK, None]
    assert [one["mac"] for one in machine.nics] == [nic["mac"]]
    assert machine.tags == data["tags"]
    assert (machine.boot_script, machine.metadata) == (None, {"a": None})


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2016", "\x00"])
def test_times_out_of_the_calendar(sdc: DataCenter, text: str) -> None:
    assert Machine(sdc, data={"id": ID, "created": text}).created is None
    assert Machine(sdc, data={"id": ID, "created": "2016-01-14T19:10:38Z", "updated": text}).updated == (
        datetime(2016, 1, 14, 19, 10, 38, tzinfo=UTC)
    )


def test_an_odd_snapshot(machine: Machine) -> None:
    snapshot = Snapshot(machine, data={"name": "s", "state": 5, "size": "big", "created": [], "updated": 5})
    assert (snapshot.state, snapshot.size, snapshot.created, snapshot.updated) == (None,) * 4
    assert repr(snapshot) == f"<Snapshot s (None) of machine {ID}>"
