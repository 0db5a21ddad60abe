"""Adding images, packages, networks, volumes and services to a data center without a request."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Mapping, Sequence
from copy import deepcopy
from types import NoneType
from typing import Any

from smartdc.emulator.state.chance import stable_uuid
from smartdc.emulator.state.directory import ADMIN_UUID, Account
from smartdc.emulator.state.fields import IMAGE, NETWORK, PACKAGE, QUOTA, SERVICE, VOLUME
from smartdc.emulator.state.kinds import Kind, WrongField, check, check_names
from smartdc.emulator.state.lookups import Lookups
from smartdc.emulator.state.resources import Image, Network, Package, SubnetFull, Vlan, Volume

#: The range for networks that are added without a subnet.
_DEFAULT_RANGE = ipaddress.IPv4Network("10.128.0.0/9")
_TYPES = {"lx": "lx-dataset", "bhyve": "zvol", "kvm": "zvol"}


class Additions(Lookups):
    """The part of a `Site` that adds to it, with defaults for all but the names."""

    def add_image(
        self,
        name: str,
        version: str = "1.0.0",
        *,
        uuid: str | None = None,
        brand: str | None = None,
        os: str | None = None,
        type: str | None = None,
        account: Account | str | None = None,
        public: bool | None = None,
        acl: Sequence[Account | str] = (),
        **others: Any,
    ) -> Image:
        """Add an image.

        Args:
            name: Its name.
            version: Its version.
            uuid: By default one that is the same in each run, and for a public image in each data center.
            brand: The brand of its machines: ``lx``, ``bhyve``, ``kvm``; by default they are SmartOS zones.
            os: By default ``smartos``, or ``linux`` if `brand` is given.
            type: By default the type that fits the brand.
            account: Its owner, by record or login; by default the owner of the public images.
            public: Whether all accounts may use it; by default they may if `account` is not given.
            acl: Other accounts that may use it.
            others: Any other field of `Image`: ``description``, ``tags``, ``requirements``, ``state``, ...
        """
        given = {"name": name, "version": version, "uuid": uuid, "brand": brand, "os": os, "type": type}
        others = _checked("an image", Image, IMAGE, given | {"public": public}, others)
        with self.shared.lock:
            public = account is None if public is None else public
            owner = ADMIN_UUID if account is None else self.owner(account).uuid
            key = f"image/{name}/{version}" if account is None else f"image/{owner}/{name}/{version}"
            image_uuid = self.free_uuid(uuid, self.images, key if public else f"{self.name}/{key}")
            requirements = {**({"brand": brand} if brand else {}), **others.pop("requirements", {})}
            if (type or _TYPES.get(str(brand))) == "zvol":
                others.setdefault("image_size", 10240)
            image = Image(
                image_uuid,
                name,
                version,
                os or ("linux" if brand in _TYPES else "smartos"),
                type or _TYPES.get(str(brand), "zone-dataset"),
                owner,
                requirements=requirements,
                public=public,
                acl=self.find_owners(acl, "acl"),
                **others,
            )
            self.images[image_uuid] = image
            return image

    def add_package(
        self,
        name: str,
        *,
        memory: int = 1024,
        disk: int = 25600,
        version: str = "1.0.0",
        uuid: str | None = None,
        accounts: Sequence[Account | str] | None = None,
        **others: Any,
    ) -> Package:
        """Add a package.

        Args:
            name: Its name.
            memory: RAM in MiB.
            disk: Disk space in MiB.
            version: Its version.
            uuid: By default one that is the same in each run.
            accounts: The accounts that may use it; by default all.
            others: Any other field of `Package`: ``vcpus``, ``swap``, ``brand``, ``flexible_disk``, ...
        """
        given = {"name": name, "memory": memory, "disk": disk, "version": version, "uuid": uuid}
        others = _checked("a package", Package, PACKAGE, given, others)
        with self.shared.lock:
            owners = None if accounts is None else self.find_owners(accounts, "accounts")
            package_uuid = self.free_uuid(uuid, self.packages, f"{self.name}/package/{name}/{version}")
            settings = {"swap": 2 * memory, "vcpus": 1, "owner_uuids": owners, **others}
            package = Package(package_uuid, name, version, memory, disk, **settings)
            self.packages[package_uuid] = package
            return package

    def add_network(
        self,
        name: str,
        subnet: str | None = None,
        *,
        kind: str = "internal",
        account: Account | str | None = None,
        uuid: str | None = None,
        vlan_id: int | None = None,
        **others: Any,
    ) -> Network:
        """Add a network.

        Args:
            name: Its name.
            subnet: Such as ``10.1.0.0/24``; by default one that is free.
            kind: ``external`` (public), ``internal``, ``fabric``, or ``other``.
            account: The only account that may use it. By default all may; a fabric is the emulator
                account's.
            uuid: By default one that is the same in each run.
            vlan_id: Its VLAN; by default 2 for a fabric, where the VLAN is made if it does not exist.
            others: Any other field of `Network`: ``gateway``, ``provision_start_ip``, ``resolvers``, ...
        """
        given = {"name": name, "subnet": subnet, "kind": kind, "uuid": uuid, "vlan_id": vlan_id}
        others = _checked("a network", Network, NETWORK, given, others)
        with self.shared.lock:
            owners = [self.owner(account).uuid] if account is not None or kind == "fabric" else None
            addresses = self._free_subnet() if subnet is None else _subnet(subnet)
            margin = 5 if addresses.num_addresses >= 16 else 2
            start, end = addresses[margin], addresses[-margin - 1 if margin == 5 else -2]
            network = Network(
                self.free_uuid(uuid, self.networks, f"{self.name}/network/{name}"),
                name,
                kind,
                str(addresses),
                vlan_id=(2 if kind == "fabric" else 0) if vlan_id is None else vlan_id,
                owner_uuids=owners,
                **{
                    "gateway": str(addresses[1]),
                    "provision_start_ip": str(start),
                    "provision_end_ip": str(end),
                    **others,
                },
            )
            for field in ("gateway", "provision_start_ip", "provision_end_ip"):
                _check_address(field, getattr(network, field), addresses)
            if kind == "fabric" and owners is not None:
                vlan_key = owners[0], network.vlan_id
                self.vlans.setdefault(vlan_key, Vlan(*vlan_key, name))
                self.default_fabric_networks.setdefault(owners[0], network.uuid)
            self.networks[network.uuid] = network
            return network

    def add_volume(
        self,
        name: str | None = None,
        *,
        size: int = 10240,
        state: str = "ready",
        tags: dict[str, str] | None = None,
        networks: Sequence[str] | None = None,
        account: Account | str | None = None,
        uuid: str | None = None,
    ) -> Volume:
        """Add a volume, without a job.

        Args:
            name: By default the first part of its uuid.
            size: In MiB.
            state: ``ready``, ``creating``, ``failed``, ...
            tags: Its tags.
            networks: Names or uuids of its fabric networks; by default the account's default network.
            account: Its owner; the emulator's account by default.
            uuid: By default a new one.
        """
        given = {"name": name or None, "size": size, "state": state, "tags": tags, "uuid": uuid}
        check(VOLUME, given | {"networks": networks}, ("size", "state"))
        with self.shared.lock:
            owner = self.owner(account).uuid
            default = self.default_fabric_networks.get(owner)
            if networks is None and default is None:
                raise WrongField("networks", "the account has no default fabric network: name one")
            network_uuids = [self.network(each).uuid for each in networks or [str(default)]]
            volume_uuid = self.free_uuid(uuid, self.volumes)
            name = name or volume_uuid.partition("-")[0]
            if any(volume.name == name and volume.owner_uuid == owner for volume in self.volumes.values()):
                raise WrongField("name", f"there is a volume {name!r} already")
            now = self.shared.clock.now()
            volume = Volume(
                volume_uuid, name, owner, size, now, network_uuids, state=state, labels=dict(tags or {})
            )
            if state == "ready":
                try:
                    volume.filesystem_path = f"{self.networks[network_uuids[0]].take()}:/exports/data"
                except SubnetFull as error:
                    raise WrongField("networks", str(error)) from None
            self.volumes[volume_uuid] = volume
            return volume

    def add_service(self, name: str, url: str | None = None) -> str:
        """Add a service to the list of services: ``docker``, ``cmon``, ...

        Args:
            name: Its name.
            url: Its URL; by default one whose host does not exist.

        Returns:
            The URL.
        """
        check(SERVICE, {"name": name, "url": url}, ("name",))
        host = f"{name}.{self.name}.triton.example"
        url = url or (f"tcp://{host}:2376" if name == "docker" else f"https://{host}")
        with self.shared.lock:
            self.services[name] = url
        return url

    def add_quota(
        self,
        value: int,
        by: str = "machines",
        *,
        account: Account | str | None = None,
        brand: str | None = None,
        image: str | None = None,
        os: str | None = None,
    ) -> None:
        """Limit what accounts may have: a create or a resize that would exceed it is refused.

        Args:
            value: The limit. As on a real server, 0 is no limit, and -1 refuses everything.
            by: What is limited: ``machines``, ``ram`` in MiB, or ``quota`` (disk) in GiB.
            account: The account; by default the limit holds for each account.
            brand: Count machines of this brand only.
            image: Count machines of images of this name only.
            os: Count machines of this operating system only.
        """
        given = {"value": value, "by": by, "brand": brand, "image": image, "os": os}
        check(QUOTA, given, ("value", "by"))
        checks = {name: text for name, text in (("brand", brand), ("image", image), ("os", os)) if text}
        if len(checks) > 1:
            raise WrongField(list(checks)[1], f"{' and '.join(checks)} do not go together")
        limit: dict[str, Any] = {"value": value}
        if by != "machines":
            limit["by"] = by
        for name, text in checks.items():
            limit |= {"check": name, name: text}
        with self.shared.lock:
            if account is not None:
                limit["account"] = self.owner(account).uuid
            self._limits.append(limit)

    def free_uuid(self, wanted: str | None, existing: Mapping[str, Any], key: str | None = None) -> str:
        """Return the uuid of something new: the wanted one, or the one of `key`, or a new one.

        Raises:
            WrongField: It is not a uuid, or something already has it.
        """
        chosen = _checked_uuid(wanted) if wanted is not None else None
        if chosen is None:
            chosen = stable_uuid(key) if key is not None else self.shared.chance.uuid()
        if chosen in existing:
            field = "name" if wanted is None else "uuid"
            raise WrongField(field, f"something already has this {field}")
        return chosen

    def _free_subnet(self) -> ipaddress.IPv4Network:
        taken = [ipaddress.IPv4Network(network.subnet) for network in self.networks.values()]
        return next(
            subnet
            for subnet in _DEFAULT_RANGE.subnets(new_prefix=22)
            if not any(subnet.overlaps(other) for other in taken)
        )


def _checked_uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise WrongField("uuid", f"{text[:40]!r} is not a uuid") from None


def _checked(
    what: str, record: Any, kinds: Mapping[str, Kind], given: dict[str, Any], others: dict[str, Any]
) -> dict[str, Any]:
    """Check the arguments, and copy the values of the other fields, which the caller may use again."""
    check_names(what, record, others)
    check(kinds, given | others, ("name", "version", "memory", "disk", "kind"))
    # Each new emulator comes here a hundred times, and most values are texts and numbers.
    plain = (str, int, float, NoneType)
    return {name: value if isinstance(value, plain) else deepcopy(value) for name, value in others.items()}


def _subnet(text: str) -> ipaddress.IPv4Network:
    try:
        addresses = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise WrongField("subnet", f"a subnet is written as 10.1.0.0/24: {error}") from None
    if not 8 <= addresses.prefixlen <= 29:
        raise WrongField("subnet", f"a subnet has from 8 to 29 bits of prefix, not {addresses.prefixlen}")
    return addresses


def _check_address(field: str, text: str | None, addresses: ipaddress.IPv4Network) -> None:
    try:
        inside = text is None or ipaddress.IPv4Address(text) in addresses
    except ValueError as error:
        raise WrongField(field, f"{field} is written as 10.1.0.1: {error}") from None
    if not inside:
        raise WrongField(field, f"{field} {text} is not in {addresses}")
