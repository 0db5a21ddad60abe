"""Making images from a machine, from another account's image or from another data center, and exporting them.

The checks are CloudAPI's (datasets.js) and then IMGAPI's, whose errors CloudAPI passes on unchanged.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

from smartdc.emulator.http.answers import ErrorItem, Refusal, invalid_argument, missing_parameter, not_found
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import as_text, is_uuid
from smartdc.emulator.rules.image_manifests import errors_of
from smartdc.emulator.state.directory import ADMIN_UUID
from smartdc.emulator.state.jobs import IMAGE_FILE_SECONDS, IMAGE_SECONDS
from smartdc.emulator.state.resources import Image
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

#: The fields of an image that a client can set, at creation and later.
MANIFEST = ("name", "version", "description", "homepage", "eula", "acl", "tags")
MANTA_URL = "https://us-central.manta.example.com"

#: IMGAPI has a script to prepare an image only for these systems.
_SYSTEMS = ("bsd", "linux", "smartos", "windows")
_OLDEST_PLATFORM = "7.0/20130917T001310Z"
_OLDEST_WINDOWS_ON_KVM = "2018-10-15"


def begin_from_machine(site: Site, request: Incoming) -> Image:
    """Add the new image to the list, and create it in steps: creating, unactivated, active.

    Raises:
        Refusal: 409 of CloudAPI, or IMGAPI's.
    """
    params = request.params
    for name, title in (("machine", "machine"), ("name", "Image name"), ("version", "Image version")):
        if not params.get(name):
            raise missing_parameter(f"{title} is a required argument")
    manifest = {name: params[name] for name in MANIFEST if name in params}
    vm, origin = _machine(site, request)
    if vm.brand == "lx" and "kernel_version" in origin.tags:
        kernel = {"kernel_version": origin.tags["kernel_version"]}
        manifest["tags"] = {**(manifest.get("tags") or {}), **kernel}
    errors = errors_of(manifest)
    if errors:
        raise invalid(f"invalid image data: {', '.join(error['field'] for error in errors)}", errors)
    acl = manifest.pop("acl", [])
    image = Image(
        site.new_uuid(),
        os="",
        type="",
        owner=request.account.uuid,
        public=False,
        state="creating",
        published_at=None,
        acl=[acl] if isinstance(acl, str) else acl,
        **manifest,
    )
    site.images[image.uuid] = image
    _make(site, image, vm, origin)
    return image


def import_from_datacenter(site: Site, request: Incoming) -> Image:
    """Copy an image and its origins. A real server answers after the copy; here the copy takes no time.

    Raises:
        Refusal: 409 of CloudAPI, or IMGAPI's.
    """
    datacenter, image_uuid = request.params.get("datacenter"), request.params.get("id")
    if not datacenter:
        raise missing_parameter("datacenter is a required argument")
    if not is_uuid(image_uuid):
        shown = "undefined" if image_uuid is None else as_text(image_uuid)
        raise invalid_argument(f"id {shown} must be a UUID")
    source = _other_site(site, as_text(datacenter))
    owner = request.account.uuid
    image = source.images.get(str(image_uuid))
    if image is None or not image.visible_to(owner):
        raise not_found("image not found")
    if image.state != "active":
        raise invalid(f"Cannot import image {image.uuid} - image is not active.", None)
    if image.owner != owner:
        message = f"Cannot import image {image.uuid} - you are not the owner."
        raise Refusal(401, "UnauthorizedError", message)
    if image.uuid in site.images:
        raise Refusal(409, "ImageUuidAlreadyExists", f'image uuid "{image.uuid}" already exists')
    wanted = [image, *_missing_origins(site, source, image)]
    for each in reversed(wanted):
        site.images[each.uuid] = deepcopy(each)
    return site.images[image.uuid]


def clone(site: Site, request: Incoming, image: Image) -> Image:
    """Copy another account's image and its origins; the copies of the origins are disabled.

    Raises:
        Refusal: IMGAPI's.
    """
    account = request.account.uuid
    if not image.activated:
        raise invalid("image is not active", [{"field": "active", "code": "Invalid"}])
    if account not in image.acl:
        message = f"Image {image.uuid} is not shared with account {account}"
        raise Refusal(422, "ImageNotShared", message)
    if image.type == "docker":
        raise invalid("docker images cannot be cloned", [{"field": "type", "code": "Invalid"}])
    chain = [image]
    while (origin := site.images.get(chain[-1].origin or "")) and origin.owner != ADMIN_UUID:
        chain.append(origin)
    base = chain[-1].origin
    for original in reversed(chain):
        copy = replace(
            deepcopy(original),
            uuid=site.new_uuid(),
            owner=account,
            acl=[],
            origin=base,
            state="active" if original is image else "disabled",
            published_at=site.shared.clock.dated(site.shared.clock.now()),
        )
        site.images[copy.uuid] = copy
        base = copy.uuid
    return copy


def export(site: Site, request: Incoming, find_image: Callable[[], Image]) -> dict[str, str]:
    """Write an image to Manta, and return its paths there.

    Args:
        site: The data center.
        request: The request for the export.
        find_image: Finds the image; called after CloudAPI's check of the path, whose error comes first.

    Raises:
        Refusal: 409 of CloudAPI, or IMGAPI's.
    """
    path = request.params.get("manta_path")
    if not path:
        raise missing_parameter("Image destination manta_path is a required argument")
    image = find_image()
    check_owner(request, image)
    path = posixpath.normpath(as_text(path))
    login = path.split("/")[1] if "/" in path else ""
    if not login:
        message = "invalid manta_path prefix, not a valid manta path"
        raise Refusal(422, "InvalidParameter", message, [{"field": "manta_path", "code": "Invalid"}])
    if site.manta is None or image.state == "creating":
        raise Refusal(503, "StorageUnsupported", "storage type is unsupported")
    if login != request.account.login:
        message = f"account {request.account.uuid} is not the owner of Manta path {path}"
        raise Refusal(422, "NotMantaPathOwner", message)
    is_directory = path in (f"/{login}/stor", f"/{login}/public") or any(
        known.startswith(f"{path}/") for known in site.manta
    )
    prefix = f"{path}/{image.name}-{image.version}" if is_directory else path
    paths = {"image_path": f"{prefix}.zfs.gz", "manifest_path": f"{prefix}.imgmanifest"}
    site.manta.update(dict.fromkeys(paths.values(), image.uuid))
    return {"manta_url": MANTA_URL, **paths}


def check_owner(request: Incoming, image: Image) -> None:
    """Refuse a change of another account's image."""
    account = request.account.uuid
    if image.owner != account:
        message = f"account {account} is not the owner of image {image.uuid}"
        raise Refusal(422, "NotImageOwner", message)


