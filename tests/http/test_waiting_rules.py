"""The rules of a wait: its deadline, its arguments, which failures pass, and when a 404 is final."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from threading import TIMEOUT_MAX
from typing import Any

import pytest

from smartdc import (
    ConfigurationError,
    ConnectionFailed,
    InvalidResponse,
    NotFoundError,
    RequestTimeout,
    SmartDCError,
    WaitTimeout,
)
from smartdc._http.error_codes import error_for
from smartdc._http.waiting import (
    Absence,
    Deadline,
    checked_interval,
    checked_state,
    checked_timeout,
    is_passing,
    poll,
)
from tests.helpers.answers import answer
from tests.helpers.clock import Instant


def answered(status: int, body: bytes = b'{"code": "Novelty", "message": "no"}', **headers: str) -> Any:
    return error_for(answer(status, body, **headers))


def test_the_time_that_is_left() -> None:
    clock = Instant()
    deadline = Deadline(clock, 5)
    assert (deadline.left(), deadline.turn(), deadline.wire()) == (5, 5, None)
    clock.now = 4
    assert (deadline.left(), deadline.turn()) == (1, 1)
    clock.now = 6
    assert (deadline.left(), deadline.turn()) == (0, 0)


def test_a_wait_of_no_time_is_one_look() -> None:
    for clock in (Instant(), time):
        deadline = Deadline(clock, 0)
        assert (deadline.left(), deadline.turn(), deadline.wire()) == (0, math.inf, None)


def test_on_the_real_clock_an_attempt_is_cut_to_the_time_that_is_left() -> None:
    left = Deadline(time, 100).wire()
    assert left is not None
    assert 90 < left <= 100
    assert Deadline(time, 1).turn() <= 1
    assert Deadline(time, 1e-9).wire() == 0.05  # with less, no answer could come
    assert Deadline(time, -1).wire() == 0.05


NOW = 1_000_000.0
DATE = "Mon, 12 Jan 1970 13:46:40 GMT"
"""The same time."""


@pytest.mark.parametrize(
    ("error", "age", "settled"),
    [
        (answered(404, Date=DATE), 30, True),
        (answered(404, Date=DATE), 29, False),
        (answered(404, Date=DATE), None, False),
        (answered(404, b"<html>", Date=DATE), 3600, False),  # a proxy's
        (answered(410, b'{"id": "a"}', Date=DATE), 0, True),
        (answered(410, b'{"id": "a"}'), None, True),
    ],
)
def test_when_a_404_is_settled(error: NotFoundError, age: float | None, settled: bool) -> None:
    created = None if age is None else datetime.fromtimestamp(NOW - age, UTC)
    clock = Instant()
    absence = Absence(clock, 30)
    assert absence.is_settled(error, created) is settled
    # After 30 seconds each is: what is not found for so long is gone.
    clock.now = 29
    assert absence.is_settled(error, created) is settled
    clock.now = 30
    assert absence.is_settled(error, created)
    absence.end()  # it was found
    assert absence.is_settled(error, created) is settled


def test_a_404_without_a_date_goes_by_this_clock() -> None:
    clock = Instant()
    for age, settled in ((40, True), (20, False)):
        created = datetime.fromtimestamp(clock.time() - age, UTC)
        assert Absence(clock, 30).is_settled(answered(404), created) is settled


STATES = ("running", "stopped")


def test_states() -> None:
    assert checked_state("running", STATES, "machine", False) == "running"
    assert checked_state("running", STATES, "machine", True) == "running"
    assert checked_state("novel", STATES, "machine", True) == "novel"


@pytest.mark.parametrize(
    ("state", "any_state", "problem"),
    [
        ("runing", False, "'runing' is not a state of a machine: did you mean 'running'?"),
        ("xyz", False, "'xyz' is not a state of a machine: there are running, stopped;"),
        ("", True, "'' is not a state of a machine: there are running, stopped;"),
        (7, True, "7 is not a state of a machine: there are running, stopped;"),
    ],
)  # fmt: skip
def test_states_that_are_not_known(state: Any, any_state: bool, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_state(state, STATES, "machine", any_state)
    assert str(caught.value) == f"{problem} any_state=True waits for any other"


def test_intervals_and_timeouts() -> None:
    for seconds in (0, 1, 0.5, TIMEOUT_MAX):
        assert checked_interval(seconds) == seconds
        assert checked_timeout(seconds) == seconds
    assert checked_timeout(None) is None
    assert checked_timeout(math.inf) is None


@pytest.mark.parametrize("seconds", [-1, -0.1, math.nan, TIMEOUT_MAX * 2, "5", [5], -math.inf, True], ids=str)
def test_seconds_that_are_not_valid(seconds: Any) -> None:
    clock = Instant()
    looks: list[object] = []
    for name, problem in (
        ("interval", f"interval must be a number of seconds from 0, not {seconds!r}"),
        ("timeout", f"timeout must be None or a number of seconds from 0, not {seconds!r}"),
    ):
        arguments = {"interval": 1, "timeout": 1} | {name: seconds}
        with pytest.raises(ConfigurationError) as caught:
            poll(lambda deadline: looks.append(deadline), clock=clock, awaited="it", **arguments)
        assert str(caught.value) == problem
    assert looks == []


@pytest.mark.parametrize("seconds", [math.inf, None])
def test_an_interval_has_an_end(seconds: Any) -> None:
    with pytest.raises(ConfigurationError):
        checked_interval(seconds)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (answered(404), True),
        (answered(410, b'{"id": "a"}'), False),
        (answered(408), True),
        (answered(420), True),
        (answered(429), True),
        *((answered(status), True) for status in (500, 501, 502, 503, 504, 599)),
        *((answered(status), False) for status in (400, 401, 403, 405, 407, 409, 422, 499)),
        (ConnectionFailed("broke"), True),
        (RequestTimeout("late"), True),
        (InvalidResponse("damaged"), True),
        (ConnectionFailed("not trusted", lasting=True), False),
        (ConfigurationError("wrong"), False),
    ],
    ids=str,
)
def test_after_which_failures_another_look_may_succeed(error: SmartDCError, passes: bool) -> None:
    assert is_passing(error) is passes


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (["a"], "gave up after 2.5 s: it is late, now 'a'"),
        ([RequestTimeout("no answer")], "gave up after 2.5 s: it is late; the last look failed: no answer"),
        (
            ["a", RequestTimeout("no answer")],
            "gave up after 2.5 s: it is late, last seen 'a'; the last look failed: no answer",
        ),
        ([RequestTimeout("no answer"), "a"], "gave up after 2.5 s: it is late, now 'a'"),
    ],
)
def test_what_the_end_of_a_wait_says(seen: list[Any], said: str) -> None:
    looks = iter([*seen, *[seen[-1]] * 9])

    def look(_: object) -> str:
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        return str(found)

    clock = Instant()
    with pytest.raises(WaitTimeout) as caught:
        poll(look, interval=1, timeout=2.5, clock=clock, awaited="it is late")
    assert str(caught.value) == said
    assert caught.value.state == ("a" if "a" in seen else None)
    assert clock.slept == [1, 1, 0.5]
