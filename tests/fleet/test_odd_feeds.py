"""A change feed that sends nothing, or impossible changes: the machine is looked at instead.

The changes that it may send are in docs/cloudapi/migrations-and-streams.md; these are not among them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from smartdc import DataCenter, Machine, RetryPolicy, WaitTimeout, fleet
from tests.helpers.live_feeds import STEP, live_clock
from tests.helpers.timelines import Scene, Timeline, TimelineServer, change

RUNS, STOPS = "10000000-8b2f-4c42-9d3f-0123456789ab", "20000000-8b2f-4c42-9d3f-0123456789ab"
POLICY = RetryPolicy(attempts=1, throttled=1)
STOPS_AT = 7.2

Tell = Callable[[str, str], Sequence[Any]]


@pytest.fixture(scope="module")
def server() -> Iterator[TimelineServer]:
    with TimelineServer() as serving:
        yield serving


def lines() -> dict[str, Timeline]:
    return {RUNS: Timeline(), STOPS: Timeline([(0, "running"), (STOPS_AT, "stopped")])}


def machine(sdc: DataCenter, ident: str) -> Machine:
    return Machine(sdc, data={"id": ident, "state": "running", "created": "2013-01-01T00:00:00.000Z"})


def ends(
    server: TimelineServer, tell: Tell, *, timeout: float, interval: float = 2
) -> dict[str, float | type[Exception]]:
    """When each machine was seen stopped, or how its wait failed."""
    over: dict[str, float] = {}
    with live_clock(server) as clock:
        server.scene = Scene(clock.monotonic, lines(), tell=tell)
        with DataCenter(server.url, login="bob", clock=clock, retry=POLICY) as sdc:
            machines = [machine(sdc, ident) for ident in (RUNS, STOPS)]
            step = fleet.until("stopped", timeout, interval)
            result = fleet.run(
                machines, step, lambda machine: over.setdefault(machine.id, clock.now), push=True
            )
    return {**over, **{key.id: type(error) for key, error in result.errors.items()}}


def without(name: str) -> Tell:
    return lambda ident, state: [{key: value for key, value in change(ident, state).items() if key != name}]


def with_object(**fields: object) -> Tell:
    def tell(ident: str, state: str) -> Sequence[Any]:
        sent = change(ident, state)
        return [{**sent, "resourceObject": {**sent["resourceObject"], **fields}}]

    return tell


ODD: dict[str, Tell] = {
    "the object of another machine": with_object(id=RUNS),
    "no id": with_object(id=None),
    "no state": with_object(state=None),
    "no object": without("resourceObject"),
    "no kind": without("changeKind"),
    "no subresources": lambda ident, state: [{**change(ident, state), "changeKind": {"resource": "vm"}}],
    "an object that is a list": lambda ident, state: [{**change(ident, state), "resourceObject": [1]}],
    "an id in capitals": lambda ident, state: [{**change(ident, state), "changedResourceId": ident.upper()}],
    "no event": lambda ident, state: [{}],
}


@pytest.mark.parametrize("odd", ODD)
def test_an_impossible_change_is_ignored_and_the_machine_looked_at(server: TimelineServer, odd: str) -> None:
    seen = ends(server, ODD[odd], timeout=100)
    stopped = seen.pop(STOPS)
    assert seen == {RUNS: WaitTimeout}
    assert isinstance(stopped, float)
    assert STOPS_AT <= stopped <= STOPS_AT + 2 * STEP


def test_a_change_of_one_machine_with_the_object_of_another_stops_neither(server: TimelineServer) -> None:
    # Before, RUNS was taken for stopped, and the next step deleted it.
    seen = ends(
        server, lambda ident, state: [{**change(ident, state), "changedResourceId": RUNS}], timeout=50
    )
    assert seen[RUNS] is WaitTimeout
    assert isinstance(seen[STOPS], float)  # after 30 seconds without news


@pytest.mark.parametrize("timeout", [12, 25, 29.7])
def test_a_wait_shorter_than_the_silence_of_a_feed_looks_at_its_end(
    server: TimelineServer, timeout: float
) -> None:
    seen = ends(server, lambda ident, state: [], timeout=timeout, interval=60)
    assert seen == {RUNS: WaitTimeout, STOPS: pytest.approx(timeout)}


def test_in_real_time_the_machine_is_looked_at_at_once(server: TimelineServer) -> None:
    began = time.monotonic()
    server.scene = Scene(
        lambda: time.monotonic() - began,
        {STOPS: Timeline([(0, "running"), (0.3, "stopped")])},
        tell=ODD["no object"],
    )
    with DataCenter(server.url, login="bob", retry=POLICY) as sdc:
        fleet.wait([machine(sdc, STOPS)], "stopped", 20, push=True)
    assert time.monotonic() - began < 3
