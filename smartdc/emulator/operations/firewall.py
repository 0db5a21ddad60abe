"""Firewall rules: CloudAPI passes them on to FWAPI, whose errors have status 422, not 409.

See docs/cloudapi/networks.md#bad-firewall-rule.

The rules themselves are in `state.firewall_rules`, their syntax in `rules.firewall_reader`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

from smartdc.emulator.http.answers import Answer, Refusal, missing_parameter, not_found
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.machine_json import machine_list
from smartdc.emulator.http.parameters import as_text, is_uuid
from smartdc.emulator.http.routes import Route
from smartdc.emulator.javascript.truth import is_true
from smartdc.emulator.rules.firewall_values import checked_values, invalid_parameters, parameter_error
from smartdc.emulator.state.firewall_rules import FirewallRule, Target
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

LONGEST_LIST = 1000


def firewall_rule_json(rule: FirewallRule) -> dict[str, Any]:
    """Write one rule."""
    shown: dict[str, Any] = {
        "id": rule.uuid,
        "rule": str(rule.rule),
        "enabled": rule.enabled,
        "log": rule.log,
    }
    if rule.owner_uuid is None:
        shown["global"] = True
    if rule.description:
        shown["description"] = rule.description
    return shown


def list_firewall_rules(site: Site, request: Incoming) -> Answer:
    """``GET /:account/fwrules``: the account's own rules; only the list of a machine has the global ones."""
    owner = request.account.uuid
    owned = [rule for rule in site.firewall_rules.values() if rule.owner_uuid == owner]
    return Answer([firewall_rule_json(rule) for rule in owned])


def get_firewall_rule(site: Site, request: Incoming) -> Answer:
    """``GET /:account/fwrules/:id``."""
    return Answer(firewall_rule_json(_find(site, request)))


def create_firewall_rule(site: Site, request: Incoming) -> Answer:
    """``POST /:account/fwrules``."""
    params = request.params
    if not is_true(params.get("rule")):
        raise missing_parameter("rule is a required argument")
    fields = {"rule": params["rule"], "enabled": False, "log": False}
    fields |= {name: params[name] for name in ("enabled", "log") if is_true(params.get(name))}
    if is_true(params.get("description")):
        fields["description"] = params["description"]
    values = checked_values(fields)
    rule = FirewallRule(site.new_uuid(), request.account.uuid, **values)
    site.firewall_rules[rule.uuid] = rule
    return Answer(firewall_rule_json(rule), 201)


def update_firewall_rule(site: Site, request: Incoming) -> Answer:
    """``POST /:account/fwrules/:id``."""
    wanted = ("rule", "enabled", "log", "description")
    return _update(site, request, {name: request.params[name] for name in wanted if name in request.params})


def enable_firewall_rule(site: Site, request: Incoming) -> Answer:
    """``POST /:account/fwrules/:id/enable``."""
    return _update(site, request, {"enabled": True})


def disable_firewall_rule(site: Site, request: Incoming) -> Answer:
    """``POST /:account/fwrules/:id/disable``."""
    return _update(site, request, {"enabled": False})


