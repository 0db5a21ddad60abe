"""Rows of one machine's tags."""

from __future__ import annotations

from tests.contract.row import AGAIN, SAME, Operation

ROWS = [
    Operation(
        name="ListMachineTags",
        verb="GET",
        path="/:login/machines/:machine/tags",
        since="7.0",
        method="Machine.get_tags",
        call=lambda sdc, world: world.machine.get_tags(),
    ),
    Operation(
        name="GetMachineTag",
        verb="GET",
        path="/:login/machines/:machine/tags/:tag",
        since="7.0",
        method="Machine.get_tag",
        call=lambda sdc, world: world.machine.get_tag("role"),
    ),
    Operation(
        name="AddMachineTags",
        verb="POST",
        path="/:login/machines/:machine/tags",
        since="7.0",
        method="Machine.add_tags",
        call=lambda sdc, world: world.machine.add_tags({"triton.cns.services": "web"}, size=3),
        body={"triton.cns.services": "web", "size": 3},
        lost=(AGAIN, SAME),
    ),
    Operation(
        name="ReplaceMachineTags",
        verb="PUT",
        path="/:login/machines/:machine/tags",
        since="7.0",
        method="Machine.replace_tags",
        call=lambda sdc, world: world.machine.replace_tags(role="db"),
        body={"role": "db"},
    ),
    Operation(
        name="DeleteMachineTag",
        verb="DELETE",
        path="/:login/machines/:machine/tags/:tag",
        since="7.0",
        method="Machine.delete_tag",
        call=lambda sdc, world: world.machine.delete_tag("role"),
        status=204,
    ),
    Operation(
        name="DeleteMachineTags",
        verb="DELETE",
        path="/:login/machines/:machine/tags",
        since="7.0",
        method="Machine.delete_all_tags",
        call=lambda sdc, world: world.machine.delete_all_tags(),
        status=204,
    ),
]
