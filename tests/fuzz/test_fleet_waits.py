"""`fleet.wait` agrees with a simple model, whatever machines, lists and the change feed do.

The model is that of waits that share looks (`tests.fuzz.wait_model`). A fleet goes by the current states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartdc import DataCenter, Machine, RetryPolicy, WaitFailed, WaitTimeout, fleet
from tests.fuzz.wait_model import SLACK, End, Wait, ident, is_right, timelines, timeouts, wanted_states
from tests.helpers.clock import Instant
from tests.helpers.live_feeds import STEP, live_clock
from tests.helpers.sizes import in_two_sizes
from tests.helpers.timelines import Scene, Timeline, TimelineServer

pytestmark = pytest.mark.stress

POLICY = RetryPolicy(attempts=1, throttled=1)
RECONNECTED = 30.0
"""Seconds after which a machine is looked at if the feed was cut and could not be reconnected at once."""
CUTS = [1.0, 2.0, 3.0, 5.0, 7.0, 15.0, 20.0]
KINDS = {WaitFailed: "failed", WaitTimeout: "timeout"}


@pytest.fixture(scope="module")
def server() -> Iterator[TimelineServer]:
    with TimelineServer() as serving:
        yield serving


def ends_of(
    lines: list[Timeline], wait: Wait, clock: Instant, server: TimelineServer, push: bool
) -> list[End]:
    """How the wait for each machine ended; its time is known unless it failed."""
    known = {"state": "running", "created": "2013-01-01T00:00:00.000Z"}
    over: dict[Machine, float] = {}
    with DataCenter(server.url, login="bob", clock=clock, retry=POLICY) as sdc:
        machines = [Machine(sdc, data={"id": ident(number), **known}) for number in range(len(lines))]
        step = fleet.until(wait.state, wait.timeout, wait.interval)
        result = fleet.run(machines, step, lambda machine: over.setdefault(machine, clock.now), push=push)
    assert wait.timeout is not None
    assert clock.now <= wait.timeout + SLACK + (STEP if push else 0)
    return [
        End(wait, "over", 0, over[machine])
        if machine in over
        else End(wait, KINDS[type(result.errors[machine])], 0, wait.timeout)  # type: ignore[index]
        for machine in machines
    ]


def may_fail(end: End, line: Timeline, **how: Any) -> bool:
    """Whether a wait may fail at some moment, which is not known."""
    moments = {
        begins + more
        for begins in [begins for begins, _ in line.states] + [0.0, 13.0]
        for more in (0, end.wait.interval, 2 * end.wait.interval)
    }
    return any(is_right(End(end.wait, end.how, 0, at), line, **how) for at in moments)


@in_two_sizes(sample=30, whole=500)
@pytest.mark.parametrize("push", [False, True])
def test_fleet_waits_agree_with_the_model(
    examples: Counter[str], server: TimelineServer, size: int, push: bool
) -> None:
    @settings(max_examples=size)
    @given(st.data())
    def each(data: st.DataObject) -> None:
        lines = data.draw(st.lists(timelines(), min_size=1, max_size=6))
        wait = Wait(
            0,
            "until",
            data.draw(wanted_states(lines)),
            data.draw(st.sampled_from([2, 6, 20])),
            data.draw(timeouts),
        )
        fails = data.draw(st.sampled_from([(0, 0), (0, 0), (0, 1000), (4, 9)]))
        silent = data.draw(st.sampled_from([(0, 0), (0, 0), (6, 13)]))
        cuts = sorted(data.draw(st.sets(st.sampled_from(CUTS if push else [0.0]), max_size=5)))
        with live_clock(server) if push else nullcontext(Instant()) as clock:
            server.scene = Scene(
                clock.monotonic,
                {ident(number): line for number, line in enumerate(lines)},
                fails=fails,
                silent=silent,
                cuts=cuts,
            )
            ends = ends_of(lines, wait, clock, server, push)
        has_feed = push and fails == (0, 0) and silent == (0, 0) and not cuts
        # The feed is reconnected at once if it has sent something since it was connected last.
        is_late = len(cuts) > 1 or (cuts and silent != (0, 0))
        for line, end in zip(lines, ends, strict=True):
            examples[f"fleet waits{', push' * push}: {end.how}"] += 1
            allowed: dict[str, Any] = {
                # Changes are handled as they come, and a look gets the current state.
                "oldest": STEP if push else 0.0,
                "silent": silent,
                "misses_nothing": has_feed and line.hidden[0] > 0,
                "late": RECONNECTED if is_late else STEP if push else 0.0,
            }
            check = may_fail if end.how == "failed" else is_right
            assert check(end, line, **allowed), (line, end, server.scene)

    each()
