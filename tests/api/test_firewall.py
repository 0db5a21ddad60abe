from __future__ import annotations

from typing import Any

import pytest

from smartdc import (
    ConfigurationError,
    DataCenter,
    Machine,
    MissingParameterError,
    NotAuthorizedError,
    NotFoundError,
    ValidationFailedError,
)
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.types import FirewallRule
from tests.helpers.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"
TEXT = "FROM any TO tag role = web ALLOW tcp (PORT 80 AND PORT 443)"


@pytest.fixture
def rule(sdc: DataCenter) -> FirewallRule:
    return sdc.create_firewall_rule(TEXT)


def test_create_firewall_rule(cloud: Emulator, sdc: DataCenter) -> None:
    rule = sdc.create_firewall_rule(TEXT, enabled=True, log=True, description="web")
    body = {"rule": TEXT, "enabled": True, "log": True, "description": "web"}
    assert sent(cloud) == [call("POST", "/my/fwrules", body=body)]
    assert rule == {
        "id": rule["id"],
        # The server rewrites the rule in its normal form (sdc-fwrule, lib/rule.js).
        "rule": 'FROM any TO tag "role" = "web" ALLOW tcp (PORT 80 AND PORT 443)',
        "enabled": True,
        "log": True,
        "description": "web",
    }
    assert sdc.firewall_rules() == [rule]


def test_create_firewall_rule_sends_only_the_arguments_that_are_set(cloud: Emulator, sdc: DataCenter) -> None:
    rule = sdc.create_firewall_rule(TEXT)
    assert sent(cloud) == [call("POST", "/my/fwrules", body={"rule": TEXT})]
    assert (rule["enabled"], rule["log"], "description" in rule) == (False, False, False)


