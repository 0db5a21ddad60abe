"""The record of a machine, as VMAPI keeps it, and of its NICs, disks and snapshots.

Fields have VMAPI's names: ``alias`` is what CloudAPI calls name, ``billing_id`` the uuid of the package, and
`state` has VMAPI's words (``destroyed`` is shown as deleted, ``unreachable`` as offline).

Each assignment to a field of a listed machine is reported to the list of machines. So that no change is
missed, lists and dictionaries are stored as tuples and read-only mappings, and are replaced, never changed in
place. Code that changes something inside a field, such as the size of a disk, must call `VM.note`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from smartdc.emulator.state.jobs import Job

TagValue = str | int | float | bool

#: VMAPI's words on the left, CloudAPI's on the right; all other states are shown as ``unknown``.
SHOWN_STATES = {
    "configured": "provisioning",
    "incomplete": "provisioning",
    "unavailable": "provisioning",
    "provisioning": "provisioning",
    "ready": "ready",
    "running": "running",
    "halting": "stopping",
    "stopping": "stopping",
    "shutting_down": "stopping",
    "off": "stopped",
    "down": "stopped",
    "installed": "stopped",
    "stopped": "stopped",
    "unreachable": "offline",
    "destroyed": "deleted",
    "failed": "failed",
}
#: The state that VMAPI is asked for, by the state in CloudAPI's filter
#: (docs/cloudapi/lists.md#states-that-mean-active).
LISTED_STATES = {
    "provisioning": "active",
    "stopping": "active",
    "active": "active",
    "stopped": "stopped",
    "running": "running",
    "unknown": "unknown",
    "destroyed": "destroyed",
}
#: VMAPI's words for states that tests may give in CloudAPI's words.
STORED_STATES = {"deleted": "destroyed", "offline": "unreachable"}

HARDWARE_BRANDS = ("bhyve", "kvm")

#: The value of empty tags and metadata, which all machines share.
EMPTY: Mapping[str, Any] = MappingProxyType({})


def _empty() -> Mapping[str, Any]:
    return EMPTY


def shown_state(state: str) -> str:
    """Return CloudAPI's word for a state."""
    return SHOWN_STATES.get(STORED_STATES.get(state, state), "unknown")


@dataclass(slots=True)
class Nic:
    """A network interface."""

    mac: str
    ip: str
    netmask: str
    network_uuid: str
    primary: bool = False
    gateway: str | None = None
    machine_uuid: str | None = None


@dataclass(slots=True)
class Disk:
    """A disk of a hardware virtual machine; `size` in MiB."""

    uuid: str
    size: int
    block_size: int | None = 8192
    boot: bool = False
    image_uuid: str | None = None
    pci_slot: str | None = None


@dataclass
class DiskJob:
    """A job that makes, resizes or deletes a disk; it determines the state of the disk.

    Attributes:
        task: The state of the disk during the job: creating, resizing, deleting.
        has_slot: Whether the request named the PCI slot; without one, the disk is shown only when it is made.
    """

    job: Job
    task: str
    disk: Disk
    has_slot: bool = True


@dataclass
class MigrationStep:
    """One entry of a migration's history; times in seconds since 1970."""

    phase: str
    message: str
    started: float
    state: str = "running"
    finished: float | None = None
    current: int = 1
    total: int = 100
    bytes_per_second: int | None = None


@dataclass(eq=False)
class Migration:
    """A machine's move to another server, as VMAPI keeps it.

    Attributes:
        automatic: Whether each phase starts the next one.
        syncs: How many syncs have succeeded; a switch needs one.
    """

    automatic: bool
    created: float
    phase: str = "begin"
    state: str = "running"
    finished: float | None = None
    error: str | None = None
    syncs: int = 0
    steps: list[MigrationStep] = field(default_factory=list)


@dataclass
class Snapshot:
    """A snapshot that exists; `size` in bytes, or None if VMAPI does not have it."""

    name: str
    created: float
    size: int | None = None


