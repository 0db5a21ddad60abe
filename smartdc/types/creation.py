"""Structured arguments for creating machines."""

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
    """A network to attach a machine to. An address can be chosen on the account's own networks."""

    ipv4_uuid: str
    ipv4_ips: NotRequired[list[str]]


class DiskSpec(TypedDict, total=False):
    """A disk of a new bhyve machine.

    `size` is in MiB, or ``remaining`` for the rest of the package's disk space; the first disk, which gets
    the image, needs no size. `block_size` is in bytes, a power of 2 from 512 to 131072, and not allowed for
    the first disk. The first disk always has the image and is booted from, regardless of `image` and `boot`.
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
    """Machines, by UUID, whose servers a new machine should share (`near`) or not (`far`).

    `strict` makes the create fail if that is impossible; otherwise the locality is a hint.
    """

    strict: bool
    near: str | Sequence[str]
    far: str | Sequence[str]
