"""Networks that machines can be attached to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from smartdc.connection import Connection
from smartdc.endpoint import entity_id
from smartdc.search import search_dicts
from smartdc.types import Network


class NetworkOperations(Connection):
    """Operations on networks."""

    def networks(self, search: str | None = None, fields: Sequence[str] = ("name",)) -> list[Network]:
        """List the networks that this account may use.

        ``GET /:login/networks``

        Args:
            search: Regular expression, applied here, whatever the case.
            fields: Where to look for it.

        Returns:
            List of dicts.
        """
        return search_dicts(cast(list[Network], self._get("networks")), search, fields)

    def network(self, identifier: str | Mapping[str, Any]) -> Network:
        """Get one network.

        ``GET /:login/networks/:network``

        Args:
            identifier: UUID, or dict with ``id``.
        """
        return cast(Network, self._get("networks", entity_id(identifier, "network")))