class Home(Protocol):
    """The list that a machine is in, through which its changes go."""

    def assign(self, vm: VM, name: str, value: object) -> None:
        """Set a field."""

    def note(self, vm: VM, name: str) -> None:
        """Report a change inside a field."""


@dataclass(eq=False, slots=True)
class VM:
    """One machine.

    Attributes:
        ram: In MiB, shown as ``memory``.
        max_physical_memory: In MiB; the memory filter of the list compares it
            (docs/cloudapi/lists.md#memory-filter).
        quota: Disk in GiB.
        busy_until: When its last job ends.
        jobs: Its jobs, oldest first.
        volumes: The volumes that the create named.
        disk_jobs: The running jobs of its disks.
        dns_names: What GetMachine shows as such; None: the names that CNS makes for the machine.
        migration: The migration that is running or not finalized yet.
        home: The list that it is in.
        cached_json: Its JSON in a list; None after a change.
        cached_for: What else the cached JSON depends on.
    """

    uuid: str
    owner_uuid: str
    alias: str
    brand: str
    state: str
    image_uuid: str
    billing_id: str | None
    ram: int
    max_physical_memory: int
    quota: float
    created: float
    updated: float
    customer_metadata: Mapping[str, Any] = field(default_factory=_empty)
    internal_metadata: Mapping[str, Any] = field(default_factory=_empty)
    tags: Mapping[str, TagValue] = field(default_factory=_empty)
    nics: Sequence[Nic] = ()
    disks: Sequence[Disk] = ()
    datasets: Sequence[str] = ()
    flexible_disk_size: int | None = None
    free_space: int | None = None
    firewall_enabled: bool = False
    indestructible_zoneroot: bool = False
    server_uuid: str | None = None
    docker: bool = False
    dns_names: Sequence[str] | None = None
    role_tags: Sequence[str] = ()
    volumes: Sequence[dict[str, Any]] = ()
    snapshots: Sequence[Snapshot] = ()
    disk_jobs: Sequence[DiskJob] = ()
    migration: Migration | None = None
    jobs: list[Job] = field(default_factory=list, repr=False)
    busy_until: float = 0.0
    home: Home | None = field(default=None, init=False, repr=False)
    cached_json: bytes | None = field(default=None, init=False, repr=False)
    cached_for: object = field(default=None, init=False, repr=False)

    def __setattr__(self, name: str, value: Any) -> None:
        home: Home | None = getattr(self, "home", None)
        if type(value) is dict:
            value = MappingProxyType(value) if value else EMPTY
        elif type(value) is list and name != "jobs":
            value = tuple(value)
        if home is None or name in ("home", "cached_json", "cached_for"):
            object.__setattr__(self, name, value)
        else:
            home.assign(self, name, value)

    def note(self, name: str) -> None:
        """Report that something inside a field has changed."""
        if self.home is not None:
            self.home.note(self, name)

    @property
    def shown_state(self) -> str:
        """The state in CloudAPI's words."""
        return shown_state(self.state)

    @property
    def destroyed(self) -> bool:
        """Whether it is shown as deleted."""
        return self.shown_state == "deleted"

    @property
    def active(self) -> bool:
        """VMAPI's "active": neither destroyed nor failed.

        See docs/cloudapi/lists.md#default-list-hides-failed-machines.
        """
        return self.shown_state not in ("deleted", "failed")

    @property
    def workable(self) -> bool:
        """Whether its jobs can succeed; those of other machines are accepted and fail.

        See docs/cloudapi/actions.md#actions-are-accepted-without-a-check.
        """
        return self.shown_state not in ("deleted", "failed", "offline")

    @property
    def is_hardware(self) -> bool:
        """Whether it is a hardware virtual machine, shown as ``virtualmachine``."""
        return self.brand in HARDWARE_BRANDS

    def becomes(self, state: str, due: float) -> None:
        """Set the state, and the time of the change."""
        self.state, self.updated = state, due

    def jobs_of(self, task: str) -> list[Job]:
        """Return its jobs with this task, newest first, as VMAPI lists them."""
        return [job for job in reversed(self.jobs) if job.task == task]
