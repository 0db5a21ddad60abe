"""Roles and policies, and the PUT routes of role tags, which match every path of up to three segments.

Because of these routes, an unknown resource answers 405 with ``Allow: PUT`` and not 404
(docs/cloudapi/requests.md#unknown-collections-are-not-allowed). A role's members and policies are objects
since API 9; before, they are names.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from smartdc.emulator.gate.role_tags import save_tags
from smartdc.emulator.http.answers import (
    Answer,
    Refusal,
    crashed,
    invalid_argument,
    missing_parameter,
    not_found,
)
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.http.routes import Route
from smartdc.emulator.http.violations import note_violation
from smartdc.emulator.javascript.truth import is_true
from smartdc.emulator.operations.keys import UPLOAD_TYPES
from smartdc.emulator.rules.policy_conditions import RuleError
from smartdc.emulator.rules.policy_reader import parse
from smartdc.emulator.rules.role_parameters import RoleChanges, read_changes
from smartdc.emulator.state.roles import ADMINISTRATOR, Policy, Role
from smartdc.emulator.state.site import Site

TAGGABLE = (
    "machines",
    "users",
    "roles",
    "packages",
    "images",
    "policies",
    "keys",
    "datacenters",
    "fwrules",
    "networks",
    "services",
)
_Thing = TypeVar("_Thing", Role, Policy)

_NOT_FOUND = "The resource you requested does not exist"


def role_json(site: Site, request: Incoming, role: Role) -> dict[str, Any]:
    """Write a role in the form of the request's API version, without deleted members and policies."""
    account = request.account
    policies = [policy for policy in account.access.policies if policy.uuid in role.policies]
    members = []
    for member in role.members:
        owner = account.find_user(member.uuid)
        found = owner if member.kind == "subuser" else site.shared.directory.find(member.uuid)
        if found is not None:
            members.append((member, found.login))
    if request.before((9, 0, 0)):
        users = [(member, login) for member, login in members if member.kind == "subuser"]
        return {
            "name": role.name,
            "id": role.uuid,
            "members": [login for _, login in users],
            "default_members": [login for member, login in users if member.default],
            "policies": [policy.name for policy in policies],
        }
    shown: dict[str, Any] = {"name": role.name, "id": role.uuid}
    if not role.members and not role.policies:  # the server then leaves the role untranslated
        return shown | {"members": [], "default_members": [], "policies": []}
    shown["policies"] = [{"id": policy.uuid, "name": policy.name} for policy in policies]
    shown["members"] = [
        {"id": member.uuid, "login": login}
        | ({"default": True} if member.default else {})
        | {"type": member.kind}
        for member, login in members
    ]
    return shown


def policy_json(policy: Policy) -> dict[str, Any]:
    """Write a policy."""
    shown: dict[str, Any] = {"name": policy.name, "id": policy.uuid, "rules": policy.rules}
    return shown if policy.description is None else shown | {"description": policy.description}


def list_roles(site: Site, request: Incoming) -> Answer:
    """``GET /:account/roles``."""
    return Answer([role_json(site, request, role) for role in request.account.access.roles])


def get_role(site: Site, request: Incoming) -> Answer:
    """``GET /:account/roles/:role``, by uuid or name."""
    return Answer(role_json(site, request, _role(request)))


def create_role(site: Site, request: Incoming) -> Answer:
    """``POST /:account/roles``."""
    changes = read_changes(site, request)
    name = request.params.get("name")
    if not name:
        raise missing_parameter("Request is missing required parameter: name")
    if not isinstance(name, str):
        raise Refusal(500, "InternalError", "Internal Error")
    _check_unique(request.account.access.roles, name)
    role = Role(site.new_uuid(), name)
    _apply(role, changes)
    request.account.access.roles.append(role)
    location = f"/{request.account.login}/roles/{role.uuid}"
    return Answer(role_json(site, request, role), 201, {"Location": location})


