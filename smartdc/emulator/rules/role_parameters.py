"""The parameters of a role in a request: members and policies are objects since API 9, names before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from smartdc.emulator.http.answers import crashed, invalid_argument
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import as_text, is_uuid
from smartdc.emulator.http.violations import note_violation
from smartdc.emulator.state.roles import ADMINISTRATOR, Member
from smartdc.emulator.state.site import Site


@dataclass
class RoleChanges:
    """The fields of a role that a request sets; None for those that it does not."""

    name: str | None = None
    members: list[Member] | None = None
    policies: list[str] | None = None


def read_changes(site: Site, request: Incoming) -> RoleChanges:
    """Read the parameters, and look up the members and policies that they name.

    Raises:
        Refusal: 409, with all errors about the names.
    """
    wanted = _read_names(request.params) if request.before((9, 0, 0)) else _read_objects(request.params)
    errors = ['"true" is not a valid role name'] if wanted["name"] == "true" else []
    changes = RoleChanges(wanted["name"])
    if wanted["members"] is not None:
        changes.members = [
            found for member in wanted["members"] if (found := _member(site, request, member, errors))
        ]
    if wanted["policies"] is not None:
        if wanted["name"] == ADMINISTRATOR:
            errors.append("Administrator role cannot have policies")
        changes.policies = [
            known for policy in wanted["policies"] if (known := _policy(request, policy, errors))
        ]
    if errors:
        raise invalid_argument(", ".join(errors))
    _check_distinct(request, changes)
    return changes


def _read_objects(params: dict[str, Any]) -> dict[str, Any]:
    name = params.get("name") or None
    if name is not None and not isinstance(name, str):
        raise invalid_argument('Role "name" must be a string')
    policies = _object_list(params, "policies")
    for policy in policies or ():
        _check_policy(policy)
    members = _object_list(params, "members")
    for member in members or ():
        _check_member(member)
    return {"name": name, "members": members, "policies": policies}


def _object_list(params: dict[str, Any], name: str) -> list[dict[str, Any]] | None:
    entries = params.get(name)
    if not entries and not isinstance(entries, list | dict):
        return None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise invalid_argument(f'Role "{name}" must be an array of objects')
    return entries


def _check_policy(policy: dict[str, Any]) -> None:
    for key, value in policy.items():
        if key == "id" and not is_uuid(value):
            raise invalid_argument('Policy "id" property must be a string UUID')
        if key == "name" and not isinstance(value, str):
            raise invalid_argument('Policy "name" property must be a string')
        if key not in ("id", "name"):
            raise invalid_argument(
                f'Policy references may only contain "name" or "id" properties, not "{key}"'
            )


def _check_member(member: dict[str, Any]) -> None:
    kind = member.get("type")
    if not isinstance(kind, str):
        raise invalid_argument('Role "member" references must have a string "type" property')
    if kind not in ("subuser", "account"):
        raise invalid_argument(f'Member "type" is not supported: "{kind}"')
    for key, value in member.items():
        if key == "id" and not is_uuid(value):
            raise invalid_argument('Member "id" property must be a string UUID')
        if key == "login" and not isinstance(value, str):
            raise invalid_argument('Member "login" property must be a string')
        if key == "default" and not isinstance(value, bool):
            raise invalid_argument('Member "default" property must be a boolean')
        if key not in ("type", "id", "login", "default"):
            raise invalid_argument(
                'Member references may only contain "type", "login", "id", or "default" properties, '
                f'not "{key}"'
            )


def _read_names(params: dict[str, Any]) -> dict[str, Any]:
    """Read the form before API 9: a list, the JSON of a list, or one name."""
    members: dict[str, dict[str, Any]] | None = None
    for parameter, default in (("members", False), ("default_members", True)):
        if params.get(parameter) or isinstance(params.get(parameter), list):
            members = members or {}
            for login in map(as_text, _name_list(params[parameter])):
                member = members.setdefault(login, {"type": "subuser", "login": login})
                member["default"] = member.get("default", False) or default
    policies = None
    if params.get("policies") or isinstance(params.get("policies"), list):
        names = _name_list(params["policies"])
        policies = [] if names[:1] == [""] else [{"name": as_text(name)} for name in names]
    entries = None if members is None else list(members.values())
    return {"name": params.get("name") or None, "members": entries, "policies": policies}


def _name_list(value: Any) -> list[Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value) or [value]
        except ValueError:
            value = [value]
        if not isinstance(value, list):
            raise crashed("members.forEach is not a function")
    entries = value if isinstance(value, list) else [value]
    return entries[0] if entries and isinstance(entries[0], list) else entries


def _member(site: Site, request: Incoming, member: dict[str, Any], errors: list[str]) -> Member | None:
    reference = member.get("id") or member.get("login")
    if not reference:
        _refuse_member_without_name(site, request)
    kind = member["type"]
    if kind == "subuser":
        user = request.account.find_user(reference)
        found = user.uuid if user is not None else None
    else:
        account = site.shared.directory.find(reference)
        found = account.uuid if account is not None else None
    if found is None:
        errors.append(f"Invalid {kind}: {reference}")
        return None
    return Member(kind, found, bool(member.get("default")))


def _policy(request: Incoming, policy: dict[str, Any], errors: list[str]) -> str | None:
    policies = request.account.access.policies
    # The name comes first, unlike in the reference.
    for key, field in (("name", "name"), ("id", "uuid")):
        for known in policies:
            if policy.get(key) and getattr(known, field) == policy[key]:
                return known.uuid
    reference = policy.get("id") or policy.get("name") or json.dumps(policy, separators=(",", ":"))
    errors.append(f"Invalid policy: {reference}")
    return None


def _check_distinct(request: Incoming, changes: RoleChanges) -> None:
    """Refuse a member or policy that is there twice; the directory's message has its distinguished name."""
    account = f"uuid={request.account.uuid}, ou=users, o=smartdc"
    members = [
        f"uuid={member.uuid}, {account}"
        if member.kind == "subuser"
        else f"uuid={member.uuid}, ou=users, o=smartdc"
        for member in changes.members or ()
    ]
    policies = [f"policy-uuid={policy}, {account}" for policy in changes.policies or ()]
    for entries in (members, policies):
        for entry in entries:
            if entries.count(entry) > 1:
                raise invalid_argument(f"{entry} is not unique")


def _refuse_member_without_name(site: Site, request: Incoming) -> NoReturn:
    note_violation(site, request, "a member with neither id nor login gets no answer")
    raise crashed("")
