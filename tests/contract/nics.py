"""Rows of one machine's network interfaces."""

from __future__ import annotations

from tests.contract.row import AGAIN, Operation, World

_ALL = "/:login/machines/:machine/nics"
_ONE = "/:login/machines/:machine/nics/:mac"


def _mac(world: World) -> str:
    return world.vm.nics[0].mac


def _private(world: World) -> str:
    return next(net.uuid for net in world.site.networks.values() if net.name == "private")


ROWS = [
    Operation(
        name="ListNics",
        verb="GET",
        path=_ALL,
        since="7.2",
        method="Machine.get_nics",
        call=lambda sdc, world: world.machine.get_nics(),
    ),
    Operation(
        name="ListNics",
        verb="HEAD",
        path=_ALL,
        since="7.2",
        method="Machine.num_nics",
        call=lambda sdc, world: world.machine.num_nics(),
    ),
    Operation(
        name="GetNic",
        verb="GET",
        path=_ONE,
        since="7.2",
        method="Machine.get_nic",
        call=lambda sdc, world: world.machine.get_nic(_mac(world)),
    ),
    Operation(
        name="AddNic",
        verb="POST",
        path=_ALL,
        since="7.2",
        method="Machine.add_nic",
        call=lambda sdc, world: world.machine.add_nic(_private(world), primary=True),
        body=lambda world: {"network": _private(world), "primary": True},
        status=201,
        lost=(AGAIN, "a machine has at most one NIC on a network"),
    ),
    Operation(
        name="RemoveNic",
        verb="DELETE",
        path=_ONE,
        since="7.2",
        method="Machine.remove_nic",
        call=lambda sdc, world: world.machine.remove_nic(_mac(world)),
        status=204,
    ),
]
