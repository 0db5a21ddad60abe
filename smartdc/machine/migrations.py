"""The migration of one machine to another server. Watching one is a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smartdc._http import shapes
from smartdc._http.awaited import poll_state
from smartdc._http.request import Request
from smartdc.arguments.creation import affinity_rules
from smartdc.arguments.ids import shown, without_none
from smartdc.errors import ConfigurationError
from smartdc.machine.endpoint import MachineEndpoint

if TYPE_CHECKING:
    from smartdc.types import Migration, MigrationEstimate

_ACTIONS = ("begin", "sync", "switch", "automatic", "pause", "abort", "finalize")
_BUSY = ("running",)
_STATES = (*_BUSY, "paused", "successful", "failed")


class Migrations(MachineEndpoint):
    """Operations on the migration of this machine."""

    def migrate_estimate(self) -> MigrationEstimate:
        """Estimate the size and the duration of a migration of this machine.

        ``GET /:login/machines/:machine/migrate``

        Since API 9.6.0.

        Raises:
            InvalidStateError: ``PreconditionFailed``: there is a migration already, or users may not migrate.
        """
        return self._get("migrate", shape=shapes.MIGRATION_ESTIMATE)

    def migrate(self, action: str, *, affinity: str | Sequence[str] | None = None) -> Migration | None:
        """Start a phase of this machine's migration to another server, or end the migration.

        ``POST /:login/machines/:machine/migrate``

        Asynchronous: follow it with `watch_migration`, or wait with `poll_migration`. Since API 9.6.0.

        Args:
            action: ``begin`` reserves a place, ``sync`` copies the disks while the machine runs (as often as
                you like, once at least), ``switch`` stops the machine, copies the rest and starts it there.
                ``automatic`` does all three. ``pause`` stops a sync, ``abort`` gives up before the switch,
                ``finalize`` removes the old machine after it.
            affinity: Rules for the new server, with ``begin`` and ``automatic``. Servers up to 9.20 ignore
                them.

        Returns:
            The migration in its new phase; None for ``finalize``.

        Raises:
            ConfigurationError: There is no such action, or it does not take `affinity`.
            NotFoundError: ``ResourceNotFound``: there is no migration.
            InvalidStateError: ``PreconditionFailed``: the migration is not in a state for this action.
        """
        if action not in _ACTIONS:
            more = ": use watch_migration()" if action == "watch" else f", only {', '.join(_ACTIONS)}"
            raise ConfigurationError(f"there is no migration action {shown(action)}{more}")
        if affinity is not None and action not in ("begin", "automatic"):
            raise ConfigurationError(f"affinity is for 'begin' and 'automatic', not for {shown(action)}")
        body = without_none(action=action, affinity=affinity_rules(affinity))
        answer, response = self._answer(Request("POST", self._path("migrate"), json=body))
        return shapes.MIGRATION.of_object(answer, response) if response.content else None

    def poll_migration(
        self, state: str | None = None, interval: float = 2, *, timeout: float | None = None
    ) -> Migration:
        """Wait until the last started phase of this machine's migration is over.

        ``GET /:login/migrations/:machine``

        A look that fails temporarily is repeated. Since API 9.6.0.

        Args:
            state: None for any state but ``running``; or ``paused`` or ``successful``.
            interval: Seconds between two looks.
            timeout: Seconds in all; None waits for ever, 0 looks once.

        Returns:
            The migration.

        Raises:
            ConfigurationError: There is no such state.
            WaitFailed: It became ``failed``, and the text has the reason; or there is no migration.
            WaitTimeout: The time ran out.
        """
        what = f"migration of machine {self.id}"
        place = ("migrations", self.id)
        return poll_state(
            self._connection,
            place,
            shapes.MIGRATION,
            what,
            state,
            _STATES,
            _BUSY,
            interval,
            timeout,
            "machine",
        )
