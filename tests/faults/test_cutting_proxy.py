"""Creates through a proxy that cuts connections: every machine is created once, and every create returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from multiprocessing.pool import ThreadPool

import pytest

from smartdc import Machine, RetryPolicy
from smartdc.emulator import Emulator
from tests.helpers.cutting import CuttingRelay
from tests.helpers.sizes import in_two_sizes

pytestmark = pytest.mark.stress

CREATES, THREADS = 120, 8
PATIENT = RetryPolicy(attempts=15, deadline=86400)
"""One of five attempts is cut before it arrives, so with 5 attempts one of 3000 creates would fail.

All threads pass the time of one clock, so that 300 seconds may be over while one create waits.
"""
PACKAGE = "g3-standard-0.25-smartos"


@in_two_sizes(sample=1, whole=5)
def test_creates_of_which_every_third_exchange_is_cut(
    cloud: Emulator, note: Callable[[str], None], size: int
) -> None:
    site = cloud.site()
    image = next(image.uuid for image in site.images.values() if image.name == "base64")
    for seed in range(size):
        site.machines.clear()
        start = len(cloud.calls)
        with (
            CuttingRelay(cloud.url(), seed, there=0.15, back=0.2) as relay,
            cloud.datacenter(location=relay.url, retry=PATIENT) as sdc,
            ThreadPool(THREADS) as pool,
        ):

            def create(number: int) -> Machine:
                return sdc.create_machine(f"web{number}", PACKAGE, image=image)

            created = pool.map(create, range(CREATES), chunksize=1)
        asked = Counter(call.operation for call in cloud.calls[start:])
        note(
            f"cutting proxy, seed {seed}: {CREATES} creates by {THREADS} threads: {relay.opened} "
            f"connections, {relay.cuts} cut; {asked['CreateMachine']} creates, {asked['ListMachines']} looks"
        )
        assert len(site.machines) == CREATES
        assert {machine.id for machine in created} == set(site.machines)
