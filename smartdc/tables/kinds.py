"""The columns of each kind of list.

They are those of the ``list`` subcommands of the triton command 7.17
(https://github.com/TritonDataCenter/node-triton/tree/master/lib).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["MACHINES", "OTHERS", "Kind", "kind_of"]


Flags = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True)
class Kind:
    """A kind of list.

    Attributes:
        keys: The fields by which the kind is recognised: every entry has them all.
        columns: The columns of its table.
        mebibytes: Fields that are sizes in MiB.
        bytes: Fields that are sizes in bytes.
        flags: Returns the text of the column `flags` for an entry.
    """

    keys: frozenset[str]
    columns: tuple[str, ...]
    mebibytes: frozenset[str]
    bytes: frozenset[str]
    flags: Flags


def _no_flags(row: Mapping[str, Any]) -> str:
    return ""


def _machine_flags(machine: Mapping[str, Any]) -> str:
    return _letters(
        B=machine.get("brand") == "bhyve",
        D=machine.get("docker"),
        F=machine.get("firewall_enabled"),
        K=machine.get("brand") == "kvm",
        P=machine.get("deletion_protection"),
    )


def _image_flags(image: Mapping[str, Any]) -> str:
    return _letters(I=image.get("origin"), P=image.get("public"), X=image.get("state") != "active")


def _letters(**flags: Any) -> str:
    return "".join(letter for letter, is_set in flags.items() if is_set)


def _kind(keys: str, columns: str, mebibytes: str = "", size: str = "", flags: Flags = _no_flags) -> Kind:
    return Kind(
        frozenset(keys.split()),
        tuple(columns.split()),
        frozenset(mebibytes.split()),
        frozenset(size.split()),
        flags,
    )


MACHINES = _kind(
    "id name state image", "shortid name img state flags age", "memory disk free_space", flags=_machine_flags
)
OTHERS = _kind("", "")

_KINDS = (
    MACHINES,
    # before API 7
    _kind("id name state dataset", "shortid name img state flags age", "memory disk", "", _machine_flags),
    _kind("id name memory disk swap", "shortid name memory swap disk vcpus", "memory disk swap"),
    _kind("id name version os", "shortid name version flags os type pubdate", "image_size", "", _image_flags),
    _kind("id name owner_uuid size state", "shortid name size type state age", "size"),
    _kind("id name public", "shortid name subnet gateway fabric vlan public"),
    _kind("fingerprint name key", "fingerprint name"),
    _kind("accesskeyid status", "accesskeyid status created description"),
    _kind("id rule enabled", "shortid enabled global log rule"),
    _kind("id login email", "shortid login email name cdate"),
    _kind("id name members policies", "shortid name policies members"),
    _kind("id name rules", "shortid name description rules"),
    _kind("vlan_id name", "vlan_id name description"),
    _kind("mac ip network", "ip mac primary state network"),
    _kind("ip reserved", "ip managed reserved owner_uuid belongs_to_uuid"),
    _kind("action time success", "time action success"),
    _kind("machine phase state", "machine phase state created_timestamp"),
    _kind("id size pci_slot", "shortid size pci_slot state boot", "size free_space"),
    _kind("name state created updated", "name state size created", "", "size"),  # snapshots
)
"""The first kind whose keys all rows have is chosen, so kinds with more keys come first."""


def kind_of(rows: Sequence[Mapping[str, Any]]) -> Kind:
    """Return the kind of these rows; `OTHERS` if they are of no kind, or of several."""
    if not rows:
        return OTHERS
    return next((kind for kind in _KINDS if all(kind.keys <= row.keys() for row in rows)), OTHERS)
