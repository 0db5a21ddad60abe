"""When waiting machines are looked at, and by which requests, on the emulated clock."""

from __future__ import annotations

import math
from typing import cast

import pytest

from smartdc import WaitTimeout
from tests.fleet.waits import GET, LIST, UNKNOWN, Waits, waits

__all__ = ["waits"]


def test_without_waits_there_is_nothing_to_do(waits: Waits) -> None:
    assert waits.pause() == math.inf


def test_a_look_is_at_once_and_after_each_interval(waits: Waits) -> None:
    for machine in waits.machines:
        waits.add(machine)
    assert waits.check() == (0.0, [LIST])
    assert waits.pause() == 2
    waits.advance(1.5)
    assert waits.pause() == 0.5
    waits.advance(0.5)
    assert waits.check() == (0.0, [LIST])
    for machine in waits.machines[:3]:
        waits.set(machine, "stopped")
    waits.advance(2)
    assert waits.check() == (0.0, [LIST])
    assert waits.ended == dict.fromkeys(waits.machines[:3])
    waits.set(waits.machines[3], "stopped")
    waits.advance(2)
    assert waits.check() == (0.0, [GET])  # it is alone
    assert waits.ended == dict.fromkeys(waits.machines)
    assert waits.pause() == math.inf


@pytest.mark.parametrize("interval", [0, 0.5, 7])
def test_the_interval(waits: Waits, interval: float) -> None:
    waits.add(waits.machines[0], interval=interval)
    assert waits.check() == (0.0, [GET])
    assert waits.pause() == (interval or 0.1)


def test_after_an_action_the_first_look_waits_for_the_interval(waits: Waits) -> None:
    waits.add(waits.machines[0], acted_at=waits.watcher.clock.monotonic())
    assert waits.pause() == 2
    waits.add(waits.machines[1], timeout=1.5, acted_at=0)
    assert waits.pause() == 1.5


def test_one_look_is_under_way_at_a_time(waits: Waits) -> None:
    waits.add(waits.machines[0])
    waits.add(waits.machines[1], timeout=5)
    assert waits.watcher.check_waits() == 0.0
    waits.advance(3)
    assert waits.watcher.check_waits() == pytest.approx(2)  # until the timeout
    assert waits.looks() == [LIST]
    assert waits.pause() == 2


def test_the_last_look_is_at_the_end_of_the_timeout(waits: Waits) -> None:
    (machine, *_) = waits.machines
    waits.add(machine, timeout=3)
    assert waits.check() == (0.0, [GET])
    waits.advance(waits.pause())
    assert waits.check() == (0.0, [GET])
    assert waits.pause() == 1
    waits.advance(1)
    assert waits.check() == (0.0, [GET])
    assert waits.ended == {}
    assert waits.pause() == math.inf
    assert isinstance(waits.ended[machine], WaitTimeout)
    assert str(waits.ended[machine]) == (
        f"gave up after 3 s: machine {machine.id} is not yet 'stopped', now 'running'"
    )
    assert cast(WaitTimeout, waits.ended[machine]).state == "running"


def test_a_timeout_of_0_is_one_look(waits: Waits) -> None:
    for machine in waits.machines[:2]:
        waits.add(machine, timeout=0)
    assert waits.watcher.check_waits() == 0.0
    waits.advance(9)
    waits.watcher.check_waits()
    assert waits.ended == {}
    waits.set(waits.machines[1], "stopped")
    assert waits.looks() == [LIST]
    assert waits.ended == {waits.machines[1]: None}
    waits.pause()
    assert isinstance(waits.ended[waits.machines[0]], WaitTimeout)


@pytest.mark.parametrize("is_in_time", [True, False])
def test_a_wait_whose_first_look_is_late_is_looked_for_first(waits: Waits, is_in_time: bool) -> None:
    (machine, *_) = waits.machines
    waits.add(machine, timeout=3)
    waits.advance(5)
    if is_in_time:
        waits.set(machine, "stopped")
    assert waits.check() == (0.0, [GET])
    waits.pause()
    assert (waits.ended[machine] is None) == is_in_time


def test_looks_that_are_due_soon_are_made_together(waits: Waits) -> None:
    one, other, third, _ = waits.machines
    waits.add(one, interval=8)
    assert waits.check() == (0.0, [GET])
    waits.advance(0.1)
    waits.add(other, interval=8)
    assert waits.pause() == 0.4  # half a second after the last look
    waits.add(third, interval=1)
    assert waits.pause() == 0.15  # a quarter of its interval
    waits.advance(0.15)
    assert waits.check() == (0.0, [LIST])
    assert waits.pause() == 1


@pytest.mark.parametrize(("timeout", "pause"), [(0.5, 0.025), (0.05, 0.0), (0.12, 0.0)])
def test_a_wait_that_ends_soon_is_not_late(waits: Waits, timeout: float, pause: float) -> None:
    one, other, *_ = waits.machines
    waits.add(one, interval=8)
    waits.check()
    waits.advance(0.1)
    waits.add(other, timeout=timeout, interval=8)
    assert waits.watcher.check_waits() == pytest.approx(pause)


def test_queued_steps_come_before_looks_but_for_each_fiftieth_job(waits: Waits) -> None:
    waits.add(waits.machines[0])
    waits.crew.queue_first_step(lambda: None)
    for done, looks in [(0, []), (49, []), (50, [GET]), (50, []), (99, []), (100, [GET]), (101, [])]:
        waits.advance(2)
        waits.crew.jobs_done = done
        assert waits.check() == (0.0, looks)
    waits.crew._first_steps.clear()
    assert waits.check() == (0.0, [GET])


@pytest.mark.parametrize(("timeout", "interval", "urgent_at"), [(9, 2, 7), (9, 0.5, 8), (9, 20, 0)])
def test_queued_steps_do_not_delay_a_look_before_a_timeout(
    waits: Waits, timeout: float, interval: float, urgent_at: float
) -> None:
    waits.add(waits.machines[0], timeout=timeout, interval=interval)
    waits.crew.queue_later_step(lambda: None)
    if urgent_at:
        waits.advance(urgent_at - 0.1)
        assert waits.check() == (0.0, [])
        waits.advance(0.1)
    assert waits.check() == (0.0, [GET])


def test_a_list_of_several_pages_is_read_for_more_machines_only(waits: Waits) -> None:
    # Each page of a list costs as much as one of the machines.
    for number in range(1000):
        waits.cloud.site().add_machine(f"other{number}", networks=())
    unknown = waits.sdc.machine(UNKNOWN, lazy=True)
    for machine in (waits.machines[0], unknown):
        waits.add(machine)
    assert waits.check() == (0.0, [LIST, LIST, GET])
    waits.advance(2)
    assert waits.check() == (0.0, [GET, GET])
    waits.add(waits.machines[1])
    waits.advance(2)
    assert waits.check() == (0.0, [LIST, LIST, GET])
