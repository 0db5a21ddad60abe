"""Roles, policies and role tags: what the directory keeps of an account's access control."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

#: A member of a role by this name may do everything; it has no policies.
ADMINISTRATOR = "administrator"


@dataclass
class Policy:
    """Rules, as they were written."""

    uuid: str
    name: str
    rules: list[str]
    description: str | None = None


@dataclass(frozen=True)
class Member:
    """Who has a role: `kind` is ``subuser`` or ``account``."""

    kind: str
    uuid: str
    default: bool = False


@dataclass
class Role:
    """A role.

    Attributes:
        policies: Their uuids; of one that is gone nothing is shown.
    """

    uuid: str
    name: str
    members: list[Member] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)

    def has(self, member_uuid: str, *, by_default: bool = False) -> bool:
        """Whether somebody is a member, or is one without asking."""
        return any(
            member.uuid == member_uuid and (member.default or not by_default) for member in self.members
        )


_Named = TypeVar("_Named", Role, Policy)


@dataclass
class Access:
    """The access control of one account.

    Attributes:
        tags: Uuids of roles by the path of what they are tags of, ``/test/images``; machines keep their own.
    """

    roles: list[Role] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    tags: dict[str, list[str]] = field(default_factory=dict)

    def role(self, name: str) -> Role | None:
        """The role with this uuid or name."""
        return _find(self.roles, name)

    def policy(self, name: str) -> Policy | None:
        """The policy with this uuid or name."""
        return _find(self.policies, name)

    def roles_of(self, member_uuid: str, *, by_default: bool = False) -> list[Role]:
        """The roles that somebody has, or acts with when a request names none."""
        return [role for role in self.roles if role.has(member_uuid, by_default=by_default)]

    def roles_with(self, uuids: Iterable[str]) -> list[Role]:
        """Those of the roles that still exist."""
        found = (_find(self.roles, role_uuid) for role_uuid in uuids)
        return [role for role in found if role is not None]

    def rules_of(self, role: Role) -> list[str]:
        """What a role's policies say."""
        return [rule for policy in self.policies if policy.uuid in role.policies for rule in policy.rules]


def _find(entries: Iterable[_Named], name: str) -> _Named | None:
    return next((entry for entry in entries if name in (entry.uuid, entry.name)), None)
