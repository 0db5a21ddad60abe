"""VMAPI's validation of a request that CloudAPI passes on.

Each function returns the items of ``errors`` for one value, empty when it is valid; the callers put them into
a ValidationFailed with the message of their operation.
"""

from __future__ import annotations

import re
from typing import Any

from smartdc.emulator.http.answers import ErrorItem, invalid_field
from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.javascript.numbers import to_integer
from smartdc.emulator.rules.triton_tags import problem_of, type_of
from smartdc.emulator.state.fields import LONGEST_MACHINE_NAME, MACHINE_NAME_CHARACTERS

#: The alias expression as VMAPI prints it.
_ALIAS_PRINTED = r"/^[a-zA-Z0-9][a-zA-Z0-9\_\.\-]*$/"
BRANDS = ("bhyve", "joyent", "joyent-minimal", "kvm", "lx")
LIST_STATES = ("active", "destroyed", "running", "stopped")

_PASSWORD = re.compile(r"[^\n\r\u2028\u2029]*_pw")
_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]*")
_DOCKER_TAG = re.compile(
    r"sdc_docker\Z|docker:label:triton\.|docker:label:(?:com|io|org)\.docker(?:project)?\."
)


def alias_errors(alias: Any, *, longest: int | None = LONGEST_MACHINE_NAME) -> list[ErrorItem]:
    """Check a machine's name; with `longest` None its length is not checked, as in the list's filter."""
    errors = [] if isinstance(alias, str) else [invalid_field("alias", "Not a valid string")]
    if longest is not None and isinstance(alias, str | list) and len(alias) > longest:
        message = f"String is longer than maximum of {longest} characters"
        errors.append(invalid_field("alias", message))
    if not MACHINE_NAME_CHARACTERS.fullmatch(as_text(alias)):
        errors.append(invalid_field("alias", f"String does not match regexp: {_ALIAS_PRINTED}"))
    return errors


def one_of_errors(field: str, value: Any, allowed: tuple[str, ...]) -> list[ErrorItem]:
    """Check a word against a list."""
    if value in allowed:
        return []
    return [invalid_field(field, f"Must be one of: {', '.join(allowed)}")]


def number_errors(field: str, value: Any, low: int = 0, high: int | None = None) -> list[ErrorItem]:
    """Check a number as JavaScript's parseInt reads it: ``12abc`` is 12."""
    number = to_integer(as_text(value))
    if low <= number and (high is None or number <= high):
        return []
    bounds = f">= {low}" if high is None else f">= {low} and <= {high}"
    return [invalid_field(field, f"Not a valid number: number must be {bounds}")]


def memory_errors(value: Any) -> list[ErrorItem]:
    """Check the list's memory filter, which VMAPI calls ram."""
    errors = [] if isinstance(value, str) else [invalid_field("ram", "Not a valid string")]
    if not _WHOLE_NUMBER.fullmatch(as_text(value)):
        errors.append(invalid_field("ram", "String does not match regexp: /^0$|^([1-9][0-9]*$)/"))
    return errors


def boolean_errors(field: str, value: Any) -> list[ErrorItem]:
    """Check a boolean; the texts ``true`` and ``false`` are valid."""
    return [] if isinstance(value, bool) or value in ("true", "false") else [invalid_field(field)]


def metadata_errors(values: dict[str, Any]) -> list[ErrorItem]:
    """Check customer metadata: values are scalars, and no key ends in ``_pw``."""
    for key, value in values.items():
        if type_of(value) is None:
            return [invalid_field(f"customer_metadata.{key}", "Forbidden Data Type")]
        if _PASSWORD.fullmatch(key):
            return [invalid_field(f"customer_metadata.{key}", "Forbidden Metadata Key")]
    return []


def tag_errors(tags: dict[str, Any], *, allow_docker: bool = False) -> list[ErrorItem]:
    """Check tags: values are scalars, ``triton.*`` names are known, Docker labels are for creation only."""
    for key, value in tags.items():
        if type_of(value) is None:
            return [invalid_field(f"tags.{key}", "Forbidden Data Type")]
    for key, value in tags.items():
        message = None
        if key.startswith("triton."):
            message = problem_of(key, value)
        elif not allow_docker and _DOCKER_TAG.match(key):
            message = f'Special tag "{key}" not supported'
        if message is not None:
            return [invalid_field("tags", message)]
    return []


def tag_delete_errors(key: str) -> list[ErrorItem]:
    """Check that a tag may be deleted: Docker's tags may not."""
    if _DOCKER_TAG.match(key):
        return [invalid_field("tags", f'Special tag "{key}" may not be deleted')]
    return []
