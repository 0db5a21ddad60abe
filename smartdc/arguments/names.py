"""Names where ids are meant: which of those that are listed an argument names.

They are chosen as the ``triton`` command chooses them (node-triton, getImage and the like in
https://github.com/TritonDataCenter/node-triton/blob/master/lib/tritonapi.js): a UUID is an id; of other text
the exact name counts, and then the short id, which is the first eight digits of the UUID. Where the command
would choose one of several that are equally likely, none is chosen.
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
"""Of digits as in a UUID, but neither a short id nor a whole one."""
_MOST = 4
"""How many candidates an error lists."""
_MOST_NEAR = 2
"""How many of them when they are only like what was given: with their ids they are long."""
_LONGEST = 60
"""How much of a name is compared when the near ones are sought."""


class Kind:
    """A kind of thing that has names.

    Args:
        what: The field's word for one.
        place: The path of the list, below the account.
        all: The call that lists them, for errors.
        name: The field that has the name; None where there is none.
        ident: The field that has the id.
        keys: Where a dict has its id, best first.
        short: Whether the short id counts.
        newest: Whether several of one name are versions, of which the newest is meant.
        by_server: Whether the server itself finds one by its name.
        query: The query of the list.
        gone: The states in which one has no name any more.
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
"""An image of any state: the command, too, changes and deletes others than active ones."""
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
    """Whether it may be a short id of this kind."""
    return kind.short and re.fullmatch(_SHORT, text) is not None


def must_look_up(kind: Kind, text: str) -> bool:
    """Whether it must be looked up in the list: it is no id, and the server does not find it either."""
    return not is_uuid(text) and (not kind.by_server or is_short_id(kind, text))


def find_named(kind: Kind, wanted: str, entries: Sequence[E]) -> E | None:
    """The one that is meant; None when there is none.

    Raises:
        ConfigurationError: It may be several.
    """
    there = [entry for entry in entries if entry.get("state") not in kind.gone]
    found = [entry for entry in there if entry.get(kind.name) == wanted] if kind.name else []
    if found and kind.newest:
        return find_newest(kind, wanted, found)
    if not found and kind.newest and "@" in wanted:
        name, _, version = wanted.partition("@")
        found = [entry for entry in there if entry.get("name") == name and entry.get("version") == version]
        found = _active(found) or found
    if not found and is_short_id(kind, wanted):
        start = f"{wanted.lower()}-"
        found = [entry for entry in there if str(entry.get(kind.ident)).startswith(start)]
    return find_single(kind, wanted, found)


def find_newest(kind: Kind, wanted: str, found: Sequence[E]) -> E | None:
    """The newest active one of these; of those that are not active, which may have no date, the only one.

    Raises:
        ConfigurationError: It may be several.
    """
    active = _active(found)
    last = max((_published(entry) for entry in active), default="")
    return find_single(kind, wanted, [entry for entry in active if _published(entry) == last] or found)


def find_single(kind: Kind, wanted: str, found: Sequence[E]) -> E | None:
    """The one of these; None when there is none.

    Raises:
        ConfigurationError: It may be several.
    """
    if len(found) > 1:
        candidates = _written(kind, found, owners=True)
        raise ConfigurationError(
            f"{shown(wanted)} may be any of {len(found)} {kind.place[-1]}: {candidates}; give the id of one"
        )
    return found[0] if found else None


def not_found_message(kind: Kind, wanted: str, entries: Sequence[Entry]) -> str:
    """Says that there is none of this name, and what may have been meant."""
    near = _near(kind, wanted, entries) or (entries if len(entries) <= _MOST else ())
    candidates = f"; candidates: {_written(kind, near)}" if near else ""
    word = "id" if kind.name is None else kind.name
    short = " or short id" if kind.short and kind.name else ""
    if short and re.fullmatch(_NEARLY_SHORT, wanted) and not is_short_id(kind, wanted):
        candidates = f", and a short id has 8 digits{candidates}"
    return f"no {kind.what} has the {word}{short} {shown(wanted)}{candidates}; sdc.{kind.all} lists all"


def _active(entries: Sequence[E]) -> list[E]:
    """Those that are active: without a state, as those of old servers, they are."""
    return [entry for entry in entries if entry.get("state", "active") == "active"]


def _published(entry: Entry) -> str:
    return str(entry.get("published_at") or "")


def _near(kind: Kind, wanted: str, entries: Sequence[Entry]) -> list[Entry]:
    """Those whose names are like it, the nearest first; of images the newest of each name."""
    named = {str(entry.get(kind.name))[:_LONGEST].lower(): entry for entry in entries if kind.name}
    name = wanted.partition("@")[0] if kind.newest else wanted
    with importing:  # only errors need it
        from difflib import get_close_matches

    close = get_close_matches(name[:_LONGEST].lower(), list(named), n=_MOST_NEAR, cutoff=0.6)
    return [named[each] for each in close]


def _written(kind: Kind, entries: Sequence[Entry], *, owners: bool = False) -> str:
    with_owner = owners and kind.newest and len({str(entry.get("owner")) for entry in entries}) > 1
    words = [_one(kind, entry, with_owner=with_owner) for entry in entries[:_MOST]]
    return ", ".join(words) + (", ..." if len(entries) > _MOST else "")


def _one(kind: Kind, entry: Entry, *, with_owner: bool) -> str:
    ident = escaped(str(entry.get(kind.ident))[:_LONGEST])
    if kind.name is None:
        return ident
    version = f"@{entry['version']}" if kind.newest and entry.get("version") else ""
    owner = f", owner {escaped(str(entry.get('owner'))[:_LONGEST])}" if with_owner else ""
    return f"{shown(f'{entry.get(kind.name)}{version}')} ({ident}{owner})"
