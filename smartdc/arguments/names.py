"""Finds the entry of a list that an argument names.

The rules are those of the ``triton`` command (node-triton, getImage and the like in
https://github.com/TritonDataCenter/node-triton/blob/master/lib/tritonapi.js): a UUID is an id; other text is
compared with names, and then with short ids, the first eight digits of UUIDs. Where the command would choose
one of several equally likely entries, this module refuses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from smartdc._forks import importing
from smartdc.arguments.ids import escaped, is_uuid, shown
from smartdc.arguments.states import ENDED
from smartdc.errors import ConfigurationError

__all__ = [
    "ANY_IMAGE",
    "FIREWALL_RULE",
    "IMAGE",
    "MACHINE",
    "NETWORK",
    "PACKAGE",
    "POLICY",
    "ROLE",
    "USER",
    "VLAN",
    "VOLUME",
    "Kind",
    "find_named",
    "find_newest",
    "find_single",
    "is_short_id",
    "must_look_up",
    "not_found_message",
]

Entry = Mapping[str, Any]
E = TypeVar("E", bound=Entry)

_SHORT = r"[0-9a-fA-F]{8}"
_NEARLY_SHORT = r"(?=[a-fA-F-]*[0-9])[0-9a-fA-F-]{4,35}"
"""Digits and hyphens as in a UUID, but neither a short id nor a whole UUID."""
_MOST_CANDIDATES = 4
"""How many candidates an error lists."""
_MOST_SIMILAR = 2
"""How many candidates an error lists if their names are only similar: with ids they are long."""
_LONGEST = 60
"""How many characters of names are compared in a search for similar ones."""


class Kind:
    """A kind of thing that has names.

    Args:
        what: What one of them is called in errors.
        place: The path of the list, below the account.
        all: The call that lists them, for errors.
        name: The field that has the name; None if there are no names.
        ident: The field that has the id.
        keys: The fields of a dict that have its id, best first.
        short: Whether a short id is accepted.
        newest: Whether several entries of one name are versions, of which the newest is meant.
        by_server: Whether the server itself finds an entry by its name.
        query: The query of the list, if it has one.
        gone: The states in which an entry is no longer found by its name.
    """

    def __init__(
        self,
        what: str,
        place: tuple[str, ...],
        all: str,
        *,
        name: str | None = "name",
        ident: str = "id",
        keys: tuple[str, ...] = ("id",),
        short: bool = True,
        newest: bool = False,
        by_server: bool = False,
        query: Mapping[str, str] | None = None,
        gone: tuple[str, ...] = (),
    ) -> None:
        self.what = what
        self.place = place
        self.all = all
        self.name = name
        self.ident = ident
        self.keys = keys
        self.short = short
        self.newest = newest
        self.by_server = by_server
        self.query = query
        self.gone = gone


FIREWALL_RULE = Kind("firewall rule", ("fwrules",), "firewall_rules()", name=None, by_server=True)
IMAGE = Kind("image", ("images",), "images()", newest=True)
ANY_IMAGE = Kind("image", ("images",), "images(state='all')", newest=True, query={"state": "all"})
"""An image in any state: like the command, the client changes and deletes inactive ones as well."""
MACHINE = Kind("machine", ("machines",), "machines()", gone=ENDED)
NETWORK = Kind("network", ("networks",), "networks()")
PACKAGE = Kind("package", ("packages",), "packages()", keys=("id", "name"), by_server=True)
POLICY = Kind("policy", ("policies",), "policies()", short=False)
ROLE = Kind("role", ("roles",), "roles()", short=False)
USER = Kind("user", ("users",), "users()", name="login", short=False)
VLAN = Kind(
    "VLAN",
    ("fabrics", "default", "vlans"),
    "fabric_vlans()",
    ident="vlan_id",
    keys=("vlan_id",),
    short=False,
)
VOLUME = Kind("volume", ("volumes",), "volumes()", gone=ENDED)


def is_short_id(kind: Kind, text: str) -> bool:
    """Whether the text may be a short id of this kind."""
    return kind.short and re.fullmatch(_SHORT, text) is not None


def must_look_up(kind: Kind, text: str) -> bool:
    """Whether the text must be looked up in a list: it is not an id, and the server cannot resolve it."""
    return not is_uuid(text) and (not kind.by_server or is_short_id(kind, text))


def find_named(kind: Kind, wanted: str, entries: Sequence[E]) -> E | None:
    """Return the entry with this name, version or short id; None if there is none.

    Raises:
        ConfigurationError: Several entries match.
    """
    live = [entry for entry in entries if entry.get("state") not in kind.gone]
    found = [entry for entry in live if entry.get(kind.name) == wanted] if kind.name else []
    if found and kind.newest:
        return find_newest(kind, wanted, found)
    if not found and kind.newest and "@" in wanted:
        name, _, version = wanted.partition("@")
        found = [entry for entry in live if entry.get("name") == name and entry.get("version") == version]
        found = _active(found) or found
    if not found and is_short_id(kind, wanted):
        start = f"{wanted.lower()}-"
        found = [entry for entry in live if str(entry.get(kind.ident)).startswith(start)]
    return find_single(kind, wanted, found)


def find_newest(kind: Kind, wanted: str, found: Sequence[E]) -> E | None:
    """Return the newest active entry; if none is active, the only one, as others may have no date.

    Raises:
        ConfigurationError: Several entries match.
    """
    active = _active(found)
    last = max((_published(entry) for entry in active), default="")
    return find_single(kind, wanted, [entry for entry in active if _published(entry) == last] or found)


def find_single(kind: Kind, wanted: str, found: Sequence[E]) -> E | None:
    """Return the only entry; None if there is none.

    Raises:
        ConfigurationError: There are several entries.
    """
    if len(found) > 1:
        candidates = _described(kind, found, owners=True)
        raise ConfigurationError(
            f"{shown(wanted)} may be any of {len(found)} {kind.place[-1]}: {candidates}; give the id of one"
        )
    return found[0] if found else None


def not_found_message(kind: Kind, wanted: str, entries: Sequence[Entry]) -> str:
    """Return the text of an error: nothing has this name, and what may have been meant."""
    near = _similar(kind, wanted, entries) or (entries if len(entries) <= _MOST_CANDIDATES else ())
    candidates = f"; candidates: {_described(kind, near)}" if near else ""
    word = "id" if kind.name is None else kind.name
    short = " or short id" if kind.short and kind.name else ""
    if short and re.fullmatch(_NEARLY_SHORT, wanted) and not is_short_id(kind, wanted):
        candidates = f", and a short id has 8 digits{candidates}"
    return f"no {kind.what} has the {word}{short} {shown(wanted)}{candidates}; sdc.{kind.all} lists all"


def _active(entries: Sequence[E]) -> list[E]:
    """Return the active entries; those without a state, as on old servers, are active."""
    return [entry for entry in entries if entry.get("state", "active") == "active"]


def _published(entry: Entry) -> str:
    return str(entry.get("published_at") or "")


def _similar(kind: Kind, wanted: str, entries: Sequence[Entry]) -> list[Entry]:
    """Return entries with similar names, the most similar first; the newest image of each name.

    Case does not matter. A name that begins with `wanted` is similar, however long it is.
    """
    named = {str(entry.get(kind.name))[:_LONGEST].lower(): entry for entry in entries if kind.name}
    name = wanted.partition("@")[0] if kind.newest else wanted
    with importing:  # only errors need it
        from difflib import get_close_matches

    start = name[:_LONGEST].lower()
    longer = sorted((each for each in named if each.startswith(start)), key=len) if len(start) > 2 else []
    close = get_close_matches(start, list(named), n=_MOST_SIMILAR, cutoff=0.6)
    return [named[each] for each in dict.fromkeys([*longer, *close])][:_MOST_SIMILAR]


def _described(kind: Kind, entries: Sequence[Entry], *, owners: bool = False) -> str:
    with_owner = owners and kind.newest and len({str(entry.get("owner")) for entry in entries}) > 1
    words = [_description(kind, entry, with_owner=with_owner) for entry in entries[:_MOST_CANDIDATES]]
    return ", ".join(words) + (", ..." if len(entries) > _MOST_CANDIDATES else "")


def _description(kind: Kind, entry: Entry, *, with_owner: bool) -> str:
    ident = escaped(str(entry.get(kind.ident))[:_LONGEST])
    if kind.name is None:
        return ident
    version = f"@{entry['version']}" if kind.newest and entry.get("version") else ""
    owner = f", owner {escaped(str(entry.get('owner'))[:_LONGEST])}" if with_owner else ""
    return f"{shown(f'{entry.get(kind.name)}{version}')} ({ident}{owner})"
