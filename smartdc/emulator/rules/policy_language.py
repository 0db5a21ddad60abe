"""Evaluates the rules of policies as node-aperture does: whether they allow an action.

A rule is a sentence such as ``CAN listmachines AND getmachine WHEN tag_role::string = web``. The parser is in
`policy_reader`, the types of conditions are in `policy_conditions`.
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
    """The principals, actions or resources that a rule names; with `everything` it names all of them."""

    exact: frozenset[str] = frozenset()
    patterns: tuple[Pattern, ...] = ()
    everything: bool = False

    def match(self, name: str) -> bool:
        """Whether they include this name; case matters, and a pattern may match any part of it."""
        return self.everything or name in self.exact or any(each.found_in(name) for each in self.patterns)


@dataclass(frozen=True)
class Rule:
    """One rule. A part that it does not have is None and restricts nothing.

    Attributes:
        condition: ``(operation, name, type or None, value)``; for ``in``, ``("in", name, type or None,
            values)``; for ``and``, ``or`` and ``not``, the operation and its conditions.
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
    """Whether any rule allows the action. ``CAN NOT`` does not override another rule.

    Args:
        rules: The rules; the first that allows the action ends the evaluation.
        action: The name of the action.
        resource: The path of the resource.
        context: The values of the request, by the names of conditions; dates are datetimes.
        types: The types of conditions whose rules do not name one.

    Raises:
        RuleError: A condition has no type, its value is not in the context, or it cannot be compared.
    """
    return any(_allows(rule, action, resource, context, types) for rule in rules)


def _allows(
    rule: Rule, action: str, resource: str, context: Mapping[str, Any], types: Mapping[str, str]
) -> bool:
    # The server does not pass the caller to the evaluator, because the rules come from the caller's roles.
    for names, name in ((rule.principals, "undefined"), (rule.actions, action), (rule.resources, resource)):
        if names is not None and not names.match(name):
            return False
    # The condition of a CAN NOT is evaluated as well, because it may fail.
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
    name, type_in_rule, value = parts
    kind = kind_of(name, type_in_rule, types)
    compare = KINDS[kind].comparison(operation, kind)
    if context.get(name) is None:
        raise RuleError(f'missing condition in context: "{name}"')
    try:
        return compare(context[name], value)
    except ValueError as error:
        raise RuleError(f'cannot compare "{name}" as type "{kind}": {error}') from error
