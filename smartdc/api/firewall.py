"""Firewall rules: what traffic reaches the machines whose firewall is on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from smartdc._http import shapes
from smartdc._http.connection import Connection
from smartdc._http.lost_answers import Lookup, create_once
from smartdc._http.named import id_of
from smartdc._http.request import idempotent
from smartdc.arguments.kinds import flags, text_of, texts
from smartdc.arguments.names import FIREWALL_RULE
from smartdc.arguments.refs import FirewallRuleRef
from smartdc.arguments.role_tags import RoleRef, role_tag_header
from smartdc.machine import Machine

if TYPE_CHECKING:
    from smartdc.types import FirewallRule


class FirewallOperations(Connection):
    """Operations on the account's firewall rules. They take effect on machines a moment later.

    A rule reads ``FROM targets TO targets ALLOW|BLOCK protocol ports``, for instance
    ``FROM any TO tag role = www ALLOW tcp (PORT 80 AND PORT 443)``. Targets are ``any``, ``all vms``,
    ``vm UUID``, ``tag NAME``, ``tag NAME = VALUE``, ``ip ADDRESS`` and ``subnet CIDR``, several of them in
    parentheses with ``OR`` between; one of them must be machines. Protocols are ``tcp`` and ``udp`` with
    ``PORT 80``, ``PORT all`` or ``PORTS 80, 8000 - 8999``; ``icmp`` and ``icmp6`` with ``TYPE 8 CODE 0`` or
    ``TYPE all``; ``ah`` and ``esp``. ``PRIORITY 1`` to ``100`` at the end puts a rule before others. A name
    or value with anything but letters, digits, ``-`` and ``_`` needs double quotes.
    """

    def firewall_rules(self) -> list[FirewallRule]:
        """List the account's firewall rules.

        ``GET /:login/fwrules``

        Returns:
            List of dicts. Global rules, which apply to all accounts, are only in `Machine.firewall_rules`.
        """
        return self._list("fwrules", shape=shapes.FIREWALL_RULE)

    def firewall_rule(self, rule_id: FirewallRuleRef) -> FirewallRule:
        """Get one firewall rule.

        ``GET /:login/fwrules/:id``

        Args:
            rule_id: UUID, short id, or dict from `firewall_rules`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
            NotAuthorizedError: ``Forbidden``: it belongs to another account, or is global.
        """
        return self._get("fwrules", _id(self, rule_id), shape=shapes.FIREWALL_RULE)

    def create_firewall_rule(
        self,
        rule: str,
        *,
        enabled: bool | None = None,
        log: bool | None = None,
        description: str | None = None,
        role_tags: Iterable[RoleRef] | RoleRef | None = None,
    ) -> FirewallRule:
        """Create a firewall rule.

        ``POST /:login/fwrules``

        Args:
            rule: Its text.
            enabled: Whether it is in force; None means False.
            log: Whether connections that it allows are logged.
            description: At most 255 characters.
            role_tags: Roles whose members may act on the new rule.

        Returns:
            The rule, with its text as the server writes it.

        Raises:
            ValidationFailedError: ``InvalidParameters`` (422): the text is not a rule; `errors` says where.
            MissingParameterError: ``MissingParameter``: its text is empty.
            OutcomeUnknown: The answer was lost. Rules have no time of creation and may exist twice, so the
                new one cannot be recognised; rules with the same text are the candidates.
        """
        body: dict[str, Any] = {"rule": text_of("rule", rule), **texts(description=description)}
        body |= flags(enabled=enabled, log=log)
        shape, headers = shapes.FIREWALL_RULE, role_tag_header(role_tags)
        create = partial(self._post, "fwrules", shape=shape, json=body, headers=headers)
        lookup = Lookup(
            "firewall rule",
            {"rule": rule},
            partial(self._rules_like, rule),
            is_certain=False,
            is_unique=False,
        )
        return create_once(self, create, lookup)

    def _rules_like(self, rule: str) -> list[FirewallRule]:
        """Return the rules with these words in any order, because the server rewrites the text."""
        rules = self.firewall_rules()
        return [each for each in rules if _words(str(each.get("rule"))) == _words(rule)]

    def update_firewall_rule(
        self,
        rule_id: FirewallRuleRef,
        *,
        rule: str | None = None,
        enabled: bool | None = None,
        log: bool | None = None,
        description: str | None = None,
    ) -> FirewallRule:
        """Change a firewall rule; None leaves a property unchanged.

        ``POST /:login/fwrules/:id``

        Args:
            rule_id: UUID, short id, or dict from `firewall_rules`.
            rule: Its text.
            enabled: Whether it is in force.
            log: Whether connections that it allows are logged.
            description: At most 255 characters.

        Raises:
            ValidationFailedError: ``InvalidParameters`` (422): the text is not a rule; `errors` says where.
            NotAuthorizedError: ``Forbidden``: it belongs to another account, or is global.
        """
        body: dict[str, Any] = texts(rule=rule, description=description)
        body |= flags(enabled=enabled, log=log)
        return self._change_rule(_id(self, rule_id), json=body)

    def enable_firewall_rule(self, rule_id: FirewallRuleRef) -> FirewallRule:
        """Enable a firewall rule.

        ``POST /:login/fwrules/:id/enable``

        Args:
            rule_id: UUID, short id, or dict from `firewall_rules`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        return self._change_rule(_id(self, rule_id), "enable")

    def disable_firewall_rule(self, rule_id: FirewallRuleRef) -> FirewallRule:
        """Disable a firewall rule without deleting it.

        ``POST /:login/fwrules/:id/disable``

        Args:
            rule_id: UUID, short id, or dict from `firewall_rules`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        return self._change_rule(_id(self, rule_id), "disable")

    def delete_firewall_rule(self, rule_id: FirewallRuleRef) -> None:
        """Delete a firewall rule.

        ``DELETE /:login/fwrules/:id``

        Args:
            rule_id: UUID, short id, or dict from `firewall_rules`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
            NotAuthorizedError: ``Forbidden``: it belongs to another account, or is global.
        """
        self._delete("fwrules", _id(self, rule_id))

    def firewall_rule_machines(self, rule_id: FirewallRuleRef) -> list[Machine]:
        """List the machines that a firewall rule applies to.

        ``GET /:login/fwrules/:id/machines``

        Machines whose firewall is off are included. At most 1000 are listed. The server matches parts of
        tags: for ``tag role = web`` it lists machines with ``role`` ``webserver`` as well.

        Args:
            rule_id: UUID, short id, or dict from `firewall_rules`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
            NotAuthorizedError: ``Forbidden``: it belongs to another account.
        """
        found = self._list("fwrules", _id(self, rule_id), "machines", shape=shapes.MACHINE)
        return [Machine(self, data=data) for data in found]

    def num_firewall_rule_machines(self, rule_id: FirewallRuleRef) -> int:
        """Count the machines that a firewall rule applies to.

        ``HEAD /:login/fwrules/:id/machines``

        Args:
            rule_id: UUID, short id, or dict from `firewall_rules`.

        Raises:
            NotFoundError: There is no such rule.
        """
        return self._count("fwrules", _id(self, rule_id), "machines")

    def _change_rule(self, *segments: str, json: dict[str, Any] | None = None) -> FirewallRule:
        shape = shapes.FIREWALL_RULE
        return self._post("fwrules", *segments, shape=shape, json=json, before_repeat=idempotent)


def _words(rule: str) -> list[str]:
    return sorted(re.findall(r'[^\s()",=]+', rule.lower()))


def _id(connection: Connection, rule: FirewallRuleRef) -> str:
    return id_of(connection, FIREWALL_RULE, rule)
