"""Waits of several threads that share looks agree with a simple model, whatever machines and lists do.

The clock advances when all threads sleep, so that the model tells when a wait must end, and how: there is a
look each `interval`, and its answer is at most `interval` old.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from multiprocessing.pool import ThreadPool

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartdc import DataCenter, Machine, RetryPolicy, WaitFailed, WaitTimeout
from tests.fuzz.wait_model import End, Wait, ident, is_right, timelines, timeouts, wanted_states
from tests.helpers.clock import Together
from tests.helpers.sizes import in_two_sizes
from tests.helpers.timelines import Scene, Timeline, TimelineServer

pytestmark = pytest.mark.stress

POLICY = RetryPolicy(attempts=1, throttled=1)


def perform(server: TimelineServer, scene: Scene, plans: list[list[Wait]]) -> list[End]:
    """Let a thread carry out each of the plans; no lock may be held while a request is made."""
    clock = Together(len(plans))
    with DataCenter(server.url, login="bob", clock=clock, retry=POLICY) as sdc:

        def watch() -> None:
            assert sdc._looks._lock.acquire(timeout=10)
            sdc._looks._lock.release()

        scene.now, scene.watch = clock.monotonic, watch
        server.scene = scene
        known = {"state": "running", "created": "2013-01-01T00:00:00.000Z"}

        def run(plan: list[Wait]) -> list[End]:
            ends = []
            # Seen long ago, so that a list of another thread may serve the first look already.
            machines = [Machine(sdc, data={"id": ident(wait.machine), **known}) for wait in plan]
            try:
                for wait, machine in zip(plan, machines, strict=True):
                    if wait.after:
                        clock.sleep(wait.after)
                    began = clock.now
                    call = machine.poll_until if wait.verb == "until" else machine.poll_while
                    try:
                        call(wait.state, wait.interval, timeout=wait.timeout)
                        how = "over"
                    except WaitFailed:
                        how = "failed"
                    except WaitTimeout:
                        how = "timeout"
                    ends.append(End(wait, how, began, clock.now))
            finally:
                clock.leave()
            return ends

        with ThreadPool(len(plans)) as pool:
            return [end for ends in pool.map(run, plans, chunksize=1) for end in ends]


@pytest.fixture(scope="module")
def server() -> Iterator[TimelineServer]:
    with TimelineServer() as serving:
        yield serving


@st.composite
def plans(draw: st.DrawFn, lines: list[Timeline]) -> list[Wait]:
    one = st.builds(
        Wait,
        machine=st.integers(0, len(lines) - 1),
        verb=st.just("until"),
        state=wanted_states(lines),
        interval=st.sampled_from([1, 2, 6, 6, 20]),
        timeout=timeouts,
        after=st.sampled_from([0, 0, 1, 2.5]),
    )
    either = one | one.map(lambda wait: Wait(**{**vars(wait), "verb": "while", "state": "running"}))
    return draw(st.lists(either, min_size=1, max_size=3))


@in_two_sizes(sample=40, whole=500)
def test_shared_waits_agree_with_the_model(examples: Counter[str], server: TimelineServer, size: int) -> None:
    @settings(max_examples=size)
    @given(st.data())
    def each(data: st.DataObject) -> None:
        lines = data.draw(st.lists(timelines(), min_size=2, max_size=5))
        todo = data.draw(st.lists(plans(lines), min_size=2, max_size=5))
        fails = data.draw(st.sampled_from([(0, 0), (0, 0), (0, 1000), (4, 9)]))
        silent = data.draw(st.sampled_from([(0, 0), (0, 0), (6, 13)]))
        machines = {ident(number): line for number, line in enumerate(lines)}
        scene = Scene(machines=machines, fails=fails, silent=silent)
        for end in perform(server, scene, todo):
            examples[f"shared waits: {end.how}"] += 1
            line = lines[end.wait.machine]
            assert is_right(end, line, oldest=end.wait.interval, silent=silent), (end, line)

    each()


@in_two_sizes(sample=250, whole=1000)
def test_64_threads_wait_for_many_machines(server: TimelineServer, size: int) -> None:
    chance = random.Random(15)  # noqa: S311 - no secret
    lines = [
        Timeline([(0.0, "running"), (chance.uniform(1, 60), chance.choice(["stopped", "failed", "410"]))])
        for _ in range(size)
    ]
    todo: list[list[Wait]] = [[] for _ in range(64)]
    for number in range(size):
        verb, state = chance.choice([("until", "stopped"), ("until", "deleted"), ("while", "running")])
        wait = Wait(number, verb, state, chance.choice([1, 2, 5]), chance.choice([0, 3, 8, 20]))
        todo[number % 64].append(wait)
    scene = Scene(machines={ident(number): line for number, line in enumerate(lines)})
    before = len(server.asked)
    ends = perform(server, scene, todo)
    asked = Counter(server.asked[before:])
    print(f"{len(ends)} waits of 64 threads: {dict(asked)}, {Counter(end.how for end in ends)}")
    assert len(ends) == size
    assert [end for end in ends if not is_right(end, lines[end.wait.machine], oldest=end.wait.interval)] == []
    # Single looks would make many more requests.
    assert asked.total() < sum((end.ended - end.began) / end.wait.interval + 1 for end in ends) / 2
