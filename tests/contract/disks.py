"""Rows of one machine's disks."""

from __future__ import annotations

from smartdc import Machine
from tests.contract.row import ERROR, FOUND, LOOK, Operation, World

_ALL = "/:login/machines/:machine/disks"
_ONE = "/:login/machines/:machine/disks/:disk"


def _data_disk(world: World) -> str:
    return next(disk["id"] for disk in world.bhyve.get_disks() if not disk["boot"])


def _with_space(world: World) -> Machine:
    # With a block size, the server crashes (docs/cloudapi/hazards.md#disk-on-a-machine-with-an-image).
    world.site.machines[world.bhyve.id].disks[0].block_size = None
    world.bhyve.delete_disk(_data_disk(world))
    world.settle()
    return world.bhyve


ROWS = [
    Operation(
        name="ListMachineDisks",
        verb="GET",
        path=_ALL,
        since="9.4",
        method="Machine.get_disks",
        call=lambda sdc, world: world.bhyve.get_disks(),
    ),
    Operation(
        name="ListMachineDisks",
        verb="HEAD",
        path=_ALL,
        since="9.4",
        method="Machine.num_disks",
        call=lambda sdc, world: world.bhyve.num_disks(),
    ),
    Operation(
        name="GetMachineDisk",
        verb="GET",
        path=_ONE,
        since="9.4",
        method="Machine.get_disk",
        call=lambda sdc, world: world.bhyve.get_disk(_data_disk(world)),
    ),
    Operation(
        name="CreateMachineDisk",
        verb="POST",
        path=_ALL,
        since="9.4",
        method="Machine.create_disk",
        call=lambda sdc, world: _with_space(world).create_disk(1024, pci_slot="0:5:0"),
        body={"size": 1024, "pci_slot": "0:5:0"},
        lost=(
            FOUND,
            "by its slot, while it is created; without `pci_slot`, or if none is found, `OutcomeUnknown`",
        ),
    ),
    Operation(
        name="ResizeMachineDisk",
        verb="POST",
        path=f"{_ONE}?action=resize",
        since="9.4",
        method="Machine.resize_disk",
        call=lambda sdc, world: world.bhyve.resize_disk(_data_disk(world), 2048, dangerous_allow_shrink=True),
        query={"action": "resize"},
        body={"size": 2048, "dangerous_allow_shrink": True},
        lost=(ERROR, LOOK),
    ),
    Operation(
        name="DeleteMachineDisk",
        verb="DELETE",
        path=_ONE,
        since="9.4",
        method="Machine.delete_disk",
        call=lambda sdc, world: world.bhyve.delete_disk(_data_disk(world)),
        status=204,
    ),
]
