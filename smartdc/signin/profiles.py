"""Where data centers are and who signs in: known locations, environment variables, `triton`'s profiles.

The rules for variables and profiles are those of the ``triton`` command, so that what works there works here.
Its files are read in `profile_files`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from smartdc.arguments.roles import checked_roles
from smartdc.errors import ConfigurationError
from smartdc.http_signature.scheme import parse_fingerprint, parse_key_id
from smartdc.signin.profile_files import (
    FIELDS,
    configured_name,
    profile_path,
    profile_paths,
    read_profile,
    refuse_field,
)

__all__ = [
    "DEFAULT_LOCATION",
    "ENV",
    "KNOWN_LOCATIONS",
    "TELEFONICA_LOCATIONS",
    "Profile",
    "base_url_of",
    "list_profiles",
    "load_profile",
    "sign_in_arguments",
    "sub_user_key_id",
]

log = logging.getLogger("smartdc")

API_HOST_SUFFIX = ".api.joyentcloud.com"

KNOWN_LOCATIONS: dict[str, str] = {
    # MNX.io runs today's public cloud; the others are Joyent's, closed in 2019 and kept for their names.
    "us-central-1": "https://us-central-1.api.mnx.io",
    "us-east-1": "https://us-east-1.api.joyentcloud.com",
    "us-east-2": "https://us-east-2.api.joyentcloud.com",
    "us-east-3": "https://us-east-3.api.joyentcloud.com",
    "us-sw-1": "https://us-sw-1.api.joyentcloud.com",
    "us-west-1": "https://us-west-1.api.joyentcloud.com",
    "eu-ams-1": "https://eu-ams-1.api.joyentcloud.com",
}

TELEFONICA_LOCATIONS: dict[str, str] = {
    "London": "https://api-eu-lon-1.instantservers.telefonica.com",
    "eu-lon-1": "https://api-eu-lon-1.instantservers.telefonica.com",
    "Madrid": "https://api-eu-mad-1.instantservers.telefonica.com",
    "eu-mad-1": "https://api-eu-mad-1.instantservers.telefonica.com",
}

DEFAULT_LOCATION = "us-west-1"
"""py-smartdc's default. That host is gone: name your location."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:\d{1,5})?")

_ODD = re.compile(r"[\s\x00-\x1f\x7f-\x9f\\\ud800-\udfff]")


def base_url_of(location: str, known_locations: Mapping[str, str]) -> str:
    """The URL of a location, without a slash at its end.

    Args:
        location: A name in `known_locations`, a URL, a host name with a dot or a port, ``localhost``, or
            a bare name, which stands for a host of Joyent's cloud as it did in py-smartdc.
        known_locations: Names and their URLs.

    Raises:
        ConfigurationError: It is none of these.
    """
    if location in known_locations:
        return _checked_url(known_locations[location])
    if "://" in location:
        return _checked_url(location)
    if not _HOST.fullmatch(location):
        raise ConfigurationError(
            f"{_shown(location)} is not a location: give a URL, a host name, or one of "
            f"{', '.join(sorted(known_locations))}"
        )
    if is_address(location):
        return f"https://{location}"
    return f"https://{location}{API_HOST_SUFFIX}"


def is_address(location: str) -> bool:
    """Whether it says by itself where the data center is: a URL, a host name, ``localhost``."""
    return "." in location or ":" in location or location == "localhost"


def _checked_url(url: str) -> str:
    remedy = "give it as https://host[:port][/path]"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"{_shown(url)} is not a CloudAPI URL ({error}); {remedy}") from None
    if parts.scheme not in ("https", "http") or not host:
        raise ConfigurationError(f"{_shown(url)} is not a CloudAPI URL; {remedy}")
    if parts.username is not None or "?" in url or "#" in url:
        raise ConfigurationError(f"a CloudAPI URL has no user, query or fragment; {remedy}")
    # Python's own parser drops some of these without a word.
    if _ODD.search(url) or any(unquote(part) in (".", "..") for part in parts.path.split("/")):
        raise ConfigurationError(f"a blank, '\\' or '..' makes no CloudAPI URL: {url!r}; {remedy}")
    return url.rstrip("/")


def _shown(location: str) -> str:
    """A location for an error: what stands before the host may be a password."""
    before, at, host = location.rpartition("@")
    return repr(f"...{at}{host}" if before else location)


ENV = "env"
"""Name of the profile that the environment variables make."""

