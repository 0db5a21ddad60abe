"""Rows of firewall rules."""

from __future__ import annotations

from tests.contract.row import AGAIN, SAME, UNKNOWN, Operation, World

RULE = "FROM any TO tag role = web ALLOW tcp (PORT 80 AND PORT 443) PRIORITY 1"


def _rule(world: World) -> str:
    """The id of a new rule."""
    return world.sdc.create_firewall_rule(RULE)["id"]


ROWS = [
    Operation(
        name="ListFirewallRules",
        verb="GET",
        path="/:login/fwrules",
        since="7.0",
        method="DataCenter.firewall_rules",
        call=lambda sdc, world: (_rule(world), sdc.firewall_rules()),
    ),
    Operation(
        name="GetFirewallRule",
        verb="GET",
        path="/:login/fwrules/:id",
        since="7.0",
        method="DataCenter.firewall_rule",
        call=lambda sdc, world: sdc.firewall_rule(_rule(world)),
    ),
    Operation(
        name="CreateFirewallRule",
        verb="POST",
        path="/:login/fwrules",
        since="7.0",
        method="DataCenter.create_firewall_rule",
        call=lambda sdc, world: sdc.create_firewall_rule(RULE, enabled=True, log=False, description="web"),
        body={"rule": RULE, "enabled": True, "log": False, "description": "web"},
        status=201,
        lost=(
            UNKNOWN,
            "rules have neither time nor name; equal rules are its candidates",
        ),
    ),
    Operation(
        name="UpdateFirewallRule",
        verb="POST",
        path="/:login/fwrules/:id",
        since="7.0",
        method="DataCenter.update_firewall_rule",
        call=lambda sdc, world: sdc.update_firewall_rule(
            _rule(world), rule=RULE, enabled=False, log=True, description="web"
        ),
        body={"rule": RULE, "enabled": False, "log": True, "description": "web"},
        lost=(AGAIN, SAME),
    ),
    Operation(
        name="EnableFirewallRule",
        verb="POST",
        path="/:login/fwrules/:id/enable",
        since="7.0",
        method="DataCenter.enable_firewall_rule",
        call=lambda sdc, world: sdc.enable_firewall_rule(_rule(world)),
        lost=(AGAIN, SAME),
    ),
    Operation(
        name="DisableFirewallRule",
        verb="POST",
        path="/:login/fwrules/:id/disable",
        since="7.0",
        method="DataCenter.disable_firewall_rule",
        call=lambda sdc, world: sdc.disable_firewall_rule(_rule(world)),
        lost=(AGAIN, SAME),
    ),
    Operation(
        name="DeleteFirewallRule",
        verb="DELETE",
        path="/:login/fwrules/:id",
        since="7.0",
        method="DataCenter.delete_firewall_rule",
        call=lambda sdc, world: sdc.delete_firewall_rule(_rule(world)),
        status=204,
    ),
    Operation(
        name="ListFirewallRuleMachines",
        verb="GET",
        path="/:login/fwrules/:id/machines",
        since="7.0",
        method="DataCenter.firewall_rule_machines",
        call=lambda sdc, world: (world.vm, sdc.firewall_rule_machines(_rule(world))),
    ),
    Operation(
        name="HeadFirewallRuleMachines",
        verb="HEAD",
        path="/:login/fwrules/:id/machines",
        since="7.0",
        method="DataCenter.num_firewall_rule_machines",
        call=lambda sdc, world: (world.vm, sdc.num_firewall_rule_machines(_rule(world))),
    ),
    Operation(
        name="ListMachineFirewallRules",
        verb="GET",
        path="/:login/machines/:machine/fwrules",
        since="7.0",
        method="Machine.firewall_rules",
        call=lambda sdc, world: (_rule(world), world.machine.firewall_rules()),
    ),
    Operation(
        name="HeadFirewallRules",
        verb="HEAD",
        path="/:login/fwrules",
        since="7.0",
        method="DataCenter.exists",
        call=lambda sdc, world: sdc.exists("fwrules"),
    ),
    Operation(
        name="HeadFirewallRule",
        verb="HEAD",
        path="/:login/fwrules/:id",
        since="7.0",
        method="DataCenter.exists",
        call=lambda sdc, world: sdc.exists("fwrules", _rule(world)),
    ),
    Operation(
        name="HeadMachineFirewallRules",
        verb="HEAD",
        path="/:login/machines/:machine/fwrules",
        since="7.0",
        method="Machine.exists",
        call=lambda sdc, world: world.machine.exists("fwrules"),
    ),
]
