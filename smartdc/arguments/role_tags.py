"""Role tags: the paths of their resources in URLs, and the names of roles in them.

A role tag says which role a sub-user must have to act on a resource: on the account itself, on a collection
(``machines``), or on one thing in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from smartdc.arguments.ids import entity_id, path_parts, shown
from smartdc.arguments.kinds import as_list
from smartdc.arguments.refs import RoleRef
from smartdc.errors import ConfigurationError

__all__ = ["ResourceRef", "RoleRef", "resource_segments", "role_names", "role_tag_header"]

HEADER = "Role-Tag"


@runtime_checkable
class Addressed(Protocol):
    """An object with an id and a path below the account: a `Machine`."""

    id: str

    @property
    def path(self) -> str:
        """Its path below the account."""


ResourceRef = str | Addressed | Sequence[str | Mapping[str, Any] | Addressed] | None
"""What can carry role tags: a path, a `Machine`, a sequence of a path's parts; None is the account."""


def resource_segments(resource: ResourceRef) -> tuple[str, ...]:
    """Return the segments of a resource's path below the account.

    Raises:
        ConfigurationError: It does not say which collection the resource is in, or a part has no id or name.
    """
    if resource is None:
        return ()
    if isinstance(resource, str | Addressed):
        path = (resource if isinstance(resource, str) else resource.path).strip("/")
        return path_parts(path.split("/")) if path else ()
    if not isinstance(resource, Sequence):
        raise ConfigurationError(
            f"{shown(resource)} does not say what kind of thing it is: give its path, 'images/ID', or "
            "('images', image)"
        )
    return path_parts(resource)


def role_names(roles: Iterable[RoleRef] | RoleRef) -> list[str]:
    """Return the names of roles, because role tags have names and not ids.

    Raises:
        ConfigurationError: A role has no name, or a name that a header cannot hold.
    """
    names = [entity_id(role, "role", "name") for role in as_list("roles", roles, "['ops']")]
    for name in names:
        if "," in name or name != name.strip() or not name.isprintable():
            raise ConfigurationError(f"{shown(name)} cannot be the name of a role in a role tag")
    return names


def role_tag_header(roles: Iterable[RoleRef] | RoleRef | None) -> dict[str, str] | None:
    """Return the header that tags the created resource; None without roles."""
    names = [] if roles is None else role_names(roles)
    return {HEADER: ",".join(names)} if names else None
