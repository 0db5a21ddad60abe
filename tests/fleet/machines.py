"""Machines that exist before a run."""

from __future__ import annotations

from smartdc import DataCenter, Machine
from smartdc.emulator.state.site import Site

__all__ = ["fleet_of"]


def fleet_of(sdc: DataCenter, site: Site, size: int) -> list[Machine]:
    """Running machines, named web0, web1 and so on."""
    made = [site.add_machine(f"web{number}").uuid for number in range(size)]
    by_id = {machine.id: machine for machine in sdc.machines()}
    return [by_id[uuid] for uuid in made]
