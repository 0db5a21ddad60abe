"""The checks of triton-tags 1.4.0 for the tags named ``triton.*``, which configure a machine.

Triton reads CNS services with a PEG parser, so an error lists what could follow at the farthest place that
the parser reached.
"""

from __future__ import annotations

import re
from typing import Any

from smartdc.emulator.http.answers import to_json
from smartdc.emulator.javascript.numbers import to_integer

_TYPES = {
    "triton.cmon.groups": "string",
    "triton.cns.services": "string",
    "triton.cns.disable": "boolean",
    "triton.cns.reverse_ptr": "string",
    "triton.network.public": "string",
    "triton.placement.exclude_virtual_servers": "boolean",
    "triton._test.string": "string",
    "triton._test.number": "number",
    "triton._test.boolean": "boolean",
}
_DNS_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,62}(?:\.[a-zA-Z0-9][a-zA-Z0-9-]{0,62})*")
_LONGEST_DNS_NAME = 255
_GROUPS = re.compile(r"[a-zA-Z0-9_,-]*")
_MOST_GROUPS = 100
_LONGEST_GROUP = 100

_SERVICE = re.compile(r"[a-zA-Z0-9-][a-zA-Z0-9.-]*|_[a-zA-Z0-9-]*\._(?:tcp|udp)")
_LONGEST_SERVICE = 63
_PORT = re.compile("[0-9]+")
_PROPERTY = re.compile("[a-z][a-z0-9-]*")
_EQUALS = re.compile("=")
_COMMA = re.compile(",")
_VALUE = re.compile("[^,:]+")
_NO_ESCAPE_NEEDED = re.compile(r"[ !#-\[\]-~]")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


class _BadServices(ValueError):
    """The text is not a list of services; the message says what was expected."""


def problem_of(key: str, value: Any) -> str | None:
    """The error about a tag whose name begins with ``triton.``; None when it is valid."""
    expected, actual = _TYPES.get(key), type_of(value)
    if expected is None:
        return f'Unrecognized special triton tag "{key}"'
    if expected != actual:
        return f'Triton tag "{key}" value must be a {expected}: {to_json(value)} ({actual})'
    if key == "triton.cns.services":
        problem = _services_problem(value)
    elif key == "triton.cmon.groups":
        problem = _groups_problem(value)
    elif key == "triton.cns.reverse_ptr" and not (
        len(value) <= _LONGEST_DNS_NAME and _DNS_NAME.fullmatch(value)
    ):
        problem = f'"{value}" is not DNS safe'
    else:
        problem = None
    return None if problem is None else f'invalid "{key}" tag: {problem}'


def type_of(value: Any) -> str | None:
    """JavaScript's name of a scalar's type; None for objects, lists and null."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else None


def _groups_problem(text: str) -> str | None:
    if not _GROUPS.fullmatch(text):
        return "groups must be strings comprised of letters, numbers, _, and -"
    groups = text.split(",")
    if len(groups) > _MOST_GROUPS:
        return f"must contain less than or equal to {_MOST_GROUPS} group strings"
    for place, group in enumerate(groups):
        if group in groups[:place]:
            return f"contains duplicate group {group}"
        if not 1 <= len(group) <= _LONGEST_GROUP:
            return "group name must be no less than 1 character and no greater than 100 characters"
    return None


def _services_problem(text: str) -> str | None:
    try:
        services = _read_services(text)
    except _BadServices as error:
        return str(error)
    for service in services:
        problem = _service_problem(service)
        if problem is not None:
            return problem
    return None


def _service_problem(service: dict[str, str]) -> str | None:
    name = service["name"]
    if not 1 <= len(name) <= _LONGEST_SERVICE:
        return f'service DNS name "{name}" must be {_LONGEST_SERVICE} or fewer characters'
    if "port" in service and not 1 <= to_integer(service["port"]) <= 65535:
        return f"service port number for {name} must be within the range 1 - 65535"
    for key, value in service.items():
        if key in ("priority", "weight"):
            if not 0 <= to_integer(value) <= 65535:
                return f"service {key} for {name} must be within the range 0 - 65535"
        elif key not in ("name", "port"):
            return f'service property "{key}" is not a valid property name'
    return None


def _read_services(text: str) -> list[dict[str, str]]:
    """Read ``name[:port][:property=value]...,...``; the last of a repeated property wins."""
    services: list[dict[str, str]] = []
    place = 0
    while True:
        name, place = _take(_SERVICE, text, place, "DNS name")
        service = {"name": name.lower()}
        services.append(service)
        port = _PORT.match(text, place + 1) if text.startswith(":", place) else None
        if port is not None:
            service["port"], place = port[0], port.end()
        first = port is None
        while text.startswith(":", place):
            expected = ("integer (port number)", "property name") if first else ("property name",)
            key, place = _take(_PROPERTY, text, place + 1, *expected)
            first = False
            _, place = _take(_EQUALS, text, place, '"="')
            service[key], place = _take(_VALUE, text, place, "property value")
        if place == len(text):
            return services
        _, place = _take(_COMMA, text, place, '","', '":"', "end of input")


def _take(pattern: re.Pattern[str], text: str, place: int, *expected: str) -> tuple[str, int]:
    match = pattern.match(text, place)
    if match is not None:
        return match[0], match.end()
    found = f'"{_escaped(text[place])}"' if place < len(text) else "end of input"
    *others, last = expected
    listed = f"{', '.join(others)} or {last}" if others else last
    raise _BadServices(f"Expected {listed} but {found} found.")


def _escaped(character: str) -> str:
    code = ord(character)
    if code > 0xFFFF:  # JavaScript takes only the first UTF-16 half
        code = 0xD800 + ((code - 0x10000) >> 10)
    if character in _ESCAPES or _NO_ESCAPE_NEEDED.fullmatch(character) or code == 0x7F:
        return _ESCAPES.get(character, character)
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}"
