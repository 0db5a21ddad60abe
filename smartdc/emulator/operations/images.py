"""Images: list, get, update, delete. Creating, importing, cloning and exporting them is in `image_making`."""

from __future__ import annotations

import hashlib
from typing import Any

from smartdc.emulator.http.answers import (
    Answer,
    Refusal,
    crashed,
    invalid_argument,
    missing_parameter,
    not_found,
)
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.http.routes import Route
from smartdc.emulator.http.violations import note_violation
from smartdc.emulator.operations import image_making
from smartdc.emulator.operations.image_making import MANIFEST, check_owner, invalid
from smartdc.emulator.rules.image_manifests import errors_of
from smartdc.emulator.state.resources import Image
from smartdc.emulator.state.site import Site

FILTERS = ("name", "os", "version", "public", "state", "owner", "type")
STATES = ("all", "active", "unactivated", "disabled", "creating", "failed")
#: Error codes that the server shows; any other is shown as InternalError.
SHOWN_ERRORS = ("PrepareImageDidNotRun", "VmHasNoOrigin", "NotSupported")

#: Before 8.0 images had the types of machines.
_OLD_TYPES = {"smartmachine": "zone-dataset", "virtualmachine": "zvol"}
_REQUIREMENTS = (
    ("max_memory", "max_ram"),
    ("max_ram", "max_ram"),
    ("min_memory", "min_ram"),
    ("min_ram", "min_ram"),
    ("brand", "brand"),
    ("bootrom", "bootrom"),
)


def image_json(image: Image, request: Incoming) -> dict[str, Any]:
    """Write one image for the request's API version; an image that is being created has few fields."""
    shown: dict[str, Any] = {"id": image.uuid, "name": image.name, "version": image.version}
    if image.os:
        shown["os"] = image.os
    shown["requirements"] = {
        name: image.requirements[source] for name, source in _REQUIREMENTS if image.requirements.get(source)
    }
    if image.type:
        shown["type"] = image.type
        if not request.since((8, 0, 0)):
            shown["type"] = "virtualmachine" if image.type == "zvol" else "smartmachine"
    if image.type == "zvol":
        shown["image_size"] = image.image_size
    if image.description:
        shown["description"] = image.description
    if image.state not in ("creating", "failed"):
        digest = hashlib.sha1(image.uuid.encode(), usedforsecurity=False).hexdigest()
        shown["files"] = [{"compression": "gzip", "sha1": digest, "size": image.file_size}]
    optional: dict[str, Any] = {"default": image.default, "tags": image.tags or None}
    optional |= {"homepage": image.homepage, "published_at": image.published_at}
    if request.since((7, 1, 0)):
        optional |= {"owner": image.owner, "public": image.public, "state": image.state}
        optional |= {"eula": image.eula, "acl": image.acl or None, "origin": image.origin}
        optional["error"] = _error_json(image)
    return shown | {name: value for name, value in optional.items() if value is not None}


def list_images(site: Site, request: Incoming) -> Answer:
    """``GET /:account/images``: active images by default, and Docker images only with a type in the query.

    See docs/cloudapi/images-and-packages.md#images-that-a-list-hides.
    """
    params = request.params
    if request.image is not None:
        # docs/cloudapi/images-and-packages.md#image-by-id-in-a-list-query
        raise crashed("")
    state = params.get("state") or "active"
    if state not in STATES:
        # docs/cloudapi/images-and-packages.md#image-list: IMGAPI answers 422 where CloudAPI would answer 409.
        error = {"field": "state", "code": "Invalid"}
        raise Refusal(422, "InvalidParameter", f'invalid state: "{as_text(state)}"', [error])
    wanted_type = params.get("type")
    if wanted_type and not request.since((8, 0, 0)):
        if wanted_type not in _OLD_TYPES:
            raise invalid_argument(f"image type {as_text(wanted_type)} is not a valid type")
        wanted_type = _OLD_TYPES[wanted_type]
    public = params.get("public")
    if public and as_text(public) not in ("true", "false"):
        message = f'invalid value for "public" param: "{as_text(public)}" is not a boolean'
        raise Refusal(422, "InvalidParameter", message, [{"field": "public", "code": "Invalid"}])
    wanted = {name: as_text(params[name]) for name in FILTERS if params.get(name) and name != "state"}
    wanted["type"] = as_text(wanted_type or "!docker")
    shown = [
        image_json(image, request)
        for image in site.images.values()
        if image.visible_to(request.account.uuid)
        and _in_state(image, state, request.account.uuid)
        and all(_fits(as_text(getattr(image, name)), name, text) for name, text in wanted.items())
    ]
    return Answer(shown)