def update_role(site: Site, request: Incoming) -> Answer:
    """``POST /:account/roles/:role``, by uuid or name; a request that changes nothing gets a 500."""
    changes = read_changes(site, request)
    role = _role(request)
    if role.name == ADMINISTRATOR and changes.policies is not None:
        raise invalid_argument("Administrator role cannot have policies")
    if changes == RoleChanges():
        raise Refusal(500, "InternalError", "Internal Error")
    if changes.name is not None:
        _check_unique(request.account.access.roles, changes.name, role)
    _apply(role, changes)
    return Answer(role_json(site, request, role))


def delete_role(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/roles/:role``, by uuid only."""
    _remove(request.account.access.roles, request.params["role"])
    return Answer(status=204)


def _remove(things: list[_Thing], uuid: Any) -> None:
    found = next((thing for thing in things if thing.uuid == uuid), None)
    if found is None:
        raise not_found(_NOT_FOUND)
    things.remove(found)


def list_policies(site: Site, request: Incoming) -> Answer:
    """``GET /:account/policies``."""
    return Answer([policy_json(policy) for policy in request.account.access.policies])


def get_policy(site: Site, request: Incoming) -> Answer:
    """``GET /:account/policies/:policy``, by uuid or name."""
    name = as_text(request.params["policy"])
    policy = request.account.access.policy(name)
    if policy is None:
        raise not_found(f"{name} does not exist")
    return Answer(policy_json(policy))


def create_policy(site: Site, request: Incoming) -> Answer:
    """``POST /:account/policies``."""
    params = request.params
    missing = [name for name in ("name", "rules") if not is_true(params.get(name))]
    if missing:
        reasons = ", ".join(f"{name} is required" for name in missing)
        raise missing_parameter(f"Request is missing required parameters: {reasons}")
    rules = _checked_rules(_from_json(params["rules"]))
    if not isinstance(params["name"], str):
        raise Refusal(500, "InternalError", "Internal Error")
    _check_rules_stored(rules)
    _check_unique(request.account.access.policies, params["name"])
    policy = Policy(site.new_uuid(), params["name"], rules, _description(params))
    request.account.access.policies.append(policy)
    location = f"/{request.account.login}/policies/{policy.uuid}"
    return Answer(policy_json(policy), 201, {"Location": location})


def update_policy(site: Site, request: Incoming) -> Answer:
    """``POST /:account/policies/:policy``, by uuid only.

    For an unknown uuid the directory tries to create a policy, and fails because fields are missing.
    """
    params, access = request.params, request.account.access
    new_rules = params.get("rules")
    rules = _checked_rules(new_rules) if new_rules or new_rules == [] else None
    policy = access.policy(as_text(params["policy"]))
    if policy is None:
        raise missing_parameter("Request is missing a required parameter (account is required)")
    if policy.uuid != params["policy"]:
        raise not_found(_NOT_FOUND)
    if rules is not None:
        _check_rules_stored(rules)
    if params.get("name"):
        _check_unique(access.policies, as_text(params["name"]), policy)
    if not params.get("name") and rules is None and "description" not in params:
        return Answer({})
    policy.name = as_text(params.get("name") or policy.name)
    policy.rules = policy.rules if rules is None else rules
    if "description" in params:
        policy.description = _description(params)
    return Answer(policy_json(policy))


def delete_policy(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/policies/:policy``, by uuid only."""
    _remove(request.account.access.policies, request.params["policy"])
    return Answer(status=204)


def replace_role_tags(site: Site, request: Incoming) -> Answer:
    """``PUT /:account...``: without ``role-tag`` nothing changes, an empty list clears.

    See docs/cloudapi/requests.md#put-without-role-tags-changes-nothing.
    """
    resource = request.params.get("resource_name")
    user = request.params.get("resource_id")
    if resource == "users" and user and request.account.find_user(as_text(user)) is None:
        raise not_found(f"{user} does not exist")
    if request.resource is None:
        note_violation(site, request, "role tags before API 7.2 get no answer")
        raise crashed("")
    if resource and resource not in TAGGABLE:
        raise not_found(f"{resource} is not a valid resource")
    roles = save_tags(request)
    return Answer({"name": request.resource, "role-tag": [role.name for role in roles]})


def _role(request: Incoming) -> Role:
    name = as_text(request.params["role"])
    role = request.account.access.role(name)
    if role is None:
        raise not_found(f"{name} does not exist")
    return role


def _apply(role: Role, changes: RoleChanges) -> None:
    role.name = changes.name or role.name
    if changes.members is not None:
        role.members = changes.members
    if changes.policies is not None:
        role.policies = changes.policies


def _check_unique(known: list[Role] | list[Policy], name: str, ignored: Role | Policy | None = None) -> None:
    if any(entry.name == name for entry in known if entry is not ignored):
        raise invalid_argument("Name is not unique")


def _from_json(rules: Any) -> Any:
    """Decode rules that are sent as JSON in a text; return other rules unchanged."""
    try:
        return json.loads(rules) if isinstance(rules, str) else rules
    except ValueError:
        return rules


def _checked_rules(rules: Any) -> list[str]:
    texts = [as_text(rule) for rule in (rules if isinstance(rules, list) else [rules])]
    errors = []
    for text in texts:
        try:
            parse(text)
        except RuleError as error:
            errors.append(str(error))
    if errors:
        raise invalid_argument(", ".join(errors))
    return texts


def _check_rules_stored(rules: list[str]) -> None:
    if not rules:
        raise missing_parameter("Request is missing a required parameter (rule is required)")
    for rule in rules:
        if rules.count(rule) > 1:
            raise invalid_argument(f"{rule} is not unique")


def _description(params: dict[str, Any]) -> str | None:
    return as_text(params["description"]) if params.get("description") else None


_ROLE = ("name", "members", "default_members", "policies")
_POLICY = ("name", "rules", "description")
_TAGS = ("role-tag",)

POLICY_ROUTES = [
    Route("CreatePolicy", "POST", "/:account/policies", create_policy, _POLICY, types=UPLOAD_TYPES),
    Route("ListPolicies", "GET", "/:account/policies", list_policies),
    Route("HeadPolicies", "HEAD", "/:account/policies", list_policies),
    Route("GetPolicy", "GET", "/:account/policies/:policy", get_policy),
    Route("HeadPolicy", "HEAD", "/:account/policies/:policy", get_policy),
    Route("UpdatePolicy", "POST", "/:account/policies/:policy", update_policy, _POLICY),
    Route("DeletePolicy", "DELETE", "/:account/policies/:policy", delete_policy),
]

ROLE_ROUTES = [
    Route("CreateRole", "POST", "/:account/roles", create_role, _ROLE, types=UPLOAD_TYPES),
    Route("ListRoles", "GET", "/:account/roles", list_roles),
    Route("HeadRoles", "HEAD", "/:account/roles", list_roles),
    Route("GetRole", "GET", "/:account/roles/:role", get_role),
    Route("HeadRole", "HEAD", "/:account/roles/:role", get_role),
    Route("UpdateRole", "POST", "/:account/roles/:role", update_role, _ROLE),
    Route("DeleteRole", "DELETE", "/:account/roles/:role", delete_role),
]

ROLE_TAG_ROUTES = [
    Route("ReplaceAccountRoleTags", "PUT", "/:account", replace_role_tags, _TAGS),
    Route("ReplaceResourcesRoleTags", "PUT", "/:account/:resource_name", replace_role_tags, _TAGS),
    Route(
        "ReplaceUserKeysResourcesRoleTags",
        "PUT",
        "/:account/users/:user/:resource_name",
        replace_role_tags,
        _TAGS,
    ),
    Route(
        "ReplaceResourceRoleTags",
        "PUT",
        "/:account/:resource_name/:resource_id",
        replace_role_tags,
        _TAGS,
    ),
    Route("ReplaceMachineRoleTags", "PUT", "/:account/machines/:machine", replace_role_tags, _TAGS),
    Route(
        "ReplaceUserKeysResourceRoleTags",
        "PUT",
        "/:account/users/:user/keys/:resource_id",
        replace_role_tags,
        _TAGS,
    ),
]
