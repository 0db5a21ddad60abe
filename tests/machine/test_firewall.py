"""The firewall rules of one machine."""

from __future__ import annotations

import pytest

from smartdc import (
    DataCenter,
    NotFoundError,
)
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"


def test_firewall_rules_of_a_machine(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine("web", tags={"role": "web", "n": 5, "on": True, "off": False})
    machine = sdc.machine(vm.uuid, lazy=True)
    end = "ALLOW tcp PORT 80"
    fitting = [
        f"FROM any TO all vms {end}",
        f"FROM vm {vm.uuid} TO any BLOCK tcp PORT 25",
        f"FROM any TO (tag other OR tag role) {end}",
        f'FROM any TO tag "role" = "web" {end}',
        f"FROM any TO tag n = 5 {end}",
        f"FROM any TO tag off = false {end}",
        # sdc-fwapi, ufds/filter.js: a tag that is true fits every value.
        f"FROM any TO tag on = whatever {end}",
    ]
    others = [
        f"FROM any TO vm {UNKNOWN} {end}",
        f"FROM any TO tag role = webserver {end}",
        f"FROM any TO tag other {end}",
        f"FROM any TO tag n = 55 {end}",
    ]
    wanted = [sdc.create_firewall_rule(text) for text in fitting]
    for text in others:
        sdc.create_firewall_rule(text)
    start = len(cloud.calls)
    rules = machine.firewall_rules()
    assert sent(cloud, start) == [call("GET", f"/my/machines/{vm.uuid}/fwrules")]
    assert [rule for rule in rules if "global" not in rule] == wanted
    assert [rule["rule"] for rule in rules if rule.get("global")] == [
        "FROM any TO all vms ALLOW icmp TYPE all",
        "FROM any TO all vms ALLOW icmp6 TYPE all",
    ]


def test_firewall_rules_of_a_machine_that_does_not_exist(sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError, match="VM not found"):
        sdc.machine(UNKNOWN, lazy=True).firewall_rules()
