"""Streams: changes of machines, a machine's console, and how a migration goes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from smartdc._http.connection import Connection
from smartdc._http.endpoint import MachineEndpoint, entity_id
from smartdc.errors import ConfigurationError
from smartdc.streams import VNC, ChangeFeed, MigrationWatch

if TYPE_CHECKING:
    from smartdc.machine import Machine

SUBRESOURCES = (
    "alias",
    "customer_metadata",
    "destroyed",
    "nics",
    "owner_uuid",
    "server_uuid",
    "state",
    "tags",
)
"""What the change feed tells of."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class StreamOperations(Connection):
    """Streams of the account."""

    def changefeed(
        self,
        machines: Iterable[str | Mapping[str, Any] | Machine] | None = None,
        *,
        subresources: Iterable[str] = SUBRESOURCES,
    ) -> ChangeFeed:
        """Follow the changes of machines, from now on.

        ``GET /:login/changefeed``, a WebSocket

        Needs the extra ``stream``. Since API 9.14.0.

        Args:
            machines: Whose changes: UUIDs, dicts or `Machine`; None for all of the account.
            subresources: Which changes: ``state``, ``tags``, ``alias`` (the name), ``customer_metadata``,
                ``nics``, ``server_uuid``, ``owner_uuid``, ``destroyed``. All of these by default.

        Returns:
            An iterator of dicts with ``changedResourceId``, ``changeKind``, ``resourceState`` and
            ``resourceObject``, which ends when the server ends it. What happens while nobody is connected is
            lost: after connecting again, list the machines.

        Raises:
            ConfigurationError: The extra is not installed, or one of the arguments cannot be asked for.
            ConnectionFailed: The connection broke, then or later.
        """
        wanted = [subresources] if isinstance(subresources, str) else list(subresources)
        unknown = [name for name in wanted if name not in SUBRESOURCES]
        if unknown or not wanted:
            # The server would take the subscription for none, and say nothing.
            raise ConfigurationError(f"subresources are some of {', '.join(SUBRESOURCES)}, not {wanted}")
        idents = None if machines is None else [entity_id(machine, "machine") for machine in machines]
        for ident in idents or ():
            if not _UUID.fullmatch(ident):
                raise ConfigurationError(f"{ident!r} is not the UUID of a machine")
        websocket = self._open_websocket(("changefeed",))
        timeout = self.timeout[1] if isinstance(self.timeout, tuple) else self.timeout
        return ChangeFeed(websocket, wanted, idents, timeout)


class Streams(MachineEndpoint):
    """Streams of this machine."""

    def connect_vnc(self) -> VNC:
        """Connect to the console of this running machine, which has hardware of its own.

        ``GET /:login/machines/:machine/vnc``, a WebSocket

        Needs the extra ``stream``. Since API 8.4.0, and in no other version: where `api_version` is given, it
        must allow ``~8``.

        Returns:
            A stream of bytes in both directions, for a program that speaks RFB, the protocol of VNC.

        Raises:
            ConfigurationError: The extra is not installed.
            InvalidStateError: ``MachineStopped``.
            BadRequestError: ``MachineHasNoVNC``: it is a container.
            ConnectionFailed: The connection broke, then or later.
        """
        place = ("machines", self.id, "vnc")
        return VNC(
            self.datacenter._open_websocket(place, ("binary", "rfb"), partial(self._call, "GET", ("vnc",)))
        )

    def watch_migration(self, *, websocket: bool = False) -> MigrationWatch:
        """Follow the phase of this machine's migration that is running.

        ``POST /:login/machines/:machine/migrate`` with the action ``watch``

        Or, with `websocket`, ``GET /:login/migrations/:machine/watch``. Since API 9.6.0.

        Args:
            websocket: Ask as servers after 9.20 are asked, for a WebSocket; this needs the extra ``stream``.

        Returns:
            An iterator of `MigrationEvent`: some of type ``progress``, then one of type ``end``.

        Raises:
            NotFoundError: ``ResourceNotFound``: there is no migration.
            ConnectionFailed: The connection broke, then or later.
        """
        # Looked at first: of no migration the server learns after it has begun its answer, which then breaks.
        self.datacenter._get("migrations", self.id)
        if websocket:
            return MigrationWatch(self.datacenter._open_websocket(("migrations", self.id, "watch")))
        segments = ("machines", self.id, "migrate")
        return MigrationWatch(self.datacenter._open_lines("POST", segments, {"action": "watch"}))
