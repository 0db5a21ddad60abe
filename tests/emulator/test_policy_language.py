"""The language of policies, as in node-aperture (its lib/language.jison, its types, and their tests)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from smartdc.emulator.rules.policy_conditions import RuleError
from smartdc.emulator.rules.policy_language import allows
from smartdc.emulator.rules.policy_reader import parse

# A Wednesday.
NOON = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


def allowed(rule: str, action: str = "getmachine", resource: str = "/my/machines/x", **context: Any) -> bool:
    return allows([parse(rule)], action, resource, context)


@pytest.mark.parametrize(
    ("rule", "actions"),
    [
        ("CAN getmachine", ["getmachine"]),
        ("can getmachine", ["getmachine"]),
        ("CAN getmachine AND listmachines", ["getmachine", "listmachines"]),
        ("CAN getmachine, listmachines AND getaccount", ["getmachine", "listmachines", "getaccount"]),
        ("CAN getmachine, listmachines, and getaccount", ["getmachine", "listmachines", "getaccount"]),
        ('CAN "getmachine"', ["getmachine"]),
        ("CAN get*", ["getmachine", "getaccount"]),
        ("CAN /^(get|list)m/::regex", ["getmachine", "listmachines"]),
        ("CAN /^GETM/i::regexp", ["getmachine"]),
        ("CAN *", ["getmachine", "listmachines", "getaccount"]),
        ("CAN everything", ["getmachine", "listmachines", "getaccount"]),
        # Case matters: the server's names are in lower case.
        ("CAN getMachine", []),
        ("CAN NOT getmachine", []),
    ],
)
def test_actions(rule: str, actions: list[str]) -> None:
    found = [action for action in ("getmachine", "listmachines", "getaccount") if allowed(rule, action)]
    assert found == actions


def test_a_name_with_an_asterisk_matches_anywhere() -> None:
    # language.jison (fuzzyToRegex): the pattern is not anchored, and a second asterisk is not special.
    assert allowed("CAN machine*")
    assert not allowed("CAN m*ch*ne")


@pytest.mark.parametrize(
    ("resources", "fits"),
    [("", True), ("*", True), ("/my/machines/x", True), ("/my/machines/*", True), ("/my/keys", False)],
)
def test_resources(resources: str, fits: bool) -> None:
    rule = parse(f"CAN getmachine {resources}")
    assert (rule.resources is None) is (resources == "")
    assert allows([rule], "getmachine", "/my/machines/x", {}) is fits


def test_principals_match_no_caller() -> None:
    # The server does not pass the caller to its evaluator.
    assert not allowed("bob CAN getmachine")
    assert allowed("* CAN getmachine")


def test_one_rule_is_enough_and_can_not_does_not_override_it() -> None:
    rules = [parse("CAN NOT getmachine"), parse("CAN listmachines"), parse("CAN getmachine")]
    assert allows(rules, "getmachine", "/", {})
    assert not allows(rules[:2], "getmachine", "/", {})
    assert not allows([], "getmachine", "/", {})


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("tag_role::string = web", True),
        ('tag_role::string = "web"', True),
        ("tag_role::string != web", False),
        ("tag_role::string < x", True),
        ("tag_role::string in (db, web)", True),
        ("tag_role::string in (db)", False),
        ("tag_role::string like /^W/i", True),
        ("tag_weight::number > 3", False),
        ("tag_weight::number >= 3.0", True),
        ("tag_ready::boolean = true", True),
        ("tag_ready::boolean != true", False),
        ("sourceip = 10.0.0.0/8", True),
        ("sourceip != 10.1.2.3", False),
        ('sourceip = "::ffff:10.1.2.3"', True),
        ("sourceip in (192.168.0.1, 10.1.2.3)", True),
        ("method::string = get", True),
        ("activeRoles::array contains abc", True),
        ("activeRoles::array contains xyz", False),
        ("time::time > 07:30:00 and time::time < 18:30:00", True),
        ("time::time > 12:00:00", False),
        ("day::day in (Mon, Tue, Wed)", True),
        ("day::day = 3", True),
        ("day::day > Wednesday", False),
        ("day::day = 2026-11-25", True),
        ("date::date > 2026-11-25", True),
        ("date::date < 2026-11-25T11:59:59Z", False),
        ("not method::string = get", False),
        ("not (method::string = post or method::string = put)", True),
        ("method::string = post or method::string = get and day::day = 3", True),
        ("method::string = get and (day::day = 4 or day::day = 5)", False),
    ],
)
@pytest.mark.parametrize("word", ["WHEN", "if", "where"])
def test_conditions(condition: str, holds: bool, word: str) -> None:
    context: dict[str, Any] = {
        "tag_role": "web",
        "tag_weight": 3,
        "tag_ready": True,
        "sourceip": "10.1.2.3",
        "method": "get",
        "activeRoles": ["abc"],
        "date": NOON,
        "day": NOON,
        "time": NOON,
    }
    assert allowed(f"CAN getmachine {word} {condition}", **context) is holds


def test_a_condition_on_a_missing_value() -> None:
    with pytest.raises(RuleError, match='missing condition in context: "tag_role"'):
        allowed("CAN getmachine WHEN tag_role::string = web", tag_role=None)


@pytest.mark.parametrize("condition", ["tag_x::number = 1", "tag_x::boolean = true", "tag_x::ip = 10.0.0.1"])
def test_a_condition_on_a_value_of_another_type(condition: str) -> None:
    with pytest.raises(RuleError):
        allowed(f"CAN getmachine WHEN {condition}", tag_x=["x"])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("", "Parse error on line 1:\n\n^\nExpecting 'CAN', 'STRING', 'STRING_LITERAL', "),
        ("getmachine", "Parse error on line 1:\ngetmachine\n----------^\nExpecting 'CAN', got 'EOF'"),
        ("CAN", "got 'EOF'"),
        ("CAN a, b", "Expecting 'AND', ',', got 'EOF'"),
        ("CAN a, AND b", "got 'AND'"),
        ("CAN a AND b AND c", "got 'AND'"),
        ("CAN a AND", "got 'EOF'"),
        ("CAN a b c", "Expecting 'EOF', 'IF', 'WHEN', 'WHERE', got 'STRING'"),
        ("CAN a WHEN", "got 'EOF'"),
        ("CAN a WHEN day", "got 'EOF'"),
        ("CAN a WHEN day in ()", "got ')'"),
        ("CAN a WHEN (day = 1", "Expecting 'OR', ')', got 'EOF'"),
        ('CAN a\n"(x)"', "Parse error on line 2:\nCAN a\"(x)\"\n------^\nExpecting 'EOF', 'AND', "),
        ("CAN TO", "got 'TO'"),
        ("CAN a :", "Lexical error on line 1. Unrecognized text."),
        ("CAN /(/::regex", "Invalid regular expression"),
        ("CAN a WHEN baz = bar", 'no type for "baz"'),
        ("CAN a WHEN baz::thing = bar", 'unknown type "thing"'),
        ("CAN a WHEN day like x", 'unsupported operation "like" on type "day"'),
        ("CAN a WHEN day = someday", 'unable to validate value "someday" as type "day"'),
        ("CAN a WHEN day = 8", 'unable to validate value "8" as type "day"'),
        ("CAN a WHEN time = 07:30", 'unable to validate value "07:30" as type "time"'),
        ("CAN a WHEN date = never", 'unable to validate value "never" as type "date"'),
        ("CAN a WHEN fromjob = yes", 'unable to validate value "yes" as type "boolean"'),
        ("CAN a WHEN sourceip = 10.0.0", 'unable to validate value "10.0.0" as type "ip"'),
        ("CAN a WHEN x::number = many", 'unable to validate value "many" as type "number"'),
        (r'CAN a WHEN method like "/\(/"', None),
        ('CAN a WHEN method like "/(/"', "got '('"),
        ("CAN a WHEN method like /[/", 'unable to validate value "/[/" as type "string"'),
        ("CAN a WHEN method like web", 'unable to validate value "web" as type "string"'),
        ("CAN a WHEN method like g", None),
        ("CAN /a/q::regex", "Invalid flags supplied to RegExp constructor 'q'"),
    ],
)
def test_texts_that_are_not_rules(rule: str, message: str | None) -> None:
    if message is None:
        parse(rule)
        return
    with pytest.raises(RuleError) as caught:
        parse(rule)
    assert message in str(caught.value)
