"""Authorization: an account may do everything with its own resources; other callers need a role.

The role must be active (by default, or named in ``as-role``), one of its policies must have a rule for the
action, and the resource must be tagged with the role unless the rule itself names resources. The decision is
that of mahi, which evaluates rules with node-aperture.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from smartdc.emulator.http.answers import Refusal, crashed
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.rules.policy_grants import Grant, permits
from smartdc.emulator.state.directory import KeyOwner
from smartdc.emulator.state.roles import Role
from smartdc.emulator.state.site import Site


def check_allowed(site: Site, request: Incoming, operation: str) -> None:
    """Refuse what the caller may not do (403); set the roles that it acts with.

    Args:
        site: The data center.
        request: The request; its account and resource are loaded.
        operation: The operation's name in policies: ``getmachine``.
    """
    caller: KeyOwner | None = request.sub_user or request.caller
    if caller is None or caller is request.account or (request.sub_user and request.sub_user.allowed):
        return
    roles = _active_roles(request, caller)
    if not _allowed(site, request, operation, roles):
        raise _forbidden(f"{request.path} ({operation})")
    request.active_roles = roles


def _active_roles(request: Incoming, caller: KeyOwner) -> list[Role]:
    access, login = request.account.access, request.account.login
    asked = request.params.get("as-role")
    if not asked:
        return access.roles_of(caller.uuid, by_default=True)
    if not isinstance(asked, str):
        raise crashed("asRoleParam.split is not a function")
    own = {role.name: role for role in access.roles_of(caller.uuid)}
    if any(name not in own for name in asked.split(",")):
        raise _forbidden(login)  # the server does not name the role
    return [own[name] for name in asked.split(",")]


def _allowed(site: Site, request: Incoming, operation: str, roles: list[Role]) -> bool:
    account = request.account
    if not account.approved or (request.caller is not None and not request.caller.approved):
        return False
    tagged = {tag.uuid for tag in request.tagged}
    grants = [Grant(role.name, account.access.rules_of(role), role.uuid in tagged) for role in roles]
    return permits(grants, operation, request.path, _context(site, request, roles))


def _context(site: Site, request: Incoming, roles: list[Role]) -> dict[str, Any]:
    now = datetime.fromtimestamp(site.shared.clock.wall(), UTC)
    context = {
        "date": now,
        "day": now,
        "time": now,
        "user-agent": request.headers.get("user-agent"),
        "sourceip": request.ip,
        "method": request.method.lower(),
        "activeRoles": [role.uuid for role in roles],
        "datacenter": site.name,
    }
    if request.vm_record is not None:
        context["ip"] = request.machine.get("ips")
        context |= {f"tag_{name}": value for name, value in request.machine.get("tags", {}).items()}
    return context


def _forbidden(what: str) -> Refusal:
    return Refusal(403, "NotAuthorized", f"You do not have permission to access {what}")
