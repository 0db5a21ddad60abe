from __future__ import annotations

from typing import Any

import pytest

from smartdc import (
    ConfigurationError,
    ConflictError,
    DataCenter,
    InUseError,
    InvalidArgumentError,
    Machine,
    NotAuthorizedError,
    NotFoundError,
    ServerError,
    ServiceUnavailableError,
    ValidationFailedError,
)
from smartdc.emulator import Emulator
from smartdc.emulator.state.resources import Image
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"
FRIEND = "11111111-2222-4333-8444-555555555555"


def add_image(site: Site, number: int, **fields: Any) -> Image:
    """Put a private image that the account owns into the data center."""
    uuid = f"22222222-0000-4000-8000-{number:012}"
    values = {"name": "mine", "version": f"1.{number}", "os": "smartos", "type": "zone-dataset"}
    values |= {"owner": site.shared.account.uuid}
    site.images[uuid] = image = Image(uuid=uuid, **{"public": False, **values, **fields})
    return image


@pytest.fixture
def image(site: Site) -> Image:
    return add_image(site, 1)


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    """A stopped machine to make images of."""
    return sdc.machine(site.add_machine("golden", state="stopped").uuid, lazy=True)


def test_create_image_from_machine(cloud: Emulator, sdc: DataCenter, site: Site, machine: Machine) -> None:
    image = sdc.create_image_from_machine(
        machine,
        "custom",
        "1.0.0",
        description="d",
        homepage="https://example.com",
        eula="https://example.com/eula",
        acl=[FRIEND],
        tags={"role": "web", "number": 1, "flag": True},
    )
    body = {
        "machine": machine.id,
        "name": "custom",
        "version": "1.0.0",
        "description": "d",
        "homepage": "https://example.com",
        "eula": "https://example.com/eula",
        "acl": [FRIEND],
        "tags": {"role": "web", "number": 1, "flag": True},
    }
    assert sent(cloud) == [call("POST", "/my/images", body=body)]
    assert cloud.calls[0].ignored == ()
    # datasets.js: the answer has only what was asked for.
    del body["machine"]
    assert image == {"id": image["id"], "requirements": {}, "state": "creating", **body}
    assert sdc.image(image)["state"] == "creating"
    cloud.clock.advance(25)
    assert sdc.image(image)["state"] == "unactivated"
    assert image["id"] not in [each["id"] for each in sdc.images()]
    assert image["id"] in [each["id"] for each in sdc.images(state="unactivated")]
    cloud.clock.advance(6)
    ready = sdc.image(image)
    assert (ready["state"], ready["os"], ready["type"], ready["public"]) == (
        "active",
        "smartos",
        "zone-dataset",
        False,
    )
    assert ready["origin"] == machine.image
    assert ready["owner"] == cloud.account.uuid
    assert ready["acl"] == [FRIEND]
    assert ready["files"][0]["compression"] == "gzip"
    assert sdc.create_machine(package="sample-512M", image=ready).image == ready["id"]


def test_an_image_that_is_being_created_cannot_be_used(sdc: DataCenter, machine: Machine) -> None:
    image = sdc.create_image_from_machine(machine, "custom", "1")
    with pytest.raises(InvalidArgumentError, match="is not active"):
        sdc.create_machine(package="sample-512M", image=image)


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("PrepareImageDidNotRun", "PrepareImageDidNotRun"),
        ("VmHasNoOrigin", "VmHasNoOrigin"),
        ("NotSupported", "NotSupported"),
        ("SomethingElse", "InternalError"),
        (True, "InternalError"),
    ],
)
def test_an_image_that_fails(
    cloud: Emulator, sdc: DataCenter, site: Site, machine: Machine, reason: str | bool, shown: str
) -> None:
    # datasets.js shows three reasons and replaces all others by InternalError.
    site.fail_next_image = reason
    image = sdc.create_image_from_machine(machine, "custom", "1")
    cloud.clock.advance(40)
    failed = sdc.image(image)
    assert (failed["state"], failed["error"]["code"]) == ("failed", shown)
    assert [each["id"] for each in sdc.images(state="failed")] == [image["id"]]
    sdc.delete_image(image)
    assert not sdc.exists("images", image)


