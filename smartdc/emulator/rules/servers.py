"""Which server a new machine is placed on: affinity and locality, then spread over the servers.

As Triton chooses (sdc-designation: calculate-affinity, hard- and soft-filter-locality-hints): a hard rule
must hold, or no server is found. ``==`` with several machines means that all of them are on the server when
it is hard, and one of them when it is soft. Soft rules are ignored where they cannot hold, ``far`` before
``near``. Where a hard rule is given, Triton drops the soft ones; here they still choose among the servers
that are left, so that no machine lands where Triton could not have put it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from smartdc.emulator.http.parameters import as_text, fits_wildcard, is_uuid
from smartdc.emulator.rules.affinity import AffinityRule
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

#: Docker's labels are tags with this prefix.
_LABEL = "docker:label:"


class NoServer(Exception):
    """No server meets what the machine asks for."""


@dataclass(frozen=True)
class _Hint:
    """Machines that the new one should be near to or far from."""

    near: bool
    soft: bool
    machines: frozenset[str]

    def holds(self, there: frozenset[str]) -> bool:
        """Whether it holds on a server with these machines."""
        if not self.near:
            return self.machines.isdisjoint(there)
        return not self.machines.isdisjoint(there) if self.soft else self.machines <= there


def choose_server(site: Site, vm: VM, rules: Sequence[AffinityRule], locality: Any) -> str:
    """Choose the server of a machine that is about to be placed.

    Raises:
        NoServer: A hard rule cannot be met.
    """
    owned = site.machines.of(vm.owner_uuid)
    others = [site.machines[uuid] for uuid in owned.active if uuid != vm.uuid] if rules or locality else []
    hints = _from_affinity(rules, others) if rules else _from_locality(locality)
    hints = [hint for hint in hints if hint.machines]
    if not hints:
        return site.pick_server(_where_possible(site.servers, lambda server: server not in owned.servers))
    there = {
        server: frozenset(other.uuid for other in others if other.server_uuid == server)
        for server in site.servers
    }
    left = [
        server for server in site.servers if all(hint.holds(there[server]) for hint in hints if not hint.soft)
    ]
    if not left:
        raise NoServer
    soft = [hint for hint in hints if hint.soft]
    far, near = [hint for hint in soft if not hint.near], [hint for hint in soft if hint.near]
    left = _where_possible(left, lambda server: all(hint.holds(there[server]) for hint in far))
    if near:
        left = _where_possible(left, lambda server: any(hint.holds(there[server]) for hint in near))
    most = max(sum(hint.holds(there[server]) for hint in soft) for server in left)
    left = [server for server in left if sum(hint.holds(there[server]) for hint in soft) == most]
    return site.pick_server(left)


def _where_possible(servers: list[str], fits: Callable[[str], bool]) -> list[str]:
    return [server for server in servers if fits(server)] or servers


def _from_affinity(rules: Sequence[AffinityRule], others: list[VM]) -> list[_Hint]:
    hints = []
    for rule in rules:
        if rule.key == "image":
            continue  # every server has every image
        machines = _named(rule, others)
        if not machines and rule.near and not rule.soft:
            raise NoServer
        hints.append(_Hint(rule.near, rule.soft, machines))
    return hints


def _from_locality(locality: Any) -> list[_Hint]:
    if not isinstance(locality, dict):
        return []
    strict = locality.get("strict")
    if strict is not None and not isinstance(strict, bool):
        raise NoServer  # the choice of a server ends with an assertion
    hints = []
    for side in ("far", "near"):
        named = locality.get(side) or []
        machines = [named] if isinstance(named, str) else named
        if not all(map(is_uuid, machines)):
            raise NoServer  # as above; VMAPI lets a list in a list pass
        hints.append(_Hint(side == "near", not strict, frozenset(machines)))
    return hints


def _named(rule: AffinityRule, others: list[VM]) -> frozenset[str]:
    """The machines that a rule is about."""
    is_instance = rule.key in ("instance", "container")
    if is_instance and is_uuid(rule.value):
        return frozenset([rule.value])
    fits = _matcher(rule)
    if is_instance:
        return frozenset(other.uuid for other in others if fits(other.alias))
    keys = (rule.key, f"{_LABEL}{rule.key}")
    return frozenset(
        other.uuid
        for other in others
        if any(fits(as_text(other.tags[key])) for key in keys if key in other.tags)
    )


def _matcher(rule: AffinityRule) -> Callable[[str], bool]:
    """What compares a name or a tag's value with the value of a rule."""
    if rule.regexp is None:
        return lambda text: fits_wildcard(text, rule.value)
    try:
        pattern = re.compile(rule.regexp)
    except re.error:
        raise NoServer from None
    return lambda text: pattern.search(text) is not None
