"""Of which kind an argument must be: text, a list, a dict, True or False."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from smartdc.arguments.ids import plain, shown
from smartdc.errors import ConfigurationError

__all__ = ["dict_of", "flag", "listed", "text_of"]


def flag(name: str, value: Any) -> bool | None:
    """A filter that is True or False.

    Raises:
        ConfigurationError: It is something else.
    """
    if value is None or isinstance(value, bool):
        return value
    raise ConfigurationError(f"{name} must be True or False, not {shown(value)}: leave it out for both")


def text_of(argument: str, value: Any) -> str:
    """The text that an argument must be.

    Raises:
        ConfigurationError: It is something else.
    """
    value = plain(value)
    if not isinstance(value, str):
        raise ConfigurationError(f"{argument} must be text, not {shown(value)}")
    return value


def listed(argument: str, several: Any, such_as: str) -> list[Any]:
    """What an argument has in it; text or a dict stands for itself alone.

    Args:
        argument: Its name, for the error.
        several: What was given.
        such_as: An example of what it can be, for the error.

    Raises:
        ConfigurationError: It is no list or the like.
    """
    several = plain(several)
    if isinstance(several, str | Mapping):
        return [several]
    if isinstance(several, bytes | bytearray) or not isinstance(several, Iterable):
        raise ConfigurationError(f"{argument} must be a list such as {such_as}, not {shown(several)}")
    return list(several)


def dict_of(argument: str, value: Any, such_as: str) -> dict[Any, Any]:
    """The dict that an argument must be.

    Raises:
        ConfigurationError: It is something else.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{argument} must be a dict such as {such_as}, not {shown(value)}")
    return dict(value)
