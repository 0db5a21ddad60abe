"""Rows of the images."""

from __future__ import annotations

from tests.contract.row import AGAIN, ERROR, FOUND, SAME, UNKNOWN, Operation, World

OTHER = "11111111-2222-4333-8444-555555555555"


def _own_image(world: World, acl: list[str] | None = None) -> str:
    image = world.site.images[world.image_id]
    image.owner, image.acl = world.cloud.account.uuid, acl or []
    return image.uuid


def _image_elsewhere(world: World) -> str:
    there = world.cloud.site("us-east-1")
    image = next(image for image in there.images.values() if image.name == "base64")
    image.owner = world.cloud.account.uuid
    world.site.images.pop(image.uuid, None)  # public images are in all data centers
    return image.uuid


def _shared_image(world: World) -> str:
    return next(image.uuid for image in world.site.images.values() if image.name == "shared-app")


ROWS = [
    Operation(
        name="ListImages",
        verb="GET",
        path="/:login/images",
        since="7.0",
        method="DataCenter.images",
        call=lambda sdc, world: sdc.images(
            name="base64", os="smartos", public=True, state="all", type="zone-dataset"
        ),
        query={
            "name": "base64",
            "os": "smartos",
            "public": "true",
            "state": "all",
            "type": "zone-dataset",
        },
    ),
    Operation(
        name="GetImage",
        verb="GET",
        path="/:login/images/:image",
        since="7.0",
        method="DataCenter.image",
        call=lambda sdc, world: sdc.image(world.image_id),
    ),
    Operation(
        name="CreateImageFromMachine",
        verb="POST",
        path="/:login/images",
        since="7.1",
        method="DataCenter.create_image_from_machine",
        call=lambda sdc, world: sdc.create_image_from_machine(
            world.stopped,
            "contract",
            "1.0.0",
            description="An image",
            homepage="https://example.com",
            eula="https://example.com/eula",
            acl=[OTHER],
            tags={"role": "web", "number": 1},
        ),
        body=lambda world: {
            "machine": world.stopped.id,
            "name": "contract",
            "version": "1.0.0",
            "description": "An image",
            "homepage": "https://example.com",
            "eula": "https://example.com/eula",
            "acl": [OTHER],
            "tags": {"role": "web", "number": 1},
        },
        status=201,
        lost=(
            FOUND,
            "by name and version, if it is being created or was published since; else `OutcomeUnknown`",
        ),
    ),
    Operation(
        name="CreateImageFromMachine",
        verb="POST",
        path="/:login/images?action=import-from-datacenter",
        since="9.2",
        method="DataCenter.import_image_from_datacenter",
        call=lambda sdc, world: sdc.import_image_from_datacenter("us-east-1", _image_elsewhere(world)),
        query=lambda world: {
            "action": "import-from-datacenter",
            "datacenter": "us-east-1",
            "id": _image_elsewhere(world),
        },
        body={},
        lost=(FOUND, "by its UUID, which it keeps"),
    ),
    Operation(
        name="UpdateImage",
        verb="POST",
        path="/:login/images/:image?action=update",
        since="7.1",
        method="DataCenter.update_image",
        call=lambda sdc, world: sdc.update_image(
            _own_image(world),
            name="contract",
            version="1.0.1",
            description="Another image",
            homepage="https://example.com",
            eula="https://example.com/eula",
            acl=[],
            tags={"role": "db"},
        ),
        query={"action": "update"},
        body={
            "name": "contract",
            "version": "1.0.1",
            "description": "Another image",
            "homepage": "https://example.com",
            "eula": "https://example.com/eula",
            "acl": [],
            "tags": {"role": "db"},
        },
        lost=(AGAIN, SAME),
    ),
    Operation(
        name="UpdateImage",
        verb="POST",
        path="/:login/images/:image?action=update",
        since="7.1",
        method="DataCenter.share_image",
        call=lambda sdc, world: sdc.share_image(_own_image(world), OTHER),
        query={"action": "update"},
        body={"acl": [OTHER]},
        lost=(AGAIN, SAME),
    ),
    Operation(
        name="UpdateImage",
        verb="POST",
        path="/:login/images/:image?action=update",
        since="7.1",
        method="DataCenter.unshare_image",
        call=lambda sdc, world: sdc.unshare_image(_own_image(world, acl=[OTHER]), OTHER),
        query={"action": "update"},
        body={"acl": []},
        lost=(AGAIN, SAME),
    ),
    Operation(
        name="UpdateImage",
        verb="POST",
        path="/:login/images/:image?action=export",
        since="7.1",
        method="DataCenter.export_image",
        call=lambda sdc, world: sdc.export_image(_own_image(world), "/test/stor"),
        query={"action": "export"},
        body={"manta_path": "/test/stor"},
        lost=(ERROR, "it takes long: check in Manta"),
    ),
    Operation(
        name="UpdateImage",
        verb="POST",
        path="/:login/images/:image?action=clone",
        since="9.1",
        method="DataCenter.clone_image",
        call=lambda sdc, world: sdc.clone_image(_shared_image(world)),
        query={"action": "clone"},
        body={},
        lost=(UNKNOWN, "copies cannot be told apart; all are its candidates"),
    ),
    Operation(
        name="DeleteImage",
        verb="DELETE",
        path="/:login/images/:image",
        since="7.1",
        method="DataCenter.delete_image",
        call=lambda sdc, world: sdc.delete_image(_own_image(world)),
        status=204,
    ),
]
