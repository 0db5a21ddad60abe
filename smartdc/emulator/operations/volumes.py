"""NFS volumes: CloudAPI's checks (endpoints/volumes.js), then VOLAPI's. Mounts are in `mounting`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from smartdc.emulator.http.answers import Answer, Refusal, invalid_argument
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import as_text, fits_wildcard, is_uuid
from smartdc.emulator.http.routes import Route
from smartdc.emulator.rules.affinity import read_affinity
from smartdc.emulator.rules.mounting import new_volume, references
from smartdc.emulator.rules.volume_predicates import BadPredicate, Predicate
from smartdc.emulator.rules.volume_values import (
    check_values,
    id_problems,
    name_problems,
    state_problems,
    type_problems,
)
from smartdc.emulator.state.jobs import VOLUME_DELETE_SECONDS
from smartdc.emulator.state.resources import Volume
from smartdc.emulator.state.site import Site

FILTERS = ("name", "predicate", "size", "state", "type")
_NAME_SEARCH = re.compile(r"\*?[\w.-]+\*?", re.ASCII)
_SIZE_SEARCH = re.compile(r"[1-9][0-9]*")


def list_volumes(site: Site, request: Incoming) -> Answer:
    """``GET /:account/volumes``: failed volumes only with a state or a predicate in the query."""
    params = request.params
    problems = [f"Error: invalid parameter: {name}" for name in request.query if name not in FILTERS]
    if "name" in params and not _NAME_SEARCH.fullmatch(as_text(params["name"])):
        problems.append("Error: invalid value for name search parameter")
    if "type" in params:
        problems += type_problems(params["type"])
    if "size" in params and not _SIZE_SEARCH.fullmatch(as_text(params["size"])):
        problems.append("Error: invalid value for size search parameter, must match /^[1-9][0-9]*$/")
    if "state" in params:
        problems += state_problems(params["state"])
    predicate: Predicate | None = None
    if "predicate" in params:
        try:
            predicate = _predicate(params)
        except BadPredicate as problem:
            problems.append(str(problem))
    _refuse(problems)
    found = [volume for volume in site.volumes.values() if volume.owner_uuid == request.account.uuid]
    if predicate is not None:
        found = [volume for volume in found if predicate.fits(_fields(volume))]
    elif "state" not in params:
        found = [volume for volume in found if volume.state != "failed"]
    if "name" in params:
        found = [volume for volume in found if fits_wildcard(volume.name, params["name"])]
    for name in ("size", "state", "type"):
        if name in params:
            found = [volume for volume in found if as_text(getattr(volume, name)) == params[name]]
    users = references(site, request.account.uuid)
    shown = [_json(site, volume, users) for volume in found]
    return Answer(shown, headers={"x-resource-count": str(len(shown))})


def get_volume(site: Site, request: Incoming) -> Answer:
    """``GET /:account/volumes/:id``."""
    _refuse(id_problems(request.params["id"]))
    volume = _find(site, request, "Error when getting volume")
    return Answer(_json(site, volume, references(site, volume.owner_uuid)))


def create_volume(site: Site, request: Incoming) -> Answer:
    """``POST /:account/volumes``: ``creating`` for a while, because the server makes a machine for it."""
    params, owner = request.params, request.account
    problems = name_problems(params["name"]) if "name" in params else []
    problems += type_problems(params.get("type"))
    size = params.get("size")
    if "size" in params and (isinstance(size, bool) or not isinstance(size, int | float) or size <= 0):
        problems.append(f"Error: Invalid volume size: {as_text(size)}")
    problems += _networks_problems(params)
    problems += _affinity_problems(params.get("affinity"))
    problems += _tags_problems(params.get("tags"))
    _refuse(problems)
    read_affinity(params.get("affinity"))
    networks = _networks(site, request)
    name = params.get("name") or f"{site.new_uuid()}{site.new_uuid()}".replace("-", "")
    _check_name_is_free(site, "Error when creating volume", name, owner.uuid)
    if size is not None and size not in site.volume_sizes:
        available = ", ".join(str(known) for known in site.volume_sizes)
        message = f"Volume size {as_text(size)} is not available. Available sizes are: {available}"
        raise Refusal(409, "VolumeSizeNotAvailable", f"Error when creating volume: {message}")
    volume = new_volume(site, owner.uuid, name, networks, size, params.get("tags"))
    return Answer(_json(site, volume, references(site, volume.owner_uuid)), 201)


def update_volume(site: Site, request: Incoming) -> Answer:
    """``POST /:account/volumes/:id``: 200 with the volume, although the reference says 204."""
    params = request.params
    problems = name_problems(params["name"]) if "name" in params else []
    problems += id_problems(params["id"])
    # This refuses `?action=update`, which CloudAPI's successor has.
    unknown = [name for name in request.query if name not in ("account", "name")]
    problems += [f"InvalidArgumentError: {name} is an invalid parameter" for name in unknown]
    _refuse(problems)
    message = "Error when updating volume"
    volume = _find(site, request, message)
    if "name" in params:
        # VOLAPI compares the name with the volumes of all accounts, and with this volume itself.
        _check_name_is_free(site, message, params["name"], None)
        _check_unused(site, message, volume)
        volume.name = params["name"]
    return Answer(_json(site, volume, references(site, volume.owner_uuid)))


def delete_volume(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/volumes/:id``: ``deleting`` for a while."""
    _refuse(id_problems(request.params["id"]))
    message = "Error when deleting volume"
    volume = _find(site, request, message)
    _check_unused(site, message, volume)
    if volume.state != "deleting":
        volume.state = "deleting"
        site.later(VOLUME_DELETE_SECONDS, partial(disappear, site, volume.uuid))
    return Answer(status=204)


