"""Rows of one machine's snapshots."""

from __future__ import annotations

from tests.contract.row import ERROR, FOUND, Operation, World


def _snapshot(world: World) -> str:
    world.machine.create_snapshot("taken")
    world.settle()
    return "taken"


ROWS = [
    Operation(
        name="ListMachineSnapshots",
        verb="GET",
        path="/:login/machines/:machine/snapshots",
        since="7.0",
        method="Machine.snapshots",
        call=lambda sdc, world: world.machine.snapshots(),
    ),
    Operation(
        name="GetMachineSnapshot",
        verb="GET",
        path="/:login/machines/:machine/snapshots/:name",
        since="7.0",
        method="Machine.snapshot",
        call=lambda sdc, world: world.machine.snapshot(_snapshot(world)).refresh(),
    ),
    Operation(
        name="CreateMachineSnapshot",
        verb="POST",
        path="/:login/machines/:machine/snapshots",
        since="7.0",
        method="Machine.create_snapshot",
        call=lambda sdc, world: world.machine.create_snapshot("first"),
        body={"name": "first"},
        status=201,
        lost=(FOUND, "by name and time; the names of a machine's snapshots are unique"),
    ),
    Operation(
        name="StartMachineFromSnapshot",
        verb="POST",
        path="/:login/machines/:machine/snapshots/:name",
        since="7.0",
        method="Machine.start_from_snapshot",
        call=lambda sdc, world: world.machine.start_from_snapshot(_snapshot(world)),
        status=202,
        lost=(ERROR, "a second time would undo later changes"),
    ),
    Operation(
        name="DeleteMachineSnapshot",
        verb="DELETE",
        path="/:login/machines/:machine/snapshots/:name",
        since="7.0",
        method="Machine.delete_snapshot",
        call=lambda sdc, world: world.machine.delete_snapshot(_snapshot(world)),
        status=204,
    ),
]