_VARIABLES = {"url": "URL", "account": "ACCOUNT", "keyId": "KEY_ID"}
_SWITCH = {"true": True, "1": True, "false": False, "0": False}
_MAKE_ONE = "make one with: triton profile create"


@dataclass(frozen=True)
class Profile:
    """A place to sign in to, and as whom: a profile of the ``triton`` command.

    Attributes:
        name: ``env`` for the one that the environment variables make.
        source: Where to correct it: the path of its file, or ``the environment``.
        url: URL of the data center.
        account: Login of the account that signs.
        key_id: Fingerprint of its key.
        user: Login of the sub-user that signs; None for the account itself.
        roles: Roles to make requests with.
        insecure: Whether certificates are not verified.
        act_as: Login of the account to act on, when it is another.
        current: Whether this one is taken when none is named.
        error: Why it cannot be used; None when it can. Of one that cannot, only name and source are known.
    """

    name: str
    source: str
    url: str = ""
    account: str = ""
    key_id: str = ""
    user: str | None = None
    roles: tuple[str, ...] = ()
    insecure: bool = False
    act_as: str | None = None
    current: bool = False
    error: str | None = None


def sub_user_key_id(key_id: str | None, user: str) -> str:
    """The key id of a sub-user, from the one of the account or of that sub-user.

    Raises:
        ConfigurationError: There is no key id, or it is another sub-user's.
    """
    if not key_id:
        raise ConfigurationError(f"user={user!r} needs key_id, of the form /ACCOUNT/keys/NAME_OR_FINGERPRINT")
    if not user or "/" in user:
        raise ConfigurationError(f"{user!r} cannot be a sub-user: give the login, without the account")
    match = re.fullmatch(r"(/[^/]+)(?:/users/([^/]+))?(/keys/.+)", key_id)
    if match is None:
        return key_id  # for the error that this gives where it is used
    account, named, key = match.groups()
    if named not in (None, user):
        raise ConfigurationError(f"user={user!r}, but key_id {key_id!r} is of {named!r}: give one of them")
    return f"{account}/users/{user}{key}"


def load_profile(name: str | None = None) -> Profile:
    """Read one profile.

    Args:
        name: Its name. None stands for the one in ``TRITON_PROFILE``, else the one that triton's
            ``config.json`` names, else ``env``.

    Raises:
        ConfigurationError: There is none, or it cannot be used. The message names the file or variable,
            the field and the remedy.
    """
    name = name or os.environ.get("TRITON_PROFILE") or configured_name()
    if name is None and not _has_environment():
        raise ConfigurationError(
            f"no profile is chosen, and the environment makes none: {_what_is_missing()}"
        )
    profile = _with_environment_roles(_load(name or ENV))
    return replace(profile, current=profile.name == _current_name())


def list_profiles() -> dict[str, Profile]:
    """All profiles by name, ``env`` first if the environment makes one.

    One that cannot be used is among them, with its `Profile.error`.
    """
    current = _current_name()
    profiles = {}
    for name in _names():
        source = "the environment" if name == ENV else str(profile_path(name))
        profiles[name] = _load_or_error(name, source)
    for name, profile in profiles.items():
        if name in (ENV, current) and profile.error is None:
            profiles[name] = replace(_with_environment_roles(profile), current=name == current)
    return profiles


def _names() -> list[str]:
    files = [path.stem for path in profile_paths() if path.stem.lower() != ENV]  # reserved
    return [ENV, *files] if _has_environment() else files


