"""Affinity rules and locality: what a create accepts, and on which server it placed_on the machine.

See docs/cloudapi/create.md#affinity and #locality.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from smartdc.emulator.http.answers import Refusal
from smartdc.emulator.rules.affinity import locality_errors, read_affinity
from smartdc.emulator.state.vm import VM
from tests.emulator.facts import fact
from tests.helpers.raw_creation import Creation
from tests.helpers.raw_requests import UNKNOWN, Raw

DATA = Path(__file__).parent.parent / "data/rules"
ORIGINAL = json.loads((DATA / "affinity.json").read_text())
ROLES = ("web", "db", "web-old")


def test_rules_are_read_like_on_the_server() -> None:
    wrong = []
    for case in ORIGINAL["cases"]:
        try:
            rules = read_affinity(case["affinity"])
        except Refusal as refusal:
            found: Any = refusal.message
        else:
            found = [(rule.key, rule.near, rule.soft, rule.value) for rule in rules]
        expected = (
            case["message"]
            if not case["ok"]
            else [
                (rule["key"], rule["operator"] == "==", rule["isSoft"], rule["value"])
                for rule in case["rules"]
            ]
        )
        # Node prints a long text with a line break as several lines.
        if found != expected and " +\n" not in str(expected):
            wrong.append((case, found))
    assert wrong == []


@pytest.fixture
def creation(fresh: Raw) -> Creation:
    """Four servers, with db0 on the first and web0 and web1 on the next two."""
    servers = fresh.site.servers
    fresh.site.add_machine("db0", tags={"role": "db", "shard": 3}, server_uuid=servers[0])
    fresh.site.add_machine("web0", tags={"role": "web"}, server_uuid=servers[1])
    fresh.site.add_machine("web1", tags={"role": "web"}, server_uuid=servers[2])
    return Creation(fresh)


def placed_on(creation: Creation, count: int = 6, **wanted: Any) -> set[int | None]:
    """The servers of `count` machines created with these fields; None for one that failed."""
    servers = creation.raw.site.servers
    found: set[int | None] = set()
    for _ in range(count):
        made = creation.made(**wanted)
        vm = creation.raw.site.machines[made["id"]]
        found.add(servers.index(vm.server_uuid) if vm.server_uuid else None)
        assert made["state"] == ("running" if vm.server_uuid else "failed")
        vm.state = "destroyed"  # so that it does not affect the next one
    return found


@fact("create.md#affinity")
@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("instance==db0", {0}),
        ("container==db0", {0}),
        ("role==db", {0}),
        ("shard==3", {0}),
        ("role!=web", {0, 3}),
        ("instance!=web*", {0, 3}),
        ("instance!=/^(web|db)/", {3}),
        (["role!=web", "instance!=db0"], {3}),
        (["instance==web0", "role!=db"], {1}),
        ("image==base64", {3}),  # ignored: the machine goes to the server without a machine of the account
        ("instance!=nosuch", {3}),
        ("instance==~nosuch", {3}),
        ("instance==~db0", {0}),
        ("role==~web", {1, 2}),
        ("role!=~web", {0, 3}),
        (["instance!=~/./", "role==~db"], {3}),
        (["instance==web0", "instance==~db0"], {1}),
        (["role!=web", "instance==~db0"], {0}),
        ([], {3}),
    ],
)
def test_affinity_decides_where_a_machine_is_placed(
    creation: Creation, rules: Any, expected: set[int | None]
) -> None:
    assert placed_on(creation, affinity=rules) == expected


@fact("create.md#affinity")
@pytest.mark.parametrize(
    "rules",
    [
        "instance==nosuch",
        "role==nosuch",
        "role==web",  # on two servers: no server has both
        ["instance==db0", "instance==web0"],
        ["instance==db0", "role!=db"],
        f"instance=={UNKNOWN}",
        "instance==/(/",
    ],
)
def test_a_hard_rule_that_cannot_be_met_fails_the_provision(creation: Creation, rules: Any) -> None:
    in_use = {name: set(network.in_use) for name, network in creation.raw.site.networks.items()}
    assert placed_on(creation, 1, affinity=rules) == {None}
    assert {name: network.in_use for name, network in creation.raw.site.networks.items()} == in_use
    failed = list(creation.raw.site.machines)[-1]
    audit = creation.raw.get(f"/my/machines/{failed}/audit").ok()
    assert [(entry["action"], entry["success"]) for entry in audit] == [("provision", "no")]


def test_a_hard_rule_fails_where_all_servers_are_taken(creation: Creation) -> None:
    creation.raw.site.add_machine("web2", tags={"role": "web"}, server_uuid=creation.raw.site.servers[3])
    creation.raw.site.add_machine("web3", tags={"role": "web"}, server_uuid=creation.raw.site.servers[0])
    assert placed_on(creation, 1, affinity="role!=web") == {None}
    assert placed_on(creation, affinity="role!=~web") == {0, 1, 2, 3}


def test_deleted_and_foreign_machines_do_not_count(creation: Creation) -> None:
    for vm in list(creation.raw.site.machines.values()):
        if vm.alias == "db0":
            vm.state = "destroyed"
    assert placed_on(creation, 1, affinity="instance==db0") == {None}
    neighbour = creation.raw.cloud.add_account("neighbour")
    creation.raw.site.add_machine("theirs", account=neighbour)
    assert placed_on(creation, 1, affinity="instance==theirs") == {None}


@fact("create.md#locality")
def test_locality(creation: Creation) -> None:
    ids = {vm.alias: vm.uuid for vm in creation.raw.site.machines.values()}
    db, web0, web1 = ids["db0"], ids["web0"], ids["web1"]
    assert placed_on(creation, locality={"near": db}) == {0}
    assert placed_on(creation, locality={"near": [web0, web1]}) == {1, 2}
    assert placed_on(creation, locality={"far": [db, web0]}) == {2, 3}
    assert placed_on(creation, locality={"near": db, "far": db}) == {1, 2, 3}  # far takes precedence
    # VMAPI accepts a list in a list, and then an assertion fails.
    assert placed_on(creation, 1, locality={"near": [[db]]}) == {None}
    assert placed_on(creation, locality={"near": UNKNOWN}) == {0, 1, 2, 3}
    assert placed_on(creation, locality={"strict": True, "near": db, "far": [web0]}) == {0}
    for locality in ({"near": UNKNOWN}, {"near": [web0, web1]}, {"near": db, "far": db}):
        assert placed_on(creation, 1, locality={"strict": True} | locality) == {None}


def test_locality_is_checked_like_on_the_server() -> None:
    cases = json.loads((DATA / "validation.json").read_text())["cases"]
    ours = [case for case in cases if case["what"] == "locality"]
    assert len(ours) > 30
    for case in ours:
        expected = [case["answer"]] if isinstance(case["answer"], str) else case["answer"]
        assert [error["message"] for error in locality_errors(case["value"])] == expected, case


@pytest.mark.parametrize("near", [{}, {"a": "b"}, 5, True])
def test_locality_must_be_a_uuid_or_a_list(creation: Creation, near: Any) -> None:
    # validation.js, validLocality: it checks what is true in JavaScript, even an empty object.
    answer = creation.ask(locality={"near": near})
    detail = "locality entry is neither string nor array"
    answer.refused(409, "ValidationFailed", field="locality", detail=detail)
    assert creation.made(locality={"near": None, "far": ""})["state"] == "running"


def test_machines_that_are_created_together_see_each_other(fresh: Raw) -> None:
    creation = Creation(fresh)
    answers = [creation.ask(name=f"n{number}", affinity="instance!=n*") for number in range(5)]
    fresh.cloud.clock.advance(30)
    made = [fresh.site.machines[answer.json["id"]] for answer in answers]
    assert sorted(vm.state for vm in made) == ["failed"] + ["running"] * 4
    assert len({vm.server_uuid for vm in made}) == 5  # four servers, and None


# A second implementation to compare with; it shares no code with the emulator.


@dataclass
class Rule:
    text: str
    key: str
    near: bool
    soft: bool
    pattern: re.Pattern[str]

    def about(self, machines: list[VM]) -> list[VM]:
        if self.key == "instance":
            return [vm for vm in machines if self.pattern.search(vm.alias)]
        return [vm for vm in machines if self.pattern.search(str(vm.tags.get(self.key, "\0")))]

    def holds(self, server: str | None, machines: list[VM]) -> bool:
        about = self.about(machines)
        on_it = [vm.server_uuid == server for vm in about]
        if not self.near:
            return not any(on_it)
        if self.soft:
            return not about or any(on_it)
        return bool(about) and all(on_it)


def draw_rule(random_: random.Random) -> Rule:
    key = random_.choice(["instance", "instance", "role"])
    words = ROLES if key == "role" else ("m0", "m1", "m2", "m3", "m4", "m9")
    word = random_.choice(words)
    value, pattern = random_.choice(
        [
            (word, f"^{re.escape(word)}$"),
            (f"{word[:2]}*", f"^{re.escape(word[:2])}.*$"),
            (f"/^{word}/", f"^{word}"),
            (f"/{word[-1]}$/", f"{word[-1]}$"),
        ]
    )
    near, soft = random_.random() < 0.4, random_.random() < 0.5
    text = f"{key}{'==' if near else '!='}{'~' if soft else ''}{value}"
    return Rule(text, key, near, soft, re.compile(pattern))


@pytest.mark.stress
@pytest.mark.parametrize("seed", range(200))
def test_placement_agrees_with_a_second_implementation(raw: Raw, seed: int) -> None:
    drawn = random.Random(seed)  # noqa: S311 - repeatable
    site = raw.site
    for vm in list(site.machines.values()):
        vm.state = "destroyed"
    machines = [
        site.add_machine(
            f"m{number}",
            state=drawn.choice(["running", "stopped"]),
            tags={"role": drawn.choice(ROLES)},
            server_uuid=drawn.choice(site.servers),
        )
        for number in range(drawn.randint(0, 5))
    ]
    rules = [draw_rule(drawn) for _ in range(drawn.randint(1, 3))]
    answer = Creation(raw).ask(affinity=[rule.text for rule in rules])
    raw.cloud.clock.advance(21)
    made = site.machines[answer.json["id"]]
    hard = [rule for rule in rules if not rule.soft]
    soft = [rule for rule in rules if rule.soft]
    allowed = [server for server in site.servers if all(rule.holds(server, machines) for rule in hard)]
    if not allowed:
        assert (made.state, made.server_uuid) == ("failed", None)
        return
    assert made.state == "running"
    assert made.server_uuid in allowed
    # The machine's server meets all soft rules if it can; no other server meets these and one more.
    held = {server: {rule.text for rule in soft if rule.holds(server, machines)} for server in allowed}
    assert not any(held[made.server_uuid or ""] < others for others in held.values())
