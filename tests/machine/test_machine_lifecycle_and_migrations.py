"""A machine, its actions and its migration on a stub server: whole messages, and what is sent."""

from __future__ import annotations

import logging
import pickle
import time
from collections.abc import Callable
from typing import Any

import pytest

from smartdc import DataCenter, GoneError, Machine, RetryPolicy, ValidationFailedError
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer
from tests.helpers.stub_machine import ID, RUNNING, clock, machine, requests, sdc

__all__ = ["clock", "machine", "sdc"]

OTHER = "00000000-0000-4000-8000-00000000000b"


def test_passwords_are_fetched_once_and_kept_apart(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply({**RUNNING, "metadata": {"credentials": {"root": "secret"}, "a": "b"}}))
    assert machine.credentials() == machine.credentials() == {"root": "secret"}
    assert (machine.metadata, machine.raw["metadata"]) == ({"a": "b"}, {"a": "b"})
    assert [asked.target for asked in stub.asked] == [f"/bob/machines/{ID}?credentials=true"]
    assert "secret" not in str(vars(machine))
    assert pickle.loads(pickle.dumps(machine))._passwords.by_login == {}  # noqa: S301 - our own


def test_a_refresh_without_passwords(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply({**RUNNING, "metadata": {"credentials": "odd"}}))
    machine.refresh()
    assert machine.metadata == {}
    assert [asked.target for asked in stub.asked] == [f"/bob/machines/{ID}"]


def test_an_action_on_a_machine_that_was_listed_as_deleted_looks_first(
    stub: StubServer, sdc: DataCenter
) -> None:
    stub.answer(Reply([{**RUNNING, "id": ID.upper(), "state": "deleted"}]), Reply(RUNNING, 410))
    (listed,) = sdc.machines(tombstone=5)
    assert (listed.id, listed.name) == (ID, "web")
    with pytest.raises(GoneError):
        listed.stop()
    assert [asked.method for asked in stub.asked] == ["GET", "GET"]


# Actions

ACTIONS: dict[str, tuple[Callable[[Machine], object], Any]] = {
    "stop": (Machine.stop, None),
    "start": (Machine.start, None),
    "reboot": (Machine.reboot, None),
    "resize": (lambda machine: machine.resize({"id": OTHER}), {"package": OTHER}),
    "rename": (lambda machine: machine.rename("db"), {"name": "db"}),
    "enable_firewall": (Machine.enable_firewall, None),
    "disable_firewall": (Machine.disable_firewall, None),
    "enable_deletion_protection": (Machine.enable_deletion_protection, None),
    "disable_deletion_protection": (Machine.disable_deletion_protection, None),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action(stub: StubServer, machine: Machine, action: str) -> None:
    stub.answer(Reply(None, 202), Reply({"code": "Gone", **RUNNING, "state": "deleted"}, 410))
    act, body = ACTIONS[action]
    act(machine)
    assert requests(stub) == [("POST", f"?action={action}", body)]
    # It is known to be deleted after that, so that it is fetched before the next.
    with pytest.raises(GoneError):
        act(machine)
    stub.answer(Reply({**RUNNING, "state": "deleted"}, 410))
    with pytest.raises(GoneError):
        act(machine)
    assert [verb for verb, *_ in requests(stub)] == ["POST", "POST", "GET"]


def test_an_action_of_a_lazy_machine_looks_first(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply(RUNNING), Reply(None, 202), Reply(None, 202))
    Machine(sdc, ID, lazy=True).stop()
    Machine(sdc, ID, lazy=True, look_first=False).stop()
    assert [verb for verb, *_ in requests(stub)] == ["GET", "POST", "POST"]


def test_a_machine_is_looked_at_before_an_action_is_repeated(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply(None, 503), Reply(RUNNING), Reply(None, 202))
    machine.stop()
    assert [verb for verb, *_ in requests(stub)] == ["POST", "GET", "POST"]


TAKEN = Reply({"code": "ValidationFailed", "message": "alias Duplicate"}, 409)


def test_a_rename_whose_answer_was_lost(stub: StubServer, clock: Instant, machine: Machine) -> None:
    renamed = Reply({**RUNNING, "name": "db"})
    stub.answer(Reply(None, 503), Reply(RUNNING), TAKEN, Reply(RUNNING), Reply(RUNNING), renamed)
    machine.rename("db")
    assert machine.name == "db"
    assert clock.slept[-2:] == [1, 1]


def test_a_look_after_a_rename_that_fails_is_logged(
    stub: StubServer, machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    renamed = Reply({**RUNNING, "name": "db"})
    stub.answer(Reply(None, 503), Reply(RUNNING), TAKEN, Reply(None, 500), renamed)
    with caplog.at_level(logging.INFO, "smartdc"):
        machine.rename("db")
    beginning = (
        f"machine {ID} is not yet renamed to 'db', and the look at it failed: GET /bob/machines/{ID}: 500 "
    )
    (said,) = [message for message in caplog.messages if message.startswith(beginning)]
    assert said.endswith("; another follows")


def test_a_rename_to_a_name_that_is_taken(stub: StubServer, clock: Instant, machine: Machine) -> None:
    stub.answer(TAKEN)
    with pytest.raises(ValidationFailedError):
        machine.rename("db")
    assert len(stub.asked) == 1
    stub.answer(Reply(None, 503), Reply(RUNNING), TAKEN)
    stub.otherwise = Reply(RUNNING)
    begun = clock.now
    with pytest.raises(ValidationFailedError):
        machine.rename("db")
    assert clock.now - begun >= 30


def test_the_look_after_a_rename_ends_with_the_settling_time(stub: StubServer) -> None:
    policy = RetryPolicy(attempts=2, settling=0.1, first_pause=0)
    machine = Machine(DataCenter(stub.url, login="bob", retry=policy, timeout=60), data=RUNNING)
    stub.answer(Reply(None, 503), Reply(RUNNING), TAKEN, Reply(hang=True))
    begun = time.monotonic()
    with pytest.raises(ValidationFailedError):
        machine.rename("db")
    assert time.monotonic() - begun < 30


def test_deletion_and_audit(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply(None, 204), Reply([{"action": "stop"}]))
    machine.delete()
    assert machine.audit() == [{"action": "stop"}]
    assert requests(stub) == [("DELETE", "", None), ("GET", "/audit", None)]


# Migrations


@pytest.mark.parametrize("action", ["begin", "sync", "switch", "automatic", "pause", "abort"])
def test_a_phase_of_a_migration(stub: StubServer, machine: Machine, action: str) -> None:
    stub.answer(Reply({"machine": ID, "phase": action}))
    assert machine.migrate(action) == {"machine": ID, "phase": action}
    assert requests(stub) == [("POST", "/migrate", {"action": action})]


def test_the_end_of_a_migration_and_its_estimate(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply(b"", 200, "text/plain"), Reply({"size": 5}))
    assert machine.migrate("finalize") is None
    assert machine.migrate_estimate() == {"size": 5}
    assert requests(stub) == [("POST", "/migrate", {"action": "finalize"}), ("GET", "/migrate", None)]