def get_image(site: Site, request: Incoming) -> Answer:
    """``GET /:account/images/:dataset``, by uuid only."""
    return Answer(image_json(_find(request), request))


def create_image(site: Site, request: Incoming) -> Answer:
    """``POST /:account/images``: create from a machine, or import from another data center."""
    action = request.params.get("action")
    if not action:
        image = image_making.begin_from_machine(site, request)
        # IMGAPI knows only the request's values at this time: neither owner nor type.
        shown = image_json(image, request)
        for name in ("owner", "public", "files"):
            shown.pop(name, None)
        headers = {"x-joyent-jobid": site.stable_uuid(f"job/{image.uuid}")}
        headers["Location"] = f"/{request.account.login}/images/{image.uuid}"
        return Answer(shown, 201, headers)
    if action == "import-from-datacenter":
        return Answer(image_json(image_making.import_from_datacenter(site, request), request))
    note_violation(site, request, "this action gets no answer")
    raise invalid_argument(f"action {as_text(action)} is not a valid argument")


def update_image(site: Site, request: Incoming) -> Answer:
    """``POST /:account/images/:dataset?action=ACTION``: the action may also be in the body.

    See docs/cloudapi/images-and-packages.md#image-actions.
    """
    action = request.params.get("action")
    if action == "update":
        return Answer(image_json(_update(request), request))
    if action == "export":
        return Answer(image_making.export(site, request, lambda: _find(request)))
    if action == "clone":
        return Answer(image_json(image_making.clone(site, request, _find(request)), request))
    in_query = request.query.get("action")
    if in_query:
        raise invalid_argument(f"action {as_text(in_query)} is not a valid argument")
    raise missing_parameter("action is a required argument")


def delete_image(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/images/:dataset``: refused while other images have it as their origin."""
    image = _find(request)
    check_owner(request, image)
    dependents = [other.uuid for other in site.images.values() if other.origin == image.uuid]
    if dependents:
        message = (
            f'image "{image.uuid}" has {len(dependents)} dependent incremental image(s): '
            f"{', '.join(dependents)}"
        )
        raise Refusal(422, "ImageHasDependentImages", message)
    del site.images[image.uuid]
    return Answer(status=204)


def _update(request: Incoming) -> Image:
    image = _find(request)
    check_owner(request, image)
    changes = {name: request.params[name] for name in MANIFEST if name in request.params}
    if not changes:
        raise invalid("invalid image update data: no parameters provided", [])
    errors = errors_of(changes)
    if errors:
        raise invalid(f"invalid image data: {', '.join(error['field'] for error in errors)}", errors)
    for name, value in changes.items():
        if name == "acl":
            value = [value] if isinstance(value, str) else value or []
        elif value is None:
            value = {"tags": {}, "description": ""}.get(name)
        setattr(image, name, value)
    return image


def _find(request: Incoming) -> Image:
    if request.image is None:
        raise not_found(f"{as_text(request.params['dataset'])} not found")
    return request.image


def _error_json(image: Image) -> dict[str, Any] | None:
    if image.state != "failed" or image.error is None:
        return None
    if image.error.get("code") in SHOWN_ERRORS:
        return dict(image.error)
    message = "an unexpected error occurred (Contact support for assistance.)"
    return {"code": "InternalError", "message": message}


def _in_state(image: Image, state: str, account_uuid: str) -> bool:
    """Whether IMGAPI counts the image under this state; a disabled image is listed for its owner only."""
    if state == "all":
        return True
    if state == "unactivated":
        return not image.activated
    return image.state == state and (state != "disabled" or image.owner == account_uuid)


def _fits(value: str, name: str, pattern: str) -> bool:
    """Whether a value matches one of IMGAPI's filters.

    A filter is the exact value, ``~`` before a part of a name or version, or ``!`` before an unwanted type.
    """
    if pattern.startswith("~") and name in ("name", "version"):
        return pattern[1:] in value
    if pattern.startswith("!") and name == "type":
        return value != pattern[1:]
    return value == pattern


_ALL = "/:account/images"
_ONE = "/:account/images/:dataset"
ROUTES = [
    Route("ListImages", "GET", _ALL, list_images, params=FILTERS),
    Route("HeadImages", "HEAD", _ALL, list_images, params=FILTERS),
    Route("GetImage", "GET", _ONE, get_image),
    Route("HeadImage", "HEAD", _ONE, get_image),
    Route(
        "CreateImageFromMachine",
        "POST",
        _ALL,
        create_image,
        params=("machine", "action", "datacenter", "id", *MANIFEST),
    ),
    Route("UpdateImage", "POST", _ONE, update_image, params=("action", "manta_path", *MANIFEST)),
    Route("DeleteImage", "DELETE", _ONE, delete_image),
]
