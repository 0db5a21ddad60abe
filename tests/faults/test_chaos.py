"""Many threads, half of whose answers are lost: each machine is created once, and deleted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from operator import methodcaller

import pytest

from smartdc import Machine, RetryPolicy
from smartdc.emulator import Emulator
from smartdc.emulator.http.fault_kinds import Drop
from tests.helpers.sizes import in_two_sizes

pytestmark = pytest.mark.stress

THREADS = 16
SEED = 20261126
PACKAGE = "g3-standard-0.25-smartos"
# One in two attempts fails: 30 in a row is less likely than one in a billion.
PATIENT = RetryPolicy(attempts=30, deadline=86400)


@in_two_sizes(sample=150, whole=500)
def test_creates_and_deletes_of_which_half_the_answers_are_lost(
    cloud: Emulator, note: Callable[[str], None], size: int
) -> None:
    cloud.faults.seed(SEED)
    faults = [
        cloud.faults.add(operation, Drop(after_commit=after), probability=share)
        for operation in ("CreateMachine", "DeleteMachine")
        for after, share in ((True, 0.3), (False, 0.2))
    ]
    site = cloud.site()
    image = next(image.uuid for image in site.images.values() if image.name == "base64")
    with cloud.datacenter(retry=PATIENT) as sdc, ThreadPool(THREADS) as pool:

        def create(number: int) -> Machine:
            # Every other one gets its name from the client.
            return sdc.create_machine(f"web{number}" if number % 2 else None, PACKAGE, image=image)

        created = pool.map(create, range(size), chunksize=1)
        there = site.machines
        assert len(there) == size
        assert {machine.id for machine in created} == set(there)
        assert len({vm.alias for vm in there.values()}) == size
        assert all(machine.name == there[machine.id].alias for machine in created)
        pool.map(methodcaller("poll_until", "running"), created, chunksize=1)

        pool.map(methodcaller("delete"), created, chunksize=1)
        pool.map(methodcaller("poll_until", "deleted"), created, chunksize=1)
        assert sdc.num_machines() == 0
    assert all(vm.destroyed for vm in site.machines.values())
    assert all(planned.applied > 0.18 * size for planned in faults)
    asked = Counter(call.operation for call in cloud.calls)
    lost = [planned.applied for planned in faults]
    note(
        f"chaos, seed {SEED}, {THREADS} threads: {size} machines created by {asked['CreateMachine']} "
        f"requests ({lost[0]} answers lost after the commit, {lost[1]} before), "
        f"deleted by {asked['DeleteMachine']} ({lost[2]} and {lost[3]} lost): each once"
    )
