"""Access control: roles, policies with what a role may do, and role tags with the resources for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from smartdc._http import shapes
from smartdc._http.connection import Connection
from smartdc._http.named import id_of, resource_path
from smartdc._http.request import Request, idempotent
from smartdc.arguments.ids import entity_id, is_lower_case_uuid, shown, without_none
from smartdc.arguments.kinds import as_list, text_of, texts
from smartdc.arguments.names import POLICY, ROLE
from smartdc.arguments.refs import MemberRef, PolicyRef, RoleRef
from smartdc.arguments.role_tags import ResourceRef, resource_segments, role_names, role_tag_header
from smartdc.errors import ConfigurationError

if TYPE_CHECKING:
    from smartdc.types import Policy, Role, RoleTags


_BEFORE_9 = r"\s*(((~>?|\^|<=?|=|v)?\s*[0-8](\.\S*)?)|<\s*9(\.0){0,2})\s*"
"""A version range before 9, where a role's members and policies are plain names."""
_WITHOUT_HEAD = ("datacenters", "services")
"""Collections for which the server has no HEAD."""


class RoleOperations(Connection):
    """Operations on roles, policies and role tags. Changes may take seconds to take effect."""

    def roles(self) -> list[Role]:
        """List the account's roles.

        ``GET /:login/roles``

        Since API 7.2.

        Returns:
            List of dicts with ``id``, ``name``, ``members``, ``policies``. Before API 9 (`api_version='~8'`)
            they look like `smartdc.types.RoleOfNames`.
        """
        return self._list("roles", shape=shapes.ROLE)

    def role(self, role: RoleRef) -> Role:
        """Get one role.

        ``GET /:login/roles/:role``

        Since API 7.2.

        Args:
            role: UUID, name, or dict from `roles`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        return self._get("roles", entity_id(role, "role", "id", "name"), shape=shapes.ROLE)

    def create_role(
        self,
        name: str,
        *,
        members: Iterable[MemberRef] | None = None,
        policies: Iterable[PolicyRef] | None = None,
        default_members: Iterable[MemberRef] | None = None,
        role_tags: Iterable[RoleRef] | RoleRef | None = None,
    ) -> Role:
        """Create a role.

        ``POST /:login/roles``

        Since API 7.2.

        Args:
            name: Its name, unique in this account. Members of ``administrator`` may do everything.
            members: Who has it: sub-users by login, UUID or dict, or `RoleMember` dicts
                (``{'type': 'account', 'login': ...}`` is another account).
            policies: What it may do: names, UUIDs or dicts of policies.
            default_members: Members for whom it is active when a request names no role; they need not be
                named in `members` again.
            role_tags: Roles whose members may act on the new role.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: the name is taken, or a member or policy is unknown.
            MissingParameterError: ``MissingParameter``: the name is empty.
        """
        body = {"name": text_of("name", name)} | self._role_body(members, policies, default_members)
        headers = role_tag_header(role_tags)
        return self._post("roles", shape=shapes.ROLE, json=body, headers=headers, named=str(body["name"]))

    def update_role(
        self,
        role: RoleRef,
        *,
        name: str | None = None,
        members: Iterable[MemberRef] | None = None,
        policies: Iterable[PolicyRef] | None = None,
        default_members: Iterable[MemberRef] | None = None,
    ) -> Role:
        """Change a role; None leaves a property unchanged.

        ``POST /:login/roles/:role``

        Since API 7.2.

        Args:
            role: UUID, name, or dict from `roles`.
            name: New name.
            members: All members from now on, as in `create_role`; ``[]`` leaves none.
            policies: All policies from now on; ``[]`` leaves none.
            default_members: As in `create_role`. Members are replaced by `members` and `default_members`
                together, even if only one of the two is given.

        Returns:
            The role after the change.

        Raises:
            ConfigurationError: There is nothing to change.
            InvalidArgumentError: ``InvalidArgument``: the name is taken, or a member or policy is unknown.
            NotFoundError: ``ResourceNotFound``.
        """
        body = texts(name=name) | self._role_body(members, policies, default_members)
        if not body:
            # The server would fail (node-ufds answers nothing, and cloudapi reads a role from it).
            raise ConfigurationError("update_role needs something to change, such as members=")
        ident = entity_id(role, "role", "id", "name")
        return self._post("roles", ident, shape=shapes.ROLE, json=body, before_repeat=idempotent)

    def delete_role(self, role: RoleRef) -> None:
        """Delete a role; its members lose its permissions.

        ``DELETE /:login/roles/:role``

        Since API 7.2.

        Args:
            role: UUID, name, or dict from `roles`. A name is looked up in the list, because the server does
                not accept it here.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        self._delete("roles", id_of(self, ROLE, role))

    def policies(self) -> list[Policy]:
        """List the account's policies.

        ``GET /:login/policies``

        Since API 7.2.

        Returns:
            List of dicts with ``id``, ``name``, ``rules``, ``description``.
        """
        return self._list("policies", shape=shapes.POLICY)

    def policy(self, policy: PolicyRef) -> Policy:
        """Get one policy.

        ``GET /:login/policies/:policy``

        Since API 7.2.

        Args:
            policy: UUID, name, or dict from `policies`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        return self._get("policies", entity_id(policy, "policy", "id", "name"), shape=shapes.POLICY)

    def create_policy(
        self,
        name: str,
        rules: Sequence[str] | str,
        *,
        description: str | None = None,
        role_tags: Iterable[RoleRef] | RoleRef | None = None,
    ) -> Policy:
        """Create a policy.

        ``POST /:login/policies``

        Since API 7.2.

        Args:
            name: Its name, unique in this account.
            rules: One or more sentences: ``CAN listmachines AND getmachine``, with a condition
                ``CAN stopmachine WHEN tag_role::string = web``. Actions are CloudAPI's operations in lower
                case; each action on a machine has its own (``rebootmachine``).
            description: What it is for.
            role_tags: Roles whose members may act on the new policy.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: the name is taken, or a rule is not understood.
            MissingParameterError: ``MissingParameter``: no name, or no rule.
        """
        body = {"name": text_of("name", name), "rules": _rule_list(rules), **texts(description=description)}
        headers = role_tag_header(role_tags)
        return self._post(
            "policies", shape=shapes.POLICY, json=body, headers=headers, named=str(body["name"])
        )

    def update_policy(
        self,
        policy: PolicyRef,
        *,
        name: str | None = None,
        rules: Sequence[str] | str | None = None,
        description: str | None = None,
    ) -> Policy:
        """Change a policy; None leaves a property unchanged.

        ``POST /:login/policies/:policy``

        Since API 7.2.

        Args:
            policy: UUID, name, or dict from `policies`. A name is looked up in the list, because the server
                does not accept it here.
            name: New name.
            rules: All rules from now on.
            description: What it is for; ``''`` clears it.

        Returns:
            The policy after the change.

        Raises:
            ConfigurationError: There is nothing to change.
            InvalidArgumentError: ``InvalidArgument``: the name is taken, or a rule is not understood.
            MissingParameterError: ``MissingParameter``: there is no such policy.
        """
        body: dict[str, Any] = texts(name=name, description=description)
        body |= without_none(rules=None if rules is None else _rule_list(rules))
        if not body:
            raise ConfigurationError("update_policy needs something to change, such as rules=")
        ident = id_of(self, POLICY, policy)
        return self._post("policies", ident, shape=shapes.POLICY, json=body, before_repeat=idempotent)

    def delete_policy(self, policy: PolicyRef) -> None:
        """Delete a policy; the roles that have it lose it.

        ``DELETE /:login/policies/:policy``

        Since API 7.2.

        Args:
            policy: UUID, name, or dict from `policies`. A name is looked up in the list, because the server
                does not accept it here.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        self._delete("policies", id_of(self, POLICY, policy))

    def role_tags(self, resource: ResourceRef) -> list[str]:
        """Get the names of the roles that a resource is tagged with.

        ``HEAD /:login/...``, and ``GET`` of data centers and services; they are in the header ``role-tag``.

        Since API 7.2.

        Args:
            resource: As in `set_role_tags`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        segments = resource_path(self, resource_segments(resource))
        if segments and segments[0] in _WITHOUT_HEAD:
            # GET of one data center is a redirect.
            response = self._call(Request("GET", self._path(*segments)))[1]
        else:
            response = self._head(*segments, params={"limit": 1} if segments == ("machines",) else None)
        return [name for name in response.headers.get("role-tag", "").split(",") if name]

    def set_role_tags(self, resource: ResourceRef, roles: Iterable[RoleRef] | RoleRef) -> RoleTags:
        """Tag a resource with these roles and no others: members may act on it as their policies permit.

        ``PUT /:login``, ``PUT /:login/:resource_name``, ``PUT /:login/:resource_name/:resource_id``,
        ``PUT /:login/users/:user/:resource_name`` and ``PUT /:login/users/:user/keys/:resource_id``

        Since API 7.2. To list machines, a sub-user needs the tag on the collection ``machines``; to act on
        one, the tag on that machine, which also covers its tags, snapshots, ...

        Args:
            resource: Its path below the account: ``'machines'``, ``'images/NAME'``; or a `Machine`; or the
                parts of its path, which may be dicts and objects: ``('images', image)``,
                ``('users', user, 'keys', key)``; None for the account itself. Collections are datacenters,
                fwrules, images, keys, machines, networks, packages, policies, roles, services and users.
            roles: Names, or dicts from `roles`; ``[]`` leaves none.

        Returns:
            Dict with ``name``, the resource's path with the account, and ``role-tag``, the list of names.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: there is no such role.
            NotFoundError: ``ResourceNotFound``: there is no such machine or user, or it cannot be tagged.
        """
        body = {"role-tag": role_names(roles)}
        segments = resource_path(self, resource_segments(resource))
        return self._put(*segments, shape=shapes.ROLE_TAGS, json=body)

    def _role_body(
        self,
        members: Iterable[MemberRef] | None,
        policies: Iterable[PolicyRef] | None,
        default_members: Iterable[MemberRef] | None,
    ) -> dict[str, Any]:
        named = None if members is None else as_list("members", members, "[user]")
        default = None if default_members is None else as_list("default_members", default_members, "[user]")
        wanted = None if policies is None else as_list("policies", policies, "[policy]")
        if self._is_before_9():
            return without_none(
                members=None if named is None else [_login(member) for member in named],
                default_members=None if default is None else [_login(member) for member in default],
                policies=None
                if wanted is None
                else [entity_id(policy, "policy", "name") for policy in wanted],
            )
        body: dict[str, Any] = {}
        if named is not None or default is not None:
            first = [{**_member(member), "default": True} for member in default or ()]
            others = {_identity(member): member for member in map(_member, named or ())}
            body["members"] = list((others | {_identity(member): member for member in first}).values())
        if wanted is not None:
            body["policies"] = [_policy(policy) for policy in wanted]
        return body

    def _is_before_9(self) -> bool:
        """Whether the requested API version is before 9."""
        requested = self.default_headers.get(self.VERSION_HEADER) or self.default_headers.get("X-Api-Version")
        return bool(requested) and all(re.fullmatch(_BEFORE_9, part) for part in str(requested).split("||"))


def _rule_list(rules: Sequence[str] | str) -> list[str]:
    return as_list("rules", rules, "['CAN getmachine']", str)


def _member(member: MemberRef) -> dict[str, Any]:
    ident = entity_id(member, "user", "id", "login")
    if isinstance(member, Mapping) and "type" in member:
        return dict(member)
    return {"type": "subuser", "id" if is_lower_case_uuid(ident) else "login": ident}


def _identity(member: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return what identifies a member."""
    return member.get("type"), member.get("id") or member.get("login")


def _login(member: MemberRef) -> str:
    if isinstance(member, Mapping) and member.get("type", "subuser") != "subuser":
        raise ConfigurationError(f"{shown(member)} cannot be a member before API 9, only sub-users can")
    return entity_id(member, "user", "login")


def _policy(policy: PolicyRef) -> dict[str, str]:
    ident = entity_id(policy, "policy", "id", "name")
    return {"id" if is_lower_case_uuid(ident) else "name": ident}
