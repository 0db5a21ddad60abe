"""What roles permit, as authorize of node-mahi 2.3.3 (lib/client.js) decides it, which CloudAPI pins."""

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
        name: Its name; the administrator's needs no rules.
        rules: The texts of its policies' rules.
        tagged: Whether the resource is tagged with it.
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
        written = map(parse, grant.rules)
        rules += [rule for rule in written if grant.tagged or _names_resources(rule)]
    try:
        return allows(rules, action, path, context)
    except RuleError:  # one rule that cannot be applied spoils those after it
        return False


def _names_resources(rule: Rule) -> bool:
    """Whether it says what it is about, so that no tag is needed. The original overlooks exact names."""
    return rule.resources is not None and (rule.resources.everything or bool(rule.resources.patterns))
