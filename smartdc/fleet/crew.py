"""The threads of a run for one account in one data center, and their queue of jobs."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from smartdc._http.cancellation import Cancelled

__all__ = ["Crew"]

Job = Callable[[], None]


class Crew:
    """A queue of jobs, and the threads that do them. They are daemons: they do not keep the program alive.

    Args:
        cancelled: When it is set, no other job is begun.
        on_idle: Called when the queue is empty and no job is running, when a job has failed, and by `wake`.
    """

    def __init__(self, cancelled: threading.Event, on_idle: Callable[[], None]) -> None:
        self._cancelled = cancelled
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
        """Whether there are jobs that no thread has begun."""
        return bool(self._looks or self._begun or self._new)

    @property
    def is_busy(self) -> bool:
        """Whether there are jobs in the queue or running."""
        with self._there_are:
            return self.has_queue or self._running > 0

    def start(self, threads: int) -> None:
        """Start the threads: so many for all jobs, and one for looks alone, as steps may take long."""
        for number in range(threads + 1):
            thread = threading.Thread(
                target=self._work, args=[number == 0], name="smartdc-fleet", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def queue_first_step(self, job: Job) -> None:
        """Queue the first step of a machine."""
        self._put(self._new, job)

    def queue_later_step(self, job: Job) -> None:
        """Queue a later step of a machine."""
        self._put(self._begun, job)

    def queue_look(self, job: Job) -> None:
        """Queue a look at machines; it comes before all steps."""
        self._put(self._looks, job)

    def wake(self) -> None:
        """Let the run look what there is to do now."""
        self._on_idle()

    def stop(self) -> list[threading.Thread]:
        """Wake the threads up, so that each ends after its job. Set `cancelled` before.

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
            except Cancelled:
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
                lambda: self._looks or (self.has_queue and not only_looks) or self._cancelled.is_set()
            )
            if self._cancelled.is_set():
                return None
            self._running += 1
            return self._next_queue().popleft()

    def _next_queue(self) -> deque[Job]:
        """The queue to take the next job from: looks first, then two first steps for each later one.

        So the first machines are done early, and there are steps left to do while the last machines stop.
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
