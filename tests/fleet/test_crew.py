"""The threads of a run: which job comes next, who does it, and when the run is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from smartdc._http.cancellation import Cancelled
from smartdc.fleet.crew import Crew

SECONDS = 10  # longer than anything here takes


class Team:
    """A crew, and what was told about it.

    Attributes:
        done: The jobs that were done, in order, each with the thread that did it.
        idle: Set each time the run is told to check for work.
        told: How often the run was told.
    """

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.done: list[tuple[str, threading.Thread]] = []
        self.idle = threading.Event()
        self.told = 0
        self.crew = Crew(self.cancelled, self._tell)

    def _tell(self) -> None:
        self.told += 1
        self.idle.set()

    def job(self, name: str) -> Callable[[], None]:
        def work() -> None:
            self.done.append((name, threading.current_thread()))

        return work

    def long_job(self, name: str, go_on: threading.Event) -> None:
        """Start a first step that lasts until the event is set."""
        begun = threading.Event()

        def work() -> None:
            begun.set()
            assert go_on.wait(SECONDS)
            self.done.append((name, threading.current_thread()))

        self.crew.queue_first_step(work)
        assert begun.wait(SECONDS)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.done]

    def start(self, threads: int = 1) -> None:
        self.crew.start(threads)
        assert self.idle.wait(SECONDS)

    def do(self, queue: Callable[[Callable[[], None]], None], job: Callable[[], None]) -> None:
        """Queue a job, and wait until it is done."""
        over = threading.Event()

        def work() -> None:
            job()
            over.set()

        queue(work)
        assert over.wait(SECONDS)


@pytest.fixture
def team() -> Iterator[Team]:
    team = Team()
    yield team
    team.cancelled.set()
    for thread in team.crew.stop():
        thread.join(SECONDS)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("first", "later", "order"),
    [
        (4, 5, "first 0, first 1, later 0, first 2, first 3, later 1, later 2, later 3, later 4"),
        (3, 3, "first 0, first 1, later 0, first 2, later 1, later 2"),
        (4, 0, "first 0, first 1, first 2, first 3"),
    ],
)
def test_two_first_steps_come_before_each_later_step(team: Team, first: int, later: int, order: str) -> None:
    for number in range(later):
        team.crew.queue_later_step(team.job(f"later {number}"))
    for number in range(first):
        team.crew.queue_first_step(team.job(f"first {number}"))
    assert (team.crew.has_queue, team.crew.is_busy) == (True, True)
    team.start()
    assert ", ".join(team.names) == order
    assert (team.crew.jobs_done, team.crew.is_busy, team.crew.has_queue) == (first + later, False, False)
    assert team.crew.failure is None
    assert team.told == 1


@pytest.mark.parametrize("kind", ["queue_first_step", "queue_later_step", "queue_look"])
def test_a_crew_with_a_job_is_busy_until_it_is_done(team: Team, kind: str) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert go_on.wait(SECONDS)

    assert (team.crew.has_queue, team.crew.is_busy, team.crew.jobs_done) == (False, False, 0)
    getattr(team.crew, kind)(work)
    assert (team.crew.has_queue, team.crew.is_busy) == (True, True)
    team.crew.start(1)
    assert begun.wait(SECONDS)
    assert (team.crew.has_queue, team.crew.is_busy, team.told) == (False, True, 0)
    go_on.set()
    assert team.idle.wait(SECONDS)
    assert (team.crew.has_queue, team.crew.is_busy, team.crew.jobs_done, team.told) == (False, False, 1, 1)


def test_looks_have_a_thread_of_their_own(team: Team) -> None:
    go_on = threading.Event()
    team.crew.start(1)
    team.long_job("long", go_on)
    for number in range(20):  # the thread for looks sleeps before some of them
        team.crew.queue_later_step(team.job(f"step {number}"))
        team.do(team.crew.queue_look, team.job(f"look {number}"))
    assert team.names == [f"look {number}" for number in range(20)]
    go_on.set()
    assert team.idle.wait(SECONDS)
    assert team.names[20:] == ["long", *(f"step {number}" for number in range(20))]
    assert len({thread for _, thread in team.done[:20]}) == 1
    assert len({thread for _, thread in team.done[20:]}) == 1


def test_looks_come_before_steps(team: Team) -> None:
    # One thread may do the first look, while the other goes on to the second.
    team.crew.queue_first_step(team.job("first"))
    team.crew.queue_later_step(team.job("later"))
    for number in range(4):
        team.crew.queue_look(team.job(f"look {number}"))
    team.start()
    assert {*team.names[:3]} < {"look 0", "look 1", "look 2", "look 3"}


def test_a_job_wakes_a_thread_that_waits(team: Team) -> None:
    team.crew.start(3)
    for number in range(20):
        team.do(team.crew.queue_first_step, team.job(f"first {number}"))
        team.do(team.crew.queue_later_step, team.job(f"later {number}"))
    assert len(team.done) == 40


def test_the_threads_have_a_name_and_do_not_keep_the_program(team: Team) -> None:
    team.crew.start(2)
    threads = team.crew.stop()
    assert [(thread.name, thread.daemon) for thread in threads] == [("smartdc-fleet", True)] * 3


def test_a_job_that_fails_is_told_at_once(team: Team) -> None:
    failure, go_on = SystemExit(1), threading.Event()

    def fail() -> None:
        raise failure

    team.crew.start(2)
    team.long_job("long", go_on)
    team.crew.queue_first_step(fail)
    assert team.idle.wait(SECONDS)
    assert team.crew.failure is failure
    assert team.crew.is_busy
    assert team.cancelled.is_set()  # no other job begins
    go_on.set()


def test_a_job_that_is_cancelled_has_not_failed(team: Team) -> None:
    def cancel() -> None:
        raise Cancelled

    team.crew.queue_first_step(cancel)
    team.start()
    assert (team.crew.failure, team.crew.jobs_done, team.crew.is_busy) == (None, 1, False)
    team.idle.clear()
    team.crew.queue_first_step(team.job("next"))
    assert team.idle.wait(SECONDS)
    assert team.names == ["next"]


def test_a_crew_that_is_cancelled_begins_no_job(team: Team) -> None:
    team.crew.queue_first_step(team.job("first"))
    team.crew.queue_look(team.job("look"))
    team.cancelled.set()
    team.crew.start(2)
    for thread in team.crew.stop():
        thread.join(SECONDS)
    team.crew.queue_first_step(team.job("late"))
    assert (team.names, team.crew.jobs_done, team.crew.has_queue) == ([], 0, True)


def test_the_run_is_told_to_check_for_work(team: Team) -> None:
    team.crew.wake()
    assert team.told == 1
