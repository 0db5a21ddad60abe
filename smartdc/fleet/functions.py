"""What is done with many machines: run steps over them, wait for them, create them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from smartdc._http.connection import Connection
from smartdc.arguments.kinds import required_flag
from smartdc.arguments.states import MachineState
from smartdc.errors import ConfigurationError
from smartdc.fleet.outcome import Result
from smartdc.fleet.progress import Report, reporter
from smartdc.fleet.steps import Step, until
from smartdc.fleet.supervisor import WORKERS, Run, Task
from smartdc.machine import Machine

if TYPE_CHECKING:
    from smartdc.datacenter import DataCenter

__all__ = ["create", "run", "wait"]

_K = TypeVar("_K", Machine, int)
_V = TypeVar("_V")


def run(
    machines: Iterable[Machine],
    *steps: *tuple[*tuple[Step, ...], Callable[[Machine], _V]],
    progress: bool | Report = False,
    workers: int | None = None,
    push: bool = False,
) -> Result[Machine, _V]:
    """Do something with each of many machines: one step after the other, of all machines at once.

    ::

        fleet.run(sdc.machines(tags={'type': 'test'}), Machine.stop, fleet.until('stopped'), Machine.delete)

    The first machine that is stopped is deleted while others still stop. An error ends the steps of its
    machine, and of no other.

    Args:
        machines: Of any number of data centers and accounts. One that is given twice is one.
        *steps: Called with the machine, in threads: methods of `Machine`, functions, and `until`.
        progress: True shows a bar (extra ``progress``); a function is called with the counts of machines that
            are ``untried``, ``under way``, ``waiting``, ``done`` and ``failed``.
        workers: Threads for each account in each data center. None takes 10: more are of no use where a
            server admits 10 requests a second and answers within a second.
        push: Let the change feed tell of the machines that wait, instead of looking (extra ``stream``, API
            9.14.0). A machine of which it tells nothing for 30 seconds is looked at; so are all machines of a
            server without it.

    Returns:
        What the last step returned, and what went wrong, for each machine.

    Raises:
        ConfigurationError: One of these cannot work. Nothing was done.
        FleetInterrupted: Ctrl-C was pressed. Nothing more is asked of the server; `FleetInterrupted.result`
            says what was done.
    """
    fleet = _checked_machines(machines)
    if not steps:
        raise ConfigurationError("fleet.run needs at least one step, such as Machine.stop")
    for step in steps:
        if not callable(step) or inspect.iscoroutinefunction(step):
            kind = "is a coroutine, which nobody would await" if callable(step) else "cannot be"
            raise ConfigurationError(
                f"a step is called with a machine, such as Machine.stop; {step!r:.60} {kind}"
            )
    tasks = [Task(machine, cast("tuple[Step, ...]", steps), machine._connection) for machine in fleet]
    return cast("Result[Machine, _V]", _execute(tasks, progress, workers, push=push))


def wait(
    machines: Iterable[Machine],
    state: MachineState | str,
    timeout: float | None = None,
    interval: float = 2,
    *,
    any_state: bool = False,
    progress: bool | Report = False,
    push: bool = False,
) -> None:
    """Wait until each of many machines is in a state. One list is a look at all of them.

    Args:
        machines: Of any number of data centers and accounts.
        state: As in `Machine.poll_until`.
        timeout: Seconds in all; None waits for ever, 0 looks once.
        interval: Seconds between two looks.
        any_state: Take any text for a state.
        progress: As in `run`.
        push: As in `run`.

    Raises:
        ConfigurationError: There is no such state, or that is no time.
        FleetError: The waits for some machines ended with an error; the others are in the state.
        FleetInterrupted: As in `run`.
    """
    step = until(state, timeout, interval, any_state=any_state)
    run(machines, step, progress=progress, push=push).raise_errors()


def create(
    datacenter: DataCenter,
    specs: Iterable[Mapping[str, Any]],
    *,
    progress: bool | Report = False,
    workers: int | None = None,
) -> list[Machine]:
    """Create many machines, each once.

    They are ``provisioning`` when this returns; wait for them with `wait`.

    Args:
        datacenter: Where.
        specs: For each machine the arguments of `DataCenter.create_machine`.
        progress: As in `run`.
        workers: As in `run`.

    Returns:
        The machines, in the order of `specs`.

    Raises:
        ConfigurationError: One of the specifications has an argument that there is not. Nothing was created.
        FleetError: Some could not be created: `FleetError.errors` has the errors by index, and
            `FleetError.machines` the machines that were made.
        FleetInterrupted: As in `run`.
    """
    if not isinstance(datacenter, Connection):
        raise ConfigurationError(f"datacenter is a DataCenter, not {type(datacenter).__name__}")
    if isinstance(specs, str | Mapping) or not isinstance(specs, Iterable):
        raise ConfigurationError(
            f"specs is a list of dicts with the arguments of create_machine, not {type(specs).__name__}"
        )
    listed = list(specs)
    signature = inspect.signature(datacenter.create_machine)
    for index, spec in enumerate(listed):
        try:
            signature.bind(**spec)
        except TypeError as error:
            raise ConfigurationError(f"specification {index} is not one of create_machine: {error}") from None

    def make(index: int) -> Machine:
        return datacenter.create_machine(**listed[index])

    tasks = [Task(index, (make,), datacenter) for index in range(len(listed))]
    result = _execute(tasks, progress, workers)
    result.raise_errors()
    return [cast(Machine, machine) for machine in result.values]


def _execute(
    tasks: list[Task[_K]], progress: bool | Report, workers: int | None, *, push: bool = False
) -> Result[_K, object]:
    if workers is not None and not (type(workers) is int and workers >= 1):
        raise ConfigurationError(f"workers must be None or a number from 1, not {workers!r:.60}")
    push = required_flag("push", push)
    report, close = reporter(progress, len(tasks))
    try:
        return Run(tasks, workers or WORKERS, report, push=push).execute()
    finally:
        close()


def _checked_machines(machines: Iterable[Machine]) -> list[Machine]:
    if not isinstance(machines, Iterable):
        raise ConfigurationError(f"machines is a list of Machine, not {type(machines).__name__}")
    fleet = list(dict.fromkeys(machines))
    for machine in fleet:
        if not isinstance(machine, Machine):
            raise ConfigurationError(f"machines is a list of Machine; one in it is {type(machine).__name__}")
    return fleet