def test_create_firewall_rule_with_role_tags(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.create_role("firewalls")
    sdc.create_firewall_rule(TEXT, role_tags=["firewalls"])
    assert cloud.calls[-1].headers["role-tag"] == "firewalls"


def test_create_firewall_rule_with_a_syntax_error(sdc: DataCenter) -> None:
    # docs/cloudapi/networks.md#bad-firewall-rule: 422, not 409, and the error is in errors.
    with pytest.raises(ValidationFailedError) as caught:
        sdc.create_firewall_rule("FROM any TO nowhere ALLOW tcp PORT 80", enabled=True)
    assert (caught.value.status, caught.value.code) == (422, "InvalidParameters")
    message = (
        "Error at character 11: 'nowhere', expected: '(', 'all', 'any', 'ip', 'subnet', 'vm', 'tag', "
        "found: word"
    )
    assert caught.value.errors == [{"field": "rule", "code": "InvalidParameter", "message": message}]


def test_create_firewall_rule_reports_every_error(sdc: DataCenter) -> None:
    body = {"rule": "nonsense", "enabled": "perhaps", "log": "perhaps", "description": "x" * 256}
    with pytest.raises(ValidationFailedError) as caught:
        sdc.request("POST", "/fwrules", data=body)
    assert [error["field"] for error in caught.value.errors] == ["rule", "enabled", "log", "description"]


def test_create_firewall_rule_without_a_text(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.raises(MissingParameterError, match="rule is a required argument"):
        sdc.create_firewall_rule("")
    assert sent(cloud)[0].body == {"rule": ""}


def test_firewall_rules_of_an_account_without_any(cloud: Emulator, sdc: DataCenter) -> None:
    assert sdc.firewall_rules() == []
    assert sent(cloud) == [call("GET", "/my/fwrules")]


def test_firewall_rules_without_permission(cloud: Emulator) -> None:
    # A path of another account: docs/cloudapi/signing.md#path-of-another-account.
    cloud.site().shared.directory.add("neighbour")
    with (
        cloud.datacenter(login="neighbour") as other,
        pytest.raises(NotAuthorizedError, match=r"\(listfirewallrules\)"),
    ):
        other.firewall_rules()


def test_firewall_rule_by_id_or_dict(cloud: Emulator, sdc: DataCenter, rule: FirewallRule) -> None:
    assert sdc.firewall_rule(rule["id"]) == rule
    assert sdc.firewall_rule(rule) == rule
    assert sent(cloud, 1) == [call("GET", f"/my/fwrules/{rule['id']}")] * 2


def test_firewall_rule_that_does_not_exist(sdc: DataCenter) -> None:
    for act in (
        sdc.firewall_rule,
        sdc.update_firewall_rule,
        sdc.enable_firewall_rule,
        sdc.disable_firewall_rule,
        sdc.delete_firewall_rule,
        sdc.firewall_rule_machines,
    ):
        with pytest.raises(NotFoundError, match="Rule not found"):
            act(UNKNOWN)
    with pytest.raises(NotFoundError):
        sdc.num_firewall_rule_machines(UNKNOWN)


def test_firewall_rule_by_an_invalid_id(sdc: DataCenter) -> None:
    # sdc-fwapi, lib/persist.js
    with pytest.raises(ValidationFailedError, match="uuid InvalidParameter Invalid UUID"):
        sdc.firewall_rule("web")


def test_global_firewall_rule(sdc: DataCenter, site: Site) -> None:
    # sdc-fwapi, disallowOwnerForGlobal: only the rules of a machine include it.
    machine = sdc.machine(site.add_machine().uuid, lazy=True)
    global_rule = machine.firewall_rules()[0]
    assert global_rule["global"] is True
    for act in (
        sdc.firewall_rule,
        sdc.update_firewall_rule,
        sdc.enable_firewall_rule,
        sdc.disable_firewall_rule,
        sdc.delete_firewall_rule,
    ):
        with pytest.raises(NotAuthorizedError, match="owner does not match") as caught:
            act(global_rule)
        assert (caught.value.status, caught.value.code) == (403, "Forbidden")


@pytest.mark.parametrize("nothing", ["", None, {}, {"rule": TEXT}])
def test_firewall_rule_by_an_invalid_reference(cloud: Emulator, sdc: DataCenter, nothing: Any) -> None:
    with pytest.raises(ConfigurationError, match="names no firewall rule"):
        sdc.firewall_rule(nothing)
    assert sent(cloud) == []


def test_update_firewall_rule(cloud: Emulator, sdc: DataCenter, rule: FirewallRule) -> None:
    text = "FROM all vms TO any BLOCK tcp PORT 25"
    changed = sdc.update_firewall_rule(rule, rule=text, enabled=True, log=True, description="mail")
    body = {"rule": text, "enabled": True, "log": True, "description": "mail"}
    assert sent(cloud, 1) == [call("POST", f"/my/fwrules/{rule['id']}", body=body)]
    assert changed == {"id": rule["id"], **body}
    assert sdc.firewall_rule(rule) == changed


def test_update_firewall_rule_sends_only_the_arguments_that_are_set(
    cloud: Emulator, sdc: DataCenter, rule: FirewallRule
) -> None:
    assert sdc.update_firewall_rule(rule, enabled=True)["enabled"] is True
    assert sdc.update_firewall_rule(rule, enabled=False) == rule
    assert [request.body for request in sent(cloud, 1)] == [{"enabled": True}, {"enabled": False}]


def test_update_firewall_rule_to_an_invalid_rule(sdc: DataCenter, rule: FirewallRule) -> None:
    with pytest.raises(ValidationFailedError, match="rule does not affect VMs"):
        sdc.update_firewall_rule(rule, rule="FROM any TO any ALLOW tcp PORT 80")
    assert sdc.firewall_rule(rule) == rule


def test_enable_and_disable_firewall_rule(cloud: Emulator, sdc: DataCenter, rule: FirewallRule) -> None:
    assert sdc.enable_firewall_rule(rule) == {**rule, "enabled": True}
    assert sdc.disable_firewall_rule(rule) == rule
    path = f"/my/fwrules/{rule['id']}"
    assert sent(cloud, 1) == [call("POST", f"{path}/enable"), call("POST", f"{path}/disable")]


def test_delete_firewall_rule(cloud: Emulator, sdc: DataCenter, rule: FirewallRule) -> None:
    sdc.delete_firewall_rule(rule)
    assert sent(cloud, 1) == [call("DELETE", f"/my/fwrules/{rule['id']}")]
    assert sdc.firewall_rules() == []


def test_firewall_rule_machines(cloud: Emulator, sdc: DataCenter, site: Site, rule: FirewallRule) -> None:
    web = site.add_machine("web", tags={"role": "web"})
    site.add_machine("db", tags={"role": "db"})
    site.add_machine("gone", tags={"role": "web"}, state="deleted")
    found = sdc.firewall_rule_machines(rule)
    assert sent(cloud, 1) == [call("GET", f"/my/fwrules/{rule['id']}/machines")]
    assert [type(machine) for machine in found] == [Machine]
    assert found[0].id == web.uuid
    assert found[0].name == "web"
    assert found[0].networks == [nic.network_uuid for nic in web.nics]
    assert len(sent(cloud)) == 2  # reading values makes no request


def test_firewall_rule_machines_with_tags_that_contain_the_tag(
    sdc: DataCenter, site: Site, rule: FirewallRule
) -> None:
    # sdc-fwapi, rules/vms.js asks for tags=*role=web*, and VMAPI passes that on unchanged.
    site.add_machine("web", tags={"a": 1, "role": "web", "b": True})
    site.add_machine("webserver", tags={"role": "webserver"})
    site.add_machine("my", tags={"myrole": "web"})
    site.add_machine("spider", tags={"role": "spiderweb"})
    assert {machine.name for machine in sdc.firewall_rule_machines(rule)} == {"web", "webserver", "my"}


def test_num_firewall_rule_machines(cloud: Emulator, sdc: DataCenter, site: Site, rule: FirewallRule) -> None:
    assert sdc.num_firewall_rule_machines(rule) == 0
    site.add_machine(tags={"role": "web"})
    assert sdc.num_firewall_rule_machines(rule) == 1
    assert sent(cloud, 1) == [call("HEAD", f"/my/fwrules/{rule['id']}/machines")] * 2
