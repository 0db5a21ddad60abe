"""The threads of a run for one account in one data center, and their queue of jobs."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from smartdc._http.cancellation import Cancelled

__all__ = ["Crew"]

Job = Callable[[], None]


class Crew:
    """A queue of jobs and the daemon threads that run them.

    Args:
        cancelled: When this event is set, the threads begin no other job. A job that fails sets it.
        on_idle: Called when the queue is empty and no job is running, when a job has failed, and by `wake`.
    """

    def __init__(self, cancelled: threading.Event, on_idle: Callable[[], None]) -> None:
        self._cancelled = cancelled
        self._on_idle = on_idle
        self._queued_looks: deque[Job] = deque()
        self._later_steps: deque[Job] = deque()
        self._first_steps: deque[Job] = deque()
        self._steps_taken = 0
        lock = threading.RLock()
        self._job_queued = threading.Condition(lock)
        self._look_queued = threading.Condition(lock)
        self._running = 0
        self._threads: list[threading.Thread] = []
        self.jobs_done: int = 0
        self.failure: BaseException | None = None

    @property
    def has_queue(self) -> bool:
        """Whether there are jobs that no thread has begun."""
        return bool(self._queued_looks or self._later_steps or self._first_steps)

    @property
    def is_busy(self) -> bool:
        """Whether there are jobs in the queue or running."""
        with self._job_queued:
            return self.has_queue or self._running > 0

    def start(self, threads: int) -> None:
        """Start this many threads for all jobs, and one more for looks only, because steps may take long."""
        for number in range(threads + 1):
            thread = threading.Thread(
                target=self._work, args=[number == 0], name="smartdc-fleet", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def queue_first_step(self, job: Job) -> None:
        """Queue the first step of a machine."""
        self._put(self._first_steps, job)

    def queue_later_step(self, job: Job) -> None:
        """Queue a later step of a machine."""
        self._put(self._later_steps, job)

    def queue_look(self, job: Job) -> None:
        """Queue a look at machines; it comes before all steps."""
        self._put(self._queued_looks, job)

    def wake(self) -> None:
        """Tell the run to check for work now."""
        self._on_idle()

    def stop(self) -> list[threading.Thread]:
        """Wake all threads, so that each ends after its current job. Set `cancelled` first.

        Returns:
            The threads.
        """
        with self._job_queued:
            self._job_queued.notify_all()
            self._look_queued.notify_all()
        return self._threads

    def _work(self, only_looks: bool) -> None:
        while (job := self._next_job(only_looks)) is not None:
            try:
                job()
            except Cancelled:
                pass
            except BaseException as error:
                self.failure = error
                self._cancelled.set()
            with self._job_queued:
                self._running -= 1
                self.jobs_done += 1
                is_idle = not self.has_queue and not self._running
            if is_idle or self.failure:
                self._on_idle()

    def _next_job(self, only_looks: bool) -> Job | None:
        condition = self._look_queued if only_looks else self._job_queued
        with condition:
            condition.wait_for(
                lambda: self._queued_looks or (self.has_queue and not only_looks) or self._cancelled.is_set()
            )
            if self._cancelled.is_set():
                return None
            self._running += 1
            return self._next_queue().popleft()

    def _next_queue(self) -> deque[Job]:
        """Return the queue of the next job: looks come first, then two first steps for each later step.

        With this ratio the first machines finish early, and work is left for the time when the last machines
        stop.
        """
        if self._queued_looks:
            return self._queued_looks
        self._steps_taken = (self._steps_taken + 1) % 3
        return (
            self._later_steps
            if self._later_steps and (self._steps_taken == 0 or not self._first_steps)
            else self._first_steps
        )

    def _put(self, jobs: deque[Job], job: Job) -> None:
        with self._job_queued:
            jobs.append(job)
            self._job_queued.notify()
            if jobs is self._queued_looks:
                self._look_queued.notify()
