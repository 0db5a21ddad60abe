"""Choosing the server of a new machine: by affinity and locality, and then spread over the servers.

Triton's rules (sdc-designation: calculate-affinity, hard- and soft-filter-locality-hints): if a hard rule
cannot be met, no server is found. A hard ``==`` with several machines wants all of them on the server, a soft
one wants any of them. Soft rules that cannot be met are ignored, ``far`` before ``near``. With a hard rule,
Triton drops the soft ones; the emulator still uses them to choose among the remaining servers, each of which
Triton could have chosen.
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
    """No server meets the machine's requirements."""


@dataclass(frozen=True)
class _Hint:
    """Machines that the new one should be near to or far from."""

    near: bool
    soft: bool
    machines: frozenset[str]

    def is_met_by(self, present: frozenset[str]) -> bool:
        """Whether a server with these machines meets the hint."""
        if not self.near:
            return self.machines.isdisjoint(present)
        return not self.machines.isdisjoint(present) if self.soft else self.machines <= present


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
    present = {
        server: frozenset(other.uuid for other in others if other.server_uuid == server)
        for server in site.servers
    }
    remaining = [
        server
        for server in site.servers
        if all(hint.is_met_by(present[server]) for hint in hints if not hint.soft)
    ]
    if not remaining:
        raise NoServer
    soft = [hint for hint in hints if hint.soft]
    far, near = [hint for hint in soft if not hint.near], [hint for hint in soft if hint.near]
    remaining = _where_possible(
        remaining, lambda server: all(hint.is_met_by(present[server]) for hint in far)
    )
    if near:
        remaining = _where_possible(
            remaining, lambda server: any(hint.is_met_by(present[server]) for hint in near)
        )
    most = max(sum(hint.is_met_by(present[server]) for hint in soft) for server in remaining)
    remaining = [
        server for server in remaining if sum(hint.is_met_by(present[server]) for hint in soft) == most
    ]
    return site.pick_server(remaining)


def _where_possible(servers: list[str], fits: Callable[[str], bool]) -> list[str]:
    return [server for server in servers if fits(server)] or servers


def _from_affinity(rules: Sequence[AffinityRule], others: list[VM]) -> list[_Hint]:
    hints = []
    for rule in rules:
        if rule.key == "image":
            continue  # every server has every image
        machines = _machines_of(rule, others)
        if not machines and rule.near and not rule.soft:
            raise NoServer
        hints.append(_Hint(rule.near, rule.soft, machines))
    return hints


def _from_locality(locality: Any) -> list[_Hint]:
    if not isinstance(locality, dict):
        return []
    strict = locality.get("strict")
    if strict is not None and not isinstance(strict, bool):
        raise NoServer  # an assertion fails in Triton's choice of a server
    hints = []
    for side in ("far", "near"):
        entries = locality.get(side) or []
        machines = [entries] if isinstance(entries, str) else entries
        if not all(map(is_uuid, machines)):
            raise NoServer  # as above: VMAPI's check accepts a list in a list
        hints.append(_Hint(side == "near", not strict, frozenset(machines)))
    return hints


def _machines_of(rule: AffinityRule, others: list[VM]) -> frozenset[str]:
    """The machines that a rule refers to."""
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
    """A function that compares a name or a tag's value with the value of a rule."""
    if rule.regexp is None:
        return lambda text: fits_wildcard(text, rule.value)
    try:
        pattern = re.compile(rule.regexp)
    except re.error:
        raise NoServer from None
    return lambda text: pattern.search(text) is not None
