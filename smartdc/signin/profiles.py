"""Who signs in, and where: environment variables and the profiles of the ``triton`` command.

The rules for variables and profiles are those of the ``triton`` command, so that what works there works here.
Its files are read in `profile_files`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from typing import Any, NamedTuple, NoReturn

from smartdc._files import NoHomeError, expanded
from smartdc._secrets import Concealed, is_key_text, shown
from smartdc.arguments.ids import is_login
from smartdc.arguments.roles import checked_roles
from smartdc.errors import ConfigurationError
from smartdc.http_signature.scheme import fits_header, parse_fingerprint, parse_key_id
from smartdc.signin.locations import checked_url
from smartdc.signin.profile_files import (
    REQUIRED_FIELDS,
    configured_name,
    profile_path,
    profile_paths,
    read_profile,
    refuse_field,
)

__all__ = [
    "ENV",
    "Profile",
    "list_profiles",
    "load_profile",
    "sign_in_arguments",
]

log: logging.Logger = logging.getLogger("smartdc")

ENV = "env"
"""Name of the profile that the environment variables define."""

_VARIABLES = {"url": "URL", "account": "ACCOUNT", "keyId": "KEY_ID"}
_WITHOUT_OLDER_NAME = {"roles": "TRITON_ROLE", "actAsAccount": "TRITON_ACT_AS"}
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_MAKE_ONE = "make one with: triton profile create"


class Profile(NamedTuple):
    """A data center, and who signs in to it: a profile of the ``triton`` command.

    Attributes:
        name: Its name; ``env`` for the one that the environment variables define.
        source: Where to correct it: the path of its file, or ``the environment``.
        url: URL of the data center.
        account: Login of the account that signs.
        key_id: Fingerprint of its key.
        user: Login of the sub-user that signs; None for the account itself.
        roles: Roles to make requests with.
        insecure: Whether certificates are not verified.
        act_as: Login of the account to act on, if it is not the one that signs.
        ca_file: The certificate authorities to trust (``SMARTDC_CA_FILE``); only for ``env``.
        current: Whether this profile is used when none is named.
        error: Why it cannot be used; None when it can. With an error, only `name` and `source` are known.
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
    ca_file: str | None = None
    current: bool = False
    error: str | None = None


def load_profile(name: str | None = None) -> Profile:
    """Read one profile.

    Args:
        name: Its name. None takes the one in ``TRITON_PROFILE``, else the one that triton's
            ``config.json`` names, else ``env``.

    Raises:
        ConfigurationError: There is no such profile, or it cannot be used. The message names the file or
            variable, the field and the remedy.
    """
    if name is not None and not isinstance(name, str):
        raise ConfigurationError(f"the name of a profile is text, not {type(name).__name__}")
    name = name or os.environ.get("TRITON_PROFILE") or configured_name()
    if name is None and not _has_environment():
        raise ConfigurationError(
            f"no profile is chosen, and the environment defines none: {_missing_variables()}"
        )
    profile = _with_environment_roles(_load(name or ENV))
    return profile._replace(current=profile.name == _current_name())


def list_profiles() -> dict[str, Profile]:
    """Return all profiles by name, ``env`` first if the environment defines one.

    Profiles that cannot be used are included, with their `Profile.error`.
    """
    current = _current_name()
    profiles = {}
    for name in _names():
        source = "the environment" if name == ENV else str(profile_path(name))
        profiles[name] = _load_or_error(name, source)
    for name, profile in profiles.items():
        if name in (ENV, current) and profile.error is None:
            profiles[name] = _with_environment_roles(profile)._replace(current=name == current)
    return profiles


def _names() -> list[str]:
    files = [path.stem for path in profile_paths() if path.stem.lower() != ENV]  # reserved
    return [ENV, *files] if _has_environment() else files


def sign_in_arguments(profile: Profile, passed: Collection[str]) -> dict[str, Any]:
    """Return the arguments of `DataCenter` for a profile, without those that the caller passes.

    Args:
        profile: The profile.
        passed: Names of the arguments that win over the profile's.

    Raises:
        ConfigurationError: A field of the profile is not valid.
    """
    material = Concealed(_key_material() if profile.name == ENV and "secret" not in passed else None)
    has_secret = "secret" in passed or material.value is not None
    arguments: dict[str, Any] = {}
    if "login" not in passed:
        arguments["login"] = _login_of(profile)
    if "verify" not in passed:
        arguments["verify"] = False if profile.insecure else _authorities_of(profile)
    if "location" not in passed:
        arguments["location"] = _url_of(profile)
    if "roles" not in passed:
        arguments["roles"] = _roles_of(profile)
    if "key_id" not in passed:
        arguments |= {"key_id": _key_id_of(profile, has_secret), "user": profile.user}
    if material.value is not None:
        arguments["secret"] = material.value
    elif "secret" not in passed:
        # No file is named: the key is searched for by its fingerprint, in ~/.ssh and in the agent.
        arguments |= {"secret": None, "allow_agent": True}
    return {name: value for name, value in arguments.items() if name not in passed}


def _login_of(profile: Profile) -> str:
    if profile.act_as and not is_login(profile.act_as):
        _refuse(profile, "actAsAccount", f"is {shown(profile.act_as)!r}; give the login of an account")
    return profile.act_as or profile.account


def _url_of(profile: Profile) -> str:
    try:
        return checked_url(profile.url)
    except ConfigurationError as error:
        _refuse(profile, "url", f"cannot be used: {error}")