def invalid(message: str, errors: list[ErrorItem] | None) -> Refusal:
    """IMGAPI's ValidationFailed, whose status is 422."""
    return Refusal(422, "ValidationFailed", message, errors)


def _machine(site: Site, request: Incoming) -> tuple[VM, Image]:
    """The machine to create an image from, and the machine's own image."""
    requested = request.params["machine"]
    field = {"field": "vm_uuid", "code": "Invalid"}
    if not is_uuid(requested):
        message = f"invalid 'vm_uuid': not a UUID: '{as_text(requested)}'"
        raise Refusal(422, "InvalidParameter", message, [field])
    vm = site.machines.get(requested)
    if vm is None or vm.owner_uuid != request.account.uuid:
        raise Refusal(422, "InvalidParameter", f'could not get VM "{requested}" details', [field])
    if vm.server_uuid is None:
        raise Refusal(500, "InternalError", 'could not get server "undefined" details')
    if vm.server_uuid in site.old_servers:
        message = (
            f"cannot create an image from VM {vm.uuid} because it resides on a server of insufficient "
            f"version, min version is {_OLDEST_PLATFORM}"
        )
        raise Refusal(422, "InsufficientServerVersion", message)
    if vm.docker:
        message = "cannot create an image from a Docker container"
        raise Refusal(422, "InvalidParameter", message, [field])
    origin = site.images.get(vm.image_uuid)
    if origin is None:
        raise not_found("image not found")
    if vm.brand == "kvm" and origin.os == "windows" and (origin.published_at or "") < _OLDEST_WINDOWS_ON_KVM:
        raise Refusal(
            501,
            "NotAvailable",
            'image creation for OS "windows" is not supported for KVM images older than '
            f"{_OLDEST_WINDOWS_ON_KVM} (VM {vm.uuid}, origin image {origin.uuid})",
        )
    if origin.os not in _SYSTEMS:
        raise Refusal(
            501,
            "NotAvailable",
            f'image creation for OS "{origin.os}" is not currently supported '
            f"(VM {vm.uuid}, origin image {origin.uuid})",
        )
    return vm, origin


