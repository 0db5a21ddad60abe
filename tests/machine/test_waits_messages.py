"""Waits for a machine on a stub server: the whole messages, the steps, and what each awaits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from smartdc import Machine, WaitFailed, WaitTimeout
from tests.helpers.clock import Instant
from tests.helpers.refusals import refusal
from tests.helpers.servers import Reply, StubServer
from tests.helpers.stub_machine import ABSENT, ID, RUNNING, clock, machine, requests, sdc

__all__ = ["clock", "machine", "sdc"]


def seen(**data: Any) -> Reply:
    return Reply(RUNNING | data)


@pytest.mark.parametrize("wait", ["until", "while"])
def test_a_wait_looks_every_two_seconds(
    stub: StubServer, clock: Instant, machine: Machine, wait: str
) -> None:
    stub.answer(seen(state="stopped"), seen(state="stopped"), seen(state="running"))
    if wait == "until":
        machine.poll_until("running")
    else:
        machine.poll_while("stopped")
    assert (clock.slept, machine.state) == ([2, 2], "running")


def test_what_a_wait_says_when_its_time_is_over(stub: StubServer, machine: Machine) -> None:
    stub.otherwise = seen(state="stopped")
    until, still = (
        refusal(lambda: machine.poll_until("running", timeout=5), WaitTimeout),
        refusal(lambda: machine.poll_while("stopped", timeout=5), WaitTimeout),
    )
    assert until == f"gave up after 5 s: machine {ID} is not yet 'running', now 'stopped'"
    assert still == f"gave up after 5 s: machine {ID} is still 'stopped', now 'stopped'"


@pytest.mark.parametrize("wait", [Machine.poll_until, Machine.poll_while], ids=["until", "while"])
def test_a_state_that_is_unknown(stub: StubServer, machine: Machine, wait: Callable[..., None]) -> None:
    assert refusal(lambda: wait(machine, "Running")) == (
        "'Running' is not a state of a machine: did you mean 'running'? any_state=True waits for any other"
    )
    assert stub.asked == []


@pytest.mark.parametrize("state", ["failed", "deleted"])
def test_a_state_that_ends_the_wait(stub: StubServer, machine: Machine, state: str) -> None:
    stub.otherwise = seen(state=state)
    with pytest.raises(WaitFailed) as caught:
        machine.poll_until("running")
    assert str(caught.value) == f"machine {ID} is {state}: it will not become 'running'"
    assert caught.value.state == state
    machine.poll_until(state)


@pytest.mark.parametrize(
    ("awaited", "state", "fails"),
    [
        ("running", "failed", True),
        ("provisioning", "failed", True),
        ("provisioning", "deleted", True),
        ("running", "deleted", False),
        ("failed", "deleted", False),
        ("provisioning", "running", False),
    ],
)
def test_how_a_machine_leaves_a_state(
    stub: StubServer, machine: Machine, awaited: str, state: str, fails: bool
) -> None:
    stub.answer(seen(state=state))
    if fails:
        with pytest.raises(WaitFailed) as caught:
            machine.poll_while(awaited)
        assert str(caught.value) == f"machine {ID} went from '{awaited}' to '{state}'"
        assert caught.value.state == state
    else:
        machine.poll_while(awaited)
        assert machine.state == state


def test_a_machine_that_stays_absent_is_deleted(stub: StubServer, clock: Instant, machine: Machine) -> None:
    stub.otherwise = ABSENT
    machine.poll_until("deleted", 10)
    assert machine.state == "deleted"
    assert clock.now == 30


APPLIED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"name": "db"}, {"name": "db"}, "'name'"),
    ({"package": "large"}, {"package": "large"}, "'package'"),
    ({"package": {"id": ID, "name": "large"}}, {"package": "large"}, "'package'"),
    ({"deletion_protection": True}, {"deletion_protection": True}, "'deletion_protection'"),
    ({"firewall_enabled": True}, {"firewall_enabled": True}, "'firewall_enabled'"),
    ({"tags": {"role": "web"}}, {"tags": {"role": "web", "a": 1}}, "'role'"),
    ({"metadata": {"note": 1}}, {"metadata": {"note": "1"}}, "'note'"),
    (
        {"name": "db", "firewall_enabled": True, "tags": {"a": 1}, "metadata": {"b": 2}},
        {"name": "db", "firewall_enabled": True, "tags": {"a": 1}, "metadata": {"b": 2}},
        "'name', 'firewall_enabled', 'a', 'b'",
    ),
]


@pytest.mark.parametrize(("awaited", "shown", "named"), APPLIED, ids=str)
def test_a_change_that_is_applied(
    stub: StubServer, clock: Instant, machine: Machine, awaited: dict[str, Any], shown: Any, named: str
) -> None:
    stub.answer(seen(), seen(), seen(**shown))
    machine.poll_applied(**awaited)
    assert clock.slept == [2, 2]
    stub.otherwise = seen()
    assert refusal(lambda: machine.poll_applied(timeout=5, **awaited), WaitTimeout) == (
        f"gave up after 5 s: machine {ID} does not show the new {named} yet, now 'running'"
    )


@pytest.mark.parametrize("flag", ["deletion_protection", "firewall_enabled"])
def test_a_flag_that_is_not_shown_is_off(stub: StubServer, machine: Machine, flag: str) -> None:
    stub.answer(seen())
    machine.poll_applied(timeout=0, **{flag: False})  # type: ignore[arg-type]
    assert len(stub.asked) == 1


def test_a_package_by_its_uuid_is_looked_up_once(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply({"id": ID, "name": "large"}), seen(), seen(package="large"))
    machine.poll_applied(package=ID)
    assert [asked.target.rpartition("/")[0] for asked in stub.asked] == [
        "/bob/packages",
        *["/bob/machines"] * 2,
    ]


def test_what_cannot_be_applied(stub: StubServer, machine: Machine) -> None:
    assert refusal(machine.poll_applied) == (
        "poll_applied needs something to wait for: poll_applied(name='web1')"
    )
    assert refusal(lambda: machine.poll_applied(tags={}, metadata={})) == (
        "poll_applied needs something to wait for: poll_applied(name='web1')"
    )
    wrong: Any = ["role"]
    assert refusal(lambda: machine.poll_applied(tags=wrong)) == (
        "tags must be a dict such as {'role': 'web'}, not ['role']"
    )
    assert refusal(lambda: machine.poll_applied(metadata={"a": wrong})) == (
        "metadata 'a' must be text, a number or a boolean, not list"
    )
    assert stub.asked == []
    stub.answer(seen(state="deleted"))
    assert refusal(lambda: machine.poll_applied(name="db"), WaitFailed) == (
        f"machine {ID} is deleted: it will not change"
    )


# Actions


def done(clock: Instant, action: str, *, after: float = 1, success: str = "yes") -> dict[str, str]:
    """An entry of the audit."""
    at = datetime.fromtimestamp(clock.time() + after, UTC)
    return {"action": action, "success": success, "time": at.isoformat(timespec="milliseconds")}


def test_an_action_is_done_when_the_audit_lists_it(
    stub: StubServer, clock: Instant, machine: Machine
) -> None:
    stub.answer(Reply(None, 202))
    machine.reboot()
    old, other = done(clock, "reboot", after=-60), done(clock, "stop")
    entry = done(clock, "reboot")
    stub.answer(*(Reply(entries, dates=()) for entries in ([old], [other, old], [entry, other, old])))
    assert machine.poll_action() == entry
    assert clock.slept == [2, 2]
    assert requests(stub)[1:] == [("GET", "/audit", None)] * 3
    assert machine.poll_action() == entry
    assert clock.slept == [2, 2]
    # It does not count for the next reboot.
    stub.answer(Reply(None, 202))
    machine.reboot()
    stub.otherwise = Reply([entry, old], dates=())
    assert refusal(lambda: machine.poll_action(timeout=3), WaitTimeout) == (
        f"gave up after 3 s: reboot of machine {ID} is not done, now 'not listed'"
    )
    later = done(clock, "reboot", after=2)
    stub.otherwise = Reply([later, entry, old], dates=())
    assert machine.poll_action() == later


def test_actions_are_waited_for_in_any_order(stub: StubServer, clock: Instant, machine: Machine) -> None:
    stub.answer(Reply(None, 202), Reply(None, 202))
    machine.stop()
    machine.start()
    stop, start = done(clock, "stop", after=1), done(clock, "start", after=2)
    stub.otherwise = Reply([start, stop], dates=())
    assert [machine.poll_action(action, timeout=3) for action in ("start", "stop")] == [start, stop]


def test_an_action_that_failed(stub: StubServer, clock: Instant, machine: Machine) -> None:
    stub.answer(Reply(None, 202), Reply([done(clock, "stop", success="no")], dates=()))
    machine.stop()
    with pytest.raises(WaitFailed) as caught:
        machine.poll_action("stop")
    assert str(caught.value) == f"stop of machine {ID} failed, as its audit says"
    assert caught.value.state == "failed"


@pytest.mark.parametrize("action", ["stop", "reboot", ["stop"], ["start"], None, 5, {}], ids=repr)
def test_an_action_that_was_not_requested(stub: StubServer, machine: Machine, action: Any) -> None:
    stub.answer(Reply(None, 202))
    machine.start()
    assert refusal(lambda: machine.poll_action(action)) == (
        f"there is no {action!r} to wait for: this object has not requested it of machine {ID}"
        "; it has requested start"
    )


def test_a_machine_that_is_known_to_be_deleted_is_fetched_alone(stub: StubServer, machine: Machine) -> None:
    # A list may lag, and must not revive it.
    gone = Reply(RUNNING | {"state": "deleted"}, 410)
    stub.answer(gone, gone)
    machine.poll_until("deleted")
    machine.poll_until("deleted", timeout=0)
    assert [asked.target for asked in stub.asked] == [f"/bob/machines/{ID}"] * 2
