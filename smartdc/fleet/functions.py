"""The functions of `smartdc.fleet`: `run`, `wait` and `create`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from smartdc._http.connection import Connection
from smartdc._http.waiting import refuse_standstill
from smartdc.arguments.ids import shown
from smartdc.arguments.kinds import required_flag
from smartdc.arguments.states import MachineState
from smartdc.errors import ConfigurationError
from smartdc.fleet.outcome import Result
from smartdc.fleet.progress import Report, reporter
from smartdc.fleet.steps import Step, Until, lazy_kind, until
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
    """Run steps on each of many machines. The steps of one machine run in order, machines in parallel.

    ::

        fleet.run(sdc.machines(tags={'type': 'test'}), Machine.stop, fleet.until('stopped'), Machine.delete)

    The first machine that is stopped is deleted while others are still stopping. An error ends the steps of
    its machine only.

    Args:
        machines: Machines of any number of data centers and accounts. A machine that occurs twice is used
            once, unless two accounts see it.
        *steps: Called with the machine, in threads: methods of `Machine`, functions, and `until`.
        progress: True shows a bar (extra ``progress``). A function is called, at most ten times a second,
            with the numbers of machines that are ``untried``, ``under way``, ``waiting``, ``done`` and
            ``failed``. If the function raises, it is not called again, a RuntimeWarning says so, and the run
            goes on.
        workers: Threads for each account in each data center. None takes 10, which is enough where a server
            admits 10 requests a second and answers within a second.
        push: Read the states of waiting machines from the change feed instead of polling (extra ``stream``,
            API 9.14.0). A machine is still polled when the feed has reported nothing about it for 30 seconds,
            and when the server has no feed.

    Returns:
        For each machine, the value that its last step returned, or the error.

    Raises:
        ConfigurationError: An argument is not valid, or no threads can be started. Nothing was done.
        FleetInterrupted: Ctrl-C was pressed. No more requests are made; `FleetInterrupted.result` says what
            was done.
        FleetExit: A step or `progress` called `sys.exit`. As above, no more requests are made.
        BaseException: Any other exception that ends the run, such as `GeneratorExit`, has a `result` as well.
    """
    fleet = _unique_machines(machines)
    if not steps:
        raise ConfigurationError("fleet.run needs at least one step, such as Machine.stop")
    for step in steps:
        _check_step(step)
    if any(isinstance(step, Until) for step in steps):
        for machine in fleet:
            refuse_standstill(machine._connection.clock)
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
    """Wait until each of many machines is in a given state. One ListMachines request serves them all.

    Args:
        machines: Machines of any number of data centers and accounts.
        state: As in `Machine.poll_until`.
        timeout: Seconds in all; None waits for ever, 0 looks once.
        interval: Seconds between two looks.
        any_state: Accept any text as a state.
        progress: As in `run`.
        push: As in `run`.

    Raises:
        ConfigurationError: There is no such state, or a time is not valid.
        FleetError: The waits for some machines failed; the others are in the state.
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

    They are ``provisioning`` when this returns; `wait` waits until they are ``running``.

    Args:
        datacenter: Where they are created.
        specs: The arguments of `DataCenter.create_machine`, one dict for each machine.
        progress: As in `run`.
        workers: As in `run`.

    Returns:
        The machines, in the order of `specs`.

    Raises:
        ConfigurationError: A specification has an unknown argument. Nothing was created.
        FleetError: Some machines could not be created: `FleetError.errors` has the errors by index, and
            `FleetError.machines` the machines that were created.
        FleetInterrupted: As in `run`.
    """
    if not isinstance(datacenter, Connection):
        raise ConfigurationError(f"datacenter is a DataCenter, not {type(datacenter).__name__}")
    if isinstance(specs, str | Mapping) or not isinstance(specs, Iterable):
        raise ConfigurationError(
            f"specs is a list of dicts with the arguments of create_machine, not {type(specs).__name__}"
        )
    specifications = [_copied(spec) for spec in specs]
    signature = inspect.signature(datacenter.create_machine)
    for index, spec in enumerate(specifications):
        if not isinstance(spec, Mapping):
            raise ConfigurationError(
                f"specification {index} is a dict with the arguments of create_machine, not {shown(spec)}"
            )
        try:
            signature.bind(**spec)
        except TypeError as error:
            raise ConfigurationError(f"specification {index} does not fit create_machine: {error}") from None

    def create_one(index: int) -> Machine:
        return datacenter.create_machine(**specifications[index])

    tasks = [Task(index, (create_one,), datacenter) for index in range(len(specifications))]
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


def _check_step(step: Any) -> None:
    """Refuse a step that cannot be called with a machine, or that calling would not run."""
    if isinstance(step, list | tuple | set):
        problem = "pass the steps as separate arguments: fleet.run(machines, Machine.stop, Machine.delete)"
    elif step is until:
        problem = "until is a function of the state: fleet.until('stopped')"
    elif not callable(step):
        problem = f"{step!r:.60} is not callable"
    elif kind := lazy_kind(step):
        problem = f"{step!r:.60} is a {kind}, which is not supported"
    else:
        return
    raise ConfigurationError(f"a step is a function of a machine, such as Machine.stop; {problem}")


def _unique_machines(machines: Iterable[Machine]) -> list[Machine]:
    if not isinstance(machines, Iterable):
        raise ConfigurationError(f"machines is a list of Machine, not {type(machines).__name__}")
    fleet = list(machines)
    for machine in fleet:
        if not isinstance(machine, Machine):
            raise ConfigurationError(f"machines is a list of Machine; one in it is {type(machine).__name__}")
    return list(dict.fromkeys(fleet))


def _copied(value: Any) -> Any:
    """Copy a specification, because a generator may reuse and change the dict for the next machine."""
    if isinstance(value, Mapping):
        return {name: _copied(each) for name, each in value.items()}
    return [_copied(each) for each in value] if type(value) is list else value
