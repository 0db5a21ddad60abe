"""Network interfaces of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smartdc._http import shapes
from smartdc._http.answers import location_of
from smartdc._http.awaited import poll_state
from smartdc._http.named import network_refs
from smartdc._http.request import Request
from smartdc.arguments.creation import network_entry
from smartdc.arguments.ids import entity_id
from smartdc.arguments.kinds import flags
from smartdc.arguments.refs import NetworkRef, NICRef
from smartdc.machine.endpoint import MachineEndpoint

if TYPE_CHECKING:
    from smartdc.types import NIC, NetworkObject


_BUSY = ("provisioning",)
_STATES = (*_BUSY, "running", "stopped", "deleted")


class NICs(MachineEndpoint):
    """Operations on this machine's network interfaces. Adding or removing one reboots a running machine."""

    def get_nics(self) -> list[NIC]:
        """List this machine's NICs, including those that are being added.

        ``GET /:login/machines/:machine/nics``

        Since API 7.2.
        """
        return self._list("nics", shape=shapes.NIC_DATA)

    def num_nics(self) -> int:
        """Count this machine's NICs.

        ``HEAD /:login/machines/:machine/nics``

        Since API 7.2.
        """
        return self._count("nics")

    def get_nic(self, nic: NICRef) -> NIC:
        """Get one NIC.

        ``GET /:login/machines/:machine/nics/:mac``

        Since API 7.2.

        Args:
            nic: MAC, or dict with ``mac``.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        return self._get("nics", _mac(nic), shape=shapes.NIC_DATA)

    def poll_nic(
        self, nic: NICRef, state: str | None = None, interval: float = 2, *, timeout: float | None = None
    ) -> NIC:
        """Wait until a NIC has been added, or until it is in a given state.

        ``GET /:login/machines/:machine/nics/:mac``

        Args:
            nic: MAC, or dict with ``mac``.
            state: None for any state but ``provisioning``; or ``running``, ``stopped``, or ``deleted`` (not
                found).
            interval: Seconds between two looks.
            timeout: Seconds in all; None waits for ever, 0 looks once.

        Returns:
            The NIC when last seen; the state of a removed one is ``deleted``.

        Raises:
            ConfigurationError: There is no such state.
            WaitFailed: It was not found while another state is awaited: the server could not add it.
            WaitTimeout: The time ran out.
        """
        ident = _mac(nic)
        what, place = f"NIC {ident}", ("machines", self.id, "nics", ident)
        return poll_state(
            self._connection, place, shapes.NIC_DATA, what, state, _STATES, _BUSY, interval, timeout, "mac"
        )

    def add_nic(self, network: NetworkRef | NetworkObject, *, primary: bool | None = None) -> NIC:
        """Attach this machine to one more network, unless it is attached there already.

        ``POST /:login/machines/:machine/nics``

        Asynchronous, and it reboots a running machine: `poll_nic` waits until it is added. If the
        machine is on that network already, that NIC is fetched by one more request. Since API 7.2.

        Args:
            network: UUID, name, short id, dict from `networks`, or `NetworkObject` with the address to use
                (since API 8.5).
            primary: Make it the primary NIC (since API 9.15).

        Returns:
            The NIC, with ``added``: True for a new one, whose state is ``provisioning``, and False for one
            that existed.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: there is no such network, or it does not
                assign addresses on request.
            ValidationFailedError: ``InvalidParameters``: the address is in use.
            InvalidStateError: ``UnallocatedVM``: the machine is not provisioned yet.
        """
        body: dict[str, Any] = {**flags(primary=primary)}
        body["network"] = network_entry(*network_refs(self._connection, [network]))
        repeats: list[None] = []
        post = Request("POST", self._path("nics"), json=body, before_repeat=lambda: repeats.append(None))
        answer, response = self._call(post)
        if response.status_code != 302:
            return {**shapes.NIC_DATA.of_object(answer, response), "added": True}
        found = self.get_nic(location_of(response).rpartition("/")[2])
        # After a lost answer, a NIC that is still being added is the requested one.
        return {**found, "added": bool(repeats) and found.get("state") == "provisioning"}

    def remove_nic(self, nic: NICRef) -> None:
        """Detach this machine from a network.

        ``DELETE /:login/machines/:machine/nics/:mac``

        Asynchronous; it reboots a running machine. `poll_nic` waits until it is ``'deleted'``. Since API 7.2.

        Args:
            nic: MAC, or dict with ``mac``.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        self._delete("nics", _mac(nic))


def _mac(nic: NICRef) -> str:
    """Return the MAC address as in paths: without colons."""
    return entity_id(nic, "NIC", "mac").replace(":", "").lower()
