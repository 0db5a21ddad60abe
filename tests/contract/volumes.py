"""Rows of volumes."""

from __future__ import annotations

from smartdc.types import Volume
from tests.contract.row import AGAIN, FOUND, Operation, World

_ALL, _ONE = "/:login/volumes", "/:login/volumes/:id"


def _volume(world: World) -> Volume:
    volume = world.sdc.create_volume("contract")
    world.settle()
    return volume


ROWS = [
    Operation(
        name="ListVolumes",
        verb="GET",
        path=_ALL,
        since="7.0",
        method="DataCenter.volumes",
        call=lambda sdc, world: sdc.volumes(
            "con*", size=10240, state="ready", predicate={"eq": ["type", "tritonnfs"]}
        ),
        query={
            "name": "con*",
            "size": "10240",
            "state": "ready",
            "predicate": '{"eq": ["type", "tritonnfs"]}',
        },
    ),
    Operation(
        name="GetVolume",
        verb="GET",
        path=_ONE,
        since="7.0",
        method="DataCenter.volume",
        call=lambda sdc, world: sdc.volume(_volume(world)),
    ),
    Operation(
        name="CreateVolume",
        verb="POST",
        path=_ALL,
        since="7.0",
        method="DataCenter.create_volume",
        call=lambda sdc, world: sdc.create_volume(
            "new", size=20480, networks=[world.network_id], affinity="role!=db", tags={"role": "data"}
        ),
        body=lambda world: {
            "name": "new",
            "size": 20480,
            "type": "tritonnfs",
            "networks": [world.network_id],
            "affinity": ["role!=db"],
            "tags": {"role": "data"},
        },
        status=201,
        lost=(FOUND, "by name and time; the server refuses a second one"),
    ),
    Operation(
        name="UpdateVolume",
        verb="POST",
        path=_ONE,
        since="7.0",
        method="DataCenter.update_volume",
        call=lambda sdc, world: sdc.update_volume(_volume(world), name="renamed"),
        body={"name": "renamed"},
        lost=(AGAIN, "if it already has the name, that is done"),
    ),
    Operation(
        name="DeleteVolume",
        verb="DELETE",
        path=_ONE,
        since="7.0",
        method="DataCenter.delete_volume",
        call=lambda sdc, world: sdc.delete_volume(_volume(world)),
        status=204,
    ),
    Operation(
        name="ListVolumeSizes",
        verb="GET",
        path="/:login/volumesizes",
        since="7.0",
        method="DataCenter.volume_sizes",
        call=lambda sdc, world: sdc.volume_sizes(type="tritonnfs"),
        query={"type": "tritonnfs"},
    ),
]
