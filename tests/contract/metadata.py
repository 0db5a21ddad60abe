"""Rows of one machine's metadata."""

from __future__ import annotations

from tests.contract.row import AGAIN, SAME, Operation

ROWS = [
    Operation(
        name="ListMachineMetadata",
        verb="GET",
        path="/:login/machines/:machine/metadata",
        since="7.0",
        method="Machine.get_metadata",
        call=lambda sdc, world: world.machine.get_metadata(),
    ),
    Operation(
        name="GetMachineMetadata",
        verb="GET",
        path="/:login/machines/:machine/metadata/:key",
        since="7.0",
        method="Machine.get_metadata_at_key",
        call=lambda sdc, world: world.machine.get_metadata_at_key("note"),
    ),
    Operation(
        name="AddMachineMetadata",
        verb="POST",
        path="/:login/machines/:machine/metadata",
        since="7.0",
        method="Machine.update_metadata",
        call=lambda sdc, world: world.machine.update_metadata({"user-data": "text"}, number=1),
        body={"user-data": "text", "number": 1},
        lost=(AGAIN, SAME),
    ),
    Operation(
        name="DeleteMachineMetadata",
        verb="DELETE",
        path="/:login/machines/:machine/metadata/:key",
        since="7.0",
        method="Machine.delete_metadata_at_key",
        call=lambda sdc, world: world.machine.delete_metadata_at_key("note"),
        status=204,
    ),
    Operation(
        name="DeleteAllMachineMetadata",
        verb="DELETE",
        path="/:login/machines/:machine/metadata",
        since="7.0",
        method="Machine.delete_all_metadata",
        call=lambda sdc, world: world.machine.delete_all_metadata(),
        status=204,
    ),
]
