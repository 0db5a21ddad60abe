"""What a new data center holds: images, packages and networks, the same in every run.

They have names that Triton's users know, among them all that py-smartdc's tutorial uses.
"""

from __future__ import annotations

import ipaddress
import pickle
from typing import Any

from smartdc.emulator.rules.firewall_reader import read_rule
from smartdc.emulator.state.firewall_rules import FirewallRule
from smartdc.emulator.state.resources import LOOPBACK_ADDRESSES, Image, Vlan
from smartdc.emulator.state.site import Site

#: 198.18.0.0/15 is reserved for network benchmarks (RFC 2544): nothing on the internet answers there.
PUBLIC_ADDRESSES = ipaddress.IPv4Network("198.18.0.0/15")

_USERS = ("root", "admin")
_SMALL_BASE = "A {} SmartOS image with just essential packages installed."
_LTS = "A 64-bit SmartOS image with just essential packages installed, with long-term support."

_IMAGES: list[dict[str, Any]] = [
    # The newest base64 first: add_machine() takes the first that fits. `default` is a field of CloudAPI 6.5
    # that today's server does not send. It is here because the tutorial uses the default dataset.
    {"name": "base64", "version": "21.4.0", "default": True, "tags": {"role": "os"}, "users": _USERS,
     "description": _SMALL_BASE.format("64-bit"), "published_at": "2022-01-18T12:45:52.000Z"},
    {"name": "base64", "version": "14.3.0", "tags": {"role": "os"}, "users": _USERS,
     "description": _SMALL_BASE.format("64-bit"), "published_at": "2014-11-21T10:57:40.000Z"},
    {"name": "base64", "version": "13.4.0", "tags": {"role": "os"}, "users": _USERS,
     "description": _SMALL_BASE.format("64-bit"), "published_at": "2014-02-28T10:50:42.000Z"},
    {"name": "base", "version": "14.3.0", "tags": {"role": "os"}, "users": _USERS,
     "description": _SMALL_BASE.format("32-bit"), "published_at": "2014-11-21T10:52:13.000Z"},
    {"name": "base", "version": "13.4.0", "tags": {"role": "os"}, "users": _USERS,
     "description": _SMALL_BASE.format("32-bit"), "published_at": "2014-02-28T10:43:35.000Z"},
    {"name": "base-64-lts", "version": "15.4.1", "tags": {"role": "os", "group": "base-64-lts"},
     "description": _LTS, "published_at": "2016-05-27T16:57:32.000Z", "users": _USERS},
    {"name": "base-64-lts", "version": "20.4.0", "tags": {"role": "os", "group": "base-64-lts"},
     "description": _LTS, "published_at": "2021-01-11T11:39:47.000Z", "users": _USERS,
     "requirements": {"min_ram": 256, "max_ram": 65536}},
    {"name": "minimal-64", "version": "20.4.0", "tags": {"role": "os", "group": "minimal-64"},
     "description": "A 64-bit SmartOS image with no packages at all.",
     "published_at": "2021-01-11T10:22:05.000Z", "requirements": {"brand": "joyent-minimal"}},
    {"name": "base-64", "version": "21.4.1", "tags": {"role": "os", "group": "base-64"}, "users": _USERS,
     "description": _SMALL_BASE.format("64-bit"), "published_at": "2022-03-15T10:31:17.000Z"},
    {"name": "minimal-64-lts", "version": "21.4.1", "tags": {"role": "os", "group": "minimal-64-lts"},
     "description": "A 64-bit SmartOS image with no packages at all, with long-term support.",
     "published_at": "2022-03-15T09:58:40.000Z", "requirements": {"brand": "joyent-minimal"}},
    {"name": "debian-11", "version": "20220228", "os": "linux", "type": "lx-dataset",
     "description": "Container-native Debian 11 64-bit image.", "published_at": "2022-02-28T19:00:26.000Z",
     "tags": {"role": "os", "kernel_version": "4.10"}, "requirements": {"brand": "lx"}},
    {"name": "debian-12", "version": "20231114", "os": "linux", "type": "lx-dataset",
     "description": "Container-native Debian 12 64-bit image.", "published_at": "2023-11-14T17:20:09.000Z",
     "tags": {"role": "os", "kernel_version": "5.10"}, "requirements": {"brand": "lx"}},
    {"name": "ubuntu-certified-22.04", "version": "20230110", "os": "linux", "type": "zvol",
     "description": "Ubuntu 22.04 LTS (64-bit) Certified image.", "published_at": "2023-01-12T08:18:21.000Z",
     "tags": {"role": "os", "org.smartos:cloudinit_datasource": "smartdc", "default_user": "ubuntu"},
     "requirements": {"brand": "bhyve", "min_ram": 1024}, "image_size": 10240},
    {"name": "centos-7", "version": "20200717", "os": "linux", "type": "zvol",
     "description": "CentOS 7 64-bit image for hardware virtual machines.",
     "published_at": "2020-07-17T09:37:50.000Z", "tags": {"role": "os"}, "image_size": 10240,
     "requirements": {"brand": "kvm"}},
    {"name": "docker-layer", "version": "8b3dbbf7b5a1", "os": "linux", "type": "docker",
     "tags": {"docker:repo": "alpine", "docker:tag:latest": True}},
    {"name": "base64", "version": "1.8.1", "state": "disabled", "tags": {"role": "os"},
     "published_at": "2012-05-02T15:15:24.403Z", "description": _SMALL_BASE.format("64-bit")},
]  # fmt: skip