def _roles_of(profile: Profile) -> tuple[str, ...]:
    try:
        return checked_roles(profile.roles)
    except ConfigurationError as error:
        _refuse(profile, "roles", f"cannot be used: {error}")


def _authorities_of(profile: Profile) -> bool | str:
    if profile.ca_file is None:
        return True
    if not _exists(profile.ca_file):
        raise ConfigurationError(
            f"SMARTDC_CA_FILE is {shown(profile.ca_file)!r}, which does not exist; "
            "give the path of a file of certificates, or unset it"
        )
    return profile.ca_file


def _key_material() -> str | None:
    """Return the key of the profile ``env`` from the environment: a path, or the key's text; or None.

    See docs/cloudapi/profiles.md#variables-of-triton-go.
    """
    for name in ("TRITON_KEY_MATERIAL", "SDC_KEY_MATERIAL"):
        value = Concealed(os.environ.get(name) or None)
        if value.value is None:
            continue
        if not is_key_text(value.value) and not _exists(value.value):
            raise ConfigurationError(
                f"{name} is {shown(value.value)!r}, which is neither a file nor the text of a private key; "
                "give one of them, or unset it"
            )
        return value.value
    return None


def _exists(path: str) -> bool:
    try:
        return expanded(path).exists()
    except (NoHomeError, OSError, ValueError):  # no file can have that name
        return False


def _key_id_of(profile: Profile, has_secret: bool) -> str:
    account = profile.account
    if not is_login(account) or account == "my" or not fits_header(account):
        _refuse(profile, "account", f"is {shown(profile.account)!r}; give {REQUIRED_FIELDS['account']}")
    key_id = f"/{profile.account}/keys/{profile.key_id}"
    try:
        parsed = parse_key_id(key_id)
    except ConfigurationError as error:
        _refuse(profile, "keyId", f"cannot be used: {error}")
    if parse_fingerprint(parsed.key) is None and not has_secret:
        remedy = f"give {REQUIRED_FIELDS['keyId']}, or the file of the key as secret="
        _refuse(profile, "keyId", f"is {shown(profile.key_id)!r}, which is not a fingerprint; {remedy}")
    return key_id


def _load(name: str) -> Profile:
    if name == ENV:
        return _from_environment()
    try:
        fields = read_profile(name)
    except FileNotFoundError:
        names = ", ".join(_names()) or "none"
        raise ConfigurationError(
            f"there is no profile {shown(name)!r}: {shown(str(profile_path(name)))} does not exist; "
            f"there are: {names}; {_MAKE_ONE}"
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
        raise ConfigurationError(f"there is no profile {ENV!r}: {_missing_variables()}")
    return Profile(
        ENV,
        "the environment",
        url=_variable("URL"),
        account=_variable("ACCOUNT"),
        key_id=_variable("KEY_ID"),
        user=_variable("USER") or None,
        insecure=_is_insecure(),
        act_as=os.environ.get("TRITON_ACT_AS") or None,
        ca_file=os.environ.get("SMARTDC_CA_FILE") or None,
    )


def _load_or_error(name: str, source: str) -> Profile:
    try:
        return _load(name)
    except ConfigurationError as error:
        log.warning("profile %s cannot be used: %s", name, error)
        return Profile(name, source, error=str(error))


def _current_name() -> str | None:
    """Return the name of the profile to use when none is named; None if it cannot be read."""
    try:
        return os.environ.get("TRITON_PROFILE") or configured_name() or ENV
    except ConfigurationError as error:
        log.warning("the current profile is unknown: %s", error)
        return None


def _has_environment() -> bool:
    return all(_variable(name) for name in _VARIABLES.values())


def _missing_variables() -> str:
    missing = [name for name in _VARIABLES.values() if not _variable(name)]
    names = ", ".join(f"TRITON_{name} (or SDC_{name})" for name in missing)
    return f"set {names}, or name another profile, or {_MAKE_ONE}"


def _variable(name: str) -> str:
    """Return ``TRITON_NAME``; ``SDC_NAME`` if that is not set or empty."""
    return os.environ.get(f"TRITON_{name}") or os.environ.get(f"SDC_{name}") or ""


def _is_insecure() -> bool:
    for name in ("TRITON_TLS_INSECURE", "SDC_TLS_INSECURE"):
        if value := os.environ.get(name):
            if value not in _BOOLEANS:
                raise ConfigurationError(
                    f"{name} is {shown(value)!r}; set it to true, 1, false or 0, or unset it"
                )
            return _BOOLEANS[value]
    return bool(os.environ.get("SDC_TESTING"))  # any text turns it on


def _with_environment_roles(profile: Profile) -> Profile:
    """Replace a profile's roles by those in ``TRITON_ROLE``, if it is set, even to nothing."""
    roles = os.environ.get("TRITON_ROLE")
    if roles is None:
        return profile
    return profile._replace(roles=tuple(role.strip() for role in roles.split(",") if role.strip()))


def _refuse(profile: Profile, field: str, problem: str) -> NoReturn:
    if profile.name == ENV and field in _VARIABLES:
        raise ConfigurationError(f"TRITON_{_VARIABLES[field]} (or SDC_{_VARIABLES[field]}) {problem}")
    if profile.name == ENV and field in _WITHOUT_OLDER_NAME:
        raise ConfigurationError(f"{_WITHOUT_OLDER_NAME[field]} {problem}")
    refuse_field(profile.name, profile.source, field, problem)
