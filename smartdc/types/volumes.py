"""Volumes."""

from __future__ import annotations

from typing import Literal, NotRequired, Required, TypedDict

__all__ = [
    "Volume",
    "VolumeSize",
    "VolumeState",
]

VolumeState = Literal["creating", "ready", "deleting", "failed"]
"""The states of volumes."""


class Volume(TypedDict, total=False):
    """An NFS volume; size in MiB. `refs` are the machines that use it, and absent when there are none.

    `state` is ``creating``, ``ready``, ``deleting`` or ``failed``; `filesystem_path` is ``HOST:PATH``.
    """

    id: Required[str]
    owner_uuid: Required[str]
    name: Required[str]
    type: Required[str]
    state: Required[VolumeState | str]
    size: Required[int]
    created: Required[str]
    networks: list[str]
    refs: list[str]
    tags: dict[str, str]
    filesystem_path: str


class VolumeSize(TypedDict):
    """A size, in MiB, that volumes of a type can have."""

    size: int
    type: NotRequired[str]
