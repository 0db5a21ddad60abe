"""Role tags: the resource that a request is about, the roles that it is tagged with, and changes of them.

A machine's record has its role tags; those of other resources are kept by path (`Access.tags`). The path is
that of the request: a resource that was tagged as ``/test/users/bob`` has no tags as ``/test/users/UUID``.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from smartdc.emulator.http.answers import Answer, Refusal, invalid_argument
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.state.roles import Role
from smartdc.emulator.state.site import Site

HEADER = "role-tag"

_RESOURCES = (
    "AccessKey",
    "FirewallRule",
    "Image",
    "Key",
    "Machine",
    "Network",
    "Package",
    "Policy",
    "Role",
    "User",
    "UserAccessKey",
    "UserKey",
)
_COLLECTIONS = ("Policies", *(f"{resource}s" for resource in _RESOURCES))
#: Operations whose answers show the role tags.
_SHOWN = {
    *(f"{verb}{resource}" for verb in ("Get", "Head") for resource in (*_RESOURCES, "Account")),
    *(f"{verb}{collection}" for verb in ("List", "Head") for collection in _COLLECTIONS),
    "GetDatacenter",
    "ListDatacenters",
    "ListServices",
}
#: Operations that create a resource, with the field of the answer that names it in paths.
_CREATED = {
    "CreateAccessKey": "accesskeyid",
    "CreateFirewallRule": "id",
    "CreateImageFromMachine": "id",
    "CreateKey": "fingerprint",
    "CreatePolicy": "id",
    "CreateRole": "id",
    "CreateUser": "id",
    "CreateUserAccessKey": "accesskeyid",
    "CreateUserKey": "fingerprint",
}
_UPDATED = {f"Update{resource}" for resource in ("Account", "FirewallRule", "Policy", "Role", "User")}
_DELETED = {f"Delete{resource}" for resource in set(_RESOURCES) - {"Machine", "Network", "Package"}}


def load_tags(request: Incoming) -> None:
    """Determine the resource that the request is about, and its tags; API versions before 7.2 have none."""
    if not request.since((7, 2, 0)):
        return
    request.resource = name = _resource_name(request)
    access = request.account.access
    parts = name.split("/")[1:]
    if len(parts) > 2 and parts[1] == "machines":
        vm = request.vm_record
        request.tagged = access.roles_with(vm.role_tags if vm is not None else ())
    else:
        request.tagged = access.roles_with(access.tags.get(name, ()))


def show_or_update_tags(site: Site, request: Incoming, answer: Answer) -> None:
    """Show the tags in the answer; tag a created or updated resource; drop the tags of a deleted one."""
    operation = request.route.name if request.route else ""
    if request.resource is None:
        return
    if operation in _SHOWN and request.tagged:
        answer.headers[HEADER] = ",".join(role.name for role in request.tagged)
    elif operation in _DELETED and answer.status == 204:
        request.account.access.tags.pop(request.resource, None)
    elif answer.status not in (200, 201) or not (
        HEADER in request.headers or request.active_roles is not None
    ):
        return
    elif operation == "CreateMachine":
        _tag_new_machine(site, request, answer.body["id"])
    elif operation in _CREATED or operation in _UPDATED:
        if operation in _CREATED:
            request.resource += f"/{answer.body[_CREATED[operation]]}"
            request.tagged = []
        with suppress(Refusal):  # the server only logs the error
            save_tags(request)


def save_tags(request: Incoming) -> list[Role]:
    """Tag the resource with the roles that the request names.

    If it names none, the resource keeps its roles; without any it gets those that the caller acts with.

    Raises:
        Refusal: 409, one of the roles does not exist.
    """
    roles = _requested_roles(request)
    if roles is None:
        roles = request.tagged or request.active_roles
    if roles is None:
        return []
    request.tagged = roles
    uuids = [role.uuid for role in roles]
    if request.vm_record is not None:
        request.vm_record.role_tags = uuids
    else:
        request.account.access.tags[request.resource or ""] = uuids
    return roles


def _requested_roles(request: Incoming) -> list[Role] | None:
    """Return the roles that ``role-tag`` names, in a parameter or else in the header; None without either."""
    named: Any = request.params.get(HEADER)
    if not named and not isinstance(named, list):
        named = request.headers.get(HEADER)
        named = named.split(",") if named else None
    if named is None:
        return None
    return _find_roles(request, [as_text(name) for name in (named if isinstance(named, list) else [named])])


def _find_roles(request: Incoming, names: list[str]) -> list[Role]:
    by_name = {role.name: role for role in request.account.access.roles}
    unknown = [name for name in dict.fromkeys(names) if name not in by_name]
    if unknown:
        raise invalid_argument(f"Role(s) {', '.join(unknown)} not found")
    return [by_name[name] for name in dict.fromkeys(names)]


def _tag_new_machine(site: Site, request: Incoming, machine_uuid: str) -> None:
    header = request.headers.get(HEADER)
    roles = request.active_roles or []
    if header:
        try:
            roles = _find_roles(request, header.split(","))
        except Refusal:
            roles = []  # after one unknown name the server silently drops all of them
    site.machines[machine_uuid].role_tags = [role.uuid for role in roles]


def _resource_name(request: Incoming) -> str:
    """Return the path of the request's resource; for a part of a machine, it is that of the machine."""
    parts = request.path.split("/")[1:]
    parts[0] = str(request.params.get("account", parts[0]))
    is_user_key = len(parts) > 3 and parts[1] == "users" and parts[3] == "keys"
    if len(parts) > 3 and not is_user_key:
        keeps_three = len(parts) == 4 or parts[1] == "machines"
        parts = parts[:3] if keeps_three else parts[:4]
    return unquote("/" + "/".join(parts))
