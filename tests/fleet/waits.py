"""The waits of a run, which are checked and looked at step by step, on the emulated clock."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import pytest

from smartdc import Machine
from smartdc.emulator import Emulator
from smartdc.fleet.crew import Crew
from smartdc.fleet.steps import Until
from smartdc.fleet.watcher import Watcher

__all__ = ["GET", "LIST", "UNKNOWN", "Waits", "waits"]

LIST, GET = "ListMachines", "GetMachine"
UNKNOWN = "10000000-8b2f-4c42-9d3f-0123456789ab"


class Waits:
    """The waits of a run whose threads do nothing by themselves.

    Attributes:
        ended: How the waits ended that are over: the error, or None.
        woken: How often the run was told to check for work.
    """

    def __init__(self, cloud: Emulator) -> None:
        self.cloud = cloud
        self.sdc = cloud.datacenter(retry="none")
        self.ended: dict[Machine, Exception | None] = {}
        self.woken = 0
        self.crew = Crew(threading.Event(), self._wake)
        self.watcher = Watcher(self.sdc, self.crew)
        site = cloud.site()
        for number in range(4):
            site.add_machine(f"m{number}")
        self.machines = sorted(self.sdc.machines(), key=lambda machine: machine.name)

    def _wake(self) -> None:
        self.woken += 1

    def add(
        self,
        machine: Machine,
        state: str = "stopped",
        timeout: float | None = None,
        interval: float = 2,
        acted_at: float = -math.inf,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        def end(error: Exception | None) -> None:
            assert machine not in self.ended
            self.ended[machine] = error
            then()

        self.watcher.add(machine, Until(state, timeout, interval), acted_at, end)

    def set(self, machine: Machine, state: str) -> None:
        self.cloud.site().machines[machine.id].state = state

    def check(self) -> tuple[float, list[str | None]]:
        """Check the waits, and do the looks that are due: the pause, and the operations that were called."""
        pause = self.watcher.check_waits()
        return round(pause, 6), self.looks()

    def looks(self) -> list[str | None]:
        first = len(self.cloud.calls)
        while self.crew._queued_looks:
            self.crew._queued_looks.popleft()()
        return [call.operation for call in self.cloud.calls[first:]]

    def pause(self) -> float:
        """Check the waits when no look is due."""
        pause, looks = self.check()
        assert looks == []
        return pause

    def advance(self, seconds: float) -> None:
        self.cloud.clock.advance(seconds)


@pytest.fixture
def waits(cloud: Emulator) -> Waits:
    return Waits(cloud)
