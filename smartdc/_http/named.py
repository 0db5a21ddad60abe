"""The ids of things that arguments name: a name is looked up in one list; an id needs no request.

`smartdc.arguments.names` decides which one is meant. An unknown name raises the same `NotFoundError` as an
unknown id; an ambiguous name raises a `ConfigurationError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import requests

from smartdc._http.answers import list_of, not_listed
from smartdc._http.connection import Connection
from smartdc._http.paging import PAGE, in_order
from smartdc.arguments.ids import entity_id, machine_ref, plain, refuse_key, shown, without_none
from smartdc.arguments.kinds import as_list
from smartdc.arguments.names import (
    ANY_IMAGE,
    FIREWALL_RULE,
    IMAGE,
    MACHINE,
    NETWORK,
    PACKAGE,
    VLAN,
    Kind,
    find_named,
    find_newest,
    find_single,
    is_short_id,
    must_look_up,
    not_found_message,
)
from smartdc.arguments.urns import images_with_urn, is_version_of
from smartdc.errors import ConfigurationError

if TYPE_CHECKING:
    from smartdc.types import Image

__all__ = [
    "dataset_of",
    "fabric_network_id_of",
    "id_of",
    "ids_of",
    "machine_id_of",
    "machine_ids_of",
    "network_refs",
    "resource_path",
    "vlan_id_of",
]

_RESOURCES = {kind.place[0]: kind for kind in (ANY_IMAGE, FIREWALL_RULE, MACHINE, NETWORK, PACKAGE)}
"""Kinds that can carry role tags and are looked up by name; the keys are their collections."""

_ALIAS = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,188}"
"""What the name of a machine may be; the server is not asked for other text."""


def id_of(connection: Connection, kind: Kind, ref: Any, *keys: str) -> str:
    """The id of what an argument names; the name itself where the server accepts names.

    Args:
        connection: Gets the list, once, if `ref` is neither an id, a dict nor an object.
        kind: The kind of thing.
        ref: The argument.
        *keys: Where a dict has its id, best first; the kind's own keys when not given.

    Raises:
        ConfigurationError: It names nothing, or is ambiguous.
        NotFoundError: Nothing has this name.
    """
    return ids_of(connection, kind, [ref], *keys)[0]


def ids_of(connection: Connection, kind: Kind, refs: Iterable[Any], *keys: str) -> list[str]:
    """The ids of what several arguments name, with at most one list for all of them."""
    return _found(connection, kind, kind.place, refs, keys or kind.keys)


def fabric_network_id_of(connection: Connection, vlan: str, ref: Any) -> str:
    """The id of a network on that VLAN."""
    return _found(connection, NETWORK, (*VLAN.place, vlan, "networks"), [ref], NETWORK.keys)[0]


def machine_id_of(connection: Connection, ref: Any, *keys: str) -> str:
    """The id of a machine.

    Raises:
        ConfigurationError: It can be neither an id nor the name of a machine.
        NotFoundError: No machine has this name; deleted and failed machines do not count.
    """
    return machine_ids_of(connection, [ref], *keys)[0]


def machine_ids_of(connection: Connection, refs: Iterable[Any], *keys: str) -> list[str]:
    """The ids of machines, with at most one list: all its pages, or a single page for a single name."""
    all_refs = list(refs)
    idents = [machine_ref(ref, *keys) for ref in all_refs]
    names = _names(MACHINE, all_refs, idents)
    for name in names.values():
        if not re.fullmatch(_ALIAS, name):
            raise ConfigurationError(
                f"{shown(name)} is neither an id nor a name of a machine: give its UUID, name or short id"
            )
    if not names:
        return idents
    entries, response = _machines(connection, set(names.values()))
    return _with_ids(MACHINE, idents, names, entries, response)


def vlan_id_of(connection: Connection, ref: Any) -> str:
    """The number of a VLAN, as text.

    Raises:
        ConfigurationError: It names no VLAN, or is ambiguous.
        NotFoundError: Nothing has this name.
    """
    number = plain(ref.get("vlan_id") if isinstance(ref, Mapping) else ref)
    if type(number) is int and 0 <= number < 10_000:
        return str(number)
    if not isinstance(number, str) or not number or (isinstance(ref, Mapping) and not number.isdecimal()):
        raise ConfigurationError(
            f"{shown(ref)} names no VLAN: give its number, its name, or a dict with vlan_id"
        )
    return number if number.isdecimal() else _found(connection, VLAN, VLAN.place, [number], VLAN.keys)[0]


def network_refs(connection: Connection, networks: Any) -> list[Any]:
    """The argument `networks`, with ids in place of names."""
    refs = as_list("networks", networks, "[network]")
    idents = ids_of(connection, NETWORK, [ref["ipv4_uuid"] if _is_object(ref) else ref for ref in refs])
    return [
        {**ref, "ipv4_uuid": ident} if _is_object(ref) else ident
        for ref, ident in zip(refs, idents, strict=True)
    ]


def resource_path(connection: Connection, segments: tuple[str, ...]) -> tuple[str, ...]:
    """The path of something that can carry role tags, with an id in place of a name."""
    if len(segments) != 2 or segments[0] not in _RESOURCES:
        return segments
    collection, ref = segments
    if collection == "machines":
        return collection, machine_id_of(connection, ref)
    return collection, id_of(connection, _RESOURCES[collection], ref)


def dataset_of(connection: Connection, wanted: str) -> Image:
    """The image that a URN, a part of a URN, or a name stands for.

    Raises:
        ConfigurationError: Several images match.
        NotFoundError: No image matches.
    """
    body, response = connection._get_answer(*IMAGE.place)
    images: list[Any] = list_of(body, response, "id")
    found: list[Any] = [*images_with_urn(images, wanted)]
    choose = find_single if all(is_version_of(image, wanted) for image in found) else find_newest
    image: Image | None = choose(IMAGE, wanted, found) if found else find_named(IMAGE, wanted, images)
    if image is None:
        raise not_listed(response, not_found_message(IMAGE, wanted, images))
    return image


def _found(
    connection: Connection,
    kind: Kind,
    place: tuple[str, ...],
    refs: Iterable[Any],
    keys: tuple[str, ...],
) -> list[str]:
    all_refs = list(refs)
    idents = [entity_id(ref, kind.what, *keys) for ref in all_refs]
    names = _names(kind, all_refs, idents)
    if not names:
        return idents
    body, response = connection._get_answer(*place, params=kind.query)
    entries = list_of(body, response, "name" if kind is VLAN else "id")
    return _with_ids(kind, idents, names, entries, response)


def _names(kind: Kind, refs: list[Any], idents: list[str]) -> dict[int, str]:
    """The names among these ids, which have to be looked up, by their index."""
    names = {
        at: ident
        for at, ident in enumerate(idents)
        if isinstance(plain(refs[at]), str) and must_look_up(kind, ident)
    }
    for name in names.values():
        refuse_key(name)
    return names


def _with_ids(
    kind: Kind,
    idents: list[str],
    names: Mapping[int, str],
    entries: list[dict[str, Any]],
    response: requests.Response,
) -> list[str]:
    """The ids, with each name replaced by the id of the listed entry."""
    known: dict[str, str] = {}
    for name in dict.fromkeys(names.values()):
        found = find_named(kind, name, entries)
        if found is None:
            raise not_listed(response, not_found_message(kind, name, entries))
        known[name] = str(found.get(kind.ident))
    return [known[names[at]] if at in names else ident for at, ident in enumerate(idents)]


def _machines(connection: Connection, names: set[str]) -> tuple[list[dict[str, Any]], requests.Response]:
    """Machines, among them all that have these names.

    The server's filter by name matches prefixes (docs/cloudapi/lists.md#name-filter-matches-prefixes).
    """
    last: list[requests.Response] = []
    only = next(iter(names)) if len(names) == 1 else None
    query = without_none(name=None if only is None or is_short_id(MACHINE, only) else only)

    def page(offset: int | None) -> list[dict[str, Any]]:
        body, response = connection._get_answer(
            *MACHINE.place, params={**query, **without_none(offset=offset)}
        )
        last[:] = [response]
        return list_of(body, response, "id")

    kept = ("id", "name", "state")
    listing = ({key: data.get(key) for key in kept} for data in in_order(page, PAGE, "/machines"))
    entries = list(islice(listing, PAGE))
    if not any(entry["name"] == only for entry in entries):
        entries += listing
    return entries, last[0]


def _is_object(network: Any) -> bool:
    return isinstance(network, Mapping) and "ipv4_uuid" in network
