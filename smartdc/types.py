"""The shapes of what CloudAPI returns, for editors and type checkers; at run time they are dicts.

Servers leave fields out where they have nothing to say, and newer ones add some: a field that is not
required here may be absent, and others may be there.
"""

from __future__ import annotations

from typing import Any, NotRequired, Required, TypedDict

__all__ = [
    "Account",
    "AuditEntry",
    "Image",
    "ImageError",
    "ImageFile",
    "ImageRequirements",
    "Key",
    "MachineData",
    "MachineNic",
    "Network",
    "NetworkObject",
    "Package",
    "SnapshotData",
    "Value",
]

Value = str | int | float | bool
"""What a tag or a metadata entry may hold."""


class Account(TypedDict, total=False):
    """The account holder. Times are ISO 8601 in UTC."""

    id: Required[str]
    login: Required[str]
    email: Required[str]
    companyName: str
    firstName: str
    lastName: str
    address: str
    postalCode: str
    city: str
    state: str
    country: str
    phone: str
    triton_cns_enabled: bool
    created: Required[str]
    updated: Required[str]


class Key(TypedDict):
    """A public SSH key on record. `fingerprint` is colon-separated MD5, `key` the OpenSSH line."""

    name: str
    fingerprint: str
    key: str
    attested: NotRequired[bool]
    multifactor: NotRequired[list[str]]


class ImageRequirements(TypedDict, total=False):
    """What an image needs of the machine; memory in MiB."""

    min_memory: int
    max_memory: int
    min_ram: int
    max_ram: int
    brand: str
    bootrom: str


class ImageFile(TypedDict, total=False):
    """One file of an image; size in bytes."""

    compression: str
    sha1: str
    size: int


class ImageError(TypedDict, total=False):
    """Why making an image failed."""

    code: str
    message: str


class Image(TypedDict, total=False):
    """An image (once: dataset). `image_size` in MiB, for zvol images only."""

    id: Required[str]
    name: Required[str]
    version: Required[str]
    os: Required[str]
    type: Required[str]
    requirements: Required[ImageRequirements]
    description: str
    homepage: str
    published_at: str
    owner: str
    public: bool
    state: str
    tags: dict[str, Value]
    eula: str
    acl: list[str]
    origin: str
    image_size: int
    files: list[ImageFile]
    error: ImageError
    urn: str
    """Filled in by `DataCenter.datasets` where the server gives none."""


class Package(TypedDict, total=False):
    """A bundle of resources, sold by name; memory, disk and swap in MiB."""

    id: Required[str]
    name: Required[str]
    memory: Required[int]
    disk: Required[int]
    swap: Required[int]
    lwps: int
    vcpus: int
    version: str
    group: str
    description: str
    default: bool | str
    brand: str
    flexible_disk: bool
    disks: list[dict[str, Any]]


class Network(TypedDict, total=False):
    """A network that machines can be attached to."""

    id: Required[str]
    name: Required[str]
    public: Required[bool]
    fabric: bool
    description: str
    gateway: str
    internet_nat: bool
    netmask: str
    provision_start_ip: str
    provision_end_ip: str
    resolvers: list[str]
    routes: dict[str, str]
    subnet: str
    suffixes: list[str]
    vlan_id: int


class NetworkObject(TypedDict, total=False):
    """A network to attach a new machine to, with the address that it shall have there."""

    ipv4_uuid: Required[str]
    ipv4_ips: list[str]


class MachineNic(TypedDict, total=False):
    """One network interface of a machine."""

    mac: Required[str]
    ip: Required[str]
    primary: Required[bool]
    netmask: Required[str]
    network: Required[str]
    gateway: str


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
    disks: list[dict[str, Any]]
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
