"""Sub-users, and what they may do."""

from __future__ import annotations

from typing import Required, TypedDict

from smartdc.types.accounts import Person

__all__ = [
    "Policy",
    "PolicyName",
    "Role",
    "RoleMember",
    "RoleOfNames",
    "RoleTags",
    "User",
]


class User(Person, total=False):
    """A sub-user of the account. `roles` and `default_roles` are names, present when requested."""

    roles: list[str]
    default_roles: list[str]


class RoleMember(TypedDict, total=False):
    """Who has a role. `type` is ``subuser`` or ``account``; an argument needs only an id or a login."""

    type: Required[str]
    id: str
    login: str
    default: bool
    """Whether the role is active for this member in requests that name no role."""


class PolicyName(TypedDict, total=False):
    """A policy of a role; an argument needs only an id or a name."""

    id: str
    name: str


class Role(TypedDict, total=False):
    """A role, since API 9."""

    id: Required[str]
    name: Required[str]
    members: Required[list[RoleMember]]
    policies: Required[list[PolicyName]]


class RoleOfNames(TypedDict):
    """A role before API 9: logins and names instead of objects, and sub-users only."""

    id: str
    name: str
    members: list[str]
    default_members: list[str]
    policies: list[str]


class Policy(TypedDict, total=False):
    """What a role may do: rules such as ``CAN listmachines AND getmachine``."""

    id: Required[str]
    name: Required[str]
    rules: Required[list[str]]
    description: str


RoleTags = TypedDict("RoleTags", {"name": str, "role-tag": list[str]})
"""The roles that a resource is tagged with; `name` is the resource's path with the account."""
