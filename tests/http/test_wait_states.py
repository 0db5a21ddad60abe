"""The state that is awaited is checked before the wait begins: 'Running' would never come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, Snapshot
from smartdc.types import MachineState, SnapshotState
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer, datacenter_at

ID = "11111111-8b2f-4c42-9d3f-0123456789ab"

Waits = dict[str, Callable[..., None]]


@pytest.fixture
def sdc(stub: StubServer) -> DataCenter:
    return datacenter_at(stub.url, clock=Instant())


@pytest.fixture
def waits(sdc: DataCenter) -> Waits:
    machine = Machine(sdc, ID, lazy=True)
    snapshot = Snapshot(machine, data={"name": "s", "state": "queued"})
    return {"until": machine.poll_until, "while": machine.poll_while, "snapshot": snapshot.poll_until}


@pytest.mark.parametrize(
    ("wait", "state", "why"),
    [
        (
            "until",
            "Running",
            "'Running' is not a state of a machine: did you mean 'running'? "
            "any_state=True waits for any other",
        ),
        ("while", "provisionning", "did you mean 'provisioning'?"),
        ("until", " stopped ", "did you mean 'stopped'?"),
        ("until", "delete", "did you mean 'deleted'?"),
        ("until", "destroyed", "there are provisioning, ready, running, stopping, stopped, offline, failed"),
        ("snapshot", "Created", "'Created' is not a state of a snapshot: did you mean 'created'?"),
        (
            "snapshot",
            "running",
            "'running' is not a state of a snapshot: there are queued, creating, created, failed, deleted, "
            "unknown; any_state=True waits for any other",
        ),
        ("until", "", "'' is not a state"),
        ("until", None, "None is not a state"),
        ("while", ["running"], "is not a state of a machine: there are provisioning, "),
        ("until", "x" * 1000, "(text of 1000 characters, not shown, because it may be a key) is not a state"),
    ],
)
def test_unknown_states_are_refused_at_once(
    stub: StubServer, waits: Waits, wait: str, state: Any, why: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        waits[wait](state)
    assert why in str(caught.value)
    assert "any_state=True" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert stub.asked == []


def test_any_state_permits_unknown_states(stub: StubServer, waits: Waits) -> None:
    stub.answer(Reply({"id": ID, "state": "running"}), Reply({"id": ID, "state": "hibernated"}))
    waits["until"]("hibernated", any_state=True)
    stub.answer(Reply({"id": ID, "state": "hibernated"}), Reply({"id": ID, "state": "running"}))
    waits["while"]("hibernated", any_state=True)
    stub.answer(Reply({"name": "s", "state": "archived"}))
    waits["snapshot"]("archived", any_state=True)
    assert len(stub.asked) == 5
    for nothing in (None, "", 5):
        with pytest.raises(ConfigurationError, match=r"^.* is not a state of a machine: "):
            waits["until"](nothing, any_state=True)


def test_every_known_state_can_be_awaited(stub: StubServer, waits: Waits) -> None:
    # docs/cloudapi/machines.md#states-that-are-shown
    for state in get_args(MachineState):
        stub.answer(Reply({"id": ID, "state": state}))
        waits["until"](state)
    for state in get_args(SnapshotState):
        if state != "deleted":  # which says that it is not there yet
            stub.answer(Reply({"name": "s", "state": state}))
            waits["snapshot"](state)
    assert len(stub.asked) == 9 + 5
