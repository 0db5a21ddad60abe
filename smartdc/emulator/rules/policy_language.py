"""The language of policies: ``CAN listmachines AND getmachine WHEN tag_role::string = web``.

What a rule allows, as node-aperture evaluates it. Rules are read in `aperture_reader`, and the types of
conditions are in `conditions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smartdc.emulator.javascript.patterns import Pattern
from smartdc.emulator.rules.policy_conditions import CLOUDAPI_TYPE_TABLE, KINDS, RuleError, kind_of

Condition = tuple[Any, ...]


@dataclass(frozen=True)
class Names:
    """Principals, actions or resources that a rule names; `everything` is all there are."""

    exact: frozenset[str] = frozenset()
    patterns: tuple[Pattern, ...] = ()
    everything: bool = False

    def fit(self, name: str) -> bool:
        """Whether this one is among them; case matters, and a pattern may match anywhere."""
        return self.everything or name in self.exact or any(found.found_in(name) for found in self.patterns)


@dataclass(frozen=True)
class Rule:
    """One sentence. What it does not say (None) is not looked at.

    Attributes:
        condition: ``(operation, name, type or None, value)``; of ``in`` the values; of ``and``, ``or`` and
            ``not`` the operation and conditions.
    """

    effect: bool
    actions: Names
    principals: Names | None = None
    resources: Names | None = None
    condition: Condition | None = None


def allows(
    rules: Sequence[Rule],
    action: str,
    resource: str,
    context: Mapping[str, Any],
    types: Mapping[str, str] = CLOUDAPI_TYPE_TABLE,
) -> bool:
    """Whether a rule allows the action. ``CAN NOT`` takes nothing away from other rules.

    Args:
        rules: The rules; those after one that allows the action are not looked at.
        action: What is to be done.
        resource: The path that it is to be done with.
        context: What is known of the request, by the names of conditions; dates are datetimes.
        types: The types of conditions whose rules do not name one.

    Raises:
        RuleError: A condition has no type, asks for what is not known, or compares what cannot be compared.
    """
    return any(_allows(rule, action, resource, context, types) for rule in rules)


def _allows(
    rule: Rule, action: str, resource: str, context: Mapping[str, Any], types: Mapping[str, str]
) -> bool:
    # The caller is not named to the server's evaluator: roles have chosen the rules.
    for names, name in ((rule.principals, "undefined"), (rule.actions, action), (rule.resources, resource)):
        if names is not None and not names.fit(name):
            return False
    # Also a CAN NOT answers its condition first, which may fail.
    holds = rule.condition is None or _holds(rule.condition, context, types)
    return rule.effect and holds


def _holds(condition: Condition, context: Mapping[str, Any], types: Mapping[str, str]) -> bool:
    operation, *parts = condition
    if operation == "and":
        return all(_holds(part, context, types) for part in parts)
    if operation == "or":
        return any(_holds(part, context, types) for part in parts)
    if operation == "not":
        return not _holds(parts[0], context, types)
    if operation == "in":
        name, kind, values = parts
        return any(_holds(("=", name, kind, value), context, types) for value in values)
    name, named, value = parts
    kind = kind_of(name, named, types)
    compare = KINDS[kind].comparison(operation, kind)
    if context.get(name) is None:
        raise RuleError(f'missing condition in context: "{name}"')
    try:
        return compare(context[name], value)
    except ValueError as error:
        raise RuleError(f'cannot compare "{name}" as type "{kind}": {error}') from error
