"""The grammar of affinity rules, which a create refuses when they are malformed and otherwise forgets."""

from __future__ import annotations

import re
from typing import Any

from smartdc.emulator.answers import crashed, invalid_argument, to_json

_KEY = re.compile(r"[a-z_][a-z0-9\-_.]+", re.IGNORECASE)
_VALUE = re.compile(r"[-a-z0-9:_\s.*/()?+\[\]\\^$|]+", re.IGNORECASE)


def check_affinity(params: dict[str, Any]) -> None:
    """Check the ``affinity`` of a create.

    Raises:
        Refusal: 409 for a rule that is none, or together with the old ``locality``.
    """
    affinity = params.get("affinity")
    if not affinity:
        return
    if params.get("locality"):
        raise invalid_argument('cannot specify both "locality" (deprecated) and "affinity"')
    for rule in affinity if isinstance(affinity, list) else [affinity]:
        if not isinstance(rule, str):
            raise crashed("opts.affinity ([string]) is required")
        _check_rule(rule)


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
