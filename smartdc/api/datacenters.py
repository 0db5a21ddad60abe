"""The cloud's data centers, and what the server says of itself."""

from __future__ import annotations

import warnings
from typing import Any, cast

from smartdc.connection import Connection


class DatacenterOperations(Connection):
    """Operations on the cloud as a whole."""

    known_locations: dict[str, str]

    def datacenters(self) -> dict[str, str]:
        """List the data centers of this cloud.

        ``GET /:login/datacenters``

        They are added to `known_locations` of this object.

        Returns:
            Dict from name to URL.
        """
        found = cast(dict[str, str], self._get("datacenters"))
        self.known_locations = {**self.known_locations, **found}
        return found

    def api(self) -> Any:
        """Get what the server shows at its root, unsigned.

        ``GET /``

        Servers of API 6.5 described themselves there; later ones redirect to their documentation.

        Returns:
            The decoded body; None where there is none.
        """
        warnings.warn("servers since API 7 do not describe themselves", DeprecationWarning, stacklevel=2)
        return self._exchange("GET", self.base_url, "/", sign=False)[0]
