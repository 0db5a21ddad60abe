"""Work with many machines at once: `run` steps on each of them, `wait` for them, `create` them.

::

    from smartdc import Machine, fleet

    test = east.machines(tags={'type': 'test'}) + west.machines(tags={'type': 'test'})
    result = fleet.run(test, Machine.stop, fleet.until('stopped'), Machine.delete)
    result.raise_errors()
"""

from smartdc.fleet.functions import create, run, wait
from smartdc.fleet.outcome import FleetError, FleetExit, FleetInterrupted, Result
from smartdc.fleet.progress import Counts
from smartdc.fleet.steps import Until, until

__all__ = [
    "Counts",
    "FleetError",
    "FleetExit",
    "FleetInterrupted",
    "Result",
    "Until",
    "create",
    "run",
    "until",
    "wait",
]
