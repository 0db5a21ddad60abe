"""Affinity rules and locality, which a create refuses when they are malformed and otherwise forgets."""

from __future__ import annotations

import re
from typing import Any

from smartdc.emulator.http.answers import ErrorItem, crashed, invalid_argument, invalid_field
from smartdc.emulator.http.parameters import UUID, as_text
from smartdc.emulator.javascript.inspect import quoted
from smartdc.emulator.javascript.numbers import WHITE_SPACE

_KEY = re.compile(r"[a-zA-Z_][a-zA-Z0-9\-_.]+")
_VALUE = re.compile(rf"[-a-zA-Z0-9:_{WHITE_SPACE}.*/()?+\[\]\\^$|]+")
#: The two as the server's messages print them.
_KEY_PRINTED = r"/^[a-z_][a-z0-9\-_.]+$/i"
_VALUE_PRINTED = r"/^[-a-z0-9:_\s.*/()?+[\]\\^$|]+$/i"


def check_affinity(params: dict[str, Any]) -> None:
    """Check the ``affinity`` of a create.

    Raises:
        Refusal: 409 for a rule that is none.
    """
    affinity = params.get("affinity")
    if not affinity:
        return
    for rule in affinity if isinstance(affinity, list) else [affinity]:
        if not isinstance(rule, str):
            raise crashed("opts.affinity ([string]) is required")
        _check_rule(rule)


def locality_errors(locality: Any) -> list[ErrorItem]:
    """What VMAPI finds wrong with the ``locality`` of a create."""
    problem = None
    if not locality:
        return []
    if not isinstance(locality, dict | list):
        problem = "malformed locality object"
    for side in ("near", "far") if isinstance(locality, dict) else ():
        hint = locality.get(side)
        if isinstance(hint, dict) or (hint and not isinstance(hint, str | list)):
            problem = problem or "locality entry is neither string nor array"
        else:
            uuids = hint if isinstance(hint, list) else [hint] if hint else []
            if not all(UUID.fullmatch(as_text(each)) for each in uuids):
                problem = problem or "locality contains malformed UUID"
    return [] if problem is None else [invalid_field("locality", problem)]


def _check_rule(rule: str) -> None:
    operator = "==" if "==" in rule else "!="
    key, found, value = rule.partition(operator)
    if not found:
        raise invalid_argument(
            f'could not find operator in affinity rule: expected one of "==", "!=": {quoted(rule)}'
        )
    value = value.removeprefix("~")
    for name, text, allowed, printed in (
        ("key", key, _KEY, _KEY_PRINTED),
        ("value", value, _VALUE, _VALUE_PRINTED),
    ):
        if not allowed.fullmatch(text):
            raise invalid_argument(
                f"invalid {name} in affinity rule: {quoted(rule)}: {quoted(text)} does not match {printed}"
            )
