"""The steps of a run, and `until`, the step that waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from smartdc._http.waiting import checked_interval, checked_state, checked_timeout
from smartdc.arguments.states import MachineState
from smartdc.machine import Machine

__all__ = ["Step", "Until", "until"]

Step = Callable[[Machine], object]
"""A function that is called with a machine."""


@dataclass(frozen=True)
class Until:
    """A step that waits for a state. Called with a machine, it waits as `Machine.poll_until` does.

    Attributes:
        state: The state to wait for.
        timeout: Seconds from the beginning of the step; None waits for ever.
        interval: Seconds between two looks.
    """

    state: str
    timeout: float | None
    interval: float

    def __call__(self, machine: Machine) -> None:
        """Wait for one machine."""
        machine.poll_until(self.state, self.interval, timeout=self.timeout, any_state=True)


def until(
    state: MachineState | str,
    timeout: float | None = None,
    interval: float = 2,
    *,
    any_state: bool = False,
) -> Until:
    """Make a step for `run` that waits until the machine is in a given state.

    ``GET /:login/machines`` for all waiting machines, ``GET /:login/machines/:machine`` for those that the
    list does not have

    Args:
        state: As in `Machine.poll_until`.
        timeout: Seconds from the beginning of this step; None waits for ever, 0 looks once.
        interval: Seconds between two looks.
        any_state: Accept any text as a state.

    Raises:
        ConfigurationError: There is no such state, or a time is not valid.
    """
    checked_state(state, get_args(MachineState), "machine", any_state)
    return Until(state, checked_timeout(timeout), checked_interval(interval))