def list_volume_sizes(site: Site, request: Incoming) -> Answer:
    """``GET /:account/volumesizes``."""
    _refuse(type_problems(request.params["type"]) if "type" in request.params else [])
    shown = [{"size": size, "type": "tritonnfs"} for size in sorted(site.volume_sizes)]
    return Answer(shown, headers={"x-resource-count": str(len(shown))})


def _find(site: Site, request: Incoming, prefix: str) -> Volume:
    volume = site.volumes.get(request.params["id"])
    if volume is None or volume.owner_uuid != request.account.uuid:
        message = f"Volume with uuid {request.params['id']} could not be found"
        raise Refusal(404, "VolumeNotFound", f"{prefix}: {message}")
    return volume


def disappear(site: Site, volume_uuid: str, _due: float) -> None:
    """Delete the volume and release its address."""
    volume = site.volumes.pop(volume_uuid, None)
    if volume is None:
        return
    if volume.filesystem_path and volume.networks[0] in site.networks:
        site.networks[volume.networks[0]].release(volume.filesystem_path.partition(":")[0])


def _networks(site: Site, request: Incoming) -> list[str]:
    asked, owner = request.params.get("networks"), request.account.uuid
    if "networks" not in request.params:
        default = site.default_fabric_networks.get(owner)
        if default is None:
            message = "default_network is not configured for account"
            raise Refusal(409, "DefaultFabricNetworkNotConfiguredError", message)
        return [default]
    for network_uuid in asked or ():
        network = site.networks.get(network_uuid)
        if network is None or network.kind != "fabric" or owner not in (network.owner_uuids or ()):
            raise invalid_argument(f"Invalid networks: {as_text(asked)}")
    if not asked:
        cause = "Validation error, causes: Error: networks must be a non-empty array"
        raise Refusal(409, "ValidationError", f"Error when creating volume: {cause}")
    return list(asked)


def _check_name_is_free(site: Site, prefix: str, name: str, owner_uuid: str | None) -> None:
    for volume in site.volumes.values():
        has_name = volume.name == name and volume.state in ("ready", "creating")
        if has_name and owner_uuid in (None, volume.owner_uuid):
            raise Refusal(409, "VolumeAlreadyExists", f"{prefix}: Volume with name {name} already exists")


def _check_unused(site: Site, prefix: str, volume: Volume) -> None:
    used_by = references(site, volume.owner_uuid).get(volume.name)
    if used_by:
        message = f"Volume with name {volume.name} is used by vms: {', '.join(used_by)}"
        raise Refusal(409, "VolumeInUse", f"{prefix}: {message}")


def _predicate(params: dict[str, Any]) -> Predicate:
    predicate = Predicate.read(as_text(params["predicate"]))
    check_values(predicate)
    twice = [field for field, _ in predicate.values() if field in params]
    if twice:
        message = f'predicate has "{twice[0]}" which conflicts with parameter with same name'
        raise BadPredicate(f"Error: {message}")
    return predicate


def _refuse(problems: list[str]) -> None:
    if problems:
        raise invalid_argument(", ".join(problems))


def _networks_problems(params: dict[str, Any]) -> list[str]:
    networks = params.get("networks")
    if "networks" not in params:
        return []
    if not isinstance(networks, list):
        return ["Error: Invalid networks: networks must be an array"]
    return [] if all(map(is_uuid, networks)) else [f"Error: Invalid networks: {as_text(networks)}"]


def _affinity_problems(affinity: Any) -> list[str]:
    if not affinity or (isinstance(affinity, list) and all(isinstance(rule, str) for rule in affinity)):
        return []
    return ["Error: Invalid affinity: affinity must be an array of strings"]


def _tags_problems(tags: Any) -> list[str]:
    if not tags or (isinstance(tags, dict) and all(isinstance(value, str) for value in tags.values())):
        return []
    return ["Error: Invalid tags: tags must be an object of key/value strings"]


def _fields(volume: Volume) -> dict[str, list[Any]]:
    """The values of the fields in a predicate; where there are several, any of them may match."""
    return {
        "id": [volume.uuid],
        "name": [volume.name],
        "network": volume.networks,
        "size": [volume.size],
        "state": [volume.state],
        "type": [volume.type],
    }


def _json(site: Site, volume: Volume, users: Mapping[str, list[str]]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": volume.name,
        "owner_uuid": volume.owner_uuid,
        "size": volume.size,
        "type": volume.type,
        "state": volume.state,
        "networks": volume.networks,
    }
    if volume.filesystem_path:
        shown["filesystem_path"] = volume.filesystem_path
    if volume.name in users:
        shown["refs"] = users[volume.name]
    shown["id"] = volume.uuid
    if volume.labels:
        shown["tags"] = volume.labels
    return shown | {"created": site.shared.clock.dated(volume.created)}


_ALL, _ONE = "/:account/volumes", "/:account/volumes/:id"
_NEW = ("name", "type", "size", "networks", "affinity", "tags")
ROUTES = [
    Route("ListVolumeSizes", "GET", "/:account/volumesizes", list_volume_sizes, params=("type",)),
    Route("GetVolume", "GET", _ONE, get_volume),
    Route("ListVolumes", "GET", _ALL, list_volumes, params=FILTERS),
    Route("CreateVolume", "POST", _ALL, create_volume, params=_NEW),
    Route("DeleteVolume", "DELETE", _ONE, delete_volume),
    Route("UpdateVolume", "POST", _ONE, update_volume, params=("name",)),
]
