"""Machines of the account: list, count, get, create. `smartdc.machine` has the operations on one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from smartdc._http import shapes
from smartdc._http.answers import list_of
from smartdc._http.lost_answers import Lookup, create_once
from smartdc._http.machine_lists import MachineLists
from smartdc._http.named import id_of, machine_id_of, machine_ids_of, network_refs
from smartdc._http.paging import PAGE
from smartdc._http.request_time import RequestTime
from smartdc.arguments.creation import (
    SHORT_ID,
    affinity_rules,
    checked_name,
    fields_unlike_request,
    flat_entries,
    has_name,
    locality_hints,
    network_list,
    volume_mounts,
)
from smartdc.arguments.filters import machine_filters, number
from smartdc.arguments.ids import is_uuid, without_none
from smartdc.arguments.kinds import as_list, flag, flags, switches, texts
from smartdc.arguments.names import PACKAGE
from smartdc.arguments.refs import ImageRef, NetworkRef, PackageRef
from smartdc.arguments.role_tags import RoleRef, role_tag_header
from smartdc.machine import Machine, MachineRef

if TYPE_CHECKING:
    from smartdc.types import Brand, DiskSpec, Locality, MachineData, MachineState, NetworkObject, VolumeMount

_HOUR = 60
"""Minutes, for the parameter ``tombstone``."""


class MachineOperations(MachineLists):
    """Operations on the machines of the account."""

    UNIQUE_NAMES = True
    """A second live machine of the same name is refused (docs/cloudapi/create.md#duplicate-name)."""

    def num_machines(
        self,
        machine_type: str | None = None,
        dataset: ImageRef | None = None,
        state: MachineState | str | None = None,
        memory: int | None = None,
        tombstone: int | None = None,
        tags: Mapping[str, Any] | str | None = None,
        *,
        image: ImageRef | None = None,
        brand: Brand | str | None = None,
        docker: bool | None = None,
    ) -> int:
        """Count machines.

        ``HEAD /:login/machines``

        This is one request if the server's filters are exact and it counts fewer than 1000 machines.
        Otherwise the machines are listed as in `machines`, and the client counts them.

        Args:
            machine_type: ``smartmachine`` or ``virtualmachine``.
            dataset: Image, as in py-smartdc.
            state: As in `machines`.
            memory: RAM in MiB.
            tombstone: Any number but 0: also count deleted and failed machines.
            tags: As in `machines`.
            image: Image: UUID, name (its newest active image), ``name@version``, short id or dict.
            brand: ``joyent``, ``lx``, ``bhyve``, ``kvm``, ...
            docker: True for Docker containers only, False for other machines only.

        Raises:
            ConfigurationError: As in `machines`.
        """
        filters = machine_filters(machine_type, None, state, memory, tombstone, tags, brand, docker)
        self._add_image(filters, image, dataset)
        if filters.exact:
            counted = self._count("machines", params=filters.query)
            if counted != PAGE:
                return counted
        return sum(1 for _ in filters.passing(self._machine_pages(filters.query)))

    def raw_machine_data(self, machine_id: MachineRef, credentials: bool = False) -> MachineData:
        """Get one machine as the dict that the server sends.

        ``GET /:login/machines/:machine``

        Args:
            machine_id: UUID, name, short id, dict or `Machine`. Names and short ids are looked up in a list.
            credentials: Also the passwords that were generated for it.

        Raises:
            GoneError: It is deleted; the error's `machine` has its last known data.
            NotFoundError: ``ResourceNotFound``.
        """
        ident = machine_id_of(self, machine_id)
        return self._get("machines", ident, shape=shapes.MACHINE, params=switches(credentials=credentials))

    def machine(
        self,
        machine_id: MachineRef,
        credentials: bool = False,
        *,
        lazy: bool = False,
        look_first: bool = True,
    ) -> Machine:
        """Get one machine.

        ``GET /:login/machines/:machine``

        Args:
            machine_id: UUID, name, short id, dict or `Machine`. Names and short ids are looked up in a list.
            credentials: Also the passwords that were generated for it.
            lazy: Make no request until a value is read, except for the list in which a name is looked up.
                Changing or deleting the machine then takes one request; an action such as `start`, `stop` or
                `rename` takes two, because the machine is fetched first.
            look_first: False skips that fetch. Use it only for a machine that certainly exists: an action on
                a deleted machine crashes the server's process
                (docs/cloudapi/hazards.md#action-on-a-deleted-machine).

        Raises:
            GoneError: It is deleted.
            NotFoundError: ``ResourceNotFound``.
        """
        return Machine(self, machine_id, credentials=credentials, lazy=lazy, look_first=look_first)

    def machines(
        self,
        machine_type: str | None = None,
        name: str | None = None,
        dataset: ImageRef | None = None,
        state: MachineState | str | None = None,
        memory: int | None = None,
        tombstone: int | None = None,
        tags: Mapping[str, Any] | str | None = None,
        credentials: bool = False,
        paged: bool = False,
        limit: int | None = None,
        offset: int | None = None,
        *,
        image: ImageRef | None = None,
        brand: Brand | str | None = None,
        docker: bool | None = None,
    ) -> list[Machine]:
        """List machines, by default all of them.

        ``GET /:login/machines``

        One request for each 1000 machines (each page begins with the last machine of the one before, so that
        none is missed when others are deleted meanwhile). Deleted and failed machines are listed only with
        `tombstone`. The client applies the filters that the server does not match exactly.

        Args:
            machine_type: ``smartmachine`` or ``virtualmachine``.
            name: Exact name.
            dataset: Image, as in py-smartdc.
            state: ``running``, ``stopped``, ``provisioning``, ``stopping``, ``failed``, ``offline``,
                ``active`` (neither deleted nor failed) or ``destroyed`` (``deleted`` means the same).
            memory: RAM in MiB, as machines show it.
            tombstone: Any number but 0 includes deleted and failed machines. Servers up to 9.20 take it for a
                switch, not for minutes.
            tags: Tags that the machine has, by name: text, numbers or booleans, compared as text (``42``
                equals ``'42'``); ``'*'`` for any value. ``'*'`` instead of a dict matches any tag. ``{}`` is
                no condition, as in py-smartdc: check a computed dict before you delete the machines that are
                listed.
            credentials: Also the passwords that were generated for the machines.
            paged: Make exactly one request, with this `limit` and `offset`; the client's filters apply to
                that page.
            limit: The most machines to list, 1 or more.
            offset: How many machines to skip at the beginning.
            image: Image: UUID, name (its newest active image), ``name@version``, short id or dict.
            brand: ``joyent``, ``lx``, ``bhyve``, ``kvm``, ...
            docker: True for Docker containers only, False for other machines only.

        Raises:
            ConfigurationError: A filter has a type that the server would ignore, or is empty.
        """
        return [
            *self.iter_machines(
                machine_type, name, dataset, state, memory, tombstone, tags, credentials, paged, limit,
                offset, image=image, brand=brand, docker=docker,
            )
        ]  # fmt: skip

    def iter_machines(
        self,
        machine_type: str | None = None,
        name: str | None = None,
        dataset: ImageRef | None = None,
        state: str | None = None,
        memory: int | None = None,
        tombstone: int | None = None,
        tags: Mapping[str, Any] | str | None = None,
        credentials: bool = False,
        paged: bool = False,
        limit: int | None = None,
        offset: int | None = None,
        *,
        image: ImageRef | None = None,
        brand: str | None = None,
        docker: bool | None = None,
    ) -> Iterator[Machine]:
        """List machines page by page, as `machines` does, with at most two pages in memory.

        ``GET /:login/machines``

        A page is fetched when the machines of the page before have been used, even if that is much later. A
        machine that exists all the time is listed exactly once, even if others are created or deleted
        meanwhile.

        Its arguments are those of `machines`.

        Raises:
            ConfigurationError: As in `machines`; the call raises it, not the iteration.
        """
        filters = machine_filters(machine_type, name, state, memory, tombstone, tags, brand, docker)
        self._add_image(filters, image, dataset)
        filters.query |= switches(credentials=credentials)
        limit, first = number("limit", limit, 1), number("offset", offset)
        found = self._machines_found(filters, limit, first, paged=bool(flag("paged", paged)))
        return Machine._from_list(self, found)

    def create_machine(
        self,
        name: str | None = None,
        package: PackageRef | None = None,
        dataset: ImageRef | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        boot_script: str | PathLike[str] | None = None,
        credentials: bool = False,
        image: ImageRef | None = None,
        networks: Sequence[NetworkRef | NetworkObject] | NetworkRef | NetworkObject | None = None,
        *,
        affinity: Sequence[str] | str | None = None,
        locality: Locality | None = None,
        brand: Brand | str | None = None,
        disks: Sequence[DiskSpec] | None = None,
        volumes: Sequence[VolumeMount] | None = None,
        firewall_enabled: bool | None = None,
        deletion_protection: bool | None = None,
        delegate_dataset: bool | None = None,
        encrypted: bool | None = None,
        allow_shared_images: bool | None = None,
        password: str | None = None,
        role_tags: Iterable[RoleRef] | RoleRef | None = None,
    ) -> Machine:
        """Create a machine.

        ``POST /:login/machines``

        Asynchronous: the machine is ``provisioning`` when this returns; wait with `Machine.poll_until`.
        It is created once: if the answer is lost, the machine is searched for by its name.

        An empty image, dataset or boot script counts as None, as in py-smartdc.

        Args:
            name: Its name, unique among the account's live machines: letters, digits, ``_``, ``-`` and ``.``,
                at most 189; ``{{shortId}}`` in it becomes the first part of its UUID (since API 8.2). None
                generates eight random hexadecimal digits, as the server would.
            package: UUID, name, short id or dict.
            dataset: Image by UUID, any part of a URN, or dict, as in py-smartdc; ignored if `image` is given.
            metadata: Entries for the machine to read; text, numbers or booleans.
            tags: Tags to find it by; text, numbers or booleans.
            boot_script: Path of a script that the machine runs when it boots.
            credentials: Also return the passwords that are generated for it.
            image: Image: UUID, name (its newest active image), ``name@version``, short id or dict.
            networks: Networks to attach it to: UUIDs, names, short ids, dicts from `networks`, or
                `NetworkObject` with the address to use (since API 8.5). The first public one is the primary.
            affinity: Rules for its placement: ``'instance==web0'`` puts it on the same server, ``'role!=db'``
                on another server than the machines with that tag; ``==~`` and ``!=~`` only if possible (since
                API 8.3). Values may be globs or ``/regular expressions/``.
            locality: The predecessor of `affinity`; use only one of them.
            brand: ``bhyve`` or ``kvm``, for an image that can be either (since API 9.9).
            disks: Disks of a bhyve machine, of a package with a flexible disk; at most 8, the first with the
                image (since API 9.4).
            volumes: NFS volumes to mount; those that do not exist are created.
            firewall_enabled: Whether firewall rules apply to it.
            deletion_protection: Whether it is protected from deletion (since API 8.6).
            delegate_dataset: Whether a ZFS dataset is delegated to it (since API 9.12).
            encrypted: Whether it must be on an encrypted server (since API 9.8.5).
            allow_shared_images: Whether the image may be one that another account shares (since API 9.1).
            password: Password of the administrator, for an image that requires one.
            role_tags: Roles whose members may act on the new machine. One that does not exist is ignored.

        Raises:
            ConfigurationError: A name, tag, metadata entry, rule or mount that the server would reject, drop
                or crash on.
            InvalidArgumentError: ``InvalidArgument``: there is no such image, package or network, or
                arguments exclude each other.
            ValidationFailedError: ``ValidationFailed``: for instance, the name is taken.
            InvalidStateError: ``KeyRequired``: the account has no SSH key.
            NotAuthorizedError: ``NotAuthorized``: it would exceed one of the account's `limits`.
            OutcomeUnknown: The answer was lost, and the search failed, or found a different machine of that
                name; or the name has ``{{shortId}}``, with which no search is certain.
        """
        body: dict[str, Any] = without_none(
            # With a unique name the machine can be found when the answer is lost.
            name=checked_name(name) or os.urandom(4).hex(),
            affinity=affinity_rules(affinity),
            disks=None if disks is None else as_list("disks", disks, "[{'size': 10240}]", Mapping),
            volumes=volume_mounts(volumes),
        )
        body |= (
            switches(credentials=credentials)
            | texts(brand=brand, password=password)
            | flags(
                firewall_enabled=firewall_enabled,
                deletion_protection=deletion_protection,
                delegate_dataset=delegate_dataset,
                encrypted=encrypted,
                allow_shared_images=allow_shared_images,
            )
        )
        body |= flat_entries(metadata, boot_script, tags)
        headers = role_tag_header(role_tags)
        # Names are looked up last, each kind in one list: invalid arguments cost no request.
        body |= without_none(
            package=None if package is None else id_of(self, PACKAGE, package),
            networks=network_list(network_refs(self, networks) if networks else networks),
            locality=locality_hints(locality, partial(machine_ids_of, self)),
            **{self.IMAGE_PARAMETER: self._image_id(image or None, dataset or None)},
        )
        # With {{shortId}} the name is unknown until the machine exists, so concurrent creates look alike.
        is_name_known = SHORT_ID not in body["name"]
        create = partial(
            self._post,
            "machines",
            shape=shapes.MACHINE,
            json=body,
            headers=headers,
            key="id",
            named=body["name"] if is_name_known and self.UNIQUE_NAMES else None,
        )
        request_time = RequestTime(self.clock)
        package_name = cache(partial(self._package_name, package, body.get("package", "")))
        lookup = Lookup(
            "machine",
            {"name": body["name"]},
            partial(self._machines_created, body["name"], request_time),
            lambda data: [
                *request_time.differing_fields(data),
                *fields_unlike_request(body, package_name, data),
            ],
            is_certain=is_name_known,
            is_unique=is_name_known and self.UNIQUE_NAMES,
            request_time=request_time,
        )
        return Machine(self, data=create_once(self, create, lookup))

    def _machines_created(self, name: str, request_time: RequestTime) -> list[dict[str, Any]]:
        """Return new machines of this name, including failed ones, which were created as well."""
        filters = without_none(name=name.partition(SHORT_ID)[0] or None, tombstone=_HOUR)
        answer, response = self._get_answer("machines", params=filters)
        page: list[Any] = list_of(answer, response, "id")
        if len(page) == PAGE:
            page = [*self._machine_pages(filters)]
        return request_time.created_since([data for data in page if has_name(data, name)], response)

    def _package_name(self, package: PackageRef | None, sent: str) -> str | None:
        """Return the name of a package, which machines show; fetch it if only the UUID is known."""
        if isinstance(package, Mapping) and package.get("name"):
            return str(package["name"])
        return self._get("packages", sent, shape=shapes.PACKAGE).get("name") if is_uuid(sent) else sent
