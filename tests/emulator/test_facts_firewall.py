"""Firewall rules."""

import pytest

from tests.emulator.facts import fact
from tests.helpers.raw_requests import UNKNOWN, Raw

RULE = "FROM any TO all vms ALLOW tcp PORT 22"


@fact("networks.md#bad-firewall-rule")
@pytest.mark.parametrize("text", ["nonsense", "FROM any TO any ALLOW tcp PORT 22", f"{RULE} PRIORITY 101"])
def test_bad_firewall_rule(raw: Raw, text: str) -> None:
    rule = raw.post("/my/fwrules", {"rule": RULE}).ok(201)["id"]
    for path in ("/my/fwrules", f"/my/fwrules/{rule}"):
        answer = raw.post(path, {"rule": text})
        answer.refused(422, "InvalidParameters", "Invalid parameters", field="rule")
        assert [error["code"] for error in answer.json["errors"]] == ["InvalidParameter"]
    assert raw.get(f"/my/fwrules/{rule}").ok()["rule"] == RULE


@fact("networks.md#bad-firewall-rule")
@pytest.mark.parametrize("odd", [5, -1.5, True, ["x"], [], {"a": 1}, {}])
def test_a_firewall_rule_must_be_text(raw: Raw, odd: object) -> None:
    rule = raw.post("/my/fwrules", {"rule": RULE}).ok(201)["id"]
    for path in ("/my/fwrules", f"/my/fwrules/{rule}"):
        raw.post(path, {"rule": odd}).refused(422, "InvalidParameters", "Invalid parameters", field="rule")
    assert raw.get(f"/my/fwrules/{rule}").ok()["rule"] == RULE
    # An empty list or object is true for JavaScript, so CloudAPI passes it on.
    for name in ("enabled", "log", "description"):
        if not isinstance(odd, bool) or name == "description":
            body = {"rule": RULE, name: odd}
            raw.post("/my/fwrules", body).refused(422, "InvalidParameters", field=name)


def test_firewall_rule_enabled_by_a_text(raw: Raw) -> None:
    # rules.js passes on every value that is true in JavaScript; sdc-fwrule then accepts these two words.
    for value, expected in (("true", True), ("false", False), ("", False), (0, False), (None, False)):
        assert raw.post("/my/fwrules", {"rule": RULE, "enabled": value}).ok(201)["enabled"] is expected
    answer = raw.post("/my/fwrules", {"rule": RULE, "enabled": 1})
    answer.refused(422, "InvalidParameters", field="enabled", detail="enabled must be true or false")
    rule = raw.post("/my/fwrules?enabled=true", {"rule": RULE}).ok(201)["id"]
    for value in (None, "", 0):
        answer = raw.post(f"/my/fwrules/{rule}", {"enabled": value})
        answer.refused(422, "InvalidParameters", field="enabled")
    answer = raw.post(f"/my/fwrules/{rule}", {"rule": ""})
    answer.refused(422, "InvalidParameters", field="rule", detail="No rule specified")
    answer = raw.post(f"/my/fwrules/{rule}", {"description": 5})
    answer.refused(422, "InvalidParameters", field="description", detail="description must be a string")


def test_firewall_rule_that_is_missing(raw: Raw) -> None:
    raw.post("/my/fwrules", {}).refused(409, "MissingParameter", "rule is a required argument")
    raw.get(f"/my/fwrules/{UNKNOWN}").refused(404, "ResourceNotFound", "Rule not found")
    assert raw.head(f"/my/fwrules/{UNKNOWN}/machines").status == 404


def test_firewall_rules_by_head(raw: Raw) -> None:
    rule = raw.post("/my/fwrules", {"rule": RULE}).ok(201)["id"]
    machine = raw.site.add_machine().uuid
    for path in ("/my/fwrules", f"/my/fwrules/{rule}", f"/my/machines/{machine}/fwrules"):
        head = raw.head(path)
        assert (head.status, head.body, head.headers["x-resource-count"]) == (200, b"", None)
    assert raw.head(f"/my/fwrules/{rule}/machines").headers["x-resource-count"] == "1"
