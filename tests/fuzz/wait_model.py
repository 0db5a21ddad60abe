"""When and how a wait may end: a simple model of machines that change at certain times.

A wait looks each `interval`. The state that it sees is at most some seconds old, and it misses no state
that lasts longer than two intervals.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.helpers.timelines import Timeline

__all__ = ["End", "Wait", "ident", "is_right", "timelines", "timeouts", "verdict", "wanted_states"]

SLACK = 0.001
CHANGES = [1, 3, 7, 15, 31, 63]
timeouts = st.sampled_from([100] * 12 + [40, 40, 10, 3, 0])
"""Most waits are long enough to see the last state."""


@dataclass(frozen=True)
class Wait:
    """One wait of one thread, which begins `after` seconds after its last one."""

    machine: int
    verb: str
    state: str
    interval: float
    timeout: float | None
    after: float = 0.0


@dataclass(frozen=True)
class End:
    """How a wait ended, and when it began and ended."""

    wait: Wait
    how: str
    began: float
    ended: float


def ident(number: int) -> str:
    return f"{number:08}-8b2f-4c42-9d3f-0123456789ab"


def shown_state(state: str) -> str:
    """The state as a client shows it."""
    return "deleted" if state in ("410", "404") else state


def verdict(wait: Wait, state: str) -> str | None:
    """How a wait ends that sees this state; None: it goes on."""
    seen = shown_state(state)
    if wait.verb == "until":
        return "over" if seen == wait.state else "failed" if seen in ("failed", "deleted") else None
    if seen == wait.state:
        return None
    return "failed" if seen == "failed" else "over"


def is_right(
    end: End,
    line: Timeline,
    *,
    oldest: float,
    silent: tuple[float, float] = (0, 0),
    misses_nothing: bool = False,
    late: float = 0.0,
) -> bool:
    """Whether a wait may end in this way.

    Args:
        end: The end.
        line: The timeline of its machine.
        oldest: The greatest age in seconds of the state that was seen.
        silent: From when to when the server answers nothing.
        misses_nothing: Whether it must see states that last for a moment only.
        late: Seconds by which it may see a change later than a look each interval would.
    """
    wait = end.wait
    if end.how == "timeout":
        oldest = wait.interval + SLACK  # the last look may be so long ago
    since = end.ended - oldest
    times = [since, end.ended, *(begins for begins, _ in line.states if since <= begins <= end.ended)]
    seen = {verdict(wait, line.at(time)) for time in times}
    if end.how == "timeout":
        assert wait.timeout is not None
        return (None in seen or (silent[0] < end.ended and since <= silent[1])) and abs(
            end.ended - end.began - wait.timeout
        ) < SLACK
    ends = [begins for begins, state in line.states if verdict(wait, state) is not None]
    if not misses_nothing:  # only what would also end it later on
        ends = [
            begins for begins in ends if all(later in ends for later, _ in line.states if later >= begins)
        ]
    latest = max(ends[0], end.began) + 2 * wait.interval + late if ends else float("inf")
    if silent[0] <= latest and (not ends or ends[0] < silent[1]):
        latest = max(latest, silent[1] + 2 * wait.interval)
    in_time = wait.timeout is None or end.ended <= end.began + wait.timeout + SLACK
    return end.how in seen and end.ended <= latest + SLACK and in_time


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """The life of a machine: it may come back to a state, so that what was seen long ago is wrong."""
    fewest = draw(st.sampled_from([1, 1, 1, 2, 2, 2, 2, 0]))
    changes = sorted(draw(st.sets(st.sampled_from(CHANGES), min_size=fewest, max_size=4)))
    middle = st.sampled_from(["stopping", "stopping", "stopped", "running"])
    last = st.sampled_from(["stopped", "stopped", "stopped", "failed", "410", "404"])
    states = [draw(middle) for _ in changes[1:]] + [draw(last) for _ in changes[:1]]
    hidden = draw(st.sampled_from([(0, 0), (0, 0), (0, 12), (5, 40)]))
    return Timeline([(0.0, "running"), *zip(map(float, changes), states, strict=True)], hidden)


def wanted_states(lines: list[Timeline]) -> st.SearchStrategy[str]:
    """The awaited state: mostly the one in which most of the machines end."""
    last = [shown_state(line.states[-1][1]) for line in lines]
    waited_for = ["stopped", "deleted", "failed"]
    return st.sampled_from([max(waited_for, key=last.count)] * 12 + waited_for)
