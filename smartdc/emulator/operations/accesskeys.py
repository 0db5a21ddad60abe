"""Access keys of the account and of its sub-users.

CloudAPI 9.20.0 creates a key without arguments, cannot update one, and shows the secret in every GET. The
emulator does what the next version does; the schema of 9.20 already describes that version.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

from smartdc.emulator.http.answers import Answer, Refusal, invalid_argument, not_found
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.http.routes import Route
from smartdc.emulator.operations.keys import UPLOAD_TYPES, key_owner
from smartdc.emulator.state.directory import AccessKey, KeyOwner
from smartdc.emulator.state.site import Site

STATUSES = ("Active", "Inactive", "Expired")
MOST_KEYS = 100
_LONGEST_DESCRIPTION = 150
_PREFIX = b"tdc_"


def access_key_json(site: Site, key: AccessKey) -> dict[str, Any]:
    """Write one access key, without its secret."""
    shown: dict[str, Any] = {
        "accesskeyid": key.accesskeyid,
        "credentialtype": "permanent",
        "status": key.status,
    }
    if key.description:
        shown["description"] = key.description
    dated = site.shared.clock.dated
    return shown | {"created": dated(key.created), "updated": dated(key.updated), "expiration": None}


def list_access_keys(site: Site, request: Incoming) -> Answer:
    """``GET /:account[/users/:user]/accesskeys``."""
    return Answer([access_key_json(site, key) for key in key_owner(request).access_keys])


def get_access_key(site: Site, request: Incoming) -> Answer:
    """``GET /:account[/users/:user]/accesskeys/:accesskeyid``."""
    return Answer(access_key_json(site, _find(request, key_owner(request))))


def create_access_key(site: Site, request: Incoming) -> Answer:
    """``POST /:account[/users/:user]/accesskeys``: the only answer with the secret."""
    if request.params.get("credentialtype", "permanent") != "permanent":
        raise _forbidden("credentialtype cannot be set via CloudAPI")
    if request.params.get("expiration"):
        raise _forbidden("expiration cannot be set via CloudAPI")
    owner = key_owner(request)
    if len(owner.access_keys) >= MOST_KEYS:
        raise _forbidden(f"Account already has the maximum allowed number of access keys ({MOST_KEYS})")
    now = site.shared.clock.now()
    key = AccessKey(site.shared.chance.bytes(16).hex(), _new_secret(site), now, now)
    _apply(key, _changes(request))
    owner.access_keys.append(key)
    shown = access_key_json(site, key) | {"accesskeysecret": key.secret}
    return Answer(shown, 201, {"Location": _location(request, key)})


def update_access_key(site: Site, request: Incoming) -> Answer:
    """``POST /:account[/users/:user]/accesskeys/:accesskeyid``; an unknown key is a 409, not a 404."""
    changes = _changes(request)
    for name in ("credentialtype", "expiration"):
        if request.params.get(name):
            raise _forbidden(f"{name} cannot be set via CloudAPI")
    try:
        key = _find(request, key_owner(request))
    except Refusal as refusal:
        raise invalid_argument(refusal.message) from refusal
    _apply(key, changes)
    if changes:
        key.updated = site.shared.clock.now()
    return Answer(access_key_json(site, key), 200, {"Location": _location(request, key)})


def delete_access_key(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account[/users/:user]/accesskeys/:accesskeyid``."""
    owner = key_owner(request)
    owner.access_keys.remove(_find(request, owner))
    return Answer(status=204)


def _find(request: Incoming, owner: KeyOwner) -> AccessKey:
    wanted = as_text(request.params["accesskeyid"])
    for key in owner.access_keys:
        if key.accesskeyid == wanted:
            return key
    raise not_found(f"{wanted} does not exist")


def _changes(request: Incoming) -> dict[str, str]:
    """The fields that the request sets; empty values set nothing."""
    names = ("status", "description")
    return {name: as_text(request.params[name]) for name in names if request.params.get(name)}


def _apply(key: AccessKey, changes: dict[str, str]) -> None:
    errors = []
    if changes.get("status", "Active") not in STATUSES:
        errors.append(f"status must be one of: {', '.join(STATUSES)}")
    if len(changes.get("description", "")) > _LONGEST_DESCRIPTION:
        errors.append(f"description must be {_LONGEST_DESCRIPTION} characters in length or less")
    if errors:
        raise invalid_argument("\n".join(errors))
    key.status = changes.get("status", key.status)
    key.description = changes.get("description", key.description)


def _location(request: Incoming, key: AccessKey) -> str:
    user = request.params.get("user")
    owner = f"/{request.account.login}/users/{user}" if user else f"/{request.account.login}"
    return f"{owner}/accesskeys/{key.accesskeyid}"


def _new_secret(site: Site) -> str:
    """Make a secret as node-ufds does: a prefix, 32 random bytes, and a checksum of both."""
    random = site.shared.chance.bytes(32)
    checksum = struct.pack("<I", zlib.crc32(_PREFIX + random))
    return _PREFIX.decode() + base64.urlsafe_b64encode(random + checksum).decode().rstrip("=")


def _forbidden(message: str) -> Refusal:
    return Refusal(403, "Forbidden", message)


_ONE = "accesskeys/:accesskeyid"
_SETTABLE = ("status", "description", "credentialtype", "expiration")

ROUTES = [
    Route(
        "CreateAccessKey",
        "POST",
        "/:account/accesskeys",
        create_access_key,
        params=_SETTABLE,
        types=UPLOAD_TYPES,
    ),
    Route("ListAccessKeys", "GET", "/:account/accesskeys", list_access_keys, params=("sync",)),
    Route("HeadAccessKeys", "HEAD", "/:account/accesskeys", list_access_keys, params=("sync",)),
    Route("GetAccessKey", "GET", f"/:account/{_ONE}", get_access_key, params=("sync",)),
    Route("HeadAccessKey", "HEAD", f"/:account/{_ONE}", get_access_key, params=("sync",)),
    Route("DeleteAccessKey", "DELETE", f"/:account/{_ONE}", delete_access_key),
    Route(
        "UpdateAccessKey",
        "POST",
        f"/:account/{_ONE}",
        update_access_key,
        params=_SETTABLE,
        types=("application/json",),
    ),
    Route(
        "CreateUserAccessKey",
        "POST",
        "/:account/users/:user/accesskeys",
        create_access_key,
        params=_SETTABLE,
        types=UPLOAD_TYPES,
    ),
    Route(
        "ListUserAccessKeys", "GET", "/:account/users/:user/accesskeys", list_access_keys, params=("sync",)
    ),
    Route(
        "HeadUserAccessKeys", "HEAD", "/:account/users/:user/accesskeys", list_access_keys, params=("sync",)
    ),
    Route("GetUserAccessKey", "GET", f"/:account/users/:user/{_ONE}", get_access_key, params=("sync",)),
    Route("HeadUserAccessKey", "HEAD", f"/:account/users/:user/{_ONE}", get_access_key, params=("sync",)),
    Route("DeleteUserAccessKey", "DELETE", f"/:account/users/:user/{_ONE}", delete_access_key),
    Route(
        "UpdateUserAccessKey",
        "POST",
        f"/:account/users/:user/{_ONE}",
        update_access_key,
        params=_SETTABLE,
        types=UPLOAD_TYPES,
    ),
]
