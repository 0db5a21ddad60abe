"""Streams of one machine: its console, and the progress of its migration."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from smartdc._forks import importing
from smartdc._http import shapes
from smartdc._http.request import Request
from smartdc.arguments.kinds import required_flag
from smartdc.machine.endpoint import MachineEndpoint

if TYPE_CHECKING:
    from smartdc.streams import VNC, MigrationWatch


class Streams(MachineEndpoint):
    """Streams of this machine."""

    def connect_vnc(self) -> VNC:
        """Connect to the console of this running hardware virtual machine.

        ``GET /:login/machines/:machine/vnc``, a WebSocket

        Needs the extra ``stream``. Since API 8.4.0, but not in version 9: an `api_version` must allow ``~8``.

        Returns:
            A stream of bytes in both directions, for a program that speaks RFB, the protocol of VNC.

        Raises:
            ConfigurationError: The extra is not installed.
            InvalidStateError: ``MachineStopped``.
            BadRequestError: ``MachineHasNoVNC``: it is a container.
            ConnectionFailed: The connection broke, at once or later.
        """
        with importing:
            from smartdc.streams import VNC

        place = ("machines", self.id, "vnc")
        return VNC(
            self._connection._open_websocket(
                place, ("binary", "rfb"), partial(self._call, Request("GET", self._path("vnc")))
            )
        )

    def watch_migration(self, *, websocket: bool = False) -> MigrationWatch:
        """Follow the running phase of this machine's migration.

        ``POST /:login/machines/:machine/migrate`` with the action ``watch``

        Or, with `websocket`, ``GET /:login/migrations/:machine/watch``. Since API 9.6.0.

        Args:
            websocket: Use a WebSocket, as servers after 9.20 require; this needs the extra ``stream``.

        Returns:
            An iterator of `MigrationEvent`: some of type ``progress``, then one of type ``end``.

        Raises:
            NotFoundError: ``ResourceNotFound``: there is no migration.
            ConnectionFailed: The connection broke, at once or later.
        """
        with importing:
            from smartdc.streams import MigrationWatch

        websocket = required_flag("websocket", websocket)
        # Checked first: without a migration the server breaks off an answer that it has begun.
        self._connection._get("migrations", self.id, shape=shapes.MIGRATION)
        if websocket:
            return MigrationWatch(self._connection._open_websocket(("migrations", self.id, "watch")))
        segments = ("machines", self.id, "migrate")
        return MigrationWatch(self._connection._open_lines("POST", segments, {"action": "watch"}))
