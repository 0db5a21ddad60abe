"""Rows of operations that change the state of one machine; the actions share one route of the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from smartdc import DataCenter
from tests.contract.row import AGAIN, Operation, World


def _action(
    action: str,
    call: Callable[[DataCenter, World], Any],
    body: Mapping[str, Any] | None = None,
    since: str = "7.0",
    besides: str = "",
) -> Operation:
    return Operation(
        name="UpdateMachine",
        verb="POST",
        path=f"/:login/machines/:machine?action={action}",
        since=since,
        method=f"Machine.{action}",
        call=call,
        query={"action": action},
        body=body,
        status=202,
        lost=(AGAIN, f"after a look at the machine{besides}"),
    )


ROWS = [
    _action("start", lambda sdc, world: world.stopped.start()),
    _action("stop", lambda sdc, world: world.machine.stop()),
    _action("reboot", lambda sdc, world: world.machine.reboot(), besides="; it may reboot twice"),
    _action(
        "resize",
        lambda sdc, world: world.machine.resize("g4-general-4G"),
        {"package": "g4-general-4G"},
    ),
    _action(
        "rename",
        lambda sdc, world: world.machine.rename("renamed"),
        {"name": "renamed"},
        besides="; if it already has the name, that is done",
    ),
    _action("enable_firewall", lambda sdc, world: world.machine.enable_firewall()),
    _action("disable_firewall", lambda sdc, world: world.machine.disable_firewall()),
    _action("enable_deletion_protection", lambda sdc, world: world.machine.enable_deletion_protection()),
    _action("disable_deletion_protection", lambda sdc, world: world.machine.disable_deletion_protection()),
    Operation(
        name="DeleteMachine",
        verb="DELETE",
        path="/:login/machines/:machine",
        since="7.0",
        method="Machine.delete",
        call=lambda sdc, world: world.machine.delete(),
        status=204,
    ),
    Operation(
        name="MachineAudit",
        verb="GET",
        path="/:login/machines/:machine/audit",
        since="7.0",
        method="Machine.audit",
        call=lambda sdc, world: world.machine.audit(),
    ),
]
