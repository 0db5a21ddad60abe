"""The cloud's data centers, and what the server says of itself."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from smartdc._http import shapes
from smartdc._http.answers import location_of
from smartdc._http.connection import Connection
from smartdc._http.request import Request
from smartdc.arguments.kinds import required_texts

if TYPE_CHECKING:
    from smartdc.types import Ping


class DatacenterOperations(Connection):
    """Operations on the cloud as a whole."""

    location: str = "?"
    known_locations: dict[str, str]
    _default_locations: dict[str, str]
    _reported_locations: dict[str, str]

    def datacenters(self) -> dict[str, str]:
        """List the data centers of this cloud.

        ``GET /:login/datacenters``

        They are added to `known_locations` of this object, which itself stays where it is. They win over the
        locations that this library knows, and not over those that the caller gave.

        Returns:
            Dict from name to URL.
        """
        found = self._get("datacenters", shape=shapes.URLS)
        urls = {name: url for name, url in found.items() if isinstance(url, str) and name != self.location}
        told = {name: url for name, url in urls.items() if not self._is_callers(name)}
        self.known_locations = {**self.known_locations, **told}
        self._reported_locations = {**self._reported_locations, **told}
        return found

    def datacenter_url(self, name: str) -> str:
        """Get the URL of one data center of this cloud.

        ``GET /:login/datacenters/:dc``

        The server answers with a redirection there, which is not followed. `DataCenter.datacenter` connects.

        Args:
            name: Its name.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        return location_of(self._call(Request("GET", self._path("datacenters", name)))[1])

    def foreign_datacenters(self) -> dict[str, str]:
        """List the data centers of other clouds that an application has on record.

        ``GET /:login/foreigndatacenters``

        CloudAPI does not document it. It is for applications that act for an account by a token, which is
        sent as ``X-Auth-Token``: give it in the `headers` of the constructor.

        Returns:
            Dict from name to URL.

        Raises:
            NotAuthorizedError: ``Forbidden``: there is no token.
        """
        return self._get("foreigndatacenters", shape=shapes.URLS)

    def add_foreign_datacenter(self, name: str, url: str) -> Any:
        """Put a data center of another cloud on record, for an application that acts by a token.

        ``POST /:login/foreigndatacenters``

        Args:
            name: Its name.
            url: Its URL.

        Returns:
            What the server sends, which CloudAPI does not document.

        Raises:
            NotAuthorizedError: ``Forbidden``: there is no token.
        """
        body = required_texts(name=name, url=url)
        return self._post_action("foreigndatacenters", shape=shapes.OBJECT, json=body)

    def services(self) -> dict[str, str]:
        """List the services of this data center, such as ``cloudapi`` and ``docker``.

        ``GET /:login/services``

        Returns:
            Dict from name to URL.
        """
        return self._get("services", shape=shapes.URLS)

    def ping(self) -> Ping:
        """Ask whether the server is there, and which API versions it answers to; unsigned.

        ``GET /--ping``

        Returns:
            ``{'ping': 'pong', 'cloudapi': {'versions': [...]}}``
        """
        return shapes.PING.of_object(*self._exchange(Request("GET", "/--ping", is_public=True)))

    def api(self) -> Any:
        """Get what the server shows at its root, unsigned.

        ``GET /``

        Servers of API 6.5 described themselves there; later ones redirect to their documentation.

        Returns:
            The decoded body; None where there is none.
        """
        warnings.warn("servers since API 7 do not describe themselves", DeprecationWarning, stacklevel=2)
        return self._exchange(Request("GET", "/", is_public=True))[0]

    def _is_default(self, name: str) -> bool:
        """Whether it is known from this library alone."""
        return name in self._default_locations and (
            self.known_locations.get(name) == self._default_locations[name]
            and name not in self._reported_locations
        )

    def _is_callers(self, name: str) -> bool:
        """Whether the caller gave it."""
        known = self.known_locations.get(name)
        return known is not None and known not in (
            self._default_locations.get(name),
            self._reported_locations.get(name),
        )
