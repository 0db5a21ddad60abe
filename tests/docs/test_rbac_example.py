"""The example of RBAC as code: what it refuses, and what it changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smartdc.emulator import Emulator
from tests.docs.scripts import Run

ROLE = '[roles.ops]\npolicies = ["look"]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[role.ops]\n", "role is not a table [policies] or [roles]"),
        ("policies = 3\n", "policies is not a table [policies] or [roles]"),
        ('[policies]\nlook = "CAN getmachine"\n', "policies.look must be a list of texts"),
        (ROLE, "roles.ops must have policies and members, and nothing else"),
        (ROLE + 'members = "bob"\n', "roles.ops.members must be a list of texts"),
        (ROLE + 'members = []\nmember = ["bob"]\n', "roles.ops must have policies and members"),
        ("[roles\n", "Expected ']'"),
    ],
)
def test_a_mistake_in_the_roles_file_changes_nothing(
    cloud: Emulator, run: Run, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "rbac.toml").write_text(text)
    ended = run("rbac_as_code.py", "rbac.toml", "--apply", "--prune")
    assert ended.status == 1
    assert re.fullmatch(rf"rbac\.toml: {re.escape(said)}.*\n", ended.err)
    assert list(cloud.calls) == []


def changing_calls(cloud: Emulator) -> list[str | None]:
    return [call.operation for call in cloud.calls if call.method not in ("GET", "HEAD")]


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ({"policies": ["watch"], "members": []}, "policies: there is no 'watch'; there are look, new"),
        ({"policies": ["new"], "members": ["ann", "eve"]}, "members: there is no 'eve'; there are ann"),
    ],
)
def test_a_role_of_something_unknown_changes_nothing(
    cloud: Emulator, run: Run, tmp_path: Path, role: dict[str, list[str]], said: str
) -> None:
    cloud.add_user("ann")
    with cloud.datacenter() as sdc:
        sdc.create_policy("look", ["CAN getmachine"])
    cloud.calls.clear()
    (tmp_path / "rbac.toml").write_text(
        f"[policies]\nnew = []\n[roles.ops]\npolicies = {role['policies']}\nmembers = {role['members']}\n"
    )
    ended = run("rbac_as_code.py", "rbac.toml", "--apply")
    assert (ended.status, ended.err) == (1, f"roles.ops.{said}\n")
    assert changing_calls(cloud) == []


def test_a_policy_that_goes_cannot_be_named(cloud: Emulator, run: Run, tmp_path: Path) -> None:
    with cloud.datacenter() as sdc:
        sdc.create_policy("old", ["CAN getmachine"])
    cloud.calls.clear()
    (tmp_path / "rbac.toml").write_text('[policies]\n[roles.ops]\npolicies = ["old"]\nmembers = []\n')
    ended = run("rbac_as_code.py", "rbac.toml", "--apply", "--prune")
    assert (ended.status, ended.err) == (1, "roles.ops.policies: there is no 'old'; there are none\n")
    assert changing_calls(cloud) == []


def test_a_refused_change_ends_with_what_was_made(cloud: Emulator, run: Run, tmp_path: Path) -> None:
    (tmp_path / "rbac.toml").write_text('[policies]\na = ["CAN getmachine"]\nb = ["CAN fly, to"]\n')
    ended = run("rbac_as_code.py", "rbac.toml", "--apply")
    assert ended.status == 1
    assert ended.out.endswith("1 of 2 changes made\n")
    with cloud.datacenter() as sdc:
        assert [policy["name"] for policy in sdc.policies()] == ["a"]


def test_prune_leaves_what_the_file_has_no_table_for(cloud: Emulator, run: Run, tmp_path: Path) -> None:
    with cloud.datacenter() as sdc:
        sdc.create_policy("look", ["CAN getmachine"])
        sdc.create_role("ops", policies=["look"])
        (tmp_path / "rbac.toml").write_text('[policies]\nlook = ["CAN getmachine"]\n')
        assert run("rbac_as_code.py", "rbac.toml", "--apply", "--prune").status == 0
        assert [role["name"] for role in sdc.roles()] == ["ops"]
        (tmp_path / "rbac.toml").write_text("[policies]\n[roles]\n")
        assert run("rbac_as_code.py", "rbac.toml", "--apply", "--prune").status == 0
        assert (sdc.roles(), sdc.policies()) == ([], [])


def test_a_member_for_whom_the_role_is_not_active_is_a_difference(
    cloud: Emulator, run: Run, tmp_path: Path
) -> None:
    cloud.add_user("bob")
    with cloud.datacenter() as sdc:
        sdc.create_role("ops", members=["bob"])
        (tmp_path / "rbac.toml").write_text('[roles.ops]\npolicies = []\nmembers = ["bob"]\n')
        ended = run("rbac_as_code.py", "rbac.toml", "--apply")
        assert ended.out.endswith("1 of 1 changes made\n0 changes left\n")
        assert [member.get("default") for member in sdc.role("ops")["members"]] == [True]
