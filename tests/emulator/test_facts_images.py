"""The actions on images; most answers are IMGAPI's, known from its code."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from smartdc.emulator.rules.image_manifests import errors_of
from smartdc.emulator.state.resources import Image
from tests.emulator.facts import fact
from tests.helpers.raw_requests import UNKNOWN, Raw


@pytest.fixture
def image(raw: Raw) -> Image:
    """A private image of the account."""
    known = next(image for image in raw.site.images.values() if image.name == "base64")
    mine = replace(known, uuid=str(uuid4()), name="mine", owner=raw.cloud.account.uuid, public=False)
    mine.default, mine.tags = None, {}
    raw.site.images[mine.uuid] = mine
    return mine


@fact("images-and-packages.md#image-actions")
def test_image_actions(raw: Raw, image: Image) -> None:
    path = f"/my/images/{image.uuid}"
    for how in ({"json": {"action": "update", "description": "new"}}, {"json": {"description": "newer"}}):
        target = path if "action" in how["json"] else f"{path}?action=update"
        changed = raw.ask("POST", target, **how).ok()  # type: ignore[arg-type]
        assert changed["description"] == how["json"]["description"]
    message = "action explode is not a valid argument"
    raw.post(f"{path}?action=explode").refused(409, "InvalidArgument", message)
    for body in ({"action": "explode"}, {}):
        raw.post(path, body).refused(409, "MissingParameter", "action is a required argument")


def test_states_of_images(raw: Raw, image: Image) -> None:
    # IMGAPI: `unactivated` lists all images that were never active; other accounts' images only when active.
    mine = {}
    for state in ("unactivated", "creating", "failed", "disabled"):
        mine[state] = replace(image, uuid=str(uuid4()), state=state)
        raw.site.images[mine[state].uuid] = mine[state]

    def listed(state: str) -> set[str]:
        found = raw.get(f"/my/images?state={state}&name=mine").ok()
        return {each["state"] for each in found}

    assert listed("active") == {"active"}
    assert listed("disabled") == {"disabled"}
    assert listed("creating") == {"creating"}
    assert listed("unactivated") == {"unactivated", "creating", "failed"}
    assert listed("all") == {"active", "disabled", "unactivated", "creating", "failed"}
    for other in mine.values():
        other.owner, other.public = UNKNOWN, True
    assert listed("all") == {"active", "disabled"}
    raw.get(f"/my/images/{mine['creating'].uuid}").refused(404, "ResourceNotFound", "image not found")
    raw.get("/my/images?public=maybe").refused(422, "InvalidParameter", field="public")
    raw.get("/my/images?state=destroyed").refused(422, "InvalidParameter", 'invalid state: "destroyed"')


def test_image_filters(raw: Raw) -> None:
    names = [image["name"] for image in raw.get("/my/images?name=~ase6").ok()]
    assert set(names) == {"base64"}
    types = {image["type"] for image in raw.get("/my/images?type=!zone-dataset").ok()}
    assert types == {"lx-dataset", "zvol", "docker"}
    assert raw.get("/my/images?version=~4.").ok()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "a*b"}, "name"),
        ({"name": "x" * 1025}, "name"),
        ({"name": None}, "name"),
        ({"version": "1 0"}, "version"),
        ({"homepage": "ftp://example.com"}, "homepage"),
        ({"homepage": "https://" + "x" * 1024}, "homepage"),
        ({"eula": "nothing"}, "eula"),
        ({"acl": 5}, "acl"),
        ({"acl": ["nobody"]}, "acl"),
        ({"tags": ["role"]}, "tags"),
        ({"tags": {"long": "x" * 60_000, "longer": "x" * 60_000}}, None),
    ],
    ids=str,
)
def test_invalid_fields_of_images(raw: Raw, image: Image, change: dict[str, Any], field: str | None) -> None:
    # node-imgmanifest; CloudAPI refuses a body of more than 100 000 bytes before.
    answer = raw.post(f"/my/images/{image.uuid}?action=update", change)
    if field is None:
        assert answer.status == 413
    else:
        answer.refused(422, "ValidationFailed", f"invalid image data: {field}", field=field)


def test_fields_of_an_image_can_be_cleared(raw: Raw, image: Image) -> None:
    path = f"/my/images/{image.uuid}?action=update"
    full = {"homepage": "https://example.com", "eula": "https://example.com/e", "tags": {"a": 1}}
    full["acl"] = UNKNOWN
    shown = raw.post(path, full).ok()
    assert {name: shown[name] for name in full} == {**full, "acl": [UNKNOWN]}
    bare = raw.post(path, dict.fromkeys([*full, "description"])).ok()
    assert not {*full, "description"} & bare.keys()
    raw.post(path, {}).refused(422, "ValidationFailed", "invalid image update data: no parameters provided")


def test_images_of_another_account(raw: Raw) -> None:
    public = next(image.uuid for image in raw.site.images.values() if image.public)
    message = f"account {raw.cloud.account.uuid} is not the owner of image {public}"
    raw.post(f"/my/images/{public}?action=update", {"name": "x"}).refused(422, "NotImageOwner", message)
    raw.delete(f"/my/images/{public}").refused(422, "NotImageOwner", message)
    export = {"manta_path": "/test/stor"}
    raw.post(f"/my/images/{public}?action=export", export).refused(422, "NotImageOwner", message)
    raw.post(f"/my/images/{public}?action=clone").refused(422, "ImageNotShared")
    raw.delete(f"/my/images/{UNKNOWN}").refused(404, "ResourceNotFound", "image not found")
    raw.delete("/my/images/base64").refused(404, "ResourceNotFound", "base64 not found")


def test_images_from_machines(raw: Raw) -> None:
    # datasets.js, then IMGAPI.
    body = {"name": "custom", "version": "1"}
    for missing, title in (("machine", "machine"), ("name", "Image name"), ("version", "Image version")):
        incomplete = {"machine": UNKNOWN, **body}
        del incomplete[missing]
        answer = raw.post("/my/images", incomplete)
        answer.refused(409, "MissingParameter", f"{title} is a required argument")

    def refused(status: int, code: str, machine: str, message: str | None = None) -> None:
        raw.post("/my/images", {**body, "machine": machine}).refused(status, code, message)

    refused(422, "InvalidParameter", "x", "invalid 'vm_uuid': not a UUID: 'x'")
    refused(422, "InvalidParameter", UNKNOWN, f'could not get VM "{UNKNOWN}" details')
    docker = raw.site.add_machine(docker=True).uuid
    refused(422, "InvalidParameter", docker, "cannot create an image from a Docker container")
    refused(500, "InternalError", raw.site.add_machine(state="failed").uuid)
    old = raw.site.add_machine()
    raw.site.old_servers.add(old.server_uuid or "")
    refused(422, "InsufficientServerVersion", old.uuid)
    raw.site.old_servers.clear()
    origin = next(image for image in raw.site.images.values() if image.type == "zvol")
    windows = replace(origin, uuid=str(uuid4()), os="windows", published_at="2016-01-14T19:10:38.000Z")
    plan9 = replace(origin, uuid=str(uuid4()), os="plan9")
    raw.site.images |= {windows.uuid: windows, plan9.uuid: plan9}
    refused(501, "NotAvailable", raw.site.add_machine(brand="kvm", image=windows).uuid)
    refused(501, "NotAvailable", raw.site.add_machine(brand="bhyve", image=plan9).uuid)
    machine = raw.site.add_machine().uuid
    answer = raw.post("/my/images", {**body, "machine": machine, "name": "a*b"})
    answer.refused(422, "ValidationFailed", field="name")


def test_imports(raw: Raw, image: Image) -> None:
    there = raw.cloud.site("us-east-1")
    others = "us-east-1, eu-ams-1"

    def ask(identifier: str | None, datacenter: str | None = "us-east-1") -> Any:
        named = {"id": identifier, "datacenter": datacenter}
        body = {name: value for name, value in named.items() if value is not None}
        return raw.post("/my/images?action=import-from-datacenter", body)

    ask(UNKNOWN, None).refused(409, "MissingParameter", "datacenter is a required argument")
    ask("x").refused(409, "InvalidArgument", "id x must be a UUID")
    ask(None).refused(409, "InvalidArgument", "id undefined must be a UUID")
    message = f'datacenter "mars" is not supported, valid datacenters names are: {others}'
    ask(UNKNOWN, "mars").refused(422, "ValidationFailed", message, field="datacenter")
    message = f"cannot import into the same datacenter, valid datacenters names are: {others}"
    ask(UNKNOWN, "us-sw-1").refused(422, "ValidationFailed", message, field="datacenter")
    ask(UNKNOWN).refused(404, "ResourceNotFound", "image not found")
    public = next(image.uuid for image in there.images.values() if image.public)
    del raw.site.images[public]  # as if it had never been imported
    ask(public).refused(401, "UnauthorizedError", f"Cannot import image {public} - you are not the owner.")
    mine = replace(image, uuid=str(uuid4()), state="disabled")
    there.images[mine.uuid] = mine
    message = f"Cannot import image {mine.uuid} - image is not active."
    ask(mine.uuid).refused(422, "ValidationFailed", message)
    mine.state, mine.origin = "active", public
    message = f"Unable to import - origin image {public} must already exist in the datacenter"
    ask(mine.uuid).refused(404, "ResourceNotFound", f"{message} (as this image is not owned by you).")
    base = replace(image, uuid=str(uuid4()), state="disabled")
    there.images[base.uuid], mine.origin = base, base.uuid
    ask(mine.uuid).refused(422, "OriginIsNotActive", f'origin image "{base.uuid}" is not active')
    base.state = "active"
    assert ask(mine.uuid).ok()["id"] == mine.uuid
    assert {mine.uuid, base.uuid} <= raw.site.images.keys()
    ask(mine.uuid).refused(409, "ImageUuidAlreadyExists", f'image uuid "{mine.uuid}" already exists')


def test_an_unknown_action_when_creating_an_image(fresh: Raw) -> None:
    # datasets.js: no handler accepts it, and nothing sends an answer.
    assert fresh.post("/my/images?action=explode", {}).status == 409
    assert fresh.cloud.violations == ["POST /my/images?action=explode: this action gets no answer"]


def test_exports(raw: Raw, image: Image) -> None:
    path = f"/my/images/{image.uuid}?action=export"
    message = "Image destination manta_path is a required argument"
    raw.post(path, {}).refused(409, "MissingParameter", message)
    raw.post(path, {"manta_path": "x"}).refused(422, "InvalidParameter", field="manta_path")
    raw.post(path, {"manta_path": "/somebody/stor"}).refused(422, "NotMantaPathOwner")
    named = raw.post(path, {"manta_path": "/test/stor/x"}).ok()
    assert named["image_path"] == "/test/stor/x.zfs.gz"
    in_directory = raw.post(path, {"manta_path": "/test/stor"}).ok()
    assert in_directory["manifest_path"] == f"/test/stor/mine-{image.version}.imgmanifest"
    raw.site.manta = None
    raw.post(path, {"manta_path": "/test/stor"}).refused(503, "StorageUnsupported")
    raw.site.manta = {}


def test_the_limit_for_tags_of_an_image_counts_characters_of_the_json(raw: Raw, image: Image) -> None:
    # imgmanifest lib/imgmanifest.js, validateTags: the length of the JSON, which does not escape letters.
    path = f"/my/images/{image.uuid}?action=update"
    assert errors_of({"tags": {"k": "é" * 100_000}}) == []
    assert errors_of({"tags": {"k": "\U0001f600" * 60_000}})[0]["field"] == "tags"
    raw.post(path, {"tags": "é"}).refused(
        422, "ValidationFailed", field="tags", detail='invalid image "tags" (not an object): "é"'
    )
