"""The roles that a request is made with, sent as the query parameter ``as-role``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from smartdc.arguments.ids import shown
from smartdc.arguments.kinds import as_list
from smartdc.errors import ConfigurationError

__all__ = ["checked_roles", "with_roles"]

PARAMETER = "as-role"

_STORES_PARAMETERS = r"/machines/[^/]+/(tags|metadata)"
"""Paths at which the server stores every parameter but its own as an entry
(docs/cloudapi/tags-and-metadata.md#parameters-that-become-tags)."""


def checked_roles(roles: Iterable[str]) -> tuple[str, ...]:
    """Check the names of roles, and return them.

    Raises:
        ConfigurationError: It is not a sequence of names, or a name is empty or has a comma or a control
            character.
    """
    if isinstance(roles, str):
        raise ConfigurationError(f"roles must be a list of names: roles=[{shown(roles)}]")
    names = tuple(as_list("roles", roles, "['ops']"))
    for name in names:
        if not isinstance(name, str) or not name.strip() or "," in name or not name.isprintable():
            raise ConfigurationError(f"{shown(name)} cannot be the name of a role: give each alone, as text")
    return names


def with_roles(
    roles: tuple[str, ...], method: str, path: str, params: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """Return the query of a request that is made with these roles.

    Args:
        roles: Their names; without any the server takes the caller's default roles.
        method: HTTP verb.
        path: Path below the account.
        params: The query so far. An ``as-role`` in it is kept: the server fails if there are two.

    Raises:
        ConfigurationError: The server would take the roles for a tag or a metadata entry.
    """
    chosen = (params or {}).get(PARAMETER)
    if chosen is None and not roles:
        return params
    stored = re.fullmatch(_STORES_PARAMETERS, path)
    if stored and method.upper() in ("POST", "PUT"):
        raise ConfigurationError(
            f"{stored[1]} cannot be written with named roles, because the server would store {PARAMETER!r} "
            f"among the {stored[1]}: write with the default roles, sdc.as_role().machine(id, lazy=True)"
        )
    return params if chosen is not None else {**(params or {}), PARAMETER: ",".join(roles)}
