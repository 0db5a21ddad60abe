"""Snapshots of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from smartdc._http.endpoint import MachineEndpoint, given
from smartdc.machine.snapshot import Snapshot
from smartdc.types import SnapshotData

if TYPE_CHECKING:
    from smartdc.machine import Machine


class Snapshots(MachineEndpoint):
    """Operations on this machine's snapshots."""

    def snapshots(self) -> list[Snapshot]:
        """List this machine's snapshots; those that are being taken are not in it yet.

        ``GET /:login/machines/:machine/snapshots``
        """
        return [Snapshot(self._as_machine(), data=data) for data in self._list("snapshots", key="name")]

    def snapshot(self, name: str) -> Snapshot:
        """Get one snapshot.

        ``GET /:login/machines/:machine/snapshots/:name``

        Args:
            name: Its name.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        return Snapshot(self._as_machine(), name)

    def raw_snapshot_data(self, name: str) -> SnapshotData:
        """Get one snapshot as the server sends it.

        ``GET /:login/machines/:machine/snapshots/:name``

        Args:
            name: Its name.
        """
        return cast(SnapshotData, self._get("snapshots", name))

    def create_snapshot(self, name: str | None = None) -> Snapshot:
        """Take a snapshot of this machine.

        ``POST /:login/machines/:machine/snapshots``

        Asynchronous: its state is ``queued``, and it has no times yet.

        Args:
            name: Its name; None lets the server take the time. A name that is taken is not refused: the job
                fails later.

        Raises:
            ConflictError: ``BrandNotSupported``, ``UnallocatedVM``, ``InvalidArgument`` (bhyve).
        """
        data = self._post("snapshots", json=given(name=name), key="name")
        return Snapshot(self._as_machine(), data=data)

    def start_from_snapshot(self, name: str) -> Machine:
        """Roll this machine back to a snapshot and boot it.

        ``POST /:login/machines/:machine/snapshots/:name``

        Asynchronous. The server takes any name: that there is none by it shows in `audit` only.

        Args:
            name: Name of the snapshot.

        Returns:
            This machine.
        """
        self._post("snapshots", name)
        return self._as_machine()

    def delete_snapshot(self, name: str) -> None:
        """Delete a snapshot.

        ``DELETE /:login/machines/:machine/snapshots/:name``

        Asynchronous.

        Args:
            name: Its name.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        self._delete("snapshots", name)

    def _as_machine(self) -> Machine:
        return cast("Machine", self)
