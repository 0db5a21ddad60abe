"""Rows of the streams. Of those that begin with an upgrade, the recorded status is 101."""

from __future__ import annotations

from smartdc import Machine
from smartdc.streams import Stream
from tests.contract.row import AGAIN, Operation, World


def _begun(world: World) -> Machine:
    world.machine.migrate("begin")
    return world.machine


def _running_bhyve(world: World) -> Machine:
    return world.sdc.machine(world.site.add_machine(brand="bhyve").uuid, lazy=True)


def _close(stream: Stream[object]) -> None:
    stream.close()


ROWS = [
    Operation(
        name="changefeed",
        verb="GET",
        path="/:login/changefeed",
        since="9.14",
        method="DataCenter.changefeed",
        call=lambda sdc, world: _close(sdc.changefeed()),
        status=101,
    ),
    Operation(
        name="ConnectMachineVNC",
        verb="GET",
        path="/:login/machines/:machine/vnc",
        since="8.4",
        method="Machine.connect_vnc",
        call=lambda sdc, world: _close(_running_bhyve(world).connect_vnc()),
        status=101,
    ),
    # In 9.20 this is an action of Migrate.
    Operation(
        name="Migrate",
        verb="POST",
        path="/:login/machines/:machine/migrate",
        since="9.6",
        method="Machine.watch_migration",
        call=lambda sdc, world: list(_begun(world).watch_migration()),
        query={"action": "watch"},
        lost=(AGAIN, "it changes nothing"),
    ),
    # In its successor, and so in the OpenAPI description, this is a separate operation.
    Operation(
        name="WatchMigration",
        verb="GET",
        path="/:login/migrations/:machine/watch",
        since="9.6",
        method="Machine.watch_migration",
        call=lambda sdc, world: list(_begun(world).watch_migration(websocket=True)),
        status=101,
    ),
]
