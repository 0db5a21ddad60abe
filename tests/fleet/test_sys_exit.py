"""A step that calls `sys.exit` ends the run: no other step begins."""

from __future__ import annotations

import pytest

from smartdc import DataCenter, Machine, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site


def test_after_sys_exit_no_other_step_begins(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machines = [sdc.machine(site.add_machine(f"m{number}").uuid, lazy=True) for number in range(2)]

    def leave(machine: Machine) -> None:
        if machine == machines[1]:
            raise SystemExit

    with pytest.raises(fleet.FleetExit) as caught:
        fleet.run(machines, leave, Machine.delete, workers=1)
    assert cloud.calls == []
    assert caught.value.code is None
    # In one thread, the second step of the first machine comes after the first step of the second.
    assert caught.value.result.under_way == {machines[0]: 1, machines[1]: 0}
    assert caught.value.result.unknown == [machines[1]]
