"""The tags of a machine. Jobs write them; the answer to a write predicts the result.

See docs/cloudapi/tags-and-metadata.md#the-answer-is-a-prediction.
"""

from __future__ import annotations

from typing import Any

from smartdc.emulator.http.answers import (
    TEXT_TYPE,
    Answer,
    ErrorItem,
    invalid_field,
    not_found,
    validation_failed,
)
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.routes import ANYTHING, Route
from smartdc.emulator.javascript.objects import OBJECT_PROPERTIES
from smartdc.emulator.operations.tag_and_metadata_jobs import key_at_vmapi, start_write
from smartdc.emulator.rules import validation
from smartdc.emulator.rules.tag_text import as_stored
from smartdc.emulator.state.site import Site

#: Parameters that never become tags; all others do, even those in the query
#: (docs/cloudapi/tags-and-metadata.md#parameters-that-become-tags).
NOT_TAGS = ("account", "machine", "uuid", "owner_uuid", "context", "image")


def list_tags(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/tags``."""
    return Answer(dict(request.vm.tags))


def get_tag(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/tags/:tag``: the answer for a number or a boolean is "".

    See docs/cloudapi/tags-and-metadata.md#tags-that-are-not-strings.
    """
    key = key_at_vmapi(site, request, "tag")
    # CloudAPI sends the slash to VMAPI unescaped: docs/cloudapi/tags-and-metadata.md#keys-with-a-slash.
    if "/" in key or key not in request.vm.tags:
        raise not_found(f'tag "{key}" not found')
    if "accept" not in request.headers:
        # docs/cloudapi/tags-and-metadata.md#tag-is-text-without-accept
        request.media_type = TEXT_TYPE
    value = request.vm.tags[key]
    return Answer(value if isinstance(value, str) else "")


def add_tags(site: Site, request: Incoming) -> Answer:
    """``POST /:account/machines/:machine/tags``."""
    vm, new = request.vm, _new_tags(request)
    _check(new, "error adding tags: Invalid tag parameters")
    job = start_write(site, request, "set_tags", "tags", new=as_stored(new))
    return Answer({**vm.tags, **new}, headers={"x-job-uuid": job.uuid})


def replace_tags(site: Site, request: Incoming) -> Answer:
    """``PUT /:account/machines/:machine/tags``; refused without any tag.

    See docs/cloudapi/tags-and-metadata.md#empty-tags-are-refused and #keys-of-a-pending-job-survive.
    """
    vm, new = request.vm, _new_tags(request)
    message = "error replacing tags: Invalid tag parameters"
    _check(new, message)
    removed = [key for key in vm.tags if key not in new and key not in OBJECT_PROPERTIES]
    _check_removable(removed, message)
    action = "replace_tags" if removed else "set_tags"
    job = start_write(site, request, action, "tags", removed=removed, new=as_stored(new))
    return Answer(new, headers={"x-job-uuid": job.uuid})


def delete_tag(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/machines/:machine/tags/:tag``; works with every character.

    See docs/cloudapi/hazards.md#keys-with-a-space.
    """
    vm, key = request.vm, str(request.params["tag"])
    if key not in vm.tags:
        raise not_found(f'tag "{key}" not found')
    _check_removable([key], "error deleting tag: Invalid tag parameters")
    start_write(site, request, "remove_tags", "tags", removed=[key])
    return Answer(status=204)


def delete_tags(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/machines/:machine/tags``."""
    keys = list(request.vm.tags)
    _check_removable(keys, "error deleting all tags: Invalid tag parameters")
    start_write(site, request, "remove_tags", "tags", removed=keys)
    return Answer(status=204)


def _new_tags(request: Incoming) -> dict[str, Any]:
    return {name: value for name, value in request.params.items() if name not in NOT_TAGS}


def _check(new: dict[str, Any], message: str) -> None:
    errors: list[ErrorItem] = validation.tag_errors(new) if new else [invalid_field("tags")]
    if errors:
        raise validation_failed(message, errors)


def _check_removable(keys: list[str], message: str) -> None:
    for key in keys:
        errors = validation.tag_delete_errors(key)
        if errors:
            raise validation_failed(message, errors)


_ALL = "/:account/machines/:machine/tags"
_ONE = "/:account/machines/:machine/tags/:tag"
ROUTES = [
    Route("AddMachineTags", "POST", _ALL, add_tags, params=ANYTHING),
    Route("ReplaceMachineTags", "PUT", _ALL, replace_tags, params=ANYTHING),
    Route("ListMachineTags", "GET", _ALL, list_tags),
    Route("HeadmachineTags", "HEAD", _ALL, list_tags),
    Route("GetMachineTag", "GET", _ONE, get_tag),
    Route("HeadMachineTag", "HEAD", _ONE, get_tag),
    Route("DeleteMachineTags", "DELETE", _ALL, delete_tags, params=("origin",)),
    Route("DeleteMachineTag", "DELETE", _ONE, delete_tag, params=("origin",)),
]