def test_an_image_whose_machine_is_lost_or_that_is_deleted(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    first, second = site.add_machine(), site.add_machine()
    lost = sdc.create_image_from_machine(first.uuid, "custom", "1")
    deleted = sdc.create_image_from_machine({"id": second.uuid}, "custom", "1")
    first.state = "unreachable"
    sdc.delete_image(deleted)
    cloud.clock.advance(40)
    assert sdc.image(lost)["state"] == "failed"
    assert not sdc.exists("images", deleted)


def test_images_of_linux_containers_keep_the_kernel_version(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    # IMGAPI: without it they could not be provisioned.
    machine = site.add_machine(brand="lx")
    image = sdc.create_image_from_machine(machine.uuid, "custom", "1", tags={"a": "b"})
    cloud.clock.advance(31)
    ready = sdc.image(image)
    assert ready["tags"] == {"a": "b", "kernel_version": "4.10"}
    assert ready["requirements"]["brand"] == "lx"


def test_an_image_of_a_machine_that_does_not_exist(sdc: DataCenter) -> None:
    with pytest.raises(ValidationFailedError, match="could not get VM"):
        sdc.create_image_from_machine(UNKNOWN, "custom", "1")
    with pytest.raises(ConfigurationError, match="names no machine"):
        sdc.create_image_from_machine("", "custom", "1")


def test_an_image_of_a_machine_on_an_old_server(sdc: DataCenter, site: Site, machine: Machine) -> None:
    site.old_servers.add(site.machines[machine.id].server_uuid or "")
    with pytest.raises(ValidationFailedError, match="insufficient version") as caught:
        sdc.create_image_from_machine(machine, "custom", "1")
    assert caught.value.code == "InsufficientServerVersion"


def test_an_image_of_a_system_that_cannot_be_prepared(sdc: DataCenter, site: Site) -> None:
    odd = add_image(site, 7, os="other")
    with pytest.raises(ServerError, match='image creation for OS "other"') as caught:
        sdc.create_image_from_machine(site.add_machine(image=odd).uuid, "custom", "1")
    assert (caught.value.status, caught.value.code) == (501, "NotAvailable")


def test_update_image(cloud: Emulator, sdc: DataCenter, image: Image) -> None:
    changed = sdc.update_image(image.uuid, name="other", version="2", description="", tags={"a": 1})
    body = {"name": "other", "version": "2", "description": "", "tags": {"a": 1}}
    assert sent(cloud) == [call("POST", f"/my/images/{image.uuid}", {"action": "update"}, body)]
    assert (changed["name"], changed["version"], changed["tags"]) == ("other", "2", {"a": 1})
    assert "description" not in changed
    assert sdc.image(image.uuid) == changed


def test_update_image_that_the_server_refuses(sdc: DataCenter, image: Image) -> None:
    with pytest.raises(NotAuthorizedError, match="is not the owner of image") as caught:
        sdc.update_image(sdc.images()[0], name="x")
    assert (caught.value.status, caught.value.code) == (422, "NotImageOwner")
    with pytest.raises(ValidationFailedError, match="homepage Invalid"):
        sdc.update_image(image.uuid, homepage="example.com")
    with pytest.raises(ValidationFailedError, match="no parameters provided"):
        sdc.update_image(image.uuid)
    with pytest.raises(NotFoundError, match="image not found"):
        sdc.update_image(UNKNOWN, name="x")


def test_share_and_unshare_image(cloud: Emulator, sdc: DataCenter, image: Image) -> None:
    path, update = f"/my/images/{image.uuid}", {"action": "update"}
    assert sdc.share_image(image.uuid, FRIEND, UNKNOWN)["acl"] == [FRIEND, UNKNOWN]
    assert sent(cloud) == [
        call("GET", path),
        call("POST", path, update, {"acl": [FRIEND, UNKNOWN]}),
    ]
    assert sdc.share_image({"id": image.uuid}, FRIEND)["acl"] == [FRIEND, UNKNOWN]
    assert sdc.unshare_image(image.uuid, FRIEND)["acl"] == [UNKNOWN]
    assert "acl" not in sdc.unshare_image(image.uuid, UNKNOWN)
    assert sent(cloud)[-1] == call("POST", path, update, {"acl": []})
    with pytest.raises(ValidationFailedError, match="is not a UUID"):
        sdc.share_image(image.uuid, "a-login")


def test_an_image_is_shared_with_ids_only(cloud: Emulator, sdc: DataCenter, image: Image) -> None:
    wrong: Any = 5
    for change in (sdc.share_image, sdc.unshare_image):
        with pytest.raises(ConfigurationError) as caught:
            change(image.uuid, FRIEND, wrong)
        assert str(caught.value) == ("accounts must be a list such as the UUID of an account, without 5")
    assert sent(cloud) == []


def test_a_shared_image_can_be_listed_and_cloned(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    shared = next(image for image in sdc.images(public=False) if image["name"] == "shared-app")
    with pytest.raises(InvalidArgumentError, match="is a shared image"):
        sdc.create_machine(package="sample-512M", image=shared)
    before = len(cloud.calls)
    clone = sdc.clone_image(shared)
    assert sent(cloud, before) == [
        call("POST", f"/my/images/{shared['id']}", {"action": "clone"}, {}),
    ]
    assert clone["id"] != shared["id"]
    assert (clone["name"], clone["owner"], clone["state"]) == ("shared-app", cloud.account.uuid, "active")
    assert "acl" not in clone
    assert sdc.create_machine(package="sample-512M", image=clone).image == clone["id"]


def test_clone_includes_the_origins_of_an_image(sdc: DataCenter, site: Site) -> None:
    # docs, CloneImage: incremental images that are not the operator's are cloned as well, and disabled.
    operators = next(image.uuid for image in site.images.values() if image.public)
    middle = add_image(site, 1, owner=FRIEND, origin=operators)
    top = add_image(site, 2, owner=FRIEND, origin=middle.uuid, acl=[site.shared.account.uuid])
    clone = sdc.clone_image(top.uuid)
    below = sdc.image(clone["origin"])
    assert (below["state"], below["origin"], below["owner"]) == (
        "disabled",
        operators,
        site.shared.account.uuid,
    )


def test_clone_of_an_image_that_is_not_shared(sdc: DataCenter, site: Site, image: Image) -> None:
    with pytest.raises(NotAuthorizedError, match="is not shared with account") as caught:
        sdc.clone_image(image.uuid)
    assert (caught.value.status, caught.value.code) == (422, "ImageNotShared")
    shared = {"acl": [site.shared.account.uuid]}
    with pytest.raises(ValidationFailedError, match="docker images cannot be cloned"):
        sdc.clone_image(add_image(site, 3, type="docker", **shared).uuid)
    with pytest.raises(ValidationFailedError, match="image is not active"):
        sdc.clone_image(add_image(site, 4, state="unactivated", **shared).uuid)
    hidden = add_image(site, 5, owner=FRIEND)
    with pytest.raises(NotFoundError, match="image not found"):
        sdc.clone_image(hidden.uuid)


def test_export_image(cloud: Emulator, sdc: DataCenter, image: Image) -> None:
    where = sdc.export_image(image.uuid, "/test/stor")
    body = {"manta_path": "/test/stor"}
    assert sent(cloud) == [call("POST", f"/my/images/{image.uuid}", {"action": "export"}, body)]
    assert where["image_path"] == "/test/stor/mine-1.1.zfs.gz"
    assert where["manifest_path"] == "/test/stor/mine-1.1.imgmanifest"
    assert where["manta_url"].startswith("https://")


def test_export_image_to_a_forbidden_path(sdc: DataCenter, site: Site, image: Image) -> None:
    with pytest.raises(NotAuthorizedError, match="is not the owner of Manta path"):
        sdc.export_image(image.uuid, "/somebody/stor")
    site.manta = None
    with pytest.raises(ServiceUnavailableError, match="storage type is unsupported"):
        sdc.export_image(image.uuid, "/test/stor")


def test_import_image_from_datacenter(cloud: Emulator, sdc: DataCenter) -> None:
    there = cloud.site("us-east-1")
    base = add_image(there, 1, state="active")
    image = add_image(there, 2, origin=base.uuid)
    imported = sdc.import_image_from_datacenter("us-east-1", image.uuid)
    query = {"action": "import-from-datacenter", "datacenter": "us-east-1", "id": image.uuid}
    assert sent(cloud) == [call("POST", "/my/images", query, {})]
    assert (imported["id"], imported["published_at"]) == (image.uuid, image.published_at)
    assert sdc.exists("images", base.uuid)
    with pytest.raises(ConflictError, match="already exists") as caught:
        sdc.import_image_from_datacenter("us-east-1", {"id": image.uuid})
    assert caught.value.code == "ImageUuidAlreadyExists"


def test_import_image_that_the_server_refuses(cloud: Emulator, sdc: DataCenter) -> None:
    there = cloud.site("us-east-1")
    with pytest.raises(NotFoundError, match="image not found"):
        sdc.import_image_from_datacenter("us-east-1", UNKNOWN)
    operators = next(iter(there.images))
    with pytest.raises(NotAuthorizedError, match="you are not the owner"):
        sdc.import_image_from_datacenter("us-east-1", operators)
    with pytest.raises(ValidationFailedError, match='"mars" is not supported'):
        sdc.import_image_from_datacenter("mars", UNKNOWN)
    disabled = add_image(there, 3, state="disabled")
    with pytest.raises(ValidationFailedError, match="image is not active"):
        sdc.import_image_from_datacenter("us-east-1", disabled.uuid)
    on_disabled = add_image(there, 4, origin=disabled.uuid)
    with pytest.raises(ValidationFailedError, match="origin image") as caught:
        sdc.import_image_from_datacenter("us-east-1", on_disabled.uuid)
    assert caught.value.code == "OriginIsNotActive"


def test_delete_image(cloud: Emulator, sdc: DataCenter, site: Site, image: Image) -> None:
    top = add_image(site, 2, origin=image.uuid)
    with pytest.raises(InUseError, match="has 1 dependent incremental image") as caught:
        sdc.delete_image(image.uuid)
    assert caught.value.code == "ImageHasDependentImages"
    machine = site.add_machine(image=top)
    sdc.delete_image(top.uuid)
    assert sent(cloud)[-1] == call("DELETE", f"/my/images/{top.uuid}")
    sdc.delete_image(image.uuid)
    with pytest.raises(NotFoundError, match="image not found"):
        sdc.delete_image(image.uuid)
    # IMGAPI-328, machines.js: the machines of the image remain.
    assert sdc.machine(machine.uuid).image == top.uuid
    with pytest.raises(NotAuthorizedError, match="is not the owner of image"):
        sdc.delete_image(sdc.images()[0])