def _make(site: Site, image: Image, vm: VM, origin: Image) -> None:
    fails, site.fail_next_image = site.fail_next_image, False
    inherited = {
        "os": origin.os,
        "type": origin.type,
        "requirements": dict(origin.requirements),
        "users": origin.users,
        "origin": origin.uuid,
        "image_size": origin.image_size,
    }
    site.later(IMAGE_FILE_SECONDS, partial(write_file, site, image.uuid, vm, inherited, fails))
    site.later(IMAGE_SECONDS, partial(activate, site, image.uuid))


def write_file(
    site: Site, image_uuid: str, vm: VM, inherited: dict[str, Any], fails: bool | str, _due: float
) -> None:
    """Give the image its file and the fields inherited from its origin, or mark it as failed."""
    image = site.images.get(image_uuid)
    if image is None:
        return  # it was deleted in the meantime
    if fails or not vm.workable:
        code = fails if isinstance(fails, str) else "InternalError"
        image.state = "failed"
        image.error = {"code": code, "message": f"{code}: no image of VM {vm.uuid}"}
        return
    image.state = "unactivated"
    for field, value in inherited.items():
        setattr(image, field, tuple(value) if field == "users" else value)


def activate(site: Site, image_uuid: str, due: float) -> None:
    """Make the image active."""
    image = site.images.get(image_uuid)
    if image is not None and image.state == "unactivated":
        image.state, image.published_at = "active", site.shared.clock.dated(due)


def _other_site(site: Site, name: str) -> Site:
    others = ", ".join(other for other in site.shared.sites if other != site.name)
    field = [{"field": "datacenter", "code": "Invalid"}]
    if name not in site.shared.sites:
        message = f'datacenter "{name}" is not supported, valid datacenters names are: {others}'
        raise invalid(message, field)
    if name == site.name:
        message = f"cannot import into the same datacenter, valid datacenters names are: {others}"
        raise invalid(message, field)
    return site.shared.sites[name]


def _missing_origins(site: Site, source: Site, image: Image) -> list[Image]:
    """The chain of origins of an image, up to the first that this data center already has."""
    missing = []
    while image.origin is not None and image.origin not in site.images:
        origin = source.images.get(image.origin)
        if origin is None:
            raise not_found("image not found")
        if origin.owner != image.owner:
            raise not_found(
                f"Unable to import - origin image {origin.uuid} must already exist in the datacenter "
                "(as this image is not owned by you)."
            )
        if origin.state != "active":
            raise Refusal(422, "OriginIsNotActive", f'origin image "{origin.uuid}" is not active')
        missing.append(origin)
        image = origin
    known = site.images.get(image.origin or "")
    if known is not None and known.state != "active":
        raise Refusal(422, "OriginIsNotActive", f'origin image "{known.uuid}" is not active')
    return missing
