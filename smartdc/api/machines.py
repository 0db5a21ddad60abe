"""Machines of the account: list, count, get, create. What is done to one machine is in its own areas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from os import PathLike
from secrets import token_hex
from typing import Any, cast

from smartdc._http.answers import MOST_PAGES, endless, list_of
from smartdc._http.begun import Begun
from smartdc._http.connection import Connection
from smartdc._http.endpoint import Params
from smartdc._http.lost_answers import Sought, create_once
from smartdc.arguments.creation import (
    SHORT_ID,
    affinity_rules,
    checked_name,
    flat_entries,
    has_name,
    locality_hints,
    network_list,
    other_than_asked,
    volume_mounts,
)
from smartdc.arguments.ids import entity_id, given, is_uuid
from smartdc.arguments.role_tags import RoleRef, role_tag_header
from smartdc.arguments.urns import newest_with_urn
from smartdc.machine import Machine
from smartdc.types import DiskSpec, Locality, MachineData, NetworkObject, VolumeMount

EntityRef = str | Mapping[str, Any]
MachineRef = str | Mapping[str, Any] | Machine

_HOUR = 60
"""In minutes, for `tombstone`."""

_PAGE = 1000
"""What the server lists and counts at most in one answer (docs/cloudapi/lists.md#page-limit)."""

# The server answers these two with every machine that is not destroyed
# (docs/cloudapi/lists.md#states-that-mean-active).
_UNFILTERED_STATES = ("provisioning", "stopping")


class MachineOperations(Connection):
    """Operations on the machines of the account."""

    # Since API 7: it ignores `dataset` when listing (docs/cloudapi/lists.md#image-filter).
    IMAGE_PARAMETER = "image"
    # A second live machine of the same name is refused (docs/cloudapi/create.md#duplicate-name).
    UNIQUE_NAMES = True

    def num_machines(
        self,
        machine_type: str | None = None,
        dataset: EntityRef | None = None,
        state: str | None = None,
        memory: int | None = None,
        tombstone: int | None = None,
        tags: Mapping[str, Any] | str | None = None,
        *,
        image: EntityRef | None = None,
        brand: str | None = None,
        docker: bool | None = None,
    ) -> int:
        """Count machines.

        ``HEAD /:login/machines``

        One request for each 1000 machines, which is as far as the server counts.

        Args:
            machine_type: ``smartmachine`` or ``virtualmachine``.
            dataset: Image, as in py-smartdc.
            state: As in `machines`.
            memory: RAM in MiB.
            tombstone: Also count machines destroyed in the last so many minutes, and failed ones.
            tags: Tags that the machine has; ``'*'`` for any tag at all.
            image: Image: UUID or dict.
            brand: ``joyent``, ``lx``, ``bhyve``, ``kvm``, ...
            docker: Only Docker containers, or none.
        """
        if state in _UNFILTERED_STATES:
            return len(
                self.machines(
                    machine_type,
                    dataset=dataset,
                    state=state,
                    memory=memory,
                    tombstone=tombstone,
                    tags=tags,
                    image=image,
                    brand=brand,
                    docker=docker,
                )
            )
        filters = _filters(machine_type, state, memory, tombstone, tags, brand, docker)
        filters |= given(**{self.IMAGE_PARAMETER: self._image_id(image, dataset)})
        total = 0
        for _ in range(MOST_PAGES):
            page = given(limit=_PAGE, offset=total) if total else {}
            counted = self._count("machines", params=filters | page)
            total += counted
            # `tags=*` ignores limit and offset: it says all at once.
            if counted != _PAGE or tags == "*":
                return total
        raise endless("HEAD", "/machines")

    def raw_machine_data(self, machine_id: MachineRef, credentials: bool = False) -> MachineData:
        """Get one machine as the server sends it.

        ``GET /:login/machines/:machine``

        Args:
            machine_id: UUID, dict or `Machine`.
            credentials: Also the passwords that were generated for it.

        Raises:
            GoneError: It is deleted; the error's `machine` is what the server still knows of it.
            NotFoundError: ``ResourceNotFound``.
        """
        ident = entity_id(machine_id, "machine")
        return cast(MachineData, self._get("machines", ident, params=given(credentials=credentials or None)))

    def machine(self, machine_id: MachineRef, credentials: bool = False, *, lazy: bool = False) -> Machine:
        """Get one machine.

        ``GET /:login/machines/:machine``

        Args:
            machine_id: UUID, dict or `Machine`.
            credentials: Also the passwords that were generated for it.
            lazy: Make no request until a value is read: acting on a known id then costs one request.

        Raises:
            GoneError: It is deleted.
            NotFoundError: ``ResourceNotFound``.
        """
        return Machine(self, machine_id, credentials=credentials, lazy=lazy)

    def machines(
        self,
        machine_type: str | None = None,
        name: str | None = None,
        dataset: EntityRef | None = None,
        state: str | None = None,
        memory: int | None = None,
        tombstone: int | None = None,
        tags: Mapping[str, Any] | str | None = None,
        credentials: bool = False,
        paged: bool = False,
        limit: int | None = None,
        offset: int | None = None,
        *,
        image: EntityRef | None = None,
        brand: str | None = None,
        docker: bool | None = None,
    ) -> list[Machine]:
        """List machines, all of them unless told otherwise.

        ``GET /:login/machines``

        One request for each 1000 machines. Deleted and failed machines are listed only with `tombstone`.

        Args:
            machine_type: ``smartmachine`` or ``virtualmachine``.
            name: Exact name. (The server itself matches the beginning.)
            dataset: Image, as in py-smartdc.
            state: ``running``, ``stopped``, ``provisioning``, ``stopping``, ``active`` (not destroyed) or
                ``destroyed`` (``deleted`` means the same).
            memory: RAM in MiB.
            tombstone: Also machines destroyed in the last so many minutes, and failed ones.
            tags: Tags that the machine has; a value ``'*'`` stands for any, and ``'*'`` alone for any tag at
                all (the server then ignores every other filter).
            credentials: Also the passwords that were generated for the machines.
            paged: Make exactly one request, with the `limit` and `offset` given.
            limit: So many machines at most.
            offset: Leave out so many at the beginning.
            image: Image: UUID or dict.
            brand: ``joyent``, ``lx``, ``bhyve``, ``kvm``, ...
            docker: Only Docker containers, or none.
        """
        filters = _filters(machine_type, state, memory, tombstone, tags, brand, docker)
        filters |= given(**{self.IMAGE_PARAMETER: self._image_id(image, dataset)})
        filters |= given(name=name, credentials=credentials or None)
        # Of these the server lists too many (docs/cloudapi/lists.md#states-that-mean-active,
        # docs/cloudapi/lists.md#name-filter-matches-prefixes): the right ones are chosen, and counted off,
        # here.
        chosen_here = name is not None or tags == "*" or state in _UNFILTERED_STATES
        if paged:
            found = self._machine_page(filters, limit, offset)
        elif chosen_here:
            found = self._machine_pages(filters, None, 0)
        else:
            found = self._machine_pages(filters, limit, offset or 0)
        if name is not None:
            found = [data for data in found if data.get("name") == name]
        if state in _UNFILTERED_STATES:
            found = [data for data in found if data.get("state") == state]
        if chosen_here and not paged:
            found = found[offset or 0 :][:limit]
        return [Machine(self, data=data) for data in found]

    def create_machine(
        self,
        name: str | None = None,
        package: EntityRef | None = None,
        dataset: EntityRef | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        boot_script: str | PathLike[str] | None = None,
        credentials: bool = False,
        image: EntityRef | None = None,
        networks: Sequence[EntityRef | NetworkObject] | EntityRef | NetworkObject | None = None,
        *,
        affinity: Sequence[str] | str | None = None,
        locality: Locality | None = None,
        brand: str | None = None,
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
        It is created once: when the answer is lost, the machine is looked for by its name.

        Args:
            name: Its name, unique among the account's live machines: letters, digits, ``_``, ``-`` and ``.``,
                at most 189; ``{{shortId}}`` in it becomes the first part of its UUID (since API 8.2). None
                makes one of eight random hexadecimal digits, as the server would.
            package: UUID, name, or dict.
            dataset: Image by UUID, any part of a URN, or dict, as in py-smartdc; not looked at when `image`
                is given.
            metadata: Entries for the machine to read; text, numbers or booleans.
            tags: Tags to find it by; text, numbers or booleans.
            boot_script: Path of a script that the machine runs when it boots.
            credentials: Also return the passwords that are generated for it.
            image: Image: UUID or dict.
            networks: Networks to attach it to: UUIDs, dicts from `networks`, or `NetworkObject` with the
                address wanted (since API 8.5). The first public one is the primary.
            affinity: Rules of where to put it: ``'instance==web0'`` on the same server, ``'role!=db'`` on
                another than the machines with that tag; with ``==~`` and ``!=~`` only if that can be (since
                API 8.3). Values may be globs or ``/regular expressions/``.
            locality: What came before `affinity`; not both.
            brand: ``bhyve`` or ``kvm``, for an image that can be either (since API 9.9).
            disks: Disks of a bhyve machine, of a package with a flexible disk; at most 8, the first with the
                image (since API 9.4).
            volumes: NFS volumes to mount; those that are not there are made.
            firewall_enabled: Whether its firewall rules hold.
            deletion_protection: Whether it is protected from deletion (since API 8.6).
            delegate_dataset: Whether a ZFS dataset is delegated to it (since API 9.12).
            encrypted: Whether it must be on an encrypted server (since API 9.8.5).
            allow_shared_images: Whether the image may be one that another account shares (since API 9.1).
            password: The administrator's, of an image that asks for one.
            role_tags: Roles whose members may act on the new machine. One that does not exist is ignored.

        Raises:
            ConfigurationError: A name, tag, metadata entry, rule or mount that the server would refuse, lose
                or choke on.
            InvalidArgumentError: ``InvalidArgument``: an image, package or network that it does not have, or
                arguments that do not go together.
            ValidationFailedError: ``ValidationFailed``: the name is taken, among others.
            InvalidStateError: ``KeyRequired``: the account has no SSH key.
            NotAuthorizedError: ``NotAuthorized``: it would exceed one of the account's `limits`.
            OutcomeUnknown: The answer was lost, and the machine could not be looked for, or one of its name
                is there that differs; or its name has ``{{shortId}}`` in it, by which it cannot be found for
                sure.
        """
        body: dict[str, Any] = given(
            # With a name of its own the machine can be found when the answer is lost.
            name=checked_name(name) or token_hex(4),
            package=None if package is None else entity_id(package, "package", "id", "name"),
            networks=network_list(networks),
            credentials=credentials or None,
            affinity=affinity_rules(affinity),
            locality=locality_hints(locality),
            brand=brand,
            disks=None if disks is None else list(disks),
            volumes=volume_mounts(volumes),
            password=password,
        )
        body |= given(
            firewall_enabled=firewall_enabled,
            deletion_protection=deletion_protection,
            delegate_dataset=delegate_dataset,
            encrypted=encrypted,
            allow_shared_images=allow_shared_images,
        )
        body |= given(**{self.IMAGE_PARAMETER: self._image_id(image, dataset)})
        body |= flat_entries(metadata, boot_script, tags)
        create = partial(self._post, "machines", json=body, headers=role_tag_header(role_tags), key="id")
        begun = Begun(self.clock)
        package_name = cache(partial(self._package_name, package))
        # With {{shortId}} the name is unknown until the machine exists, so concurrent creates look alike.
        known = SHORT_ID not in body["name"]
        sought = Sought(
            "machine",
            {"name": body["name"]},
            partial(self._machines_created, body["name"], begun),
            lambda data: [*begun.differs(data), *other_than_asked(body, package_name, data)],
            sure=known,
            unique=known and self.UNIQUE_NAMES,
        )
        return Machine(self, data=create_once(self, create, sought))

    def _machines_created(self, name: str, begun: Begun) -> list[dict[str, Any]]:
        """Machines of this name that are new; failed ones too, as they were created."""
        filters = given(name=name.partition(SHORT_ID)[0] or None, tombstone=_HOUR)
        answer, response = self._call("GET", ("machines",), filters)
        page: list[Any] = list_of(answer, response, "id")
        if len(page) == _PAGE:
            page += self._machine_pages(filters, None, _PAGE)
        return begun.later([data for data in page if has_name(data, name)], response)

    def _package_name(self, package: EntityRef | None) -> str | None:
        """The name, by which machines show their package; one that is known by its UUID only is fetched."""
        if isinstance(package, Mapping) and package.get("name"):
            return str(package["name"])
        if package is None:
            return None
        wanted = entity_id(package, "package", "id", "name")
        return cast("str | None", self._get("packages", wanted).get("name")) if is_uuid(wanted) else wanted

    def _image_id(self, image: EntityRef | None, dataset: EntityRef | None) -> str | None:
        if image is not None:
            return entity_id(image, "image")
        if dataset is None:
            return None
        wanted = entity_id(dataset, "dataset", "id", "urn")
        # A URN, or a part of one, was an id once; today's servers know UUIDs only.
        if is_uuid(wanted):
            return wanted
        found = newest_with_urn(self._list("images", key="id"), wanted) or self._get("images", wanted)
        return entity_id(found, "dataset")

    def _machine_page(self, filters: Params, limit: int | None, offset: int | None) -> list[MachineData]:
        page = self._list("machines", params={**filters, **given(limit=limit, offset=offset)}, key="id")
        return cast(list[MachineData], page)

    def _machine_pages(self, filters: Params, limit: int | None, offset: int) -> list[MachineData]:
        """All pages in a row, each machine once: pages overlap when machines come and go meanwhile."""
        found: dict[str, MachineData] = {}
        for _ in range(MOST_PAGES):
            wanted = _PAGE if limit is None else min(_PAGE, limit - len(found))
            page = self._machine_page(filters, wanted if wanted != _PAGE else None, offset or None)
            known = len(found)
            for data in page:
                found.setdefault(data["id"], data)
            offset += len(page)
            if len(page) != wanted or len(found) == known or len(found) == limit:
                return list(found.values())[:limit]
        raise endless("GET", "/machines")


def _filters(
    machine_type: str | None,
    state: str | None,
    memory: int | None,
    tombstone: int | None,
    tags: Mapping[str, Any] | str | None,
    brand: str | None,
    docker: bool | None,
) -> dict[str, Any]:
    filters: dict[str, Any] = given(
        type=machine_type,
        state="destroyed" if state == "deleted" else state,
        memory=memory,
        # Any value switches it on, 0 and false too
        # (docs/cloudapi/requests.md#query-booleans-are-truthy-strings).
        tombstone=tombstone or None,
        brand=brand,
    )
    filters |= given(docker=docker)
    if isinstance(tags, Mapping):
        filters |= {f"tag.{key}": value for key, value in tags.items()}
    else:
        filters |= given(tags=tags)
    return filters
