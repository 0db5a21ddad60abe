"""Known data centers, and the URL of a location."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from smartdc._secrets import may_be_secret, shown, written
from smartdc.arguments.ids import closest_word
from smartdc.errors import ConfigurationError

__all__ = [
    "DEFAULT_LOCATION",
    "KNOWN_LOCATIONS",
    "TELEFONICA_LOCATIONS",
    "base_url_of",
    "checked_locations",
    "checked_url",
    "is_address",
    "is_closed",
]

_CLOSED_SUFFIX = ".api.joyentcloud.com"

KNOWN_LOCATIONS: dict[str, str] = {
    # MNX.io runs today's public cloud; the others were Joyent's, closed in 2019: errors name them.
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

_REMEDY = "give it as https://host[:port][/path]"

DEFAULT_LOCATION = "us-west-1"
"""py-smartdc's default. That host is gone: always pass a location."""

_SHORTEST_PART_OF_A_KEY = 16
_HOST = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:\d{1,5})?"


def base_url_of(location: str, known_locations: Mapping[str, str]) -> str:
    """Return the URL of a location, without a slash at its end.

    Args:
        location: A name in `known_locations`, a URL, a host name with a dot or a port, or ``localhost``.
        known_locations: Names and their URLs.

    Raises:
        ConfigurationError: It is none of these.
    """
    if not isinstance(location, str):
        raise ConfigurationError(f"a location is text, not {type(location).__name__}")
    if location in known_locations:
        return checked_url(known_locations[location])
    if "://" in location:
        return checked_url(location)
    if is_address(location) and re.fullmatch(_HOST, location):
        return f"https://{location}"
    likely = closest_word(location, known_locations)
    known = ", ".join(sorted(known_locations))
    others = f"a host name with a dot, or one of {known}" if known else "or a host name with a dot"
    raise ConfigurationError(
        f"{_redacted(location)} is not a location{f' (did you mean {likely}?)' if likely else ''}: "
        f"give a URL, {others}"
    )


def checked_locations(known_locations: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's locations as a dict; each URL is checked when it is used.

    Raises:
        ConfigurationError: They are not a dict of texts.
    """
    if not isinstance(known_locations, Mapping):
        kind = type(known_locations).__name__
        raise ConfigurationError(f"known_locations is a dict of names and URLs, not {kind}")
    for name, url in known_locations.items():
        if not isinstance(name, str) or not isinstance(url, str):
            raise ConfigurationError(
                f"known_locations is a dict of names and URLs, without {written(name)}: {written(url)}"
            )
    return dict(known_locations)


def is_closed(location: str, url: str) -> bool:
    """Whether the location is the name of one of Joyent's data centers, which are closed."""
    return not is_address(location) and (urlsplit(url).hostname or "").endswith(_CLOSED_SUFFIX)


def is_address(location: str) -> bool:
    """Whether the location is a URL, a host name or ``localhost``, and not the name of a data center."""
    return "." in location or ":" in location or location == "localhost"


def checked_url(url: str) -> str:
    """Check a URL of CloudAPI, and return it without a slash at its end.

    Raises:
        ConfigurationError: It is not a URL of CloudAPI.
    """
    if not isinstance(url, str):
        raise ConfigurationError(f"a CloudAPI URL is text, not {type(url).__name__}; {_REMEDY}")
    return _checked(url)


@lru_cache(maxsize=64)  # called for each request
def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"{_redacted(url)} is not a CloudAPI URL ({error}); {_REMEDY}") from None
    if parts.scheme not in ("https", "http") or not host:
        raise ConfigurationError(f"{_redacted(url)} is not a CloudAPI URL; {_REMEDY}")
    if parts.username is not None or "?" in url or "#" in url:
        raise ConfigurationError(f"a CloudAPI URL has no user, query or fragment; {_REMEDY}")
    # Python's parser silently drops some of these.
    is_odd = not url.isprintable() or " " in url or "\\" in url
    if is_odd or any(unquote(part) in (".", "..") for part in parts.path.split("/")):
        raise ConfigurationError(f"a CloudAPI URL has no blank, '\\' or '..': {_redacted(url)}; {_REMEDY}")
    return url.rstrip("/")


def _redacted(location: str) -> str:
    """Return a location for an error, without the part before the host, which may be a password."""
    before, at, host = location.rpartition("@")
    if not before or may_be_secret(location):
        return repr(shown(location))
    is_host = re.fullmatch(rf"{_HOST}(/.*)?", host) and ("." in host or len(host) < _SHORTEST_PART_OF_A_KEY)
    return repr(shown(f"...{at}{host if is_host else '...'}"))
