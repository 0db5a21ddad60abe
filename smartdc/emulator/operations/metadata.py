"""The metadata of a machine. Jobs write it; the answer to a write predicts the result.

See docs/cloudapi/tags-and-metadata.md#the-answer-is-a-prediction.
"""

from __future__ import annotations

from typing import Any

from smartdc.emulator.http.answers import (
    Answer,
    invalid_argument,
    invalid_field,
    not_found,
    validation_failed,
)
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.machine_json import passwords
from smartdc.emulator.http.routes import ANYTHING, Route
from smartdc.emulator.javascript.objects import OBJECT_PROPERTIES
from smartdc.emulator.operations.tag_and_metadata_jobs import key_at_vmapi, start_write
from smartdc.emulator.rules import validation
from smartdc.emulator.state.site import Site

#: Parameters that never become metadata, in addition to those that end in ``_pw``
#: (docs/cloudapi/tags-and-metadata.md#metadata-that-are-dropped).
NOT_METADATA = ("account", "machine", "uuid", "owner_uuid", "credentials", "image")
#: Keys that cannot be deleted one by one.
UNDELETABLE = ("credentials", "administrator_pw", "root_authorized_keys")


def list_metadata(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/metadata``; any non-empty ``credentials`` adds the passwords."""
    shown = {key: value for key, value in request.vm.customer_metadata.items() if key != "credentials"}
    if request.params.get("credentials"):
        shown["credentials"] = passwords(request.vm)
    return Answer(shown)


def get_metadata(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/metadata/:key``: 404 for a value that is not a string.

    See docs/cloudapi/tags-and-metadata.md#metadata-that-are-not-strings.
    """
    if request.params["key"] == "credentials":
        return Answer(passwords(request.vm))
    key = _known_key(site, request)
    value = request.vm.customer_metadata[key]
    if not isinstance(value, str):
        raise not_found(f"{key} is not metadata")
    return Answer(value)


def add_metadata(site: Site, request: Incoming) -> Answer:
    """``POST /:account/machines/:machine/metadata``."""
    vm = request.vm
    new: dict[str, Any] = {
        name: value
        for name, value in request.params.items()
        if name not in NOT_METADATA and not name.endswith("_pw")
    }
    errors = validation.metadata_errors(new) if new else [invalid_field("customer_metadata")]
    if errors:
        raise validation_failed("Invalid metadatum parameters", errors)
    job = start_write(site, request, "set_metadata", "customer_metadata", new=new)
    shown = {key: value for key, value in vm.customer_metadata.items() if key != "credentials"} | new
    return Answer(shown, headers={"x-job-uuid": job.uuid})


def delete_metadata(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/machines/:machine/metadata/:key``."""
    if request.params["key"] in UNDELETABLE:
        raise invalid_argument(f"Metadata key {request.params['key']} can not be deleted")
    key = _known_key(site, request)
    start_write(site, request, "remove_metadata", "customer_metadata", removed=[key])
    return Answer(status=204)


def delete_all_metadata(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/machines/:machine/metadata``: keeps the root keys, and adds two uuids.

    See docs/cloudapi/tags-and-metadata.md#delete-all-metadata and #keys-of-a-pending-job-survive.
    """
    vm = request.vm
    remaining = {"uuid": vm.uuid, "owner_uuid": vm.owner_uuid}
    remaining |= {key: vm.customer_metadata[key] for key in UNDELETABLE[1:] if key in vm.customer_metadata}
    errors = validation.metadata_errors(remaining)
    if errors:
        raise validation_failed("Invalid metadatum parameters", errors)
    removed = vm.customer_metadata.keys() - remaining.keys() - OBJECT_PROPERTIES
    action = "replace_metadata" if removed else "set_metadata"
    start_write(site, request, action, "customer_metadata", removed=removed, new=remaining)
    return Answer(status=204)


def _known_key(site: Site, request: Incoming) -> str:
    key = key_at_vmapi(site, request, "key")
    # CloudAPI does not encode the key in the path: docs/cloudapi/tags-and-metadata.md#keys-with-a-slash.
    if "/" in key or key not in request.vm.customer_metadata:
        raise not_found(f'metadatum "{key}" not found')
    return key


_ALL = "/:account/machines/:machine/metadata"
_ONE = "/:account/machines/:machine/metadata/:key"
# HEAD of one key is 405, because the server registers that route under a name that it already uses
# (docs/cloudapi/tags-and-metadata.md#head-of-one-metadata-key).
ROUTES = [
    Route("AddMachineMetadata", "POST", _ALL, add_metadata, params=ANYTHING),
    Route("ListMachineMetadata", "GET", _ALL, list_metadata, params=("credentials",)),
    Route("HeadMachineMetadata", "HEAD", _ALL, list_metadata, params=("credentials",)),
    Route("GetMachineMetadata", "GET", _ONE, get_metadata),
    Route("DeleteAllMachineMetadata", "DELETE", _ALL, delete_all_metadata, params=("origin",)),
    Route("DeleteMachineMetadata", "DELETE", _ONE, delete_metadata, params=("origin",)),
]
