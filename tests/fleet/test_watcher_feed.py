"""When machines are looked at whose changes a feed reports, and what the feed's data means."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest

from smartdc import Machine, WaitFailed
from tests.fleet.waits import GET, LIST, UNKNOWN, Waits, waits

__all__ = ["waits"]


@pytest.fixture(autouse=True)
def feed(waits: Waits) -> None:
    waits.watcher.has_feed = True


def tell(waits: Waits, machine: Machine, state: str, as_of: float = 0.0, **fields: Any) -> None:
    data = {**machine.raw, "state": state, **fields}
    waits.watcher.take_feed_data(machine.id, cast(Any, data), as_of)


def test_machines_are_looked_at_after_thirty_seconds_of_silence(waits: Waits) -> None:
    (machine, *_) = waits.machines
    waits.add(machine)
    assert waits.pause() == 30
    waits.advance(20)
    tell(waits, machine, "stopping")
    assert waits.pause() == 30
    waits.advance(30)
    assert waits.check() == (0.0, [GET])
    assert waits.pause() == 30
    tell(waits, machine, "stopped")
    assert waits.ended == {machine: None}
    assert machine.state == "stopped"


def test_the_timeout_is_not_longer(waits: Waits) -> None:
    waits.add(waits.machines[0], timeout=7)
    assert waits.pause() == 7


def test_a_machine_that_the_feed_lacks_is_polled(waits: Waits) -> None:
    one, other, *_ = waits.machines
    for machine in (one, other):
        waits.add(machine)
    waits.watcher.feed_lacks([one.id, UNKNOWN])
    assert waits.woken == 1
    assert waits.check() == (0.0, [LIST])
    assert waits.pause() == 2
    tell(waits, one, "stopping")
    assert waits.pause() == 30


def test_a_machine_that_the_feed_lacked_before_its_wait(waits: Waits) -> None:
    (machine, *_) = waits.machines
    tell(waits, machine, "stopped", 5.0)
    waits.watcher.feed_lacks([machine.id])
    waits.add(machine)
    assert waits.ended == {}
    assert waits.check() == (0.0, [GET])
    assert waits.pause() == 2


def test_when_the_feed_ends_all_are_polled(waits: Waits) -> None:
    one, other, third, _ = waits.machines
    for machine in (one, other):
        waits.add(machine)
    waits.watcher.feed_ended()
    assert waits.woken == 1
    assert waits.check() == (0.0, [LIST])
    assert waits.pause() == 2
    tell(waits, one, "stopping")
    waits.add(third)
    waits.advance(2)
    assert waits.check() == (0.0, [LIST])


@pytest.mark.parametrize(
    ("state", "as_of", "ended", "pause"),
    [
        ("stopped", 10.0, True, math.inf),
        ("stopped", 9.0, False, 2),  # from before the action: it may never be reported again
        ("stopping", 10.0, False, 30),
        ("stopping", 9.0, False, 30),
    ],
)
def test_what_the_feed_said_before_the_wait(
    waits: Waits, state: str, as_of: float, ended: bool, pause: float
) -> None:
    (machine, *_) = waits.machines
    tell(waits, machine, state, as_of)
    waits.add(machine, acted_at=10.0)
    assert (machine in waits.ended) == ended
    assert waits.pause() == pause


@pytest.mark.parametrize("is_looking", [False, True], ids=["waiting", "looked at"])
def test_what_the_feed_says_late_of_the_time_before_the_action(waits: Waits, is_looking: bool) -> None:
    """A list of the feed was asked for before the action, and may be answered after it."""
    (machine, *_) = waits.machines
    waits.add(machine, acted_at=10.0)
    if is_looking:
        waits.advance(30)
        assert waits.check() == (0.0, [GET])
    tell(waits, machine, "stopped", 9.0)
    assert waits.ended == {}
    assert waits.pause() == 2
    waits.advance(1)
    tell(waits, machine, "stopped", 9.0)
    assert waits.pause() == 1
    tell(waits, machine, "stopped", 10.0)
    assert waits.ended == {machine: None}


def test_fields_that_the_feed_lacks_are_kept(waits: Waits) -> None:
    (machine, *_) = waits.machines
    package = machine.package
    waits.add(machine)
    tell(waits, machine, "stopped", package="")
    assert (machine.state, machine.package, bool(package)) == ("stopped", package, True)


def test_a_failure_in_the_feed_is_looked_at(waits: Waits) -> None:
    (machine, *_) = waits.machines
    waits.add(machine)
    waits.set(machine, "failed")
    tell(waits, machine, "failed")
    assert waits.looks() == [GET]
    assert isinstance(waits.ended[machine], WaitFailed)
