"""Lists while machines come and go between their pages: complete, and each machine once."""

from __future__ import annotations

import random

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.sizes import in_two_sizes

pytestmark = pytest.mark.stress


class Meanwhile:
    """A stream for `verbose`, which hears of each request before it is made, and changes the site then.

    Attributes:
        changes: Whether anything is changed.
        asked: How many requests there were.
        there: Machines that have been there all the time.
        ever: Machines that have been there at any time.
    """

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.random = random.Random(seed)  # noqa: S311 - the same changes in each run
        self.changes = True
        self.asked = 0
        self.there = set(site.machines)
        self.ever = set(site.machines)

    def write(self, text: str) -> int:
        self.asked += 1
        if self.changes and self.asked > 1 and self.random.random() < 0.8:
            self.remove(self.random.choice([1, 3, 40, 400, 1100]))
            self.create(self.random.choice([0, 1, 3, 40, 400]))
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def remove(self, most: int) -> None:
        # Mostly those at the beginning of the list, which have been listed.
        ids = sorted(self.site.machines, reverse=self.random.random() < 0.7)
        for ident in self.random.sample(ids[: 2 * most], min(most, len(ids[: 2 * most]))):
            self.site.machines[ident].state = "destroyed"
            del self.site._machines[ident]
            self.there.discard(ident)

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
            assert len(listed) == len(set(listed)), f"twice, with seed {seed}"
            assert meanwhile.there <= set(listed), f"incomplete, with seed {seed}"
            assert set(listed) <= meanwhile.ever
            incomplete += meanwhile.asked > len(listed) // 1000 + 2
            meanwhile.changes, meanwhile.asked = False, 0
            count = len(site.machines)
            assert len(sdc.machines()) == sdc.num_machines() == count
            # Two lists, and the HEAD of the count.
            assert meanwhile.asked <= 2 * (-(-count // 1000) + 1) + 1
        cloud.calls.clear()  # to hold each against the description would take longer than all this
    assert incomplete, "no list ever had to step back: these changes try nothing"
