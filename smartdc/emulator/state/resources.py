"""The records of images, packages and networks: what IMGAPI, PAPI and NAPI hold for a data center."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smartdc.emulator.state.vm import Nic

#: Where "public" machines are that one can log in to: Linux answers at every address of the loopback.
LOOPBACK_ADDRESSES = list(ipaddress.IPv4Network("127.64.0.0/10").subnets(new_prefix=16))


@dataclass
class Image:
    """An image.

    Attributes:
        os: Empty while the image is being made, as is `type`.
        image_size: MiB; of zvol images only.
        acl: Accounts besides the owner that may use a private image.
        users: Names for which a password is made at provisioning (they show in ``metadata.credentials``).
        error: Why making it failed, as IMGAPI says it: ``code`` and ``message``.
        default: CloudAPI 6.5's mark of the default dataset; left out of the answer when it is None.
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
        """Whether it was ready once; it may be disabled since."""
        return self.state in ("active", "disabled")

    def visible_to(self, account_uuid: str) -> bool:
        """Whether this account sees it: others' images only when they are ready."""
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
        size: MiB.
        networks: Uuids of the fabric networks on which it is reached.
        labels: What CloudAPI shows as ``tags``.
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
    """One text for all NICs of a network."""
    return str(ipaddress.IPv4Network(subnet).netmask)


class SubnetFull(Exception):
    """No address is left."""


@dataclass
class Network:
    """A network and the addresses that are in use on it.

    Attributes:
        kind: ``external``, ``internal``, ``fabric``, or ``other`` (neither a default nor public).
        owner_uuids: Who may use it; None is everybody.
        in_use: Addresses that are taken, as numbers.
        nics: Those that `Site.new_nic` made, by address.
        reserved: Addresses that are not to be given out, and whose they were when they were in use.
        remembered: Other addresses that NAPI has a record of: they make its pages of addresses shorter.
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
    _full: object = field(default=None, repr=False)  # how it was when the last search found nothing

    @property
    def public(self) -> bool:
        """Whether it leads to the internet."""
        return self.kind == "external"

    @property
    def netmask(self) -> str:
        """The dotted form."""
        return _netmask(self.subnet)

    def provisionable_by(self, account_uuid: str) -> bool:
        """Whether this account may put machines on it."""
        return self.owner_uuids is None or account_uuid in self.owner_uuids

    @property
    def managed(self) -> set[int]:
        """Addresses that are Triton's own: gateway, broadcast, and the resolvers that are on the network."""
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
        """Mark an address, the given one or the next that is free, as in use.

        Raises:
            SubnetFull: None is left.
        """
        if ip is not None:
            self.in_use.add(int(ipaddress.IPv4Address(ip)))
            return ip
        state = (self.provision_start_ip, self.provision_end_ip, len(self.in_use), frozenset(self.reserved))
        if state == self._full:
            raise SubnetFull(f"no more free IPs on {self.name}")
        first = int(ipaddress.IPv4Address(self.provision_start_ip))
        count = int(ipaddress.IPv4Address(self.provision_end_ip)) - first + 1
        kept_back = self.managed | self.reserved.keys()
        for step in range(count):
            number = first + (self._next + step) % count
            if number not in self.in_use and number not in kept_back:
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
