"""Roles, policies and role tags: an account's access control, as the directory keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

#: The members of the role with this name may do everything, without policies.
ADMINISTRATOR = "administrator"


@dataclass
class Policy:
    """A policy; `rules` are the texts as the client sent them."""

    uuid: str
    name: str
    rules: list[str]
    description: str | None = None


@dataclass(frozen=True)
class Member:
    """A member of a role: `kind` is ``subuser`` or ``account``."""

    kind: str
    uuid: str
    default: bool = False


@dataclass
class Role:
    """A role.

    Attributes:
        policies: The uuids of its policies; answers omit policies that no longer exist.
    """

    uuid: str
    name: str
    members: list[Member] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)

    def has(self, member_uuid: str, *, by_default: bool = False) -> bool:
        """Whether this is a member; with `by_default`, whether it is a default member."""
        return any(
            member.uuid == member_uuid and (member.default or not by_default) for member in self.members
        )


_Named = TypeVar("_Named", Role, Policy)


@dataclass
class Access:
    """The access control of one account.

    Attributes:
        tags: The uuids of role tags by the path of the resource, such as ``/test/images``; those of machines
            are in their records.
    """

    roles: list[Role] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    tags: dict[str, list[str]] = field(default_factory=dict)

    def role(self, name: str) -> Role | None:
        """Return the role with this uuid or name, or None."""
        return _find(self.roles, name)

    def policy(self, name: str) -> Policy | None:
        """Return the policy with this uuid or name, or None."""
        return _find(self.policies, name)

    def roles_of(self, member_uuid: str, *, by_default: bool = False) -> list[Role]:
        """Return the roles of a member; with `by_default`, those of a request that names no roles."""
        return [role for role in self.roles if role.has(member_uuid, by_default=by_default)]

    def roles_with(self, uuids: Iterable[str]) -> list[Role]:
        """Return the roles with these uuids that still exist."""
        found = (_find(self.roles, role_uuid) for role_uuid in uuids)
        return [role for role in found if role is not None]

    def rules_of(self, role: Role) -> list[str]:
        """Return the rules of a role's policies."""
        return [rule for policy in self.policies if policy.uuid in role.policies for rule in policy.rules]


def _find(entries: Iterable[_Named], name: str) -> _Named | None:
    return next((entry for entry in entries if name in (entry.uuid, entry.name)), None)
