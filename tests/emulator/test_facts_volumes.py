"""Disks and volumes."""

import pytest

from tests.emulator.facts import fact
from tests.helpers.raw_requests import UNKNOWN, Raw


@fact("storage.md#disks-of-other-brands")
@pytest.mark.parametrize("brand", ["joyent", "lx"])
def test_disks_of_a_container(raw: Raw, brand: str) -> None:
    machine = raw.site.add_machine(brand=brand).uuid
    answer = raw.get(f"/my/machines/{machine}/disks")
    assert answer.ok() == []
    assert answer.headers["x-resource-count"] == "0"
    assert raw.head(f"/my/machines/{machine}/disks").status == 200


@fact("storage.md#volumes-off")
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/my/volumes", f"/my/volumes/{UNKNOWN}", "/my/volumesizes"])
def test_volumes_off(fresh: Raw, method: str, path: str) -> None:
    fresh.site.volumes_enabled = False
    answer = fresh.ask(method, path, authorization=None)
    answer.refused(405, "MethodNotAllowedError", early=True)
    assert answer.headers["Allow"] == "PUT"


def test_volumes_on(fresh: Raw) -> None:
    assert fresh.get("/my/volumes").ok() == []
    answer = fresh.ask("GET", "/my/volumes", authorization=None)
    answer.refused(401, "InvalidCredentials")


def test_the_update_of_a_volume_refuses_an_action(fresh: Raw) -> None:
    """The parameter in the OpenAPI description is refused: endpoints/volumes.js."""
    made = fresh.post("/my/volumes", {"name": "data", "type": "tritonnfs"}).ok(201)
    path = f"/my/volumes/{made['id']}"
    answer = fresh.post(f"{path}?action=update", {"name": "renamed"})
    message = "InvalidArgumentError: action is an invalid parameter"
    answer.refused(409, "InvalidArgument", message)
    assert fresh.post(f"{path}?name=renamed").ok()["name"] == "renamed"


def test_the_list_of_volumes_refuses_unknown_parameters(fresh: Raw) -> None:
    answer = fresh.get("/my/volumes?limit=1")
    answer.refused(409, "InvalidArgument", "Error: invalid parameter: limit")


def test_a_machine_cannot_mount_a_volume_of_another_network(fresh: Raw) -> None:
    """The server means 409 VolumesNotReachable, but reads both from the wrong place: errors.js."""
    fresh.post("/my/volumes", {"name": "data", "type": "tritonnfs"}).ok(201)
    fresh.cloud.clock.advance(15)
    image = next(image.uuid for image in fresh.site.images.values() if image.name == "base-64-lts")
    private = next(net.uuid for net in fresh.site.networks.values() if net.name == "private")
    body = {
        "package": "g4-highcpu-1G",
        "image": image,
        "networks": [private],
        "volumes": [{"name": "data", "mountpoint": "/data"}],
    }
    answer = fresh.post("/my/machines", body)
    reason = f"Volume data not reachable on networks {private}"
    answer.refused(500, "Error", f"Volumes not reachable from machine: {reason}")


def test_a_new_machine_creates_the_volumes_that_are_missing(fresh: Raw) -> None:
    """The workflow of a provision creates them: sdc-vmapi, workflows/nfs-volumes."""
    image = next(image.uuid for image in fresh.site.images.values() if image.name == "base-64-lts")
    mount = {"name": "fresh", "mountpoint": "/data", "mode": "ro", "type": "tritonnfs"}
    body = {"package": "g4-highcpu-1G", "image": image, "volumes": [mount]}
    machine = fresh.post("/my/machines", body).ok(201)
    [volume] = fresh.get("/my/volumes").ok()
    assert (volume["name"], volume["state"], volume["refs"]) == ("fresh", "creating", [machine["id"]])
    fresh.delete(f"/my/volumes/{volume['id']}").refused(409, "VolumeInUse")
    fresh.cloud.clock.advance(30)
    fresh.delete(f"/my/machines/{machine['id']}").empty(204)
    fresh.cloud.clock.advance(10)
    fresh.delete(f"/my/volumes/{volume['id']}").empty(204)
    fresh.cloud.clock.advance(10)
    assert fresh.get("/my/volumes").ok() == []


def test_volumes_where_they_cannot_be_mounted(fresh: Raw) -> None:
    fresh.site.automount_volumes = False
    image = next(image.uuid for image in fresh.site.images.values() if image.name == "base-64-lts")
    mount = {"name": "data", "mountpoint": "/data"}
    body = {"package": "g4-highcpu-1G", "image": image, "volumes": [mount]}
    answer = fresh.post("/my/machines", body)
    answer.refused(409, "InvalidArgument", "Support for automounting volumes is not enabled")
