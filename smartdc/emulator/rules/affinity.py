"""Affinity rules and locality, which a create refuses when they are malformed and otherwise forgets."""

from __future__ import annotations

import re
from typing import Any

from smartdc.emulator.http.answers import ErrorItem, crashed, invalid_argument, invalid_field, to_json
from smartdc.emulator.http.parameters import is_uuid

_KEY = re.compile(r"[a-z_][a-z0-9\-_.]+", re.IGNORECASE)
_VALUE = re.compile(r"[-a-z0-9:_\s.*/()?+\[\]\\^$|]+", re.IGNORECASE)


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
        if hint and not isinstance(hint, str | list):
            problem = problem or "locality entry is neither string nor array"
        elif hint and not all(map(is_uuid, [hint] if isinstance(hint, str) else hint)):
            problem = problem or "locality contains malformed UUID"
    return [] if problem is None else [invalid_field("locality", problem)]


def _check_rule(rule: str) -> None:
    operator = "==" if "==" in rule else "!="
    key, found, value = rule.partition(operator)
    if not found:
        raise invalid_argument(
            f'could not find operator in affinity rule: expected one of "==", "!=": {to_json(rule)}'
        )
    value = value.removeprefix("~")
    for name, text, allowed in (("key", key, _KEY), ("value", value, _VALUE)):
        if not allowed.fullmatch(text):
            raise invalid_argument(f"invalid {name} in affinity rule: {to_json(rule)}: {to_json(text)}")
