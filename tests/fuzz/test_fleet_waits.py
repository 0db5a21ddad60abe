"""`fleet.wait` agrees with a simple model, whatever machines and lists do: how each wait ends, and when."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartdc import DataCenter, Machine, RetryPolicy, WaitFailed, WaitTimeout, fleet
from tests.fuzz.test_shared_waits import ident, timelines
from tests.helpers.clock import Instant
from tests.helpers.sizes import in_two_sizes
from tests.helpers.timelines import Scene, Timeline, TimelineServer

pytestmark = pytest.mark.stress

POLICY = RetryPolicy(attempts=1, throttled=1)
SLACK = 0.001


@pytest.fixture(scope="module")
def server() -> Iterator[TimelineServer]:
    with TimelineServer() as serving:
        yield serving


def ends(line: Timeline, state: str) -> tuple[str, float]:
    """How a wait for this state ends that looks all the time, and when."""
    for begins, seen in line.states:
        shown = "deleted" if seen in ("410", "404") else seen
        if shown == state:
            return "over", begins
        if shown in ("failed", "deleted"):
            return "failed", begins
    return "timeout", math.inf


def agrees(line: Timeline, state: str, interval: float, timeout: float, how: str, at: float | None) -> bool:
    """Whether a wait may end so. A state that another follows soon may be missed."""
    expected, begins = ends(line, state)
    if how == "timeout":
        return begins + 2 * interval >= timeout
    missed = how != expected and any(
        later - begins <= 2 * interval for later, _ in line.states if later > begins
    )
    in_time = at is None or begins - SLACK <= at <= min(timeout, begins + 2 * interval) + SLACK
    return (how == expected and in_time and begins <= timeout) or missed


@in_two_sizes(sample=50, whole=500)
def test_fleet_waits_agree_with_the_model(examples: Counter[str], server: TimelineServer, size: int) -> None:
    @settings(max_examples=size)
    @given(st.data())
    def each(data: st.DataObject) -> None:
        lines = data.draw(st.lists(timelines(), min_size=1, max_size=6))
        state = data.draw(st.sampled_from(["stopped", "stopped", "deleted", "failed"]))
        interval = data.draw(st.sampled_from([2, 6, 20]))
        timeout = data.draw(st.sampled_from([40, 100, 10, 3, 0]))
        fails = data.draw(st.sampled_from([(0, 0), (0, 0), (0, 1000), (4, 9)]))
        clock = Instant()
        server.scene = Scene(clock.monotonic, {ident(n): line for n, line in enumerate(lines)}, fails)
        known = {"state": "running", "created": "2013-01-01T00:00:00.000Z"}
        over: dict[Machine, float] = {}
        with DataCenter(server.url, login="bob", clock=clock, retry=POLICY) as sdc:
            machines = [Machine(sdc, data={"id": ident(number), **known}) for number in range(len(lines))]
            step = fleet.until(state, timeout, interval)
            result = fleet.run(machines, step, lambda machine: over.setdefault(machine, clock.now))
        kinds = {WaitFailed: "failed", WaitTimeout: "timeout"}
        for machine, line in zip(machines, lines, strict=True):
            how = "over" if machine in over else kinds[type(result.errors[machine])]  # type: ignore[index]
            examples[f"fleet waits: {how}"] += 1
            assert agrees(line, state, interval, timeout, how, over.get(machine)), (
                line,
                how,
                over,
                clock.now,
            )
        assert clock.now <= timeout + SLACK

    each()
