"""Checks that an argument is text, a number, a list, a dict, True or False."""

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
    """Check an argument that is True, False or None. Text is refused: ``'false'`` is true to Python.

    Raises:
        ConfigurationError: It is something else.
    """
    if value is None or isinstance(value, bool):
        return value
    raise ConfigurationError(f"{name} must be True or False, not {shown(value)}: leave it out to set neither")


def required_flag(name: str, value: Any) -> bool:
    """Check an argument that must be True or False.

    Raises:
        ConfigurationError: It is something else.
    """
    if value is None:
        raise ConfigurationError(f"{name} must be True or False, not None")
    return flag(name, value) is True


def flags(**arguments: Any) -> dict[str, bool]:
    """Check arguments that are True or False, and return those that are not None.

    Raises:
        ConfigurationError: One is something else.
    """
    return without_none(**{name: flag(name, value) for name, value in arguments.items()})


def switches(**arguments: Any) -> dict[str, bool]:
    """Return the arguments that are True, for parameters that any value turns on, even ``false``.

    Raises:
        ConfigurationError: One is neither True nor False.
    """
    return {name: value for name, value in flags(**arguments).items() if value}


def texts(**arguments: Any) -> dict[str, str]:
    """Check arguments that are text, and return those that are not None.

    Raises:
        ConfigurationError: One is something else, on which the server may fail.
    """
    return {name: text_of(name, value) for name, value in without_none(**arguments).items()}


def required_texts(**arguments: Any) -> dict[str, str]:
    """Check arguments that must be text.

    Raises:
        ConfigurationError: One is something else.
    """
    return {name: text_of(name, value) for name, value in arguments.items()}


def whole_number(name: str, value: Any) -> int | None:
    """Check an argument that is a whole number or None.

    Raises:
        ConfigurationError: It is something else.
    """
    value = plain(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53):
        return value
    bounds = " from -2**53 to 2**53" if type(value) is int else ""
    raise ConfigurationError(f"{name} must be a whole number{bounds}, not {shown(value)}")


def text_of(argument: str, value: Any) -> str:
    """Return an argument that must be text.

    Raises:
        ConfigurationError: It is something else, or a private key.
    """
    value = plain(value)
    if not isinstance(value, str):
        raise ConfigurationError(f"{argument} must be text, not {shown(value)}")
    if is_key(value):
        raise ConfigurationError(f"{argument} is a private key, which was not sent: it belongs in secret=")
    return value


def as_list(argument: str, value: Any, such_as: str, *kinds: type) -> list[Any]:
    """Return an argument as a list; text or a dict is an element by itself.

    Args:
        argument: Its name, for the error.
        value: The argument.
        such_as: An example of what it can be, for the error.
        *kinds: The types that each element may have; any by default.

    Raises:
        ConfigurationError: It is not a list or the like, or an element has another type.
    """
    value = plain(value)
    if isinstance(value, str | Mapping):
        found = [value]
    elif isinstance(value, bytes | bytearray) or not isinstance(value, Iterable):
        raise ConfigurationError(f"{argument} must be a list such as {such_as}, not {shown(value)}")
    else:
        found = [plain(each) for each in value]
    for each in found:
        if kinds and not isinstance(each, kinds):
            raise ConfigurationError(f"{argument} must be a list such as {such_as}, without {shown(each)}")
    return found


def dict_of(argument: str, value: Any, such_as: str) -> dict[Any, Any]:
    """Return an argument that must be a dict.

    Raises:
        ConfigurationError: It is something else.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{argument} must be a dict such as {such_as}, not {shown(value)}")
    return dict(value)
