"""Disks of one bhyve machine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

from smartdc._http import shapes
from smartdc._http.awaited import poll_state
from smartdc._http.lost_answers import Lookup, create_once
from smartdc.arguments.ids import entity_id
from smartdc.arguments.kinds import flags, texts, whole_number
from smartdc.arguments.refs import DiskRef
from smartdc.arguments.states import MachineState
from smartdc.errors import ConfigurationError
from smartdc.machine.endpoint import MachineEndpoint

if TYPE_CHECKING:
    from smartdc.types import Disk

_BUSY = ("creating", "resizing", "deleting")
_STATES = (*_BUSY, *get_args(MachineState))


class Disks(MachineEndpoint):
    """Operations on this machine's disks. Changes need a stopped machine with a flexible package."""

    def get_disks(self) -> list[Disk]:
        """List this machine's disks; a container has none.

        ``GET /:login/machines/:machine/disks``

        Since API 9.4.1.
        """
        return self._list("disks", shape=shapes.DISK)

    def num_disks(self) -> int:
        """Count this machine's disks.

        ``HEAD /:login/machines/:machine/disks``

        Since API 9.4.1.
        """
        return self._count("disks")

    def get_disk(self, disk: DiskRef) -> Disk:
        """Get one disk.

        ``GET /:login/machines/:machine/disks/:disk``

        Since API 9.4.1.

        Args:
            disk: UUID or dict.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        return self._get("disks", entity_id(disk, "disk"), shape=shapes.DISK)

    def poll_disk(
        self,
        disk: DiskRef,
        state: str | None = None,
        interval: float = 2,
        *,
        timeout: float | None = None,
    ) -> Disk:
        """Wait until no change of a disk is under way, or until it is in a given state.

        ``GET /:login/machines/:machine/disks/:disk``

        Args:
            disk: UUID or dict.
            state: None for any state but ``creating``, ``resizing`` and ``deleting``; or a state of machines,
                or ``deleted``.
            interval: Seconds between two looks.
            timeout: Seconds in all; None waits for ever, 0 looks once.

        Returns:
            The disk when last seen; the state of a deleted one is ``deleted``.

        Raises:
            ConfigurationError: There is no such state.
            WaitFailed: It was deleted while another state is awaited.
            WaitTimeout: The time ran out.
        """
        ident = entity_id(disk, "disk")
        what, place = f"disk {ident}", ("machines", self.id, "disks", ident)
        return poll_state(
            self._connection, place, shapes.DISK, what, state, _STATES, _BUSY, interval, timeout
        )

    def create_disk(self, size: int | Literal["remaining"], *, pci_slot: str | None = None) -> Disk | None:
        """Start creating a disk for this stopped bhyve machine.

        ``POST /:login/machines/:machine/disks``

        Asynchronous. Since API 9.4.1.

        It can crash the server's process, or never be answered: the server has a bug with a machine whose
        boot disk has both a block size and an image
        (docs/cloudapi/hazards.md#disk-on-a-machine-with-an-image). A client cannot detect this beforehand.

        Args:
            size: Size in MiB; ``'remaining'`` for all that is left of the package.
            pci_slot: The slot: ``'0:4:1'``. None lets the server choose.

        Returns:
            The disk, ``creating``; `poll_disk` waits until it exists. None without a `pci_slot`, because the
            server has no id for it yet: poll `get_disks` until there is one more.

        Raises:
            ConfigurationError: This machine is known not to be bhyve: the server would never answer.
            InvalidArgumentError: ``InvalidArgument``: the machine is not stopped, has eight disks, ...
            InvalidStateError: ``VmWithoutFlexibleDiskSize``: the package is not flexible.
            ConflictError: ``InsufficientDiskSpace``.
            ValidationFailedError: ``ValidationFailed``: the slot is taken.
            OutcomeUnknown: The answer was lost, and no disk is being created in its `pci_slot`; without a
                slot, the new disk cannot be recognised. Disks of its size are the candidates.
        """
        brand = "bhyve" if self._data is None else self._data.get("brand", "bhyve")
        if brand != "bhyve":
            raise ConfigurationError(
                f"disks can be created for bhyve machines only, and {self.id} is {brand}"
            )
        requested_size = size if size == "remaining" else whole_number("size", size)
        body = {"size": requested_size, **texts(pci_slot=pci_slot)}
        lookup = Lookup(
            "disk",
            body,
            partial(self._disks_like, body),
            # An existing disk may be older: disks have no time of creation.
            lambda disk: [] if disk.get("state") == "creating" else ["state"],
            is_certain=pci_slot is not None,
            is_unique=False,
        )
        create = partial(self._post_action, "disks", shape=shapes.DISK, json=body)
        return create_once(self._connection, create, lookup)

    def _disks_like(self, body: Mapping[str, Any]) -> list[Disk]:
        wanted = {name: value for name, value in body.items() if value != "remaining"}
        return [disk for disk in self.get_disks() if wanted.items() <= disk.items()]

    def resize_disk(self, disk: DiskRef, size: int, *, dangerous_allow_shrink: bool | None = None) -> Disk:
        """Start resizing one disk of this stopped bhyve machine.

        ``POST /:login/machines/:machine/disks/:disk?action=resize``

        Asynchronous: `poll_disk` waits until it is done. Since API 9.4.1.

        Args:
            disk: UUID or dict.
            size: New size in MiB.
            dangerous_allow_shrink: Permit a smaller size; data beyond it is lost.

        Returns:
            The disk, with its old size.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: the machine is not stopped.
            InvalidStateError: ``VmWithoutFlexibleDiskSize``, ``BrandNotSupported``.
            ConflictError: ``InsufficientDiskSpace``.
            ValidationFailedError: ``ValidationFailed``: a smaller size, which was not permitted.
        """
        body: dict[str, Any] = {"size": whole_number("size", size)}
        body |= flags(dangerous_allow_shrink=dangerous_allow_shrink)
        params = {"action": "resize"}
        return self._post("disks", entity_id(disk, "disk"), shape=shapes.DISK, params=params, json=body)

    def delete_disk(self, disk: DiskRef) -> None:
        """Start deleting one disk of this stopped bhyve machine, and all that is on it.

        ``DELETE /:login/machines/:machine/disks/:disk``

        Asynchronous: `poll_disk` waits until it is ``'deleted'``. Since API 9.4.1.

        Args:
            disk: UUID or dict; not the disk that the machine boots from.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: the machine is not stopped.
            InvalidStateError: ``VmWithoutFlexibleDiskSize``, ``BrandNotSupported``.
            ValidationFailedError: ``ValidationFailed``: it is the boot disk.
        """
        self._delete("disks", entity_id(disk, "disk"))