_PACKAGES: list[dict[str, Any]] = [
    {"name": "g3-standard-0.25-smartos", "memory": 256, "disk": 8192, "vcpus": 1, "group": "Standard",
     "default": True, "description": "Standard 256MB RAM 0.125 CPU 8GB Disk"},
    {"name": "g3-standard-1-smartos", "memory": 1024, "disk": 33792, "vcpus": 1, "group": "Standard",
     "description": "Standard 1GB RAM 0.5 CPU 33GB Disk"},
    {"name": "g3-highcpu-0.5-smartos", "memory": 512, "disk": 12288, "vcpus": 1, "group": "High CPU",
     "description": "High CPU 0.5GB RAM 1 CPU 12GB Disk"},
    {"name": "g3-highcpu-1-smartos", "memory": 1024, "disk": 25600, "vcpus": 2, "group": "High CPU",
     "description": "High CPU 1GB RAM 2 CPU 25GB Disk"},
    {"name": "g4-highcpu-1G", "memory": 1024, "disk": 25600, "vcpus": 0, "group": "High CPU",
     "description": "Compute Optimized 1G RAM - 0.5 vCPU - 25 GB Disk"},
    {"name": "g4-general-4G", "memory": 4096, "disk": 51200, "vcpus": 0, "group": "General Purpose",
     "description": "General Purpose 4G RAM - 1 vCPU - 50 GB Disk"},
    {"name": "sample-512M", "memory": 512, "disk": 10240, "vcpus": 1, "version": "1.0.0"},
    {"name": "sample-512M", "memory": 512, "disk": 15360, "vcpus": 1, "version": "1.1.0"},
    {"name": "sample-256M-retired", "memory": 256, "disk": 5120, "vcpus": 1, "active": False},
    {"name": "g4-bhyve-2G-flex", "memory": 2048, "disk": 51200, "vcpus": 1, "group": "Bhyve",
     "brand": "bhyve", "flexible_disk": True, "disks": [{}, {"size": "remaining"}],
     "description": "Bhyve 2G RAM - 1 vCPU - 50 GB flexible disk"},
    {"name": "g4-bhyve-4G-flex", "memory": 4096, "disk": 102400, "vcpus": 2, "group": "Bhyve",
     "brand": "bhyve", "flexible_disk": True,
     "description": "Bhyve 4G RAM - 2 vCPU - 100 GB flexible disk"},
    {"name": "k4-general-kvm-3.75G", "memory": 3840, "disk": 51200, "vcpus": 1, "group": "KVM",
     "brand": "kvm", "description": "KVM 3.75G RAM - 1 vCPU - 50 GB Disk"},
]  # fmt: skip


