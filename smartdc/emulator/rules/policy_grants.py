"""Whether roles permit a request, as `authorize` of node-mahi 2.3.3 (lib/client.js) decides for CloudAPI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from smartdc.emulator.rules.policy_conditions import RuleError
from smartdc.emulator.rules.policy_language import Rule, allows
from smartdc.emulator.rules.policy_reader import parse
from smartdc.emulator.state.roles import ADMINISTRATOR


class Grant(NamedTuple):
    """An active role.

    Attributes:
        name: The role's name; the administrator role needs no rules.
        rules: The texts of the rules of its policies.
        tagged: Whether the resource has the role as a role tag.
    """

    name: str
    rules: Sequence[str]
    tagged: bool


def permits(grants: Sequence[Grant], action: str, path: str, context: Mapping[str, Any]) -> bool:
    """Whether the roles permit an action on the resource of this path."""
    rules: list[Rule] = []
    for grant in grants:
        if grant.name == ADMINISTRATOR:
            return True
        rules += [rule for rule in map(parse, grant.rules) if grant.tagged or _names_resources(rule)]
    try:
        return allows(rules, action, path, context)
    except RuleError:  # a rule that cannot be applied ends the evaluation
        return False


def _names_resources(rule: Rule) -> bool:
    """Whether the rule names its resources and needs no role tag. As in mahi, exact names do not count."""
    return rule.resources is not None and (rule.resources.everything or bool(rule.resources.patterns))
