"""Jobs: what the server accepts in a request and does later.

All durations are in this module, in emulated seconds. A job of a machine begins when the earlier jobs of that
machine have ended; in Triton, tickets see to that.

An action on the timeline is a `functools.partial` of a function of a module, with records and plain values as
arguments, so that it can be saved: `smartdc.emulator.saving.tasks` lists these functions.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

PROVISION_SECONDS = 20.0
START_SECONDS = 5.0
STOP_SECONDS = 5.0
REBOOT_SECONDS = 8.0
DELETE_SECONDS = 5.0
#: After a destroy job has succeeded, the machine still shows its last state for this long
#: (docs/cloudapi/actions.md#answers-of-a-deletion).
DELETE_LAG_SECONDS = 1.0
WRITE_SECONDS = 2.0  # tags and metadata
UPDATE_SECONDS = 2.0  # rename, resize, firewall, deletion protection
SNAPSHOT_SECONDS = 3.0
ROLLBACK_SECONDS = 5.0
SNAPSHOT_DELETE_SECONDS = 3.0
DISK_SECONDS = 4.0  # make, resize or delete a disk
VOLUME_SECONDS = 15.0  # each volume is served by a machine, which is provisioned
VOLUME_DELETE_SECONDS = 5.0
NIC_SECONDS = 10.0  # the machine reboots meanwhile
#: Making an image from a machine: when its file is complete, and when it is activated.
IMAGE_FILE_SECONDS = 24.0
IMAGE_SECONDS = 30.0
MIGRATION_SECONDS = {"begin": 12.0, "sync": 10.0, "switch": 15.0, "abort": 4.0}

#: Called with the emulated time at which it is due.
Action = Callable[[float], None]


@dataclass(eq=False, slots=True)
class Job:
    """One job of one machine.

    Attributes:
        task: VMAPI's word: provision, start, stop, reboot, update, snapshot, destroy.
        action: The audit's word for it, such as ``replace_tags``.
        execution: queued, running, succeeded or failed.
        snapshot_name: The name, for jobs of snapshots.
        caller: The caller, as the audit shows it; None for an operator.
    """

    uuid: str
    task: str
    action: str
    created: float
    execution: str = "queued"
    finished: float | None = None
    snapshot_name: str | None = None
    caller: dict[str, Any] | None = None


@dataclass(frozen=True)
class Step:
    """An action that happens `offset` seconds into a job."""

    offset: float
    act: Action


def nothing(_due: float) -> None:
    """Do nothing: the end of a job without an effect."""


def always() -> bool:
    """Return True: the check of a job that is always possible."""
    return True


@dataclass
class Work:
    """What a job does.

    Attributes:
        seconds: How long it takes.
        finish: Its effect, at the end.
        steps: What happens before the end.
        possible: Called when the job begins; a job that is not possible fails and changes nothing.
        lag: Seconds for which the machine is still busy after the success.
        after: Called at the end of the lag.
    """

    seconds: float
    finish: Action
    steps: Sequence[Step] = ()
    possible: Callable[[], bool] = always
    lag: float = 0.0
    after: Action | None = None


class Timeline:
    """Actions in the order in which they fall due."""

    def __init__(self) -> None:
        self.watch: Action = nothing  # called after each action
        self._queue: list[tuple[float, bool, int, Action]] = []
        self._sequence = itertools.count()
        self._running = False

    def at(self, due: float, action: Action, *, last: bool = False) -> None:
        """Run `action` when emulated time has reached `due`; with `last`, after all others of that moment."""
        heapq.heappush(self._queue, (due, last, next(self._sequence), action))

    def pending(self) -> list[tuple[float, bool, int, Action]]:
        """Return the entries in order: when it is due, whether last of its moment, number, action."""
        return sorted(self._queue, key=lambda entry: entry[:3])

    def run_until(self, now: float) -> bool:
        """Run the actions that are due, each with its own time. Does nothing if called by an action.

        Returns:
            Whether an action was run.
        """
        if self._running:
            return False
        self._running = True
        has_run = False
        try:
            while self._queue and self._queue[0][0] <= now:
                due, _, _, action = heapq.heappop(self._queue)
                action(due)
                self.watch(due)
                has_run = True
        finally:
            self._running = False
        return has_run


def schedule(
    timeline: Timeline, job: Job, work: Work, begin: float, note: Callable[[], None] = lambda: None
) -> float:
    """Put a job on the timeline.

    Args:
        timeline: The timeline.
        job: The record of the job.
        work: What the job does.
        begin: When it begins.
        note: Called when the record has changed.

    Returns:
        When the machine is free for the next job.
    """
    # `last`: the previous job ends at the same moment, and must end before this one begins.
    timeline.at(begin, partial(start_of_job, timeline, job, work, note), last=True)
    return begin + work.seconds + work.lag


def start_of_job(timeline: Timeline, job: Job, work: Work, note: Callable[[], None], due: float) -> None:
    """Begin a job; if it is not possible, let it fail at its end."""
    end = due + work.seconds
    if not work.possible():
        timeline.at(end, partial(failure_of_job, job, note))
        return
    job.execution = "running"
    note()
    for step in work.steps:
        timeline.at(due + step.offset, step.act)
    timeline.at(end, partial(success_of_job, timeline, job, work, note))


def success_of_job(timeline: Timeline, job: Job, work: Work, note: Callable[[], None], due: float) -> None:
    """End a job successfully, with its effect."""
    job.execution, job.finished = "succeeded", due
    note()
    work.finish(due)
    if work.after is not None:
        timeline.at(due + work.lag, work.after)


def failure_of_job(job: Job, note: Callable[[], None], due: float) -> None:
    """End a job that was not possible: it has failed."""
    job.execution, job.finished = "failed", due
    note()