# The global rules that Triton puts into every data center.
_RULES = {
    protocol: (name, read_rule(f"FROM any TO all vms ALLOW {protocol} TYPE all"))
    for protocol, name in (("icmp", "ICMPv4"), ("icmp6", "ICMPv6"))
}


# What `fill` puts into a site, and what it was for earlier sites: to make it anew takes ten times as long.
_HELD = ("images", "packages", "networks", "vlans", "default_fabric_networks", "firewall_rules")
_FILLED: dict[tuple[object, ...], bytes] = {}


def fill(site: Site, number: int, count: int, *, on_loopback: bool = False, defaults: bool = True) -> None:
    """Fill a new data center.

    Args:
        site: The data center.
        number: Its index among the data centers; each index has different public addresses.
        count: How many data centers there are.
        on_loopback: Whether the public addresses are loopback addresses of this computer.
        defaults: Whether to add the images and packages.
    """
    owner = site.shared.account.uuid
    like = (site.name, owner, number, count, on_loopback, defaults)
    known = _FILLED.get(like)
    if known is not None:
        vars(site).update(pickle.loads(known))  # noqa: S301 - our own
        return
    _fill(site, owner, number, count, on_loopback=on_loopback, defaults=defaults)
    if len(_FILLED) < 100:
        _FILLED[like] = pickle.dumps({name: getattr(site, name) for name in _HELD})


def _fill(site: Site, owner: str, number: int, count: int, *, on_loopback: bool, defaults: bool) -> None:
    if defaults:
        _add_defaults(site, owner)
    public = LOOPBACK_ADDRESSES if on_loopback else _public_addresses(count)
    _add_networks(site, str(public[number % len(public)]), owner)
    for protocol, (name, rule) in _RULES.items():
        uuid = site.stable_uuid(f"fwrule/{protocol}")
        description = f"allow all {name} types"
        site.firewall_rules[uuid] = FirewallRule(uuid, None, rule, enabled=True, description=description)


def _public_addresses(count: int) -> list[ipaddress.IPv4Network]:
    """Return public networks for `count` data centers: 32,000 addresses each for up to four, else fewer."""
    bits = max(2, (count - 1).bit_length())
    return list(PUBLIC_ADDRESSES.subnets(min(bits, 12)))


def _add_defaults(site: Site, owner: str) -> None:
    for fields in _IMAGES:
        homepage = f"https://docs.tritondatacenter.com/images/{fields['name']}"
        site.add_image(**fields, homepage=homepage)
    # A private image that another account shares with this one.
    shared = site.stable_uuid("image/shared-app/1.0.0")
    site.images[shared] = Image(
        shared,
        "shared-app",
        "1.0.0",
        "smartos",
        "zone-dataset",
        site.stable_uuid("account/neighbour"),
        public=False,
        acl=[owner],
        description="A neighbour's application image",
        homepage="https://docs.tritondatacenter.com/images/shared-app",
    )
    for fields in _PACKAGES:
        site.add_package(**fields)


def _add_networks(site: Site, public: str, owner: str) -> None:
    site.add_network("external", public, kind="external", description="Reaches the internet")
    site.vlans[owner, 2] = Vlan(owner, 2, "My-Fabric-VLAN")
    description = "The default fabric network of the account"
    site.add_network(
        "My-Fabric-Network",
        "192.168.0.0/16",
        kind="fabric",
        # Large enough for tens of thousands of machines; the first address is that of Triton's own default
        # network, 192.168.128.0/22.
        provision_start_ip="192.168.128.5",
        gateway="192.168.128.1",
        description=description,
    )
    site.add_network("private", "10.88.0.0/16", description="Shared by all machines")
