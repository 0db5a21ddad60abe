"""Migrations of machines to other servers: list and get. `smartdc.machine.migrations` has the actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartdc._http import shapes
from smartdc._http.connection import Connection
from smartdc._http.named import machine_id_of
from smartdc.arguments.ids import ID_KEYS
from smartdc.machine import MachineRef

if TYPE_CHECKING:
    from smartdc.types import Migration


class MigrationOperations(Connection):
    """Operations on the migrations of the account."""

    def migrations(self) -> list[Migration]:
        """List migrations that are under way or not finalized yet, the newest first.

        ``GET /:login/migrations``

        Since API 9.6.0.
        """
        return self._list("migrations", shape=shapes.MIGRATION)

    def migration(self, machine: MachineRef) -> Migration:
        """Get the migration of one machine.

        ``GET /:login/migrations/:machine``

        Since API 9.6.0.

        Args:
            machine: UUID, name, short id, dict or `Machine`; or dict from `migrations`.

        Raises:
            NotFoundError: ``ResourceNotFound``: the machine has no migration, or does not exist.
        """
        ident = machine_id_of(self, machine, *ID_KEYS["migrations"])
        return self._get("migrations", ident, shape=shapes.MIGRATION)
