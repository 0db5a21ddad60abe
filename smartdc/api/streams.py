"""Streams of the account: changes of machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, overload

from smartdc._forks import importing
from smartdc._http import shapes
from smartdc._http.machine_lists import MachineLists
from smartdc._http.named import machine_ids_of
from smartdc.arguments.ids import is_lower_case_uuid, shown
from smartdc.arguments.kinds import as_list, required_flag
from smartdc.errors import ConfigurationError
from smartdc.machine import Machine, MachineRef

if TYPE_CHECKING:
    from smartdc.change_feeds import ReconnectingFeed
    from smartdc.streams import ChangeFeed
    from smartdc.types import MachineData

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
"""The changes that the feed can report."""


class StreamOperations(MachineLists):
    """Streams of the account."""

    @overload
    def changefeed(
        self,
        machines: MachineRef | Iterable[MachineRef] | None = None,
        *,
        subresources: Iterable[str] = SUBRESOURCES,
        reconnect: Literal[False] = False,
    ) -> ChangeFeed: ...

    @overload
    def changefeed(
        self,
        machines: MachineRef | Iterable[MachineRef] | None = None,
        *,
        subresources: Iterable[str] = SUBRESOURCES,
        reconnect: bool,
    ) -> ChangeFeed | ReconnectingFeed: ...

    def changefeed(
        self,
        machines: MachineRef | Iterable[MachineRef] | None = None,
        *,
        subresources: Iterable[str] = SUBRESOURCES,
        reconnect: bool = False,
    ) -> ChangeFeed | ReconnectingFeed:
        """Follow the changes of machines, from now on.

        ``GET /:login/changefeed``, a WebSocket

        Needs the extra ``stream``. Since API 9.14.0.

        Args:
            machines: The machines to watch, or one: UUIDs, names, short ids, dicts or `Machine`; None for all
                of the account.
            subresources: The changes to report: ``state``, ``tags``, ``alias`` (the name),
                ``customer_metadata``, ``nics``, ``server_uuid``, ``owner_uuid``, ``destroyed``. All of these
                by default.
            reconnect: Reconnect when the connection breaks or the server ends it, and list the machines to
                report what has changed meanwhile: each change once, and of several changes of a machine the
                last. The machines are listed at the beginning as well.

        Returns:
            An iterator of dicts with ``changedResourceId``, ``changeKind``, ``resourceState`` and
            ``resourceObject``, which ends when the server ends it. ``resourceObject`` is missing if the
            server sent no data of that machine: get the machine then. Without `reconnect`, changes during a
            broken connection are lost: list the machines after connecting again.

        Raises:
            ConfigurationError: The extra is not installed, or an argument is not valid.
            ConnectionFailed: The connection broke, at once or later.
        """
        wanted = as_list("subresources", subresources, "('state', 'tags')")
        unknown = [name for name in wanted if name not in SUBRESOURCES]
        if unknown or not wanted:
            # The server would ignore the subscription without an error.
            raise ConfigurationError(
                f"subresources are some of {', '.join(SUBRESOURCES)}, not {shown(wanted)}"
            )
        reconnects = required_flag("reconnect", reconnect)
        idents = None if machines is None else self._ids_to_watch(machines)
        return self._reconnecting_feed(wanted, idents) if reconnects else self._feed(wanted, idents)

    def _ids_to_watch(self, machines: MachineRef | Iterable[MachineRef]) -> list[str]:
        refs = [machines] if isinstance(machines, Machine) else as_list("machines", machines, "[machine]")
        if not refs:
            raise ConfigurationError(
                "machines is empty, and the feed would report nothing: "
                "leave it out for all machines of the account"
            )
        idents = machine_ids_of(self, refs)
        for ident in idents:
            if not is_lower_case_uuid(ident):
                raise ConfigurationError(f"{shown(ident)} is not the UUID of a machine")
        return idents

    def _feed(self, wanted: Sequence[str], idents: Sequence[str] | None) -> ChangeFeed:
        with importing:
            from smartdc.streams import ChangeFeed

        websocket = self._open_websocket(("changefeed",))
        timeout = self.timeout[1] if isinstance(self.timeout, tuple) else self.timeout
        return ChangeFeed(websocket, wanted, idents, timeout)

    def _reconnecting_feed(
        self, wanted: Sequence[str], idents: Sequence[str] | None, *, report_all: bool = False
    ) -> ReconnectingFeed:
        with importing:
            from smartdc.change_feeds import ReconnectingFeed

        def list_machines() -> Iterator[MachineData]:
            chosen = None if idents is None else {*idents}
            return (data for data in self._machine_pages({}) if chosen is None or data["id"] in chosen)

        return ReconnectingFeed(
            partial(self._feed, wanted, idents),
            list_machines,
            partial(self._get, "machines", shape=shapes.MACHINE),
            wanted,
            self.clock,
            report_all=report_all,
        )
