"""`fleet.run` in the processes of a pool, with machines that were pickled one by one."""

from __future__ import annotations

import multiprocessing
import pickle
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import pytest

from smartdc import Machine, fleet
from smartdc.emulator import Emulator

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def take_down(pickled: list[bytes]) -> fleet.Result[Machine, None]:
    machines = [pickle.loads(each) for each in pickled]  # noqa: S301 - our own
    return fleet.run(machines, Machine.stop, fleet.until("stopped", 300), Machine.delete)


def failing(pickled: list[bytes]) -> None:
    class Local(ValueError):
        """Other processes cannot import it."""

    def fail(machine: Machine) -> None:
        raise Local(machine.name)

    fleet.run([pickle.loads(each) for each in pickled], fail).raise_errors()  # noqa: S301 - our own


@pytest.mark.stress
def test_a_share_of_the_machines_in_each_process() -> None:
    with Emulator(rate=20) as cloud, cloud.datacenter(rate=5) as sdc:
        for number in range(12):
            cloud.site().add_machine(f"web{number}", networks=())
        machines = sdc.machines()
        pickled = [pickle.dumps(machine) for machine in machines]
        first = len(cloud.calls)
        with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
            began = cloud.clock.monotonic()
            results = [*pool.map(take_down, [pickled[::2], pickled[1::2]])]
            seconds = cloud.clock.monotonic() - began
            with pytest.raises(fleet.FleetError, match="6 of 6 failed") as caught:
                pool.submit(failing, pickled[::2]).result()
        asked = Counter(call.operation for call in cloud.calls[first:])
    # The results have the machines of this process.
    assert [[*result.done] for result in results] == [machines[::2], machines[1::2]]
    assert [result.errors for result in results] == [{}, {}]
    assert [(type(error), str(error)) for error in caught.value.errors.values()] == [
        (ValueError, f"Local: {machine.name}") for machine in machines[::2]
    ]
    # One list is a look at all machines of a process, although each was unpickled alone.
    assert (asked["UpdateMachine"], asked["DeleteMachine"]) == (12, 12)
    assert 2 <= asked["ListMachines"] <= 2 + 2 * seconds / 2
    assert asked["GetMachine"] <= 12
    # Each process keeps to its rate of 5 a second, by the clock of the emulator or a slower one.
    assert seconds >= 11 / 5
