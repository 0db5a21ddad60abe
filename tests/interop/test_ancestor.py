"""py-smartdc 0.2.0 and this package make the same calls; every difference is listed with its reason."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import START_ENVIRONMENT
from tests.helpers.keys import KeyRing
from tests.helpers.sizes import in_two_sizes
from tests.interop.ancestor import DATA, OURS, ancestor_python, played
from tests.interop.ancestor_calls import CALLS

KINDS = {"bug mended", "safety", "seed", "modern server", "documented"}
RECORDED: dict[str, dict[str, Any]] = json.loads((DATA / "answers.json").read_text())
DIFFERENCES: dict[str, list[str]] = json.loads((DATA / "differences.json").read_text())


def different(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs; ``fails`` means that the call worked with py-smartdc."""
    found = []
    if ("raises" in before) != ("raises" in now):
        found.append("fails" if "raises" in now else "works")
    elif "raises" in before:
        if before["status"] != now["status"] or not set(before["raises"]) <= set(now["raises"]):
            found.append("raises")
    elif before["value"] != now["value"]:
        found.append("value")
    sent = [[(made["request"], made["body"]) for made in each["requests"]] for each in (before, now)]
    if sent[0] != sent[1]:
        found.append("requests")
    if before["prints"] != now["prints"]:
        found.append("prints")
    return found


def test_there_are_many_calls() -> None:
    assert len(CALLS) >= 400
    assert set(RECORDED) == set(CALLS)


@in_two_sizes(sample=100, whole=len(CALLS))
def test_every_difference_is_a_row(size: int, ssh_keys: KeyRing, tmp_path: Path) -> None:
    """Compared with recorded answers of py-smartdc; the last test compares these with py-smartdc itself."""
    calls = CALLS[:: len(CALLS) // size]
    with played(OURS, ssh_keys, tmp_path) as stage:
        now = {call: stage.play(call) for call in calls}
    found = {call: how for call in calls if (how := different(RECORDED[call], now[call]))}
    assert set(found) == set(DIFFERENCES) & set(calls)
    for call, how in found.items():
        if "fails" in how:
            assert DIFFERENCES[call][0] in ("safety", "seed"), call


def test_every_row_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text()
    documented = set(re.findall(r"^\| ([a-z-]+) \|", page, re.MULTILINE))
    assert {kind for kind, _ in DIFFERENCES.values()} <= KINDS
    assert {row for _, row in DIFFERENCES.values()} <= documented


@pytest.mark.soak
def test_the_recorded_answers_are_those_of_py_smartdc(
    ssh_keys: KeyRing, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with played(ancestor_python(tmp_path_factory, START_ENVIRONMENT), ssh_keys, tmp_path) as stage:
        answers = {call: stage.play(call) for call in CALLS}
    assert [call for call in CALLS if answers[call] != RECORDED[call]] == []
