"""The threads of a run, and the order in which they take jobs."""

from __future__ import annotations

import threading
from collections.abc import Callable

from smartdc._http.cancellation import Cancelled
from smartdc.fleet.crew import Crew


class Board:
    """A crew whose jobs write their names, and how often it was idle."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.idle = threading.Semaphore(0)
        self.crew = Crew(self.cancelled, self.idle.release)
        self.done: list[str] = []

    def job(self, name: str) -> Callable[[], None]:
        return lambda: self.done.append(name)

    def close(self) -> list[threading.Thread]:
        self.cancelled.set()
        threads = self.crew.stop()
        for thread in threads:
            thread.join(5)
        return threads


def test_two_first_steps_are_begun_for_each_later_step() -> None:
    board = Board()
    for name in ("later 1", "later 2", "later 3"):
        board.crew.queue_later_step(board.job(name))
    for name in ("first 1", "first 2", "first 3"):
        board.crew.queue_first_step(board.job(name))
    assert board.crew.has_queue
    assert board.crew.is_busy
    board.crew.start(1)
    assert board.idle.acquire(timeout=5)
    assert board.done == ["first 1", "first 2", "later 1", "first 3", "later 2", "later 3"]
    assert (board.crew.jobs_done, board.crew.has_queue, board.crew.is_busy) == (6, False, False)
    assert board.crew.failure is None
    assert not board.idle.acquire(blocking=False)  # it was idle once
    threads = board.close()
    assert [(thread.name, thread.daemon, thread.is_alive()) for thread in threads] == [
        ("smartdc-fleet", True, False)
    ] * 2


def test_looks_come_before_steps() -> None:
    board = Board()
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        go_on.wait(5)

    board.crew.start(1)
    board.crew.queue_first_step(hold)
    assert held.wait(5)
    assert (board.crew.has_queue, board.crew.is_busy) == (False, True)
    board.crew.queue_first_step(board.job("step"))
    board.crew.queue_look(board.job("look"))  # the other thread makes looks only
    while len(board.done) < 1:
        pass
    assert board.done == ["look"]
    go_on.set()
    assert board.idle.acquire(timeout=5)
    assert board.done == ["look", "step"]
    board.close()


def test_a_job_that_is_cancelled_is_no_failure_and_another_error_is() -> None:
    board = Board()

    def cancel() -> None:
        raise Cancelled

    def fail() -> None:
        raise KeyboardInterrupt("enough")

    board.crew.queue_first_step(cancel)
    board.crew.start(1)
    assert board.idle.acquire(timeout=5)
    assert (board.crew.failure, board.crew.jobs_done) == (None, 1)
    board.crew.queue_first_step(fail)
    assert board.idle.acquire(timeout=5)
    assert str(board.crew.failure) == "enough"
    board.close()
    board.crew.queue_first_step(board.job("late"))
    assert (board.done, board.crew.has_queue) == ([], True)


def test_waking_tells_the_run_to_look_for_work() -> None:
    board = Board()
    board.crew.wake()
    assert board.idle.acquire(blocking=False)
