"""The SSH keys of an account, and of its sub-users: the same handlers serve both."""

from __future__ import annotations

from urllib.parse import quote

from smartdc.emulator.http.answers import Answer, invalid_argument, missing_parameter, not_found
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.http.routes import Route
from smartdc.emulator.http.versions import since
from smartdc.emulator.state.directory import Key, KeyOwner, KeyRefused
from smartdc.emulator.state.site import Site

#: The media types that the key routes accept; a form gets 415 (docs/cloudapi/access.md#keys-refuse-forms).
UPLOAD_TYPES = ("multipart/form-data", "application/octet-stream", "application/json", "text/plain")


def key_json(key: Key) -> dict[str, str]:
    """Write one key."""
    return {"name": key.name, "fingerprint": key.fingerprint, "key": key.openssh}


def list_keys(site: Site, request: Incoming) -> Answer:
    """``GET /:account[/users/:user]/keys``."""
    return Answer([key_json(key) for key in key_owner(request).keys])


def get_key(site: Site, request: Incoming) -> Answer:
    """``GET /:account[/users/:user]/keys/:name``, by name or MD5 fingerprint, not by SHA256.

    See docs/cloudapi/access.md#keys-are-found-by-name-or-md5.
    """
    return Answer(key_json(_find(request, key_owner(request))))


def create_key(site: Site, request: Incoming) -> Answer:
    """``POST /:account[/users/:user]/keys``."""
    text, name = request.params.get("key"), request.params.get("name")
    if not text:
        raise missing_parameter("key is a required argument")
    if not isinstance(text, str):
        raise invalid_argument("key must be a String")
    if len(text.split(" ")) < 2:
        raise invalid_argument("key is invalid")
    attestation = request.params.get("attestation")
    if attestation and not (
        isinstance(attestation, list) and all(isinstance(item, str) for item in attestation)
    ):
        raise invalid_argument("attestation must be an Array of Strings")
    owner = key_owner(request)
    try:
        key = owner.add_key(str(name) if name else None, text)
    except KeyRefused:
        raise invalid_argument("key already exists or is invalid") from None
    user = request.params.get("user")
    owner_path = f"/{request.account.login}/users/{user}" if user else f"/{request.account.login}"
    return Answer(key_json(key), 201, {"Location": f"{owner_path}/keys/{quote(key.fingerprint, safe='')}"})


def delete_key(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account[/users/:user]/keys/:name``."""
    owner = key_owner(request)
    owner.keys.remove(_find(request, owner))
    return Answer(status=204)


def key_owner(request: Incoming) -> KeyOwner:
    """The sub-user that the request names, else the account."""
    name = request.params.get("user")
    if not name:
        return request.account
    user = request.account.find_user(as_text(name))
    if user is None:
        raise not_found(f"{as_text(name)} does not exist")
    return user


def _find(request: Incoming, owner: KeyOwner) -> Key:
    name = str(request.params["name"])
    key = owner.find_key(name)
    if key is None:
        raise not_found(f"{name} does not exist")
    return key


ROUTES = [
    Route(
        "CreateKey",
        "POST",
        "/:account/keys",
        create_key,
        params=("name", "key", "attestation"),
        types=UPLOAD_TYPES,
    ),
    Route("ListKeys", "GET", "/:account/keys", list_keys, params=("sync",)),
    Route("HeadKeys", "HEAD", "/:account/keys", list_keys, params=("sync",)),
    Route("GetKey", "GET", "/:account/keys/:name", get_key, params=("sync",)),
    Route("HeadKey", "HEAD", "/:account/keys/:name", get_key, params=("sync",)),
    Route("DeleteKey", "DELETE", "/:account/keys/:name", delete_key),
    Route(
        "CreateUserKey",
        "POST",
        "/:account/users/:user/keys",
        create_key,
        params=("name", "key", "attestation"),
        types=UPLOAD_TYPES,
    ),
    Route("ListUserKeys", "GET", "/:account/users/:user/keys", list_keys, ("sync",), since((7, 2, 0))),
    Route("HeadUserKeys", "HEAD", "/:account/users/:user/keys", list_keys, ("sync",), since((7, 2, 0))),
    Route("GetUserKey", "GET", "/:account/users/:user/keys/:name", get_key, ("sync",), since((7, 2, 0))),
    Route("HeadUserKey", "HEAD", "/:account/users/:user/keys/:name", get_key, ("sync",), since((7, 2, 0))),
    Route(
        "DeleteUserKey",
        "DELETE",
        "/:account/users/:user/keys/:name",
        delete_key,
        versions=since((7, 2, 0)),
    ),
]
