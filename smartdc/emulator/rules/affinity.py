"""Affinity rules and locality: which machines a new machine must be near to or far from.

CloudAPI reads the rules (triton-affinity.js), and VMAPI checks the locality (validation.js). The choice of a
server is in `servers`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from smartdc.emulator.http.answers import ErrorItem, crashed, invalid_argument, invalid_field
from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.javascript.inspect import quoted
from smartdc.emulator.javascript.numbers import WHITE_SPACE
from smartdc.emulator.state.fields import UUID

_KEY = re.compile(r"[a-zA-Z_][a-zA-Z0-9\-_.]+")
_VALUE = re.compile(rf"[-a-zA-Z0-9:_{WHITE_SPACE}.*/()?+\[\]\\^$|]+")
#: Both expressions as the server's messages print them.
_KEY_PRINTED = r"/^[a-z_][a-z0-9\-_.]+$/i"
_VALUE_PRINTED = r"/^[-a-z0-9:_\s.*/()?+[\]\\^$|]+$/i"


@dataclass(frozen=True)
class AffinityRule:
    """One rule, such as ``role!=~web*``.

    Attributes:
        key: ``instance``, ``container``, or the name of a tag.
        near: Whether the operator is ``==``.
        soft: Whether the machine is created even if the rule cannot be met.
        value: An exact value, a pattern with ``*``, or a regular expression between slashes.
    """

    key: str
    near: bool
    soft: bool
    value: str

    @property
    def regexp(self) -> str | None:
        """The regular expression, where the value is one."""
        is_one = len(self.value) >= 3 and self.value.startswith("/") and self.value.endswith("/")
        return self.value[1:-1] if is_one else None


def read_affinity(affinity: Any) -> list[AffinityRule]:
    """Read the ``affinity`` of a create: a rule, or a list of rules.

    Raises:
        Refusal: 409 for a rule that is not valid.
    """
    if not affinity and affinity != []:
        return []
    rules = affinity if isinstance(affinity, list) else [affinity]
    if not all(isinstance(rule, str) for rule in rules):
        raise crashed("opts.affinity ([string]) is required")
    return [_read_rule(rule) for rule in rules]


def locality_errors(locality: Any) -> list[ErrorItem]:
    """VMAPI's errors about the ``locality`` of a create."""
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


def _read_rule(rule: str) -> AffinityRule:
    operator = "==" if "==" in rule else "!="
    key, found, value = rule.partition(operator)
    if not found:
        raise invalid_argument(
            f'could not find operator in affinity rule: expected one of "==", "!=": {quoted(rule)}'
        )
    soft = value.startswith("~")
    value = value.removeprefix("~")
    for name, text, allowed, printed in (
        ("key", key, _KEY, _KEY_PRINTED),
        ("value", value, _VALUE, _VALUE_PRINTED),
    ):
        if not allowed.fullmatch(text):
            raise invalid_argument(
                f"invalid {name} in affinity rule: {quoted(rule)}: {quoted(text)} does not match {printed}"
            )
    return AffinityRule(key, operator == "==", soft, value)
