"""The SSH keys of an account."""

from __future__ import annotations

from urllib.parse import quote

from smartdc.emulator.answers import Answer, invalid_argument, missing_parameter, not_found
from smartdc.emulator.directory import Key, KeyRefused
from smartdc.emulator.incoming import Incoming
from smartdc.emulator.routes import Route
from smartdc.emulator.site import Site

#: What the key routes take as a body; a form is refused with 415 (observed H).
UPLOAD_TYPES = ("multipart/form-data", "application/octet-stream", "application/json", "text/plain")


def key_json(key: Key) -> dict[str, str]:
    """Write one key."""
    return {"name": key.name, "fingerprint": key.fingerprint, "key": key.openssh}


def list_keys(site: Site, request: Incoming) -> Answer:
    """``GET /:account/keys``."""
    return Answer([key_json(key) for key in request.account.keys])


def get_key(site: Site, request: Incoming) -> Answer:
    """``GET /:account/keys/:name``, by name or MD5 fingerprint (observed H: not by SHA256)."""
    return Answer(key_json(_find(request)))


def create_key(site: Site, request: Incoming) -> Answer:
    """``POST /:account/keys``."""
    text, name = request.params.get("key"), request.params.get("name")
    if not text:
        raise missing_parameter("key is a required argument")
    if not isinstance(text, str):
        raise invalid_argument("key must be a String")
    if len(text.split(" ")) < 2:
        raise invalid_argument("key is invalid")
    try:
        key = request.account.add_key(str(name) if name else None, text)
    except KeyRefused:
        raise invalid_argument("key already exists or is invalid") from None
    location = f"/{request.account.login}/keys/{quote(key.fingerprint, safe='')}"
    return Answer(key_json(key), 201, {"Location": location})


def delete_key(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/keys/:name``."""
    request.account.keys.remove(_find(request))
    return Answer(status=204)


def _find(request: Incoming) -> Key:
    name = str(request.params["name"])
    key = request.account.find_key(name)
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
]