def delete_firewall_rule(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/fwrules/:id``."""
    del site.firewall_rules[_find(site, request).uuid]
    return Answer(status=204)


def list_firewall_rule_machines(site: Site, request: Incoming) -> Answer:
    """``GET /:account/fwrules/:id/machines``: works for a disabled rule, and includes stopped machines."""
    rule = _find(site, request, also_global=True).rule
    owner = request.account.uuid
    in_order = (site.machines[uuid] for uuid in reversed(site.machines.of(owner).active))
    found = (
        vm for vm in in_order if _has_addresses(vm) and any(_is_listed(vm, target) for target in rule.targets)
    )
    credentials = request.params.get("credentials")
    shown = machine_list(site, islice(found, LONGEST_LIST), request.version, credentials)
    return Answer(shown, headers={"x-resource-count": str(len(shown.items))})


def list_machine_firewall_rules(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/fwrules``: the owner's and the global rules, even disabled ones."""
    vm = request.vm
    possible = [rule for rule in site.firewall_rules.values() if rule.owner_uuid in (None, vm.owner_uuid)]
    found = [rule for rule in possible if any(_is_target(vm, target) for target in rule.rule.targets)]
    return Answer([firewall_rule_json(rule) for rule in found])


def _find(site: Site, request: Incoming, *, also_global: bool = False) -> FirewallRule:
    rule_uuid = request.params["id"]
    if not is_uuid(rule_uuid):
        raise invalid_parameters([parameter_error("uuid", "Invalid UUID")])
    rule = site.firewall_rules.get(rule_uuid)
    if rule is None:
        raise not_found("Rule not found")
    is_global = rule.owner_uuid is None
    if rule.owner_uuid != request.account.uuid and not (is_global and also_global):
        errors = [parameter_error("owner_uuid", "owner_uuid does not match")]
        raise Refusal(403, "Forbidden", "owner does not match", errors)
    return rule


def _update(site: Site, request: Incoming, changes: dict[str, Any]) -> Answer:
    rule = replace(_find(site, request), **checked_values(changes))
    site.firewall_rules[rule.uuid] = rule
    return Answer(firewall_rule_json(rule))


def _has_addresses(vm: VM) -> bool:
    return vm.state not in ("destroyed", "failed", "provisioning")


def _is_target(vm: VM, target: Target) -> bool:
    """Whether a rule with this target applies to the machine; a tag ``true`` matches every value."""
    if target.kind != "tag":
        return target.value in ("vmall", vm.uuid)
    value = vm.tags.get(target.value)
    return value is not None and (target.tag_value in (None, as_text(value)) or value is True)


def _is_listed(vm: VM, target: Target) -> bool:
    """Whether the list of a rule's machines has this machine, for this target.

    FWAPI asks VMAPI for the machines whose stored tags, all in one text, contain ``NAME=VALUE`` anywhere: a
    rule for ``role = web`` also lists machines with ``role=webserver``.
    """
    if target.kind != "tag":
        return target.value in ("vmall", vm.uuid)
    stored = "-".join(f"{_stored(name)}={_stored(as_text(value))}" for name, value in vm.tags.items())
    return f"{target.value}={target.tag_value or ''}" in f"-{stored}-"


def _stored(text: str) -> str:
    return text.replace("-", "%2D").replace("=", "%3D")


_ALL = "/:account/fwrules"
_ONE = "/:account/fwrules/:id"
_VALUES = ("rule", "enabled", "log", "description")
ROUTES = [
    Route("CreateFirewallRule", "POST", _ALL, create_firewall_rule, params=_VALUES),
    Route("UpdateFirewallRule", "POST", _ONE, update_firewall_rule, params=_VALUES),
    Route("ListFirewallRules", "GET", _ALL, list_firewall_rules),
    Route("HeadFirewallRules", "HEAD", _ALL, list_firewall_rules),
    Route("GetFirewallRule", "GET", _ONE, get_firewall_rule),
    Route("HeadFirewallRule", "HEAD", _ONE, get_firewall_rule),
    Route("EnableFirewallRule", "POST", f"{_ONE}/enable", enable_firewall_rule),
    Route("DisableFirewallRule", "POST", f"{_ONE}/disable", disable_firewall_rule),
    Route("DeleteFirewallRule", "DELETE", _ONE, delete_firewall_rule),
    Route(
        "ListMachineFirewallRules",
        "GET",
        "/:account/machines/:machine/fwrules",
        list_machine_firewall_rules,
    ),
    Route(
        "HeadMachineFirewallRules",
        "HEAD",
        "/:account/machines/:machine/fwrules",
        list_machine_firewall_rules,
    ),
    Route(
        "ListFirewallRuleMachines",
        "GET",
        f"{_ONE}/machines",
        list_firewall_rule_machines,
        params=("credentials",),
    ),
    Route(
        "HeadFirewallRuleMachines",
        "HEAD",
        f"{_ONE}/machines",
        list_firewall_rule_machines,
        params=("credentials",),
    ),
]
