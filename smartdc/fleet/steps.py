"""The steps of a run, and `until`, the step that waits."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from smartdc._http.waiting import checked_interval, checked_state, checked_timeout
from smartdc.arguments.states import MachineState
from smartdc.errors import ConfigurationError
from smartdc.machine import Machine

__all__ = ["Step", "Until", "finished", "lazy_kind", "until"]

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


def lazy_kind(function: Callable[..., object]) -> str | None:
    """Return what kind of function this is, if calling it does not run it; else None."""
    for called in (function, type(function).__call__):
        if inspect.iscoroutinefunction(called):
            return "coroutine function"
        if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
            return "generator function"
    return None


def finished(value: Any) -> Any:
    """Return what a step has returned, if the step has run.

    Raises:
        ConfigurationError: The step returned a coroutine or a generator, whose code has not run.
    """
    if inspect.iscoroutine(value) or inspect.isgenerator(value):
        value.close()
    elif not inspect.isasyncgen(value):
        return value
    kind = type(value).__name__.replace("_", " ")
    raise ConfigurationError(
        f"the step returned a {kind}, whose code has not run: a step must do its work before it returns"
    )
