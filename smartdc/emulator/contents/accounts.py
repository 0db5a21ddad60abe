"""The accounts of a file of contents: their keys, sub-users, policies and roles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smartdc.emulator.contents.public_keys import public_line
from smartdc.emulator.contents.toml_file import Table
from smartdc.emulator.operations.rbac import TAGGABLE
from smartdc.emulator.rules.policy_conditions import RuleError
from smartdc.emulator.rules.policy_reader import parse
from smartdc.emulator.state.directory import FIELDS, Account, KeyOwner
from smartdc.emulator.state.fields import LOGIN
from smartdc.emulator.state.kinds import FLAG, TABLES, TEXT, TEXTS
from smartdc.emulator.state.roles import Member, Policy, Role
from smartdc.emulator.state.site import Shared

ACCOUNT = {
    "login": LOGIN,
    **FIELDS,
    "keys": TEXTS,
    "users": TABLES,
    "policies": TABLES,
    "roles": TABLES,
}
_USER = {"login": LOGIN, "keys": TEXTS, "allowed": FLAG, "email": TEXT}
_POLICY = {"name": TEXT, "rules": TEXTS, "description": TEXT}
_ROLE = {"name": TEXT, "policies": TEXTS, "members": TEXTS, "default_members": TEXTS, "resources": TEXTS}


def fill_account(shared: Shared, table: Table, directory: Path) -> list[KeyOwner]:
    """Create an account, or change an existing one.

    Args:
        shared: The state that all data centers share.
        table: The table of the account.
        directory: The directory of relative paths of keys.

    Returns:
        The account and the sub-users without the field `keys`, which get the emulator's own key.
    """
    fields = table.fields(ACCOUNT, ("login",))
    login = fields["login"]
    account = shared.directory.find(login) or shared.directory.add(login)
    account.change(**{name: fields[name] for name in FIELDS if name in fields})
    unkeyed: list[KeyOwner] = [] if _add_keys(account, table, directory) else [account]
    for user_table in table.tables("users"):
        user_fields = user_table.fields(_USER, ("login",))
        if user_fields["login"] in account.users:
            user_table.refuse("login", "is the login of another sub-user")
        user = account.add_user(user_fields["login"], allowed=user_fields.get("allowed", False))
        user.email = user_fields.get("email", user.email)
        if not _add_keys(user, user_table, directory):
            unkeyed.append(user)
    for policy_table in table.tables("policies"):
        account.access.policies.append(_policy(shared, account, policy_table))
    for role_table in table.tables("roles"):
        account.access.roles.append(_role(shared, account, role_table))
    return unkeyed


def _add_keys(owner: KeyOwner, table: Table, directory: Path) -> bool:
    """Add the keys, and return whether the table has the field `keys`."""
    keys: Sequence[str] | None = table.get("keys")
    for number, key in enumerate(keys or ()):
        try:
            owner.add_key(None, public_line(key, directory))
        except ValueError as error:
            table.refuse("keys", f"cannot be used: key {number}: {error}")
    return keys is not None


def _policy(shared: Shared, account: Account, table: Table) -> Policy:
    fields = table.fields(_POLICY, ("name", "rules"))
    _check_name_is_free(table, account.access.policies)
    for number, rule in enumerate(fields["rules"]):
        try:
            parse(rule)
        except RuleError as error:
            reason = str(error).splitlines()[-1]  # the lines before show the place in the rule
            table.refuse("rules", f"cannot be used: rule {number}: {reason}")
    return Policy(shared.chance.uuid(), fields["name"], fields["rules"], fields.get("description"))


def _role(shared: Shared, account: Account, table: Table) -> Role:
    fields = table.fields(_ROLE, ("name",))
    _check_name_is_free(table, account.access.roles)
    role = Role(shared.chance.uuid(), fields["name"])
    for name in fields.get("policies", ()):
        policy = account.access.policy(name)
        if policy is None:
            table.refuse("policies", f"has {name!r}, which is not one of the account's policies")
        role.policies.append(policy.uuid)
    default = fields.get("default_members", [])
    for field in ("members", "default_members"):
        for login in fields.get(field, ()):
            user = account.find_user(login)
            if user is None:
                table.refuse(field, f"has {login!r}, which is not one of the account's sub-users")
            if field == "default_members" or login not in default:
                role.members.append(Member("subuser", user.uuid, field == "default_members"))
    for resource in fields.get("resources", ()):
        if resource not in TAGGABLE:
            table.refuse("resources", f"must be some of {', '.join(TAGGABLE)}, not {resource!r}")
        account.access.tags.setdefault(f"/{account.login}/{resource}", []).append(role.uuid)
    return role


def _check_name_is_free(table: Table, others: Sequence[Any]) -> None:
    if any(other.name == table.get("name") for other in others):
        table.refuse("name", "is taken")
