"""A new disk whose answer is lost is recognised in its slot, and only while it is being created."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc import Machine, OutcomeUnknown
from tests.helpers.servers import Reply, StubServer
from tests.helpers.stub_machine import clock, machine, requests, sdc

__all__ = ["clock", "machine", "sdc"]

DISK: dict[str, Any] = {"id": "d", "size": 1024, "pci_slot": "0:5:0", "state": "creating"}


def test_a_disk_that_is_being_created_is_the_new_one(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply([DISK | {"pci_slot": "0:4:0"}, DISK | {"size": 2048}, DISK])
    assert machine.create_disk(1024, pci_slot="0:5:0") == DISK
    assert requests(stub) == [
        ("POST", "/disks", {"size": 1024, "pci_slot": "0:5:0"}),
        ("GET", "/disks", None),
    ]


@pytest.mark.parametrize(
    ("slot", "state", "known"),
    [
        ("0:5:0", "stopped", "one is found that differs in state; it is in candidates"),
        (None, "creating", "the possible ones are in candidates"),
    ],
)
def test_another_disk_is_a_candidate(
    stub: StubServer, machine: Machine, slot: str | None, state: str, known: str
) -> None:
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply([DISK | {"state": state}])
    with pytest.raises(OutcomeUnknown) as caught:
        machine.create_disk("remaining", pci_slot=slot)
    wanted = "size 'remaining'" + (f", pci_slot '{slot}'" if slot else "")
    assert str(caught.value).startswith(
        f"it is not known whether the disk with {wanted} was created: {known} (POST "
    )
    assert caught.value.candidates == [DISK | {"state": state}]
