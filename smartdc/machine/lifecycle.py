"""The life of one machine: start, stop, reboot, resize, rename, protect, delete, wait, and its audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smartdc._http import shapes
from smartdc._http.named import id_of
from smartdc._http.waiting import Deadline, poll
from smartdc.arguments.creation import checked_rename
from smartdc.arguments.ids import without_none
from smartdc.arguments.names import PACKAGE
from smartdc.arguments.refs import PackageRef
from smartdc.errors import GoneError, ValidationFailedError, WaitTimeout
from smartdc.machine.waits import Waits

if TYPE_CHECKING:
    from smartdc.types import AuditEntry


class Lifecycle(Waits):
    """Actions on this machine. All are asynchronous: they return when the server has queued them.

    An action on a deleted machine crashes the server's process. So a machine that is known to be deleted, or
    that was not fetched yet (`lazy`), is fetched first.
    """

    def status(self) -> str:
        """Refresh the machine and return its state.

        ``GET /:login/machines/:machine``

        Threads that call this at the same time may share a ListMachines that is sent after their calls.

        Raises:
            GoneError: It is deleted, and `state` is ``deleted`` from then on.
        """
        with self._connection._looks.calling():
            self._look(0, 0, None)
        return self.state

    def stop(self) -> None:
        """Shut this machine down.

        ``POST /:login/machines/:machine?action=stop``

        Asynchronous: `poll_until` its state is ``stopped``.

        Raises:
            GoneError: It is deleted.
            InvalidStateError: ``UnallocatedVM``: it is not provisioned yet.
        """
        self._act("stop")

    def start(self) -> None:
        """Boot this machine.

        ``POST /:login/machines/:machine?action=start``

        Asynchronous: `poll_until` its state is ``running``.

        Raises:
            GoneError: It is deleted.
            InvalidStateError: ``UnallocatedVM``: it is not provisioned yet.
        """
        self._act("start")

    def reboot(self) -> None:
        """Reboot this machine.

        ``POST /:login/machines/:machine?action=reboot``

        Asynchronous. The state is ``running`` before and after: `poll_action` waits until it is done. If the
        answer is lost, the request is repeated, and the machine may reboot twice.

        Raises:
            GoneError: It is deleted.
            InvalidStateError: ``UnallocatedVM``: it is not provisioned yet.
        """
        self._act("reboot")

    def resize(self, package: PackageRef) -> None:
        """Resize this machine: give it another package.

        ``POST /:login/machines/:machine?action=resize``

        Asynchronous: its `package` and `memory` change when it is done; `poll_applied` waits for that.

        Args:
            package: UUID, name, short id or dict.

        Raises:
            GoneError: It is deleted.
            InvalidArgumentError: ``InvalidArgument``: no such package, or this brand cannot be resized to it.
        """
        self._act("resize", package=id_of(self._connection, PACKAGE, package))

    def rename(self, name: str) -> None:
        """Give this machine another name.

        ``POST /:login/machines/:machine?action=rename``

        Asynchronous: its `name` changes when it is done; `poll_applied` waits for that.

        Args:
            name: The name, unique among the account's live machines.

        Raises:
            ConfigurationError: The name has characters that are not allowed, or too many.
            GoneError: It is deleted.
            ValidationFailedError: ``ValidationFailed``: the name is taken.
        """
        name = checked_rename(name)
        try:
            self._act("rename", name=name)
        except ValidationFailedError as error:
            # The server refuses the name that it has already, if an attempt whose answer was lost has
            # succeeded.
            if error.attempts == 1 or not self._shows_name(name):
                raise

    def enable_firewall(self) -> None:
        """Turn the cloud firewall on for this machine.

        ``POST /:login/machines/:machine?action=enable_firewall``

        Asynchronous: ``poll_applied(firewall_enabled=True)`` waits until that is done.
        """
        self._act("enable_firewall")

    def disable_firewall(self) -> None:
        """Turn the cloud firewall off for this machine.

        ``POST /:login/machines/:machine?action=disable_firewall``

        Asynchronous: ``poll_applied(firewall_enabled=False)`` waits until that is done.
        """
        self._act("disable_firewall")

    def enable_deletion_protection(self) -> None:
        """Protect this machine from deletion.

        ``POST /:login/machines/:machine?action=enable_deletion_protection``

        Asynchronous: ``poll_applied(deletion_protection=True)`` waits until that is done.
        """
        self._act("enable_deletion_protection")

    def disable_deletion_protection(self) -> None:
        """Allow this machine to be deleted again.

        ``POST /:login/machines/:machine?action=disable_deletion_protection``

        Asynchronous: `delete` may be refused until ``poll_applied(deletion_protection=False)`` returns.
        """
        self._act("disable_deletion_protection")

    def delete(self) -> None:
        """Delete this machine and all that is on it.

        ``DELETE /:login/machines/:machine``

        Asynchronous: `poll_until` waits until it is ``'deleted'``. Its name stays in use until then.

        Raises:
            GoneError: It is deleted already.
            InvalidStateError: ``CannotDestroyMachineError``: it has deletion protection.
        """
        self._connection._with(created_at=self._created_at)._delete("machines", self.id)

    def audit(self) -> list[AuditEntry]:
        """List the finished actions on this machine, the newest first.

        ``GET /:login/machines/:machine/audit``

        Returns:
            List of dicts with ``action``, ``success`` (``yes``, ``no``), ``time`` and ``caller``.
        """
        return self._list("audit", shape=shapes.AUDIT_ENTRY)

    def _shows_name(self, name: str) -> bool:
        """Whether the machine shows this name soon, as what the server reads may lag behind."""

        def look(deadline: Deadline | None) -> str | None:
            self._fetch(self._connection._with(deadline=deadline))
            now = None if self._data is None else self._data.get("name")
            return None if now == name else str(now)

        awaited = f"machine {self.id} is not yet renamed to {name!r}"
        settling = self._connection.retry.settling
        try:
            poll(look, interval=1, timeout=settling, clock=self._connection.clock, awaited=awaited)
        except WaitTimeout:
            return False
        return True

    def _act(self, action: str, **arguments: Any) -> None:
        if self._deleted or (self._look_first and self._data is None):
            # An action on a deleted machine crashes the server's process
            # (docs/cloudapi/hazards.md#action-on-a-deleted-machine). A GET is harmless, and its 410 is the
            # right error for the caller.
            self.refresh()
        try:
            self._note_request(action)
            # Fetched before a repeat: the machine may be deleted, and the lost answer may have said so.
            self._post_action(
                shape=shapes.OBJECT,
                params={"action": action},
                json=without_none(**arguments) or None,
                before_repeat=self.refresh,
            )
        except GoneError:
            self._deleted = True
            raise
