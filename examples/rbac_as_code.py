#!/usr/bin/env python3
"""Make the policies and roles of an account equal to a file: show the changes, then make them.

    python examples/rbac_as_code.py examples/rbac.toml             the plan; changes nothing
    python examples/rbac_as_code.py examples/rbac.toml --apply     makes the changes

Roles and policies that are not in the file are kept, unless ``--prune`` is given. Create sub-users elsewhere,
because they need a password and a key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloud import everyday, read_toml, run, signed_in

from smartdc import ConfigurationError, DataCenter
from smartdc.types import Role

if TYPE_CHECKING:
    from smartdc.emulator import Emulator

Change = tuple[str, Callable[[], object]]
"""A line of the plan, and the call that makes the change."""


def fields(role: Role) -> dict[str, list[str]]:
    """The policies and members of a role, in the form of the file."""
    return {
        "policies": sorted(str(policy.get("name")) for policy in role["policies"]),
        "members": sorted(str(member.get("login")) for member in role["members"]),
        "default_members": sorted(str(each.get("login")) for each in role["members"] if each.get("default")),
    }


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Read the file; refuse everything unknown in it, because --prune deletes what is missing."""
    wanted = read_toml(path)
    for table in wanted:
        if table not in ("policies", "roles") or not isinstance(wanted[table], dict):
            raise ConfigurationError(f"{path}: {table} is not a table [policies] or [roles]")
    for name, rules in wanted.get("policies", {}).items():
        check_texts(f"{path}: policies.{name}", rules)
    for name, role in wanted.get("roles", {}).items():
        if not isinstance(role, dict) or role.keys() != {"policies", "members"}:
            raise ConfigurationError(f"{path}: roles.{name} must have policies and members, and nothing else")
        for field, texts in role.items():
            check_texts(f"{path}: roles.{name}.{field}", texts)
    return wanted


def check_texts(where: str, value: object) -> None:
    """Refuse what is not a list of texts."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ConfigurationError(f"{where} must be a list of texts, such as ['CAN getmachine'] or ['bob']")


def check_names(sdc: DataCenter, wanted: Mapping[str, Any], *, prune: bool) -> None:
    """Refuse members and policies that do not exist, before the first change is made."""
    policies = set(wanted.get("policies", {}))
    if not (prune and "policies" in wanted):
        policies.update(policy["name"] for policy in sdc.policies())
    known = {"policies": policies, "members": {user["login"] for user in sdc.users()}}
    for name, role in wanted.get("roles", {}).items():
        for field, names in known.items():
            for unknown in sorted(set(role[field]) - names):
                there = ", ".join(sorted(names)) or "none"
                raise ConfigurationError(f"roles.{name}.{field}: there is no {unknown!r}; there are {there}")


def plan(sdc: DataCenter, wanted: Mapping[str, Any], *, prune: bool = False) -> Iterator[Change]:
    """The changes to make: policies are created before the roles that name them, and deleted after."""
    policies = {policy["name"]: policy for policy in sdc.policies()}
    roles = {role["name"]: role for role in sdc.roles()}
    for name, rules in wanted.get("policies", {}).items():
        if name not in policies:
            yield f"+ policy {name}: {'; '.join(rules)}", partial(sdc.create_policy, name, rules)
        elif sorted(policies[name]["rules"]) != sorted(rules):
            yield f"~ policy {name}: {'; '.join(rules)}", partial(sdc.update_policy, name, rules=rules)
    for name, role in wanted.get("roles", {}).items():
        summary = f"role {name}: {', '.join(role['members'])} may {', '.join(role['policies'])}"
        # Default members have the role in each request, without naming it.
        settings = {"policies": role["policies"], "default_members": role["members"]}
        if name not in roles:
            yield f"+ {summary}", partial(sdc.create_role, name, **settings)
        elif fields(roles[name]) != {part: sorted(texts) for part, texts in (settings | role).items()}:
            yield f"~ {summary}", partial(sdc.update_role, name, members=role["members"], **settings)
    # Without a table the file says nothing about roles, or policies; an empty one says that there are none.
    if prune and "roles" in wanted:
        for name in sorted(roles.keys() - wanted["roles"].keys()):
            yield f"- role {name}", partial(sdc.delete_role, name)
    if prune and "policies" in wanted:
        for name in sorted(policies.keys() - wanted["policies"].keys()):
            yield f"- policy {name}", partial(sdc.delete_policy, name)


def apply(changes: list[Change]) -> None:
    """Make the changes; say how many were made, even if one is refused."""
    made = 0
    try:
        for line, make in changes:
            print(line)
            make()
            made += 1
    finally:
        print(f"{made} of {len(changes)} changes made")


def prepare(cloud: Emulator) -> None:
    """Add sub-users, a policy and roles to the emulated cloud."""
    cloud.add_user("ann")
    cloud.add_user("bob")
    with cloud.datacenter() as sdc:
        sdc.create_policy("look", ["CAN listmachines AND getmachine"])
        sdc.create_role("viewers", default_members=["ann"], policies=["look"])
        sdc.create_role("interns")


def main() -> None:
    """Show the plan, and make the changes."""
    parser = everyday(__doc__)
    parser.add_argument("file", type=Path, help="a TOML file; examples/rbac.toml shows the form")
    parser.add_argument("--apply", action="store_true", help="make the changes")
    parser.add_argument(
        "--prune", action="store_true", help="delete roles and policies that the file does not have"
    )
    options = parser.parse_args()
    wanted = read(options.file)
    with signed_in(options, prepare) as sdc:
        check_names(sdc, wanted, prune=options.prune)
        changes = list(plan(sdc, wanted, prune=options.prune))
        if not options.apply:
            print(*(line for line, _ in changes), sep="\n")
            print(f"{len(changes)} changes to make: --apply makes them")
            return
        apply(changes)
        print(f"{len(list(plan(sdc, wanted, prune=options.prune)))} changes left")


if __name__ == "__main__":
    run(main)
