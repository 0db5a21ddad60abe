"""The records of images, packages and networks: what IMGAPI, PAPI and NAPI hold for a data center."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smartdc.emulator.state.vm import Nic

#: The "public" addresses of machines with SSH servers: Linux answers at every address of the loopback.
LOOPBACK_ADDRESSES = list(ipaddress.IPv4Network("127.64.0.0/10").subnets(new_prefix=16))


@dataclass
class Image:
    """An image.

    Attributes:
        os: Empty while the image is being made, as is `type`.
        image_size: In MiB; only zvol images have it.
        acl: Accounts besides the owner that may use a private image.
        users: Users that get a password at provisioning, which ``metadata.credentials`` shows.
        error: Why making it failed, in IMGAPI's form: ``code`` and ``message``.
        default: Whether it is the default dataset of CloudAPI 6.5; the answer omits the field if it is None.
    """

    uuid: str
    name: str
    version: str
    os: str
    type: str
    owner: str
    description: str = ""
    requirements: dict[str, Any] = field(default_factory=dict)
    homepage: str | None = None
    published_at: str | None = "2016-01-14T19:10:38.000Z"
    public: bool = True
    state: str = "active"
    tags: dict[str, Any] = field(default_factory=dict)
    acl: list[str] = field(default_factory=list)
    eula: str | None = None
    origin: str | None = None
    image_size: int | None = None
    file_size: int = 110742036
    users: tuple[str, ...] = ()
    error: dict[str, Any] | None = None
    default: bool | None = None

    @property
    def activated(self) -> bool:
        """Whether it has become ready; it may have been disabled since."""
        return self.state in ("active", "disabled")

    def visible_to(self, account_uuid: str) -> bool:
        """Whether this account sees it; it sees images of others only when they are ready."""
        shared = self.public or account_uuid in self.acl
        return self.owner == account_uuid or (self.activated and shared)


@dataclass
class Package:
    """A package; sizes in MiB."""

    uuid: str
    name: str
    version: str
    memory: int
    disk: int
    swap: int
    vcpus: int = 0
    lwps: int = 4000
    group: str | None = None
    description: str | None = None
    brand: str | None = None
    default: bool = False
    active: bool = True
    flexible_disk: bool | None = None
    disks: list[dict[str, Any]] | None = None
    os: str | None = None
    traits: dict[str, Any] | None = None
    networks: list[str] | None = None
    owner_uuids: list[str] | None = None

    def visible_to(self, account_uuid: str) -> bool:
        """Whether this account sees it."""
        return self.owner_uuids is None or account_uuid in self.owner_uuids


@dataclass
class Volume:
    """An NFS volume, as VOLAPI keeps it.

    Attributes:
        size: In MiB.
        networks: Uuids of the fabric networks that it is on.
        labels: Its tags: CloudAPI shows VOLAPI's labels as ``tags``.
    """

    uuid: str
    name: str
    owner_uuid: str
    size: int
    created: float
    networks: list[str] = field(default_factory=list)
    state: str = "creating"
    type: str = "tritonnfs"
    labels: dict[str, str] = field(default_factory=dict)
    filesystem_path: str | None = None


@dataclass
class Vlan:
    """A VLAN on the fabric of one account."""

    owner_uuid: str
    vlan_id: int
    name: str
    description: str | None = None


@cache
def _netmask(subnet: str) -> str:
    """Return the netmask; cached, so that all NICs of a network share one string."""
    return str(ipaddress.IPv4Network(subnet).netmask)


class SubnetFull(Exception):
    """No address is left."""


@dataclass
class Network:
    """A network and the addresses that are in use on it.

    Attributes:
        kind: ``external``, ``internal``, ``fabric``, or ``other`` (neither a default nor public).
        owner_uuids: The accounts that may use it; None: all.
        in_use: Addresses that are taken, as numbers.
        nics: NICs that `Site.new_nic` made, by address.
        reserved: Addresses that are not assigned automatically, with the owner that each had when it was
            reserved, or None.
        remembered: Other addresses that have a record in NAPI. They take places in its pages of addresses,
            although CloudAPI does not show them.
    """

    uuid: str
    name: str
    kind: str
    subnet: str
    provision_start_ip: str
    provision_end_ip: str
    gateway: str | None = None
    description: str | None = None
    resolvers: list[str] = field(default_factory=lambda: ["8.8.8.8", "8.8.4.4"])
    routes: dict[str, str] | None = None
    vlan_id: int = 0
    internet_nat: bool = True
    owner_uuids: list[str] | None = None
    in_use: set[int] = field(default_factory=set, repr=False)
    nics: dict[int, Nic] = field(default_factory=dict, repr=False)
    reserved: dict[int, str | None] = field(default_factory=dict, repr=False)
    remembered: set[int] = field(default_factory=set, repr=False)
    _next: int = field(default=0, repr=False)
    _full: object = field(default=None, repr=False)  # what `take` compares to skip a search that must fail

    @property
    def public(self) -> bool:
        """Whether it reaches the internet."""
        return self.kind == "external"

    @property
    def netmask(self) -> str:
        """The netmask, as four numbers with dots."""
        return _netmask(self.subnet)

    def provisionable_by(self, account_uuid: str) -> bool:
        """Whether this account may put machines on it."""
        return self.owner_uuids is None or account_uuid in self.owner_uuids

    @property
    def managed(self) -> set[int]:
        """Addresses that Triton uses itself: gateway, broadcast, and resolvers on the network."""
        subnet = ipaddress.IPv4Network(self.subnet)
        found = {int(subnet.broadcast_address)}
        for ip in (self.gateway, *self.resolvers):
            if ip is not None and ipaddress.IPv4Address(ip) in subnet:
                found.add(int(ipaddress.IPv4Address(ip)))
        return found

    def is_free(self, ip: str) -> bool:
        """Whether nothing uses this address."""
        return int(ipaddress.IPv4Address(ip)) not in self.in_use

    def take(self, ip: str | None = None) -> str:
        """Mark `ip`, or the next free address, as in use.

        Raises:
            SubnetFull: No address is left.
        """
        if ip is not None:
            self.in_use.add(int(ipaddress.IPv4Address(ip)))
            return ip
        state = (self.provision_start_ip, self.provision_end_ip, len(self.in_use), frozenset(self.reserved))
        if state == self._full:
            raise SubnetFull(f"no more free IPs on {self.name}")
        first = int(ipaddress.IPv4Address(self.provision_start_ip))
        count = int(ipaddress.IPv4Address(self.provision_end_ip)) - first + 1
        not_assigned = self.managed | self.reserved.keys()
        for step in range(count):
            number = first + (self._next + step) % count
            if number not in self.in_use and number not in not_assigned:
                self._next = number - first + 1
                return self.take(str(ipaddress.IPv4Address(number)))
        self._full = state
        raise SubnetFull(f"no more free IPs on {self.name}")

    def release(self, ip: str) -> None:
        """Mark an address as free."""
        number = int(ipaddress.IPv4Address(ip))
        self._full = None
        self.in_use.discard(number)
        self.nics.pop(number, None)
        self.remembered.add(number)
