"""Waits for a NIC, a disk or the migration of a machine: which states end them, and which can be awaited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, get_args

import pytest

from smartdc import DataCenter, Machine
from smartdc.types import MachineState
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer
from tests.helpers.stub_machine import ID, clock, sdc

__all__ = ["clock", "sdc"]

MAC, DISK = "02:08:20:00:00:01", "00000000-0000-4000-8000-00000000000d"


class Part(NamedTuple):
    """What a machine has.

    Attributes:
        poll: Waits for it, and returns it.
        path: Where the server shows it.
        data: What the server shows, without the state.
        changing: The states that pass by themselves.
        then: A state in which the wait is over.
        others: More states that can be awaited.
    """

    poll: Callable[..., Any]
    path: str
    data: dict[str, str]
    changing: tuple[str, ...]
    then: str
    others: tuple[str, ...]


PARTS = {
    "NIC": Part(
        lambda machine, *state: machine.poll_nic(MAC, *state),
        f"machines/{ID}/nics/020820000001",
        {"mac": MAC},
        changing=("provisioning",),
        then="running",
        others=("stopped", "deleted"),
    ),
    "disk": Part(
        lambda machine, *state: machine.poll_disk(DISK, *state),
        f"machines/{ID}/disks/{DISK}",
        {"id": DISK},
        changing=("creating", "resizing", "deleting"),
        then="stopped",
        others=get_args(MachineState),
    ),
    "migration": Part(
        Machine.poll_migration,
        f"migrations/{ID}",
        {"machine": ID},
        changing=("running",),
        then="paused",
        others=("successful", "failed"),
    ),
}


@pytest.mark.parametrize(
    ("kind", "state"), [(kind, state) for kind, part in PARTS.items() for state in part.changing]
)
def test_a_change_is_waited_for(
    stub: StubServer, clock: Instant, sdc: DataCenter, kind: str, state: str
) -> None:
    part = PARTS[kind]
    stub.answer(*[Reply(part.data | {"state": state})] * 2, Reply(part.data | {"state": part.then}))
    assert part.poll(sdc.machine(ID, lazy=True))["state"] == part.then
    assert [asked.target for asked in stub.asked] == [f"/bob/{part.path}"] * 3
    assert clock.slept == [2, 2]


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (kind, state)
        for kind, part in PARTS.items()
        for state in dict.fromkeys([*part.changing, part.then, *part.others])
    ],
)
def test_every_state_can_be_waited_for(stub: StubServer, sdc: DataCenter, kind: str, state: str) -> None:
    part = PARTS[kind]
    stub.answer(Reply(part.data | {"state": "odd"}), Reply(part.data | {"state": state}))
    assert part.poll(sdc.machine(ID, lazy=True), state)["state"] == state
