"""The state of one emulated data center, and what its data centers share.

Handlers change it on the server's thread, and tests on theirs; both hold `Shared.lock` to read or change it.
Reading first settles the site: it runs the jobs that are due.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from smartdc.emulator.state.additions import Additions
from smartdc.emulator.state.chance import Chance, stable_uuid
from smartdc.emulator.state.changes import Changes
from smartdc.emulator.state.directory import Account
from smartdc.emulator.state.fields import LIMIT, MACHINE
from smartdc.emulator.state.firewall_rules import FirewallRule
from smartdc.emulator.state.jobs import Action, Job, Timeline, Work, schedule
from smartdc.emulator.state.kinds import TABLES, check, check_names
from smartdc.emulator.state.lookups import Context
from smartdc.emulator.state.machines import Machines
from smartdc.emulator.state.resources import Image, Network, Package, SubnetFull, Vlan, Volume
from smartdc.emulator.state.vm import HARDWARE_BRANDS, STORED_STATES, VM, Disk, Nic, TagValue


@dataclass
class Shared(Context):
    """The state that all data centers of one emulator share.

    Attributes:
        urls: The URL of each data center, by name.
        sites: The data centers, by name.
        violations: What clients did that would have harmed a real server (docs/cloudapi/hazards.md).
        unsupported: What boot scripts and logins asked for that only a real machine can do.
        on_change: Called with a data center, after jobs or tests have changed it, and with its machines that
            have changed since the last call.
        schema_only: Whether operations that only the OpenAPI description has are served.
        request_ids: The source of request ids; separate, so that requests do not change other ids.
    """

    urls: dict[str, str] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict, repr=False)
    violations: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    on_change: list[Callable[[Site, Sequence[VM]], None]] = field(default_factory=list)
    schema_only: bool = False
    request_ids: Chance = field(default_factory=Chance)


class Site(Additions):
    """One data center.

    Attributes:
        name: Its name.
        images: By uuid.
        packages: By uuid.
        networks: By uuid, in the order in which the server lists them.
        vlans: VLANs of the fabrics, by owner and number.
        fabrics_enabled: Whether it has fabrics.
        default_fabric_networks: The uuid of the default network of each account that has a fabric.
        firewall_rules: By uuid.
        volumes: By uuid.
        volume_sizes: The sizes that a volume can have, in MiB.
        volumes_enabled: Whether it has volumes; in a real data center they are off by default.
        automount_volumes: Whether new machines can mount volumes.
        fail_next_volume: Set it to make the next volume fail.
        migrations_allowed: Whether users may migrate their machines.
        fail_next_migration: Set it to make the next phase of a migration fail.
        changes: Reports each change of a machine; the change feed reads it.
        timeline: The actions of jobs that are not due yet.
        next_mac: The number in the next NIC's MAC address.
        next_turn: The number of the next turn of `pick_server`, from 1 on.
        delegated_datasets: Whether machines can have delegated datasets.
        limits: Quotas of accounts, as operators write them: ``{"value": 10240, "by": "ram"}``.
        services: URLs of other services by name; CloudAPI itself is always in the list.
        servers: The uuids of its servers.
        old_servers: Servers whose platform is too old to make images of their machines.
        fail_next_image: Set it to make the next image fail: ``True``, or IMGAPI's code of the reason.
        manta: The uuids of images that were exported to Manta, by path; None if there is no Manta.
        fail_next_provision: Set it to make the next machine fail. ``True``: it never gets a server, and can
            then never be deleted (docs/cloudapi/actions.md#deletion-without-a-server). ``"on server"``: it
            fails on its server, and can be deleted.
    """

    def __init__(self, name: str, shared: Shared) -> None:
        self.name = name
        self.shared: Shared = shared
        shared.sites[name] = self
        self.images: dict[str, Image] = {}
        self.packages: dict[str, Package] = {}
        self.networks: dict[str, Network] = {}
        self.vlans: dict[tuple[str, int], Vlan] = {}
        self.fabrics_enabled = True
        self.default_fabric_networks: dict[str, str] = {}
        self.firewall_rules: dict[str, FirewallRule] = {}
        self.volumes: dict[str, Volume] = {}
        self.volume_sizes: list[int] = [size * 1024 for size in (10, 20, 30, 40, 50, 100, 200, 500, 1000)]
        self.volumes_enabled = True
        self.automount_volumes = True
        self.fail_next_volume = False
        self.migrations_allowed = True
        self.fail_next_migration = False
        self.delegated_datasets = True
        self._limits: list[dict[str, Any]] = []
        self.services: dict[str, str] = {}
        self.old_servers: set[str] = set()
        self.fail_next_image: bool | str = False
        self.manta: dict[str, str] | None = {}
        self.servers: list[str] = [self.stable_uuid(f"server/{number}") for number in range(4)]
        self.fail_next_provision: bool | str = False
        self._machines = Machines(shared.lock)
        self.timeline: Timeline = Timeline()
        self.changes: Changes = Changes()
        self._changed: dict[VM, None] = {}
        self._machines.watchers += [self.changes.note, self._note]
        self.timeline.watch = self.changes.publish
        self._nics: dict[str, tuple[Nic, ...]] = {}
        self.next_mac: int = 1
        self.next_turn: int = 1

    def __repr__(self) -> str:
        return f"<Site {self.name}: {len(self._machines)} machines>"

    @property
    def url(self) -> str:
        """Its URL."""
        return self.shared.urls[self.name]

    @property
    def limits(self) -> list[dict[str, Any]]:
        """Quotas of accounts."""
        return self._limits

    @limits.setter
    def limits(self, limits: list[dict[str, Any]]) -> None:
        if not TABLES.fits(limits):
            raise ValueError("limits must be a list of dicts, such as [{'value': 10}]")
        for number, limit in enumerate(limits):
            unknown = [name for name in limit if name not in LIMIT]
            if unknown:
                raise ValueError(f"limits[{number}] has {unknown[0]!r:.40}; it can have {', '.join(LIMIT)}")
        self._limits = limits

    @property
    def machines(self) -> Machines:
        """All machines by uuid, also destroyed ones. Jobs that are due are run first."""
        self.settle()
        return self._machines

    @property
    def unsettled_machines(self) -> Machines:
        """The same machines, without running the jobs that are due."""
        return self._machines

    def settle(self) -> None:
        """Run the jobs that are due."""
        with self.shared.lock:
            if self.timeline.run_until(self.shared.clock.now()):
                self._call_listeners()

    def later(self, seconds: float, act: Action, *, since: float | None = None) -> None:
        """Call a function after some emulated seconds.

        A state directory saves only the functions of `smartdc.emulator.saving.tasks`; others are lost at a
        restart.

        Args:
            seconds: The delay.
            act: The function; it is called with the time at which it is due.
            since: When the delay begins, in seconds since 1970; by default now.
        """
        start = self.shared.clock.now() if since is None else since
        self.timeline.at(start + seconds, act)

    def stable_uuid(self, name: str) -> str:
        """Return the uuid of this data center's `name`, which is the same in every run."""
        return stable_uuid(f"{self.name}/{name}")

    def new_uuid(self) -> str:
        """Return a new uuid."""
        return self.shared.chance.uuid()

    def start_job(
        self,
        vm: VM,
        task: str,
        action: str,
        work: Work,
        *,
        caller: dict[str, Any] | None = None,
        snapshot_name: str | None = None,
        since: float | None = None,
    ) -> Job:
        """Queue a job, with these fields of `Job`, behind the machine's earlier jobs, now or at `since`."""
        now = self.shared.clock.now() if since is None else since
        job = Job(self.new_uuid(), task, action, now, snapshot_name=snapshot_name, caller=caller)
        vm.jobs.append(job)
        vm.note("jobs")
        begin = max(now, vm.busy_until)
        vm.busy_until = schedule(self.timeline, job, work, begin, partial(note_jobs, vm))
        self.settle()
        return job

    def add_machine(
        self,
        name: str | None = None,
        *,
        state: str = "running",
        brand: str | None = None,
        image: Image | str | None = None,
        package: Package | str | None = None,
        tags: dict[str, TagValue] | None = None,
        metadata: dict[str, Any] | None = None,
        account: Account | str | None = None,
        networks: Sequence[str] | None = None,
        uuid: str | None = None,
        **others: Any,
    ) -> VM:
        """Add a machine, without a request and without a job.

        Args:
            name: Its alias; by default the first part of its uuid.
            state: A state of CloudAPI or VMAPI: ``running``, ``stopped``, ``failed``, ...
            brand: Its brand; by default the one that the image requires.
            image: A name, uuid or record; by default one that fits the brand.
            package: A name, uuid or record; by default the first.
            tags: Its tags.
            metadata: Its customer metadata.
            account: Its owner, by record or login; by default the emulator's account.
            networks: Names or uuids of its networks; by default those of a create without networks.
            uuid: Its uuid; by default a new one.
            others: Any other field of `VM`.
        """
        given = {"name": name, "state": state, "brand": brand, "tags": tags, "metadata": metadata}
        check_names("a machine", VM, others)
        check(MACHINE, given | {"networks": networks, "uuid": uuid} | others, ("state",))
        with self.shared.lock:
            owner = self.owner(account)
            chosen_image = self.find_image(image, brand)
            chosen_package = self.find_package(package)
            kind = brand or chosen_image.requirements.get("brand") or "joyent"
            machine_uuid = self.free_uuid(uuid, self._machines)
            vm = self.new_vm(owner, name, kind, chosen_image, chosen_package, machine_uuid)
            vm.state = STORED_STATES.get(state, state)
            vm.tags, vm.customer_metadata = dict(tags or {}), dict(metadata or {})
            if vm.state not in ("provisioning", "failed"):
                vm.server_uuid = self.pick_server()
                self._connect(vm, networks)
            for field_name, value in others.items():
                setattr(vm, field_name, value)
            self._machines[vm.uuid] = vm
            if vm.destroyed:
                self.release(vm.nics)
            self._call_listeners()
            return vm

    def new_vm(
        self,
        owner: Account,
        alias: str | None,
        brand: str,
        image: Image,
        package: Package,
        uuid: str | None = None,
    ) -> VM:
        """Make the record of a machine that is about to be provisioned, without listing it."""
        now = self.shared.clock.now()
        machine_uuid = uuid or self.new_uuid()
        vm = VM(
            uuid=machine_uuid,
            owner_uuid=owner.uuid,
            alias=alias or machine_uuid.partition("-")[0],
            brand=brand,
            state="provisioning",
            image_uuid=image.uuid,
            billing_id=package.uuid,
            ram=package.memory,
            max_physical_memory=package.memory,
            quota=package.disk / 1024,
            created=now,
            updated=now,
        )
        if brand in HARDWARE_BRANDS:
            vm.disks = self._disks(brand, image, package)
            vm.quota = 10  # a fixed root for the zone around it
            if brand == "bhyve" and package.flexible_disk:
                vm.flexible_disk_size = package.disk
                vm.free_space = max(0, package.disk - sum(disk.size for disk in vm.disks))
        return vm

    def add_vm(self, vm: VM) -> None:
        """List a machine that `new_vm` made."""
        self._machines[vm.uuid] = vm

    def new_nic(
        self, network: Network, ip: str | None = None, *, primary: bool = False, vm: VM | None = None
    ) -> Nic:
        """Make a NIC with an address of a network, which NAPI assigns to `vm`.

        The caller adds it to the machine's record.

        Raises:
            SubnetFull: No address is left.
        """
        address = network.take(ip)
        number, self.next_mac = self.next_mac, self.next_mac + 1
        mac = "90:b8:d0:" + ":".join(f"{number >> shift & 255:02x}" for shift in (16, 8, 0))
        nic = Nic(mac, address, network.netmask, network.uuid, primary=primary, gateway=network.gateway)
        if vm is not None:
            nic.machine_uuid = vm.uuid
            self._nics[vm.uuid] = (*self._nics.get(vm.uuid, ()), nic)
        network.nics[int(ipaddress.IPv4Address(address))] = nic
        return nic

    def nics_of(self, vm: VM) -> list[Nic]:
        """Return a machine's NICs in NAPI, also those that the machine does not show yet."""
        return sorted(self._nics.get(vm.uuid, ()), key=lambda nic: nic.mac)

    def pick_server(self, among: Sequence[str] | None = None) -> str:
        """Return a compute node, one after the other, out of `among` or of all."""
        choice = self.servers if among is None else among
        turn, self.next_turn = self.next_turn, self.next_turn + 1
        return choice[turn % len(choice)]

    def restore(self, vm: VM, known: Sequence[Nic]) -> None:
        """List a machine of a saved state, with its NICs in NAPI."""
        self._machines[vm.uuid] = vm
        if known:
            self._nics[vm.uuid] = tuple(known)
        for nic in known:
            network = self.networks.get(nic.network_uuid)
            if network is not None:
                network.nics[int(ipaddress.IPv4Address(nic.ip))] = nic

    def nic(self, vm: VM, mac: str) -> Nic | None:
        """Return a machine's NIC from NAPI, or else from the record of the machine; None if it has none."""
        known = (*self._nics.get(vm.uuid, ()), *vm.nics)
        return next((nic for nic in known if nic.mac == mac), None)

    def release(self, nics: Sequence[Nic]) -> None:
        """Free the addresses of a machine that is gone; its record goes on showing them."""
        for nic in nics:
            vm = self._machines.get(nic.machine_uuid or "")
            if vm is not None:
                vm.note("addresses")
            network = self.networks.get(nic.network_uuid)
            if network is not None:
                network.release(nic.ip)
            known = self._nics.pop(nic.machine_uuid or "", ())
            left = tuple(other for other in known if other is not nic)
            if left and nic.machine_uuid is not None:
                self._nics[nic.machine_uuid] = left

    def default_networks(self, account_uuid: str) -> list[Network]:
        """Return the networks of a create that names none: the first public and the first internal one."""
        usable = [network for network in self.networks.values() if network.provisionable_by(account_uuid)]
        public = [network for network in usable if network.public]
        internal = [network for network in usable if network.kind in ("fabric", "internal")]
        return public[:1] + internal[:1]

    def _call_listeners(self) -> None:
        self.changes.publish(self.shared.clock.now())
        changed, self._changed = list(self._changed), {}
        for listener in self.shared.on_change:
            listener(self, changed)

    def _note(self, vm: VM, name: str, old: object) -> None:
        self._changed[vm] = None

    def _connect(self, vm: VM, networks: Sequence[str] | None) -> None:
        chosen = self.default_networks(vm.owner_uuid)
        if networks is not None:
            chosen = [self.network(name) for name in networks]
        for network in chosen:
            try:
                vm.nics = (*vm.nics, self.new_nic(network, primary=not vm.nics, vm=vm))
            except SubnetFull:
                if networks is not None:
                    raise  # only a default network that is full is left out

    def _disks(self, brand: str, image: Image, package: Package) -> list[Disk]:
        boot_size = image.image_size or 10240
        data_size = package.disk
        if brand == "bhyve" and package.flexible_disk:
            data_size = max(0, package.disk - boot_size)
        boot = Disk(self.new_uuid(), boot_size, boot=True, image_uuid=image.uuid)
        return [boot, Disk(self.new_uuid(), data_size)]


def note_jobs(vm: VM) -> None:
    """Report that one of the machine's jobs has changed."""
    vm.note("jobs")
