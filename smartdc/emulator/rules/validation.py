"""What VMAPI validates when CloudAPI passes a request on.

Each function returns the items of ``errors`` for one value, empty when it is fine; the callers put them into
a ValidationFailed with the sentence of their operation.
"""

from __future__ import annotations

import json
import re
from typing import Any

from smartdc.emulator.http.answers import ErrorItem, invalid_field

ALIAS = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*")
#: The alias expression as VMAPI prints it.
_ALIAS_PRINTED = r"/^[a-zA-Z0-9][a-zA-Z0-9\_\.\-]*$/"
LONGEST_ALIAS = 189
BRANDS = ("bhyve", "joyent", "joyent-minimal", "kvm", "lx")
LIST_STATES = ("active", "destroyed", "running", "stopped")

_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]*")
_LEADING_NUMBER = re.compile(r"\s*([+-]?\d+)")
_DOCKER_TAG = re.compile(
    r"sdc_docker$|docker:label:triton\.|docker:label:(?:com|io|org)\.docker(?:project)?\."
)
_DNS_NAME = re.compile(r"[a-z0-9][a-z0-9\-]{0,62}(?:\.[a-z0-9][a-z0-9\-]{0,62})*", re.IGNORECASE)
_DNS_LABEL = re.compile(r"[a-z0-9][a-z0-9\-]*", re.IGNORECASE)
_TRITON_TAGS = {
    "triton.cmon.groups": "string",
    "triton.cns.services": "string",
    "triton.cns.disable": "boolean",
    "triton.cns.reverse_ptr": "string",
    "triton.network.public": "string",
    "triton._test.string": "string",
    "triton._test.number": "number",
    "triton._test.boolean": "boolean",
}


def alias_errors(alias: Any, *, longest: int | None = LONGEST_ALIAS) -> list[ErrorItem]:
    """Check a machine's name; `longest` None leaves its length alone (the list's filter)."""
    if not isinstance(alias, str):
        return [invalid_field("alias", "Not a valid string")]
    errors = []
    if longest is not None and len(alias) > longest:
        message = f"String is longer than maximum of {longest} characters"
        errors.append(invalid_field("alias", message))
    if not ALIAS.fullmatch(alias):
        errors.append(invalid_field("alias", f"String does not match regexp: {_ALIAS_PRINTED}"))
    return errors


def one_of_errors(field: str, value: Any, allowed: tuple[str, ...]) -> list[ErrorItem]:
    """Check a word against a list."""
    if value in allowed:
        return []
    return [invalid_field(field, f"Must be one of: {', '.join(allowed)}")]


def number_errors(field: str, value: Any, low: int = 0, high: int | None = None) -> list[ErrorItem]:
    """Check a number, which JavaScript's parseInt reads: ``12abc`` is 12."""
    match = _LEADING_NUMBER.match(str(value))
    if match is not None and low <= int(match[1]) and (high is None or int(match[1]) <= high):
        return []
    bounds = f">= {low}" if high is None else f">= {low} and <= {high}"
    return [invalid_field(field, f"Not a valid number: number must be {bounds}")]


def memory_errors(value: Any) -> list[ErrorItem]:
    """Check the list's memory filter, which VMAPI calls ram."""
    if not isinstance(value, str):
        return [invalid_field("ram", "Not a valid string")]
    if _WHOLE_NUMBER.fullmatch(value):
        return []
    return [invalid_field("ram", "String does not match regexp: /^0$|^([1-9][0-9]*$)/")]


def boolean_errors(field: str, value: Any) -> list[ErrorItem]:
    """Check a boolean; the words true and false will do."""
    return [] if isinstance(value, bool) or value in ("true", "false") else [invalid_field(field)]


def metadata_errors(values: dict[str, Any]) -> list[ErrorItem]:
    """Check customer metadata: scalars only, and no key that ends in ``_pw``."""
    for key, value in values.items():
        if _type_of(value) is None:
            return [invalid_field(f"customer_metadata.{key}", "Forbidden Data Type")]
        if key.endswith("_pw"):
            return [invalid_field(f"customer_metadata.{key}", "Forbidden Metadata Key")]
    return []


def tag_errors(tags: dict[str, Any], *, allow_docker: bool = False) -> list[ErrorItem]:
    """Check tags: scalars only, known ``triton.*`` names, and no Docker labels but at creation."""
    for key, value in tags.items():
        if _type_of(value) is None:
            return [invalid_field(f"tags.{key}", "Forbidden Data Type")]
    for key, value in tags.items():
        message = None
        if key.startswith("triton."):
            message = _triton_tag_problem(key, value)
        elif not allow_docker and _DOCKER_TAG.match(key):
            message = f'Special tag "{key}" not supported'
        if message is not None:
            return [invalid_field("tags", message)]
    return []


def tag_delete_errors(key: str) -> list[ErrorItem]:
    """Check that a tag may go: Docker's may not."""
    if _DOCKER_TAG.match(key):
        return [invalid_field("tags", f'Special tag "{key}" may not be deleted')]
    return []


def _type_of(value: Any) -> str | None:
    """JavaScript's name of a scalar's type; None for objects, lists and null."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else None


def _triton_tag_problem(key: str, value: Any) -> str | None:
    expected, actual = _TRITON_TAGS.get(key), _type_of(value)
    if expected is None:
        return f'Unrecognized special triton tag "{key}"'
    if expected != actual:
        return f'Triton tag "{key}" value must be a {expected}: {json.dumps(value)} ({actual})'
    if key == "triton.cns.services":
        return _services_problem(value)
    if key == "triton.cns.reverse_ptr" and (len(value) > 255 or not _DNS_NAME.fullmatch(value)):
        return f'invalid "{key}" tag: "{value}" is not DNS safe'
    if key == "triton.cmon.groups" and not all(re.fullmatch(r"[\w-]+", group) for group in value.split(",")):
        return f'invalid "{key}" tag: groups must be strings comprised of letters, numbers, _, and -'
    return None


def _services_problem(value: str) -> str | None:
    """Check ``name[:port][:property=number]...,...``."""
    problem = 'invalid "triton.cns.services" tag: '
    for service in value.split(","):
        name, *settings = service.split(":")
        if not _DNS_LABEL.fullmatch(name):
            return f"{problem}must contain at least one valid service"
        if len(name) > 63:
            return f'{problem}service DNS name "{name}" must be 63 or fewer characters'
        for setting in settings:
            property_name, equals, number = setting.rpartition("=")
            property_name = property_name if equals else "port"
            if property_name not in ("port", "priority", "weight"):
                return f'{problem}service property "{property_name}" is not a valid property name'
            low = 1 if property_name == "port" else 0
            if number_errors(property_name, number, low, 65535):
                return f"{problem}service {property_name} for {name} must be within the range {low} - 65535"
    return None
