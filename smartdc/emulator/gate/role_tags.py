"""Role tags: which resource a request is about, the roles that it is tagged with, and what changes them.

A machine keeps its own; those of everything else are kept by path (`Access.tags`). A tag names its resource
as the request does: what was tagged as ``/test/users/bob`` is not tagged as ``/test/users/UUID``.
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

_THINGS = (
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
_COLLECTIONS = ("Policies", *(f"{thing}s" for thing in _THINGS))
_SHOWN = {
    *(f"{verb}{thing}" for verb in ("Get", "Head") for thing in (*_THINGS, "Account")),
    *(f"{verb}{things}" for verb in ("List", "Head") for things in _COLLECTIONS),
    "GetDatacenter",
    "ListDatacenters",
    "ListServices",
}
#: What creates something, and where its answer says how that is named in a path.
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
_UPDATED = {f"Update{thing}" for thing in ("Account", "FirewallRule", "Policy", "Role", "User")}
_DELETED = {f"Delete{thing}" for thing in set(_THINGS) - {"Machine", "Network", "Package"}}


def load_tags(request: Incoming) -> None:
    """Find out which resource the request is about, and its tags; clients before 7.2 know of none."""
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


def keep_tags(site: Site, request: Incoming, answer: Answer) -> None:
    """Show a resource's tags in the answer, or tag what the request made, or forget what it deleted."""
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
        with suppress(Refusal):  # the server writes it to its log, and says nothing
            save_tags(request)


def save_tags(request: Incoming) -> list[Role]:
    """Tag the resource with the roles that the request names, else with those that it has or acts with.

    Raises:
        Refusal: 409, one of the roles does not exist.
    """
    roles = _named_roles(request)
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


def _named_roles(request: Incoming) -> list[Role] | None:
    """The roles that ``role-tag`` names, in a parameter or else in the header; None when there is none."""
    named: Any = request.params.get(HEADER)
    if not named and not isinstance(named, list):
        named = request.headers.get(HEADER)
        named = named.split(",") if named else None
    if named is None:
        return None
    return _roles_named(request, [as_text(name) for name in (named if isinstance(named, list) else [named])])


def _roles_named(request: Incoming, names: list[str]) -> list[Role]:
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
            roles = _roles_named(request, header.split(","))
        except Refusal:
            roles = []  # one wrong name loses them all, and nobody is told
    site.machines[machine_uuid].role_tags = [role.uuid for role in roles]


def _resource_name(request: Incoming) -> str:
    """The path that stands for the request's resource: what belongs to a machine is the machine."""
    parts = request.path.split("/")[1:]
    parts[0] = str(request.params.get("account", parts[0]))
    is_user_key = len(parts) > 3 and parts[1] == "users" and parts[3] == "keys"
    if len(parts) > 3 and not is_user_key:
        keeps_three = len(parts) == 4 or parts[1] == "machines"
        parts = parts[:3] if keeps_three else parts[:4]
    return unquote("/" + "/".join(parts))
