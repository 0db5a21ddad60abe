"""Rows of migrations."""

from __future__ import annotations

from smartdc import Machine
from tests.contract.row import ERROR, Operation, World

_MIGRATE = "/:login/machines/:machine/migrate"


def _begun(world: World) -> Machine:
    world.machine.migrate("begin")
    return world.machine


ROWS = [
    Operation(
        name="ListMigrations",
        verb="GET",
        path="/:login/migrations",
        since="9.6",
        method="DataCenter.migrations",
        call=lambda sdc, world: _begun(world) and sdc.migrations(),
    ),
    Operation(
        name="GetMigration",
        verb="GET",
        path="/:login/migrations/:machine",
        since="9.6",
        method="DataCenter.migration",
        call=lambda sdc, world: sdc.migration(_begun(world)),
    ),
    Operation(
        name="MigrateMachineEstimate",
        verb="GET",
        path=_MIGRATE,
        since="9.6",
        method="Machine.migrate_estimate",
        call=lambda sdc, world: world.machine.migrate_estimate(),
    ),
    Operation(
        name="Migrate",
        verb="POST",
        path=_MIGRATE,
        since="9.6",
        method="Machine.migrate",
        call=lambda sdc, world: world.machine.migrate("begin", affinity="role!=db"),
        body={"action": "begin", "affinity": ["role!=db"]},
        status=201,
        lost=(ERROR, "check the migration"),
    ),
]
