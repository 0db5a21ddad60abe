"""The settings of a connection, checked when they are given: timeouts, sizes, headers."""

from __future__ import annotations

from threading import TIMEOUT_MAX
from typing import Any, cast

from smartdc._http.request import Timeout
from smartdc._http.waiting import Clock
from smartdc._secrets import may_be_secret
from smartdc.arguments.ids import plain, shown
from smartdc.arguments.kinds import dict_of, text_of
from smartdc.errors import ConfigurationError

__all__ = [
    "checked_clock",
    "checked_headers",
    "checked_login",
    "checked_pool_size",
    "checked_timeout",
]

_LARGEST_POOL = 10_000


def checked_timeout(timeout: Any) -> Timeout:
    """The timeout, if it is one.

    Raises:
        ConfigurationError: It is neither a number of seconds above 0 nor two of them.
    """
    parts = tuple(timeout) if isinstance(timeout, tuple | list) else (timeout, timeout)
    if len(parts) != 2 or not all(map(_is_seconds, parts)):
        raise ConfigurationError(
            f"timeout must be a number of seconds above 0, or (connect, read), not {shown(timeout)}"
        )
    return cast(Timeout, parts if isinstance(timeout, tuple | list) else timeout)


def checked_pool_size(size: Any) -> int:
    """The size of the pool, if it is one.

    Raises:
        ConfigurationError: It is no whole number from 1.
    """
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= _LARGEST_POOL:
        raise ConfigurationError(f"pool_size must be 1 or more, a whole number, not {shown(size)}")
    return size


def checked_clock(clock: Any) -> Clock:
    """What tells the time, if it does.

    Raises:
        ConfigurationError: It has not the functions of the module `time` that waits need.
    """
    if not all(callable(getattr(clock, name, None)) for name in ("monotonic", "sleep")):
        raise ConfigurationError(f"clock must have monotonic() and sleep(), as time has, not {shown(clock)}")
    return cast(Clock, clock)


def checked_login(login: Any) -> str:
    """The account in URLs; the server takes ``my`` for the one that signs.

    Raises:
        ConfigurationError: It is no text, or a key that was given in its place: it would be in every URL.
    """
    if login is None or login == "":
        return "my"
    if may_be_secret("".join(text_of("login", login).split())):
        raise ConfigurationError(f"login is the name of an account, not {shown(login)}")
    return str(plain(login))


def checked_headers(headers: Any) -> dict[Any, Any]:
    """The headers, which are checked one by one when they are sent.

    Raises:
        ConfigurationError: They are no dict of text.
    """
    checked = {} if headers is None else dict_of("headers", headers, "{'X-Mine': '1'}")
    for name in checked:
        if not isinstance(name, str):
            raise ConfigurationError(f"headers must have text as names, not {shown(name)}")
    return checked


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= TIMEOUT_MAX
