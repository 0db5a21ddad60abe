"""Machines, with their NICs, disks, snapshots and audit entries."""

from __future__ import annotations

from typing import Any, Literal, Required, TypedDict

from smartdc.arguments.states import MachineState, SnapshotState

__all__ = [
    "NIC",
    "AuditEntry",
    "Brand",
    "Disk",
    "DiskState",
    "MachineData",
    "MachineDisk",
    "MachineNic",
    "MachineState",
    "MachineType",
    "NICState",
    "SnapshotData",
    "SnapshotState",
    "Value",
]


Value = str | int | float | bool
"""What a tag or a metadata entry may hold."""

MachineType = Literal["smartmachine", "virtualmachine"]
"""A container (``smartmachine``) or a hardware virtual machine (``virtualmachine``)."""

Brand = Literal["joyent", "joyent-minimal", "lx", "bhyve", "kvm"]
"""The exact kind of a machine (docs/cloudapi/machines.md#type-and-brand); ``builder`` exists as well."""

NICState = Literal["provisioning", "running", "stopped"]
"""The states of network interfaces."""

DiskState = Literal["creating", "resizing", "deleting"]
"""The states of a disk that is being changed; otherwise it has the state of its machine."""


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

    `added` is set by the client: True if `Machine.add_nic` created the NIC, False if it was there already.
    """

    state: NICState | str
    added: bool


class MachineDisk(TypedDict, total=False):
    """A disk in the data of a bhyve machine; size in MiB, block size in bytes."""

    id: str
    size: int
    block_size: int
    boot: bool
    image: str


class MachineData(TypedDict, total=False):
    """A machine; memory and disk in MiB, times ISO 8601 in UTC."""

    id: Required[str]
    name: Required[str]
    type: Required[MachineType | str]
    brand: Required[Brand | str]
    state: Required[MachineState | str]
    image: Required[str]
    dataset: str
    ips: Required[list[str]]
    networks: list[str | None]
    nics: list[MachineNic]
    primaryIp: str
    memory: int | None
    disk: Required[int]
    metadata: Required[dict[str, Any]]
    tags: Required[dict[str, Value]]
    package: Required[str]
    compute_node: str
    created: Required[str]
    updated: Required[str]
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
    """A snapshot of a machine's disks. A snapshot that was only just requested has no times yet."""

    name: Required[str]
    state: SnapshotState | str
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

    `state` is ``creating``, ``resizing`` or ``deleting`` while it changes, otherwise the machine's state.
    """

    id: Required[str]
    pci_slot: str
    size: Required[int]
    block_size: int
    boot: bool
    state: DiskState | MachineState | str
