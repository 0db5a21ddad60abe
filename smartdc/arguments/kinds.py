"""Of which kind an argument must be: text, a list, a dict, True or False."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from smartdc._secrets import is_key
from smartdc.arguments.ids import plain, shown, without_none
from smartdc.errors import ConfigurationError

__all__ = [
    "as_list",
    "dict_of",
    "flag",
    "flags",
    "required_flag",
    "required_texts",
    "switches",
    "text_of",
    "texts",
    "whole_number",
]


def flag(name: str, value: Any) -> bool | None:
    """An argument that is True or False, or not given. Text is neither: ``'false'`` is true to Python.

    Raises:
        ConfigurationError: It is something else.
    """
    if value is None or isinstance(value, bool):
        return value
    raise ConfigurationError(f"{name} must be True or False, not {shown(value)}: leave it out for neither")


def required_flag(name: str, value: Any) -> bool:
    """An argument that is True or False, and nothing else.

    Raises:
        ConfigurationError: It is.
    """
    if value is None:
        raise ConfigurationError(f"{name} must be True or False, not None")
    return flag(name, value) is True


def flags(**arguments: Any) -> dict[str, bool]:
    """The arguments that are True or False, without those that are not given.

    Raises:
        ConfigurationError: One is something else.
    """
    return without_none(**{name: flag(name, value) for name, value in arguments.items()})


def switches(**arguments: Any) -> dict[str, bool]:
    """Those of the arguments that are True: of a parameter that any value switches on, ``false`` too.

    Raises:
        ConfigurationError: One is neither True nor False.
    """
    return {name: value for name, value in flags(**arguments).items() if value}


def texts(**arguments: Any) -> dict[str, str]:
    """The arguments that are text, without those that are not given.

    Raises:
        ConfigurationError: One is something else, over which the server may fail.
    """
    return {name: text_of(name, value) for name, value in without_none(**arguments).items()}


def required_texts(**arguments: Any) -> dict[str, str]:
    """The arguments that are text, none of which may be left out.

    Raises:
        ConfigurationError: One is something else.
    """
    return {name: text_of(name, value) for name, value in arguments.items()}


def whole_number(name: str, value: Any) -> int | None:
    """An argument that is a whole number, or not given.

    Raises:
        ConfigurationError: It is something else.
    """
    value = plain(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53):
        return value
    raise ConfigurationError(f"{name} must be a whole number, not {shown(value)}")


def text_of(argument: str, value: Any) -> str:
    """The text that an argument must be.

    Raises:
        ConfigurationError: It is something else.
    """
    value = plain(value)
    if not isinstance(value, str):
        raise ConfigurationError(f"{argument} must be text, not {shown(value)}")
    if is_key(value):
        raise ConfigurationError(f"{argument} is a private key, which was not sent: it belongs in secret=")
    return value


def as_list(argument: str, several: Any, such_as: str, *kinds: type) -> list[Any]:
    """What an argument has in it; text or a dict stands for itself alone.

    Args:
        argument: Its name, for the error.
        several: What was given.
        such_as: An example of what it can be, for the error.
        *kinds: Of which types each must be; anything, when not given.

    Raises:
        ConfigurationError: It is no list or the like, or has something else in it.
    """
    several = plain(several)
    if isinstance(several, str | Mapping):
        found = [several]
    elif isinstance(several, bytes | bytearray) or not isinstance(several, Iterable):
        raise ConfigurationError(f"{argument} must be a list such as {such_as}, not {shown(several)}")
    else:
        found = [plain(each) for each in several]
    for each in found:
        if kinds and not isinstance(each, kinds):
            raise ConfigurationError(f"{argument} must be a list such as {such_as}, without {shown(each)}")
    return found


def dict_of(argument: str, value: Any, such_as: str) -> dict[Any, Any]:
    """The dict that an argument must be.

    Raises:
        ConfigurationError: It is something else.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{argument} must be a dict such as {such_as}, not {shown(value)}")
    return dict(value)
