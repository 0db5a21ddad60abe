"""The settings of a connection, checked when they are given: timeouts, sizes, headers."""

from __future__ import annotations

from threading import TIMEOUT_MAX
from typing import Any, TextIO, cast

from smartdc._http.request import Timeout
from smartdc._http.waiting import Clock
from smartdc._secrets import may_be_secret
from smartdc.arguments.ids import is_login, shown
from smartdc.arguments.kinds import dict_of, text_of
from smartdc.errors import ConfigurationError

__all__ = [
    "checked_clock",
    "checked_headers",
    "checked_login",
    "checked_pool_size",
    "checked_timeout",
    "checked_verbose",
]

_LARGEST_POOL = 10_000


def checked_timeout(timeout: Any) -> Timeout:
    """Return the timeout, if it is valid.

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
    """Return the size of the pool, if it is valid.

    Raises:
        ConfigurationError: It is not a whole number, less than 1, or more than 10,000.
    """
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= _LARGEST_POOL:
        raise ConfigurationError(
            f"pool_size must be a whole number from 1 to {_LARGEST_POOL}, not {shown(size)}"
        )
    return size


def checked_clock(clock: Any) -> Clock:
    """Return the clock, if it has what waits need.

    Raises:
        ConfigurationError: It lacks one of the functions of the module `time` that waits need.
    """
    if not all(callable(getattr(clock, name, None)) for name in ("monotonic", "sleep")):
        raise ConfigurationError(f"clock must have monotonic() and sleep(), as time has, not {shown(clock)}")
    return cast(Clock, clock)


def checked_verbose(verbose: Any) -> bool | TextIO | None:
    """Return where a line for each request is written, if that is possible.

    Raises:
        ConfigurationError: It is neither True nor False nor a stream.
    """
    if isinstance(verbose, int) and verbose in (0, 1):  # py-smartdc took any true value
        return bool(verbose)
    if verbose is None or callable(getattr(verbose, "write", None)):
        return cast(TextIO | None, verbose)
    raise ConfigurationError(f"verbose must be True, False or a text stream, not {shown(verbose)}")


def checked_login(login: Any) -> str:
    """Return the account for URLs; ``my`` stands for the one that signs.

    Raises:
        ConfigurationError: It is not text, no account can have it, or it looks like a secret key, which would
            be in every URL.
    """
    if login is None or login == "":
        return "my"
    text = text_of("login", login)
    if may_be_secret("".join(text.split())) or not is_login(text):
        raise ConfigurationError(f"login is the name of an account, not {shown(text)}")
    return text


def checked_headers(headers: Any) -> dict[Any, Any]:
    """Return the headers as a dict; each is checked when it is sent.

    Raises:
        ConfigurationError: They are not a dict with text as names.
    """
    checked = {} if headers is None else dict_of("headers", headers, "{'X-Mine': '1'}")
    for name in checked:
        if not isinstance(name, str):
            raise ConfigurationError(f"headers must have text as names, not {shown(name)}")
    return checked


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= TIMEOUT_MAX
