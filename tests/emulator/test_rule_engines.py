"""The emulator's rules compared with the original engines, whose answers are in ``tests/data/rules``.

Each judge compares one case: whether the emulator decides as the original does, and whether its message is
the original's (None where there is no message, or where it comes from the JavaScript engine).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from smartdc.emulator.http import negotiation
from smartdc.emulator.http.answers import ErrorItem, Refusal, invalid_field
from smartdc.emulator.http.parameters import fits_wildcard, is_uuid
from smartdc.emulator.http.versions import VERSIONS, best, exceeds, reaches, satisfies
from smartdc.emulator.rules.affinity import locality_errors, read_affinity
from smartdc.emulator.rules.firewall_reader import read_rule
from smartdc.emulator.rules.firewall_values import checked_values
from smartdc.emulator.rules.image_manifests import errors_of
from smartdc.emulator.rules.package_filters import filter_alternatives
from smartdc.emulator.rules.policy_conditions import CLOUDAPI_TYPE_TABLE, TYPE_TABLE, RuleError
from smartdc.emulator.rules.policy_grants import Grant, permits
from smartdc.emulator.rules.policy_language import Names, Rule, allows
from smartdc.emulator.rules.policy_reader import parse
from smartdc.emulator.rules.validation import (
    BRANDS,
    LIST_STATES,
    alias_errors,
    memory_errors,
    metadata_errors,
    number_errors,
    one_of_errors,
    tag_delete_errors,
    tag_errors,
)
from smartdc.emulator.rules.volume_predicates import BadPredicate, Predicate
from smartdc.emulator.rules.volume_values import check_values
from smartdc.emulator.state.firewall_rules import BadRule

DATA = Path(__file__).parents[1] / "data" / "rules"
#: The share of messages that may differ.
MOST_OTHER_MESSAGES = 0.10

Case = dict[str, Any]
Verdict = tuple[bool, bool | None]


def moments(conditions: Case) -> Case:
    """The values of a request, with datetimes in place of the seconds in the data."""
    return {
        name: datetime.fromtimestamp(value, UTC) if name in ("date", "day", "time") else value
        for name, value in conditions.items()
    }


def aperture(file: Case, case: Case) -> Verdict:
    try:
        rule = parse(case["rule"])
    except RuleError as error:
        is_of_engine = case.get("error") == "SyntaxError"
        return not case["accepted"], None if is_of_engine else str(error) == case.get("message")
    if not case["accepted"]:
        return False, None
    same = as_parsed(rule) == case["parsed"]
    for field, types in (
        ("eval_with_aperture_config", TYPE_TABLE),
        ("eval_with_cloudapi_table", CLOUDAPI_TYPE_TABLE),
    ):
        for context, expected in zip(file["contexts"], case[field], strict=True):
            same = same and evaluated(rule, context, types) == (
                expected if expected in (True, False) else "error"
            )
    return same, None


def evaluated(rule: Rule, context: Case, types: dict[str, str]) -> bool | str:
    try:
        return allows([rule], context["action"], context["resource"], moments(context["conditions"]), types)
    except RuleError:
        return "error"


def as_parsed(rule: Rule) -> Case:
    """A rule in the form in which the original's parser returns it."""
    found: Case = {
        "effect": rule.effect,
        "actions": names(rule.actions),
        "conditions": condition(rule.condition),
    }
    for field in ("principals", "resources"):
        if getattr(rule, field) is not None:
            found[field] = names(getattr(rule, field))
    return found


def names(found: Names) -> Any:
    if found.everything:
        return 1
    regex = [pattern.literal for pattern in found.patterns]
    return {"exact": dict.fromkeys(found.exact, True), "regex": regex}


def condition(found: Any) -> Any:
    if found is None:
        return []
    operation, *parts = found
    if operation in ("and", "or", "not"):
        return [operation, *map(condition, parts)]
    name, kind, value = parts
    return [operation, {"name": name} if kind is None else {"name": name, "type": kind}, value]


def authorization(file: Case, case: Case) -> Verdict:
    caller, owner = case["caller"], case["owner"]
    if case["user"] is None and caller["uuid"] == owner["uuid"]:
        return case["allowed"] is True, None
    grants = [
        Grant(role["name"], role["rules"], role["uuid"] in case["tags"])
        for uuid in case["active"]
        for role in case["roles"]
        if role["uuid"] == uuid
    ]
    found = permits(grants, case["action"], case["path"], moments(case["conditions"]))
    return (found and caller["approved"] and owner["approved"]) is case["allowed"], None


def versions(file: Case, case: Case) -> Verdict:
    asked = case["range"]
    found = best(asked, VERSIONS)
    same = case["best"] == (found and ".".join(map(str, found)))
    same = same and case["fits"] == [satisfies(version, asked) for version in VERSIONS]
    if not isinstance(case["notgtr9"], bool):  # the original throws, but no route matches such a range
        return same and found is None, None
    same = same and case["since"] == [reaches(asked, version) for version in VERSIONS]
    same = same and case["notgtr9"] is not exceeds((9, 0, 0), asked)
    return same and case["sat9"] is satisfies((9, 0, 0), asked), None


def accept(file: Case, case: Case) -> Verdict:
    try:
        found = negotiation.choose(case["accept"])
    except Refusal:
        found = None
    return found == case["chosen"], None


