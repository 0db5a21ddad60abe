"""The wait of a run for one machine."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from smartdc._http.waiting import STANDSTILL, Absence
from smartdc.errors import WaitTimeout
from smartdc.fleet.steps import Until
from smartdc.machine import Machine

__all__ = ["OnEnd", "Watch"]

LONGEST_SLACK = 0.5
"""The most seconds by which a look may be late, so that one list serves several waits."""

OnEnd = Callable[[Exception | None], None]


@dataclass(eq=False)
class Watch:
    """The wait for one machine.

    Attributes:
        machine: The machine.
        until: The state, the timeout and the interval.
        on_end: Called once, with the error or None.
        began_at: When the wait began.
        absence: How long the machine has not been found.
        due: When the next look is due.
        acted_at: When the last step that changed the machine began; minus infinity if none did.
        last_state: The state that the last look found.
        last_error: Why the last look failed.
        has_own_look: Whether a GetMachine for this machine is under way.
        looks: How many looks have been answered.
        look_began: When the look that is under way began.
        was_looked_for: Whether the first look has begun.
    """

    machine: Machine
    until: Until
    on_end: OnEnd
    began_at: float
    absence: Absence
    due: float
    acted_at: float = -math.inf
    last_state: str | None = None
    last_error: BaseException | None = None
    has_own_look: bool = False
    looks: int = 0
    look_began: float | None = None
    was_looked_for: bool = False

    @property
    def interval(self) -> float:
        """Seconds between two looks; never 0, because an emulated clock moves only by sleeping."""
        return self.until.interval or STANDSTILL

    @property
    def end(self) -> float:
        """When the timeout is over."""
        return math.inf if self.until.timeout is None else self.began_at + self.until.timeout

    @property
    def slack(self) -> float:
        """Seconds by which a look may be late, so that one list serves other waits as well."""
        timeout = math.inf if self.until.timeout is None else self.until.timeout
        return min(min(self.interval, timeout) / 4, LONGEST_SLACK)

    def timeout(self) -> WaitTimeout:
        """Return the error to raise at the end of the timeout."""
        awaited = f"machine {self.machine.id} is not yet {self.until.state!r}"
        text = f"gave up after {self.until.timeout:g} s: {awaited}"
        if self.last_state is not None:
            text += (
                f", now {self.last_state!r}"
                if self.last_error is None
                else f", last seen {self.last_state!r}"
            )
        if self.last_error is not None:
            text += f"; the last look failed: {self.last_error}"
        error = WaitTimeout(text, state=self.last_state)
        error.__cause__ = self.last_error
        return error