def sign_in_arguments(profile: Profile, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `DataCenter` that sign in with a profile.

    Args:
        profile: The profile.
        given: Arguments that win over the profile's.

    Raises:
        ConfigurationError: A field of the profile cannot work.
    """
    arguments: dict[str, Any] = {"login": profile.act_as or profile.account, "verify": not profile.insecure}
    if "location" not in given:
        arguments["location"] = _url_of(profile)
    if "roles" not in given:
        arguments["roles"] = _roles_of(profile)
    if "key_id" not in given:
        arguments |= {"key_id": _key_id_of(profile, "secret" in given), "user": profile.user}
    if "secret" not in given:
        # No file is named: the key is searched for by its fingerprint, in ~/.ssh and in the agent.
        arguments |= {"secret": None, "allow_agent": True}
    return {**arguments, **given}


def _url_of(profile: Profile) -> str:
    try:
        return _checked_url(profile.url)
    except ConfigurationError as error:
        _refuse(profile, "url", f"cannot be used: {error}")


def _roles_of(profile: Profile) -> tuple[str, ...]:
    try:
        return checked_roles(profile.roles)
    except ConfigurationError as error:
        _refuse(profile, "roles", f"cannot be used: {error}")


def _key_id_of(profile: Profile, has_secret: bool) -> str:
    if "/" in profile.account or profile.account == "my":
        _refuse(profile, "account", f"is {profile.account!r}; give {FIELDS['account']}")
    key_id = f"/{profile.account}/keys/{profile.key_id}"
    try:
        parsed = parse_key_id(key_id)
    except ConfigurationError as error:
        _refuse(profile, "keyId", f"cannot be used: {error}")
    if parse_fingerprint(parsed.key) is None and not has_secret:
        remedy = f"give {FIELDS['keyId']}, or the file of the key as secret="
        _refuse(profile, "keyId", f"is {profile.key_id!r}, which is no fingerprint; {remedy}")
    return key_id


def _load(name: str) -> Profile:
    if name == ENV:
        return _from_environment()
    try:
        fields = read_profile(name)
    except FileNotFoundError:
        there = ", ".join(_names()) or "none"
        raise ConfigurationError(
            f"there is no profile {name!r}: {profile_path(name)} does not exist; "
            f"there are: {there}; {_MAKE_ONE}"
        ) from None
    return Profile(
        name,
        str(profile_path(name)),
        url=fields["url"],
        account=fields["account"],
        key_id=fields["keyId"],
        user=fields.get("user") or None,
        roles=tuple(fields.get("roles") or ()),
        insecure=bool(fields.get("insecure")),
        act_as=fields.get("actAsAccount") or None,
    )


def _from_environment() -> Profile:
    if not _has_environment():
        raise ConfigurationError(f"there is no profile {ENV!r}: {_what_is_missing()}")
    return Profile(
        ENV,
        "the environment",
        url=_variable("URL"),
        account=_variable("ACCOUNT"),
        key_id=_variable("KEY_ID"),
        user=_variable("USER") or None,
        insecure=_is_insecure(),
        act_as=os.environ.get("TRITON_ACT_AS") or None,
    )


def _load_or_error(name: str, source: str) -> Profile:
    try:
        return _load(name)
    except ConfigurationError as error:
        log.warning("profile %s is passed over: %s", name, error)
        return Profile(name, source, error=str(error))


def _current_name() -> str | None:
    """The name of the profile that is taken when none is named; None if that cannot be told."""
    try:
        return os.environ.get("TRITON_PROFILE") or configured_name() or ENV
    except ConfigurationError as error:
        log.warning("no profile is the current one: %s", error)
        return None


def _has_environment() -> bool:
    return all(_variable(name) for name in _VARIABLES.values())


def _what_is_missing() -> str:
    missing = [name for name in _VARIABLES.values() if not _variable(name)]
    names = ", ".join(f"TRITON_{name} (or SDC_{name})" for name in missing)
    return f"set {names}, or name another profile, or {_MAKE_ONE}"


def _variable(name: str) -> str:
    """``TRITON_NAME``, or ``SDC_NAME`` where that is not set or empty."""
    return os.environ.get(f"TRITON_{name}") or os.environ.get(f"SDC_{name}") or ""


def _is_insecure() -> bool:
    for name in ("TRITON_TLS_INSECURE", "SDC_TLS_INSECURE"):
        if value := os.environ.get(name):
            if value not in _SWITCH:
                raise ConfigurationError(f"{name} is {value!r}; set it to true, 1, false or 0, or unset it")
            return _SWITCH[value]
    return bool(os.environ.get("SDC_TESTING"))  # whatever it says


def _with_environment_roles(profile: Profile) -> Profile:
    """With the roles in ``TRITON_ROLE``, which replace those of any profile, even by none."""
    roles = os.environ.get("TRITON_ROLE")
    if roles is None:
        return profile
    return replace(profile, roles=tuple(role.strip() for role in roles.split(",") if role.strip()))


def _refuse(profile: Profile, field: str, problem: str) -> NoReturn:
    if profile.name == ENV and field in _VARIABLES:
        raise ConfigurationError(f"TRITON_{_VARIABLES[field]} (or SDC_{_VARIABLES[field]}) {problem}")
    refuse_field(profile.name, profile.source, field, problem)
