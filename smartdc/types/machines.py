"""Machines and what belongs to one."""

from __future__ import annotations

from typing import Any, Literal, Required, TypedDict

__all__ = [
    "NIC",
    "AuditEntry",
    "Disk",
    "MachineData",
    "MachineDisk",
    "MachineNic",
    "MachineState",
    "SnapshotData",
    "SnapshotState",
    "Value",
]


Value = str | int | float | bool
"""What a tag or a metadata entry may hold."""

MachineState = Literal[
    "provisioning", "ready", "running", "stopping", "stopped", "offline", "failed", "deleted", "unknown"
]
"""The states of machines (docs/cloudapi/machines.md#states-that-are-shown)."""

SnapshotState = Literal["queued", "creating", "created", "failed", "deleted", "unknown"]
"""The states of snapshots; ``unknown`` where the server says none."""


class MachineNic(TypedDict, total=False):
    """One network interface of a machine."""

    mac: Required[str]
    ip: Required[str]
    primary: Required[bool]
    netmask: Required[str]
    network: Required[str]
    gateway: str


class NIC(MachineNic, total=False):
    """One network interface; `state` is ``provisioning``, ``running`` or ``stopped``.

    `added` is the client's: whether `Machine.add_nic` made it, or found it there.
    """

    state: str
    added: bool


class MachineDisk(TypedDict, total=False):
    """A disk as it stands in a bhyve machine; size in MiB, block size in bytes."""

    id: str
    size: int
    block_size: int
    boot: bool
    image: str


class MachineData(TypedDict, total=False):
    """A machine; memory and disk in MiB, times ISO 8601 in UTC."""

    id: Required[str]
    name: Required[str]
    type: str
    brand: str
    state: Required[str]
    image: str
    dataset: str
    ips: list[str]
    networks: list[str | None]
    nics: list[MachineNic]
    primaryIp: str
    memory: int | None
    disk: int
    metadata: dict[str, Any]
    tags: dict[str, Value]
    package: str
    compute_node: str
    created: str
    updated: str
    deletion_protection: bool
    delegate_dataset: bool
    disks: list[MachineDisk]
    dns_names: list[str]
    docker: bool
    encrypted: bool
    firewall_enabled: bool
    flexible: bool
    free_space: int


class SnapshotData(TypedDict, total=False):
    """A snapshot of a machine's disks. One that was just asked for has no times yet."""

    name: Required[str]
    state: str
    size: int
    created: str
    updated: str


class AuditEntry(TypedDict, total=False):
    """One finished action on a machine; `success` is ``yes`` or ``no``."""

    action: Required[str]
    success: str
    time: Required[str]
    caller: dict[str, Any]


class Disk(TypedDict, total=False):
    """A disk of a bhyve machine; size in MiB, block size in bytes.

    `state` is ``creating``, ``resizing`` or ``deleting`` while that goes on, else the machine's.
    """

    id: Required[str]
    pci_slot: str
    size: Required[int]
    block_size: int
    boot: bool
    state: str
