"""Network interfaces of one machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from smartdc._http.answers import location_of, object_of
from smartdc.arguments.creation import network_entry
from smartdc.arguments.ids import entity_id
from smartdc.arguments.kinds import flags
from smartdc.machine.endpoint import MachineEndpoint
from smartdc.types import NIC, NetworkObject

NICRef = str | Mapping[str, Any]


class NICs(MachineEndpoint):
    """Operations on this machine's network interfaces. To add or remove one reboots a running machine."""

    def get_nics(self) -> list[NIC]:
        """List this machine's NICs as they are now, those that are being added too.

        ``GET /:login/machines/:machine/nics``

        Since API 7.2.
        """
        return cast(list[NIC], self._list("nics"))

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
        return cast(NIC, self._get("nics", _mac(nic)))

    def add_nic(
        self, network: str | Mapping[str, Any] | NetworkObject, *, primary: bool | None = None
    ) -> NIC:
        """Attach this machine to one more network, unless it is attached there already.

        ``POST /:login/machines/:machine/nics``

        Asynchronous, and it reboots a running machine: poll `get_nic` until the state is ``running`` (or
        ``stopped``); when the server cannot add it, `get_nic` finds nothing any more. To a network that has
        one the server answers with the way to it, and it is fetched: one request more. Since API 7.2.

        Args:
            network: UUID, dict from `networks`, or `NetworkObject` with the address wanted (since API 8.5).
            primary: Make it the primary NIC (since API 9.15).

        Returns:
            The NIC, with ``added``, which is True for a new one, whose state is ``provisioning``, and False
            for one that was there.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: there is no such network, or it gives out no addresses
                on demand.
            ValidationFailedError: ``InvalidParameters``: the address is in use.
            InvalidStateError: ``UnallocatedVM``: the machine is not provisioned yet.
        """
        body = {"network": network_entry(network), **flags(primary=primary)}
        repeats: list[None] = []
        answer, response = self._call("POST", ("nics",), json=body, again=lambda: repeats.append(None))
        if response.status_code != 302:
            return cast(NIC, {**object_of(answer, response), "added": True})
        found = self.get_nic(location_of(response).rpartition("/")[2])
        # After a lost answer, one that is still being added is the one that was asked for.
        return {**found, "added": bool(repeats) and found.get("state") == "provisioning"}

    def remove_nic(self, nic: NICRef) -> None:
        """Detach this machine from a network.

        ``DELETE /:login/machines/:machine/nics/:mac``

        Asynchronous, and it reboots a running machine: poll `get_nic` until it finds nothing. Since API 7.2.

        Args:
            nic: MAC, or dict with ``mac``.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        self._delete("nics", _mac(nic))


def _mac(nic: NICRef) -> str:
    """The MAC as it stands in paths: without colons."""
    return entity_id(nic, "NIC", "mac").replace(":", "").lower()
