"""One run over many machines: it queues the steps of each, watches waiting machines, collects results.

Steps run in the threads of a `Crew`. Waits need no threads: a `Watcher` checks all waiting machines together.
Every account in every data center has its own crew and watcher.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from smartdc._http.cancellation import CancelScope
from smartdc._http.connection import Connection
from smartdc._http.looks import actions
from smartdc._http.waiting import Clock
from smartdc.errors import ConfigurationError
from smartdc.fleet.crew import Crew
from smartdc.fleet.outcome import FleetExit, FleetInterrupted, Result, add_machine
from smartdc.fleet.progress import Report
from smartdc.fleet.push import Push
from smartdc.fleet.steps import Until, finished
from smartdc.fleet.watcher import Watcher
from smartdc.machine import Machine

__all__ = ["Run", "Task"]

log: logging.Logger = logging.getLogger("smartdc")

CALLER = 6
"""How many calls up the stack the caller of `fleet.run` is, as seen from `Run._report_progress`."""

_K = TypeVar("_K", Machine, int)

WORKERS = 10
"""Threads for each account in a data center: at 10 requests a second, each request may take a second."""

BUSY_SECONDS = 0.05
"""How long to wait for a change while threads are busy."""
REPORT_SECONDS = 0.1
"""The least time between two reports of progress."""
FEED_OPEN_SECONDS = 2.0
"""How long a run waits for its change feeds before it begins without those that are not open yet."""
FEED_STEP = 0.5
"""The longest step, in seconds, of an emulated clock while the feed may report changes."""
LAST_ANSWERS_SECONDS = 0.5
"""How long an interrupted run waits for the answers to its last requests, so that it can report them."""


@dataclass(eq=False)
class Task(Generic[_K]):
    """The steps of one machine, and how many of them are done.

    Attributes:
        key: The machine; for `create` the index of the specification.
        steps: The steps, in order.
        connection: The data center that the machine is in.
        finished: How many of the steps are done.
        value: What the last finished step returned.
        error: The error that ended the steps.
        is_over: Whether all steps are done, or one has failed.
        is_waiting: Whether the current step is a wait.
        cancel_scope: The step that a thread is doing, or was doing when the run was interrupted.
        acted_at: When the last step that changed the machine began.
    """

    key: _K
    steps: Sequence[Callable[[_K], object]]
    connection: Connection
    finished: int = 0
    value: object = None
    error: Exception | None = None
    is_over: bool = False
    is_waiting: bool = False
    cancel_scope: CancelScope | None = None
    acted_at: float = -math.inf

    @property
    def has_open_request(self) -> bool:
        """Whether the current step has, or may have, sent a request and has not returned."""
        scope = self.cancel_scope
        return scope is not None and not (scope.is_queued and scope.attempts == 0)

    @property
    def stage(self) -> str:
        """The name under which `progress` counts the task."""
        if self.is_over:
            return "done" if self.error is None else "failed"
        if self.is_waiting:
            return "waiting"
        return "under way" if self.finished or self.has_open_request else "untried"


class Run(Generic[_K]):
    """Runs the steps of all tasks, each step as soon as the one before it is done.

    Args:
        tasks: The tasks.
        workers: Threads for each account in a data center.
        report: Called with the counts of tasks by stage.
        push: Whether to learn from the change feed how machines change.
    """

    def __init__(
        self, tasks: Sequence[Task[_K]], workers: int, report: Report | None, *, push: bool = False
    ) -> None:
        self._tasks: Sequence[Task[_K]] = tasks
        self._workers = workers
        self._report = report
        self._push = push
        self._last_report = -math.inf
        self._cancelled = threading.Event()
        self._changed = threading.Event()
        self._lock = threading.Lock()
        self._unfinished = len(tasks)
        self._crews: dict[object, Crew] = {}
        self._watchers: dict[object, Watcher] = {}
        self._feeds: list[Push] = []
        for task in tasks:
            scope = _list_scope(task.connection)
            if scope not in self._crews:
                self._crews[scope] = Crew(self._cancelled, self._changed.set)
                self._watchers[scope] = Watcher(task.connection, self._crews[scope])

    def execute(self) -> Result[_K, object]:
        """Run all tasks, and return when they are over.

        Raises:
            FleetInterrupted: Ctrl-C was pressed.
            FleetExit: A step or the report called `sys.exit`.
        """
        try:
            self._start_threads()
            if self._push:
                self._open_feeds()
            for task in self._tasks:
                self._queue_next_step(task)
            self._supervise()
            self._end_threads()
            return self.result()
        except BaseException as error:
            last = self._result_at_the_end()
            if not isinstance(error, KeyboardInterrupt | SystemExit):
                vars(error)["result"] = last
                raise
            result = cast("Result[Machine, object] | Result[int, Machine]", last)
            if isinstance(error, SystemExit):
                raise FleetExit(error.code, result) from None
            raise FleetInterrupted(result) from None

    def _start_threads(self) -> None:
        """Start the threads first, so that nothing is done if that fails."""
        try:
            for crew in self._crews.values():
                crew.start(min(self._workers, len(self._tasks)))
        except RuntimeError as error:
            raise ConfigurationError(
                f"no thread can be started, and nothing was done: {error}; "
                "give fewer workers, or start the run before the program ends"
            ) from error

    def result(self) -> Result[_K, object]:
        """Return the result so far."""
        with self._lock:
            tasks = [(task, task.stage, task.has_open_request) for task in self._tasks]
        return Result(
            keys=[task.key for task, _, _ in tasks],
            values=[task.value if stage == "done" else None for task, stage, _ in tasks],
            errors={task.key: task.error for task, _, _ in tasks if task.error is not None},
            done=[task.key for task, stage, _ in tasks if stage == "done"],
            untried=[task.key for task, stage, _ in tasks if stage == "untried"],
            under_way={
                task.key: task.finished for task, stage, _ in tasks if stage in ("waiting", "under way")
            },
            unknown=[task.key for task, stage, is_open in tasks if stage == "under way" and is_open],
        )

    def _result_at_the_end(self) -> Result[_K, object]:
        """Stop all requests, and return what was done; a second Ctrl-C waits for no more answers."""
        try:
            self._cancel()
            self._await_answers()
        except KeyboardInterrupt:
            self._cancel()
        return self.result()

    def _cancel(self) -> list[threading.Thread]:
        """Stop all requests; return the threads, each of which ends after its current job."""
        self._cancelled.set()
        crews = [thread for crew in self._crews.values() for thread in crew.stop()]
        return crews + [thread for feed in self._feeds for thread in feed.close()]

    def _end_threads(self) -> None:
        """Wait a moment for the threads to end: they are idle, unless a last look is under way."""
        end = time.monotonic() + LAST_ANSWERS_SECONDS
        for thread in self._cancel():
            thread.join(max(0.0, end - time.monotonic()))

    def _supervise(self) -> None:
        while self._unfinished:
            self._changed.clear()
            pause, clock = min(
                ((watcher.check_waits(), watcher.clock) for watcher in self._watchers.values()),
                key=lambda each: each[0],
            )
            self._report_progress()
            failure = next((crew.failure for crew in self._crews.values() if crew.failure), None)
            if failure is not None:
                raise failure
            if any(crew.is_busy for crew in self._crews.values()) or not self._unfinished:
                self._changed.wait(BUSY_SECONDS)
            else:
                self._pass_time(clock, min(pause, 60.0))
        self._report_progress(last=True)

    def _pass_time(self, clock: Clock, seconds: float) -> None:
        """Wait this many seconds, or until something changes."""
        if clock is time:
            self._changed.wait(seconds)
        elif not self._push:
            clock.sleep(seconds)
        elif not self._changed.wait(BUSY_SECONDS):
            clock.sleep(min(seconds, FEED_STEP))

    def _open_feeds(self) -> None:
        """Open the feeds; one that takes long is used later, and until then machines are polled."""
        for scope, watcher in self._watchers.items():
            here = [task for task in self._tasks if _list_scope(task.connection) == scope]
            idents = [str(task.key) for task in here]
            self._feeds.append(Push(here[0].connection, idents, watcher, self._cancelled))
        end = time.monotonic() + FEED_OPEN_SECONDS
        for feed in self._feeds:
            feed.begun.wait(max(0.0, end - time.monotonic()))

    def _queue_next_step(self, task: Task[_K]) -> None:
        """Queue the next step of a task; pass a wait to the watcher."""
        scope = _list_scope(task.connection)
        step = task.steps[task.finished] if task.finished < len(task.steps) else None
        if step is None:
            self._end_task(task, None)
        elif isinstance(step, Until) and isinstance(task.key, Machine):
            task.is_waiting = True
            self._watchers[scope].add(
                task.key, step, task.acted_at, lambda error: self._end_wait(task, error)
            )
        else:
            crew = self._crews[scope]
            queue = crew.queue_later_step if task.finished else crew.queue_first_step
            queue(lambda: self._run_step(task, step))

    def _run_step(self, task: Task[_K], step: Callable[[_K], object]) -> None:
        """Run one step in a thread of the crew."""
        cancel_scope = CancelScope(self._cancelled)
        began, last = task.connection.clock.monotonic(), actions.last(str(task.key))
        task.cancel_scope = cancel_scope
        try:
            with cancel_scope.running():
                task.value = finished(step(task.key))
        except Exception as error:
            self._end_task(task, error)
            return
        if actions.last(str(task.key)) != last:
            task.acted_at = began
        with self._lock:
            task.cancel_scope = None
            task.finished += 1
        self._queue_next_step(task)

    def _end_wait(self, task: Task[_K], error: Exception | None) -> None:
        task.is_waiting = False
        if error is not None:
            self._end_task(task, error)
            return
        with self._lock:
            task.value = None
            task.finished += 1
        self._queue_next_step(task)

    def _end_task(self, task: Task[_K], error: Exception | None) -> None:
        if error is not None:
            add_machine(error, task.key)
        with self._lock:
            task.cancel_scope, task.error, task.is_over = None, error, True
            self._unfinished -= 1
            is_last = not self._unfinished
        if is_last:
            self._changed.set()

    def _report_progress(self, *, last: bool = False) -> None:
        now = time.monotonic()
        if self._report is None or (now - self._last_report < REPORT_SECONDS and not last):
            return
        self._last_report = now
        counts = dict.fromkeys(("untried", "under way", "waiting", "done", "failed"), 0)
        for task in self._tasks:
            counts[task.stage] += 1
        try:
            self._report(counts)
        except Exception as error:
            self._report = None
            text = f"the progress function failed, and is not called again: {type(error).__name__}: {error}"
            log.warning("%s", text)
            with suppress(RuntimeWarning):  # where warnings are errors: the run goes on
                warnings.warn(text, RuntimeWarning, stacklevel=CALLER)

    def _await_answers(self) -> None:
        """Wait a moment for the answers to requests that have been sent."""
        end = time.monotonic() + LAST_ANSWERS_SECONDS
        while time.monotonic() < end and any(task.has_open_request for task in self._tasks):
            time.sleep(BUSY_SECONDS / 5)


def _list_scope(connection: Connection) -> object:
    """Return what machines must share to be in one list: the server, the account, the key and the roles."""
    signer = None if connection.auth is None else connection.auth.key_id
    return connection._account_url, signer, tuple(connection.active_roles)