def validation(file: Case, case: Case) -> Verdict:
    found = VALIDATORS[case["what"]](case["value"], case.get("options") or {})
    expected = case["answer"]
    if isinstance(expected, str):
        found = [error["message"].removeprefix("Not a valid number: ") for error in found]
        expected = [expected]
    return bool(found) is bool(expected), found == expected if expected else None


def number(value: Any, options: Case) -> list[ErrorItem]:
    return number_errors("number", value, options.get("min", 0), options.get("max"))


def listed(value: Case, options: Case) -> list[ErrorItem]:
    """The filters of a list; CloudAPI does not use the original's other fields."""
    checks: dict[str, Callable[[Any], list[ErrorItem]]] = {
        "alias": lambda alias: alias_errors(alias, longest=None),
        "ram": memory_errors,
        "state": lambda state: one_of_errors("state", state, LIST_STATES),
        "brand": lambda brand: one_of_errors("brand", brand, BRANDS),
        "limit": lambda limit: number_errors("limit", limit, 1, 1000),
        "offset": lambda offset: number_errors("offset", offset),
    }
    [(name, content)] = value.items()
    if name in checks:
        return checks[name](content)
    if name.endswith("uuid"):
        return [] if is_uuid(content) else [invalid_field(name, "Invalid UUID")]
    return [invalid_field(name)]


VALIDATORS: dict[str, Callable[[Any, Case], list[ErrorItem]]] = {
    "tags": lambda value, _: tag_errors(value),
    "tags_create": lambda value, _: tag_errors(value, allow_docker=True),
    "delete_tag": lambda value, _: tag_delete_errors(value),
    "metadata": lambda value, _: metadata_errors(value),
    "locality": lambda value, _: locality_errors(value),
    "number": number,
    "list": listed,
}


def affinity(file: Case, case: Case) -> Verdict:
    try:
        read_affinity(case["affinity"])
    except Refusal as refusal:
        return not case["ok"], refusal.message == case.get("message")
    return case["ok"] is True, None


def predicates(file: Case, case: Case) -> Verdict:
    if case["ok"] == "throws":
        return True, None
    try:
        predicate = Predicate.read(case["text"])
        check_values(predicate)
    except BadPredicate as bad:
        by_engine = "Could not parse JSON" in str(bad)
        return not case["ok"], None if by_engine else str(bad) == case.get("message")
    if not case["ok"]:
        return False, None
    volumes = [{field: [value] for field, value in volume.items()} for volume in file["volumes"]]
    fits = [predicate.fits(volume) for volume in volumes]
    fields = list(dict.fromkeys(field for field, _ in predicate.values()))
    return fits == case["eval"] and fields == case["fields"], None


def packages(file: Case, case: Case) -> Verdict:
    if case["esc"]:  # the harness reads escapes differently from Moray
        return True, None
    patterns = filter_alternatives(case["value"])
    found = [not patterns or any(fits_wildcard(name, text) for text in patterns) for name in case["names"]]
    return found == case["match"], None


def images(file: Case, case: Case) -> Verdict:
    manifest, expected = case["manifest"], case["errors"]
    if isinstance(expected, str):  # the original throws, but IMGAPI does not pass null to it
        return bool(errors_of(manifest)) is (None not in manifest.values()), None
    if isinstance(manifest.get("acl"), str):  # IMGAPI turns it into a list
        return True, None
    found = errors_of(manifest)
    return bool(found) is bool(expected), found == expected if expected else None


def fwrule(file: Case, case: Case) -> Verdict:
    try:
        rule = read_rule(case["rule"])
    except BadRule as bad:
        return not case["ok"], [str(bad)] == [error["message"] for error in case.get("errors", ())]
    return case["ok"] and str(rule) == case["text"], None


def fwrule_params(file: Case, case: Case) -> Verdict:
    try:
        found = checked_values(case["params"])
    except Refusal as refusal:
        errors = [{"field": each["field"], "message": each["message"]} for each in refusal.errors or ()]
        return not case["ok"], errors == case.get("errors")
    stored = {"enabled": False, "log": False, **found, "text": str(found["rule"])}
    fields = ("description", "enabled", "log", "text")
    return case["ok"] and all(stored[name] == case[name] for name in fields if name in case), None


JUDGES: dict[str, Callable[[Case, Case], Verdict]] = {
    "aperture": aperture,
    "authorization": authorization,
    "versions": versions,
    "accept": accept,
    "validation": validation,
    "affinity": affinity,
    "predicates": predicates,
    "packages": packages,
    "images": images,
    "fwrule": fwrule,
    "fwrule_params": fwrule_params,
}


@pytest.mark.parametrize("name", JUDGES)
def test_the_emulator_decides_like_the_original_engine(name: str) -> None:
    file = json.loads((DATA / f"{name}.json").read_text())
    verdicts = [(case, *JUDGES[name](file, case)) for case in file["cases"]]
    wrong = [case for case, same, _ in verdicts if not same]
    messages = [(case, message) for case, same, message in verdicts if same and message is not None]
    others = [case for case, message in messages if not message]
    print(f"{name}: {len(verdicts)} cases, {len(wrong)} decided differently;", end=" ")
    print(f"{len(messages)} messages, {len(others)} different")
    assert wrong == []
    assert len(others) <= len(messages) * MOST_OTHER_MESSAGES, others
