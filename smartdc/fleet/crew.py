"""The threads that work for one account in one data center, and the jobs that they do in turn."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from smartdc._http.errands import GivenUp

__all__ = ["Crew"]

Job = Callable[[], None]


class Crew:
    """A queue of jobs, and threads that do them. The threads end with the program, whatever they do.

    Args:
        given_up: When it is set, no further job is begun.
        on_idle: Called whenever there is nothing to do any more.
    """

    def __init__(self, given_up: threading.Event, on_idle: Callable[[], None]) -> None:
        self._given_up = given_up
        self._on_idle = on_idle
        self._looks: deque[Job] = deque()
        self._begun: deque[Job] = deque()
        self._new: deque[Job] = deque()
        self._turn = 0
        lock = threading.RLock()
        self._there_are = threading.Condition(lock)
        self._there_are_looks = threading.Condition(lock)
        self._running = 0
        self._threads: list[threading.Thread] = []
        self.done = 0
        self.failure: BaseException | None = None

    @property
    def has_queue(self) -> bool:
        """Whether jobs wait for a thread."""
        return bool(self._looks or self._begun or self._new)

    @property
    def is_busy(self) -> bool:
        """Whether anything is done or waits for a thread."""
        with self._there_are:
            return self.has_queue or self._running > 0

    def start(self, threads: int) -> None:
        """Begin with the jobs, by so many threads and one for the looks: steps may take their time."""
        for number in range(threads + 1):
            thread = threading.Thread(
                target=self._work, args=[number == 0], name="smartdc-fleet", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def begin(self, job: Job) -> None:
        """Have something begun with a machine."""
        self._put(self._new, job)

    def go_on(self, job: Job) -> None:
        """Have what is begun brought further."""
        self._put(self._begun, job)

    def look(self, job: Job) -> None:
        """Have a look made, before all else."""
        self._put(self._looks, job)

    def stop(self) -> list[threading.Thread]:
        """Let the threads end, each after its job; `given_up` is set.

        Returns:
            The threads.
        """
        with self._there_are:
            self._there_are.notify_all()
            self._there_are_looks.notify_all()
        return self._threads

    def _work(self, only_looks: bool) -> None:
        while (job := self._next(only_looks)) is not None:
            try:
                job()
            except GivenUp:
                pass
            except BaseException as error:
                self.failure = error
            with self._there_are:
                self._running -= 1
                self.done += 1
                is_idle = not self.has_queue and not self._running
            if is_idle or self.failure:
                self._on_idle()

    def _next(self, only_looks: bool) -> Job | None:
        condition = self._there_are_looks if only_looks else self._there_are
        with condition:
            condition.wait_for(
                lambda: self._looks or (self.has_queue and not only_looks) or self._given_up.is_set()
            )
            if self._given_up.is_set():
                return None
            self._running += 1
            return self._first().popleft()

    def _first(self) -> deque[Job]:
        """Which jobs come next: two that are new for one that goes on.

        So what is begun soon ends, and while the last machines stop there is still something to do.
        """
        if self._looks:
            return self._looks
        self._turn = (self._turn + 1) % 3
        return self._begun if self._begun and (self._turn == 0 or not self._new) else self._new

    def _put(self, jobs: deque[Job], job: Job) -> None:
        with self._there_are:
            jobs.append(job)
            self._there_are.notify()
            if jobs is self._looks:
                self._there_are_looks.notify()
