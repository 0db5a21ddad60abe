"""Images: list and get. Making, changing and deleting them comes with a later issue."""

from __future__ import annotations

import hashlib
from typing import Any

from smartdc.emulator.answers import Answer, Refusal, invalid_argument, not_found
from smartdc.emulator.incoming import Incoming
from smartdc.emulator.parameters import as_text
from smartdc.emulator.resources import Image
from smartdc.emulator.routes import Route
from smartdc.emulator.site import Site

FILTERS = ("name", "os", "version", "public", "state", "owner", "type")
STATES = ("all", "active", "unactivated", "disabled", "creating", "failed", "destroyed")

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
    """Write one image for the version that the client asks for."""
    shown: dict[str, Any] = {
        "id": image.uuid,
        "name": image.name,
        "version": image.version,
        "os": image.os,
        "requirements": {
            name: image.requirements[source]
            for name, source in _REQUIREMENTS
            if image.requirements.get(source)
        },
        "type": image.type,
    }
    if not request.since((8, 0, 0)):
        shown["type"] = "virtualmachine" if image.type == "zvol" else "smartmachine"
    if image.type == "zvol":
        shown["image_size"] = image.image_size
    if image.description:
        shown["description"] = image.description
    digest = hashlib.sha1(image.uuid.encode(), usedforsecurity=False).hexdigest()
    shown["files"] = [{"compression": "gzip", "sha1": digest, "size": image.file_size}]
    optional: dict[str, Any] = {"default": image.default, "tags": image.tags, "homepage": image.homepage}
    optional["published_at"] = image.published_at
    if request.since((7, 1, 0)):
        optional |= {"owner": image.owner, "public": image.public, "state": image.state}
        optional |= {"eula": image.eula, "acl": image.acl or None, "origin": image.origin}
    return shown | {name: value for name, value in optional.items() if value is not None}


def list_images(site: Site, request: Incoming) -> Answer:
    """``GET /:account/images``: active ones, and no Docker images unless a type is asked for (D5)."""
    params = request.params
    state = params.get("state") or "active"
    if state not in STATES:
        # Observed H: IMGAPI's answer, with a status of its own.
        error = {"field": "state", "code": "Invalid", "message": f'"{as_text(state)}" is not a valid state'}
        raise Refusal(422, "InvalidParameter", "invalid parameters", [error])
    wanted_type = params.get("type")
    if wanted_type and not request.since((8, 0, 0)):
        if wanted_type not in _OLD_TYPES:
            raise invalid_argument(f"image type {as_text(wanted_type)} is not a valid type")
        wanted_type = _OLD_TYPES[wanted_type]
    wanted = {name: as_text(params[name]) for name in ("name", "os", "version", "public", "owner")
              if params.get(name)}  # fmt: skip
    shown = []
    for image in site.images.values():
        if not image.visible_to(request.account.uuid) or state not in ("all", image.state):
            continue
        if (image.type != wanted_type) if wanted_type else (image.type == "docker"):
            continue
        if all(_fits(as_text(getattr(image, name)), pattern) for name, pattern in wanted.items()):
            shown.append(image_json(image, request))
    return Answer(shown)


def get_image(site: Site, request: Incoming) -> Answer:
    """``GET /:account/images/:dataset``, by uuid only."""
    if request.image is None:
        raise not_found(f"{request.params['dataset']} not found")
    return Answer(image_json(request.image, request))


def _fits(value: str, pattern: str) -> bool:
    """IMGAPI's filters: exact, or with a leading ``~`` anywhere in it."""
    return pattern[1:] in value if pattern.startswith("~") else value == pattern


ROUTES = [
    Route("ListImages", "GET", "/:account/images", list_images, params=FILTERS),
    Route("HeadImages", "HEAD", "/:account/images", list_images, params=FILTERS),
    Route("GetImage", "GET", "/:account/images/:dataset", get_image),
    Route("HeadImage", "HEAD", "/:account/images/:dataset", get_image),
]
