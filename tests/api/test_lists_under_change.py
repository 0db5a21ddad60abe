"""Lists are complete and free of duplicates while machines are created and deleted between pages."""

from __future__ import annotations

import random

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.sizes import in_two_sizes

pytestmark = pytest.mark.stress


class Meanwhile:
    """A stream for `verbose`: it is written to before each request, and changes the site then.

    Attributes:
        changes: Whether anything is changed.
        asked: How many requests stayed were.
        stayed: Machines that existed all the time.
        ever: Machines that existed at any time.
    """

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.random = random.Random(seed)  # noqa: S311 - the same changes in each run
        self.changes = True
        self.asked = 0
        self.stayed = set(site.machines)
        self.ever = set(site.machines)

    def write(self, text: str) -> int:
        self.asked += 1
        if self.changes and self.asked > 1 and self.random.random() < 0.8:
            self.remove(self.random.choice([1, 3, 40, 400, 1100]))
            self.create(self.random.choice([0, 1, 3, 40, 400]))
        return len(text)

    def flush(self) -> None:
        """Do nothing: there is no buffer."""

    def remove(self, most: int) -> None:
        # Mostly machines at the beginning of the list, whose page has been read.
        ids = sorted(self.site.machines, reverse=self.random.random() < 0.7)
        for ident in self.random.sample(ids[: 2 * most], min(most, len(ids[: 2 * most]))):
            self.site.machines[ident].state = "destroyed"
            del self.site._machines[ident]
            self.stayed.discard(ident)

    def create(self, most: int) -> None:
        for _ in range(most):
            self.ever.add(self.site.add_machine(networks=()).uuid)


@in_two_sizes(sample=4, whole=200)
def test_machines_that_stay_are_listed_once_while_others_come_and_go(
    cloud: Emulator, site: Site, size: int
) -> None:
    incomplete = 0
    for seed in range(size):
        while len(site.machines) < 2300 + 37 * (seed % 20):
            site.add_machine(networks=())
        meanwhile = Meanwhile(site, seed)
        with cloud.datacenter("us-sw-1", verbose=meanwhile) as sdc:
            listed = [machine.id for machine in sdc.machines()]
            assert len(listed) == len(set(listed)), f"a machine is listed twice, with seed {seed}"
            assert meanwhile.stayed <= set(listed), f"the list is incomplete, with seed {seed}"
            assert set(listed) <= meanwhile.ever
            incomplete += meanwhile.asked > len(listed) // 1000 + 2
            meanwhile.changes, meanwhile.asked = False, 0
            count = len(site.machines)
            assert len(sdc.machines()) == sdc.num_machines() == count
            # Two lists, and the HEAD of the count.
            assert meanwhile.asked <= 2 * (-(-count // 1000) + 1) + 1
        cloud.calls.clear()  # checking each against the OpenAPI description would take longer than the test
    assert incomplete, "no list had to step back: the changes do not exercise this"
