"""Migrations of machines to other servers: list and get. `smartdc.machine.migrations` has the actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from smartdc._http.connection import Connection
from smartdc.arguments.ids import path_part
from smartdc.machine import Machine
from smartdc.types import Migration


class MigrationOperations(Connection):
    """Operations on the migrations of the account."""

    def migrations(self) -> list[Migration]:
        """List migrations that are under way or not finalized yet, the newest first.

        ``GET /:login/migrations``

        Since API 9.6.0.
        """
        return cast(list[Migration], self._list("migrations"))

    def migration(self, machine: str | Mapping[str, Any] | Machine) -> Migration:
        """Get the migration of one machine.

        ``GET /:login/migrations/:machine``

        Since API 9.6.0.

        Args:
            machine: UUID, dict or `Machine`; or dict from `migrations`.

        Raises:
            NotFoundError: ``ResourceNotFound``: it has none, or there is no such machine.
        """
        return cast(Migration, self._get("migrations", path_part(machine, "migrations")))
