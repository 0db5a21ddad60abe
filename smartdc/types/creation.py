"""Structured arguments of what makes machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict

__all__ = [
    "DiskSpec",
    "Locality",
    "NetworkObject",
    "VolumeMount",
]


class NetworkObject(TypedDict):
    """A network to attach a machine to; the address wanted must be on a network of one's own."""

    ipv4_uuid: str
    ipv4_ips: NotRequired[list[str]]


class DiskSpec(TypedDict, total=False):
    """A disk of a new bhyve machine.

    `size` is in MiB, or ``remaining`` for what the others leave of the package; the first disk, which gets
    the image, may do without. `block_size` is in bytes, a power of 2 from 512 to 131072, and not for the
    first. `image` and `boot` are the first disk's whatever is given.
    """

    id: str
    size: int | Literal["remaining"]
    block_size: int
    boot: bool
    image: str


class VolumeMount(TypedDict):
    """A volume to mount in a new container; `mode` is ``rw`` (when absent) or ``ro``."""

    name: str
    mountpoint: str
    mode: NotRequired[Literal["ro", "rw"]]
    type: NotRequired[str]


class Locality(TypedDict, total=False):
    """Machines, by UUID, whose servers a new machine shall share (`near`) or not (`far`).

    `strict` makes the create fail where that cannot be; otherwise it is a hint.
    """

    strict: bool
    near: str | Sequence[str]
    far: str | Sequence[str]
