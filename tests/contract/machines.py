"""Rows of the machines."""

from __future__ import annotations

from tests.contract.row import FOUND, Operation

ROWS = [
    Operation(
        name="ListMachines",
        verb="GET",
        path="/:login/machines",
        since="7.0",
        method="DataCenter.machines",
        call=lambda sdc, world: sdc.machines(
            "smartmachine",
            "contract",
            state="running",
            tags={"role": "web"},
            image=world.site.images[world.vm.image_uuid].uuid,
            brand="joyent",
        ),
        query=lambda world: {
            "type": "smartmachine",
            "name": "contract",
            "state": "running",
            "tag.role": "web",
            "image": world.vm.image_uuid,
            "brand": "joyent",
        },
    ),
    Operation(
        name="HeadMachines",
        verb="HEAD",
        path="/:login/machines",
        since="7.0",
        method="DataCenter.num_machines",
        call=lambda sdc, world: sdc.num_machines(state="stopped"),
        query={"state": "stopped"},
    ),
    Operation(
        name="GetMachine",
        verb="GET",
        path="/:login/machines/:machine",
        since="7.0",
        method="DataCenter.machine",
        call=lambda sdc, world: sdc.machine(world.vm.uuid, credentials=True),
        query={"credentials": "true"},
    ),
    Operation(
        name="CreateMachine",
        verb="POST",
        path="/:login/machines",
        since="7.0",
        method="DataCenter.create_machine",
        call=lambda sdc, world: sdc.create_machine(
            "new-{{shortId}}",
            "sample-512M",
            image=world.image_id,
            networks=[world.network_id],
            tags={"role": "db", "number": 1},
            metadata={"note": "text"},
        ),
        body=lambda world: {
            "name": "new-{{shortId}}",
            "package": "sample-512M",
            "image": world.image_id,
            "networks": [world.network_id],
            "tag.role": "db",
            "tag.number": 1,
            "metadata.note": "text",
        },
        status=201,
        lost=(
            FOUND,
            "by name, time and all other fields; the server refuses a second one. With "
            "`{{shortId}}` in the name: `OutcomeUnknown`, with its candidates",
        ),
    ),
]
