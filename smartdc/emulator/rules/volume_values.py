"""CloudAPI's checks of the values of volumes (its lib/validation/volumes.js); they report all errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smartdc.emulator.http.parameters import as_text, is_uuid
from smartdc.emulator.rules.volume_predicates import BadPredicate, Predicate
from smartdc.emulator.state.fields import VOLUME_NAME

STATES = ("creating", "ready", "failed", "deleting")
LONGEST_NAME = 256
_NAME_PATTERN = r"/^[a-z0-9][\w.-]+$/i"
# The server's message quotes its pattern.
_UUID_PATTERN = "/^[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$/"


def check_values(predicate: Predicate) -> None:
    """Check the values in a predicate, field by field.

    Raises:
        BadPredicate: A value is invalid for its field.
    """
    values: dict[str, list[Any]] = {}
    for field, value in predicate.values():
        values.setdefault(field, []).append(value)
    problems = [problem for field in values for value in values[field] for problem in _CHECKS[field](value)]
    if problems:
        raise BadPredicate(f"Error: Invalid values in predicate: {','.join(problems)}")


def id_problems(value: Any) -> list[str]:
    """The errors about a volume's id."""
    if is_uuid(value):
        return []
    return [f"Error: Invalid volume ID: {as_text(value)}. Volume ID should match {_UUID_PATTERN}"]


def name_problems(name: Any) -> list[str]:
    """The errors about a volume's name."""
    problems = []
    if not isinstance(name, str):
        problems.append("Error: Invalid volume name: volume name must be a string")
    if not VOLUME_NAME.fits(as_text(name)):
        shown = f"Invalid volume name: {as_text(name)}. Volume name should match {_NAME_PATTERN}"
        problems.append(f"Error: {shown}")
    if len(as_text(name)) > LONGEST_NAME:
        message = f"Invalid volume name length: volume name must be at most {LONGEST_NAME} long"
        problems.append(f"Error: {message}")
    return problems


def type_problems(value: Any) -> list[str]:
    """The errors about a volume's type."""
    if value == "tritonnfs":
        return []
    shown = "undefined" if value is None else as_text(value)
    return [f"Error: Invalid volume type: {shown}. Volume type should be one of: tritonnfs"]


def state_problems(value: Any) -> list[str]:
    """The errors about a volume's state."""
    return [] if value in STATES else [f"Error: Volume state: {as_text(value)} is invalid"]


def _network_problems(value: Any) -> list[str]:
    return [] if is_uuid(value) else [f"Error: Invalid volume network: {as_text(value)}"]


def _size_problems(value: Any) -> list[str]:
    return [] if value > 0 else [f"Error: Invalid volume size: {as_text(value)}"]


_CHECKS: dict[str, Callable[[Any], list[str]]] = {
    "id": id_problems,
    "name": name_problems,
    "network": _network_problems,
    "size": _size_problems,
    "state": state_problems,
    "type": type_problems,
}
