"""The cloud's data centers and services, and the versions of the server."""

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

        They are added to `known_locations` of this object, whose own location does not change. They replace
        locations that this library knows, but not those that the caller passed.

        Returns:
            Dict from name to URL.
        """
        found = self._get("datacenters", shape=shapes.URLS)
        urls = {name: url for name, url in found.items() if isinstance(url, str) and name != self.location}
        reported = {name: url for name, url in urls.items() if not self._is_from_caller(name)}
        self.known_locations = {**self.known_locations, **reported}
        self._reported_locations = {**self._reported_locations, **reported}
        return found

    def datacenter_url(self, name: str) -> str:
        """Get the URL of one data center of this cloud.

        ``GET /:login/datacenters/:dc``

        The server answers with a redirect to it, which is not followed. `DataCenter.datacenter` connects to
        it.

        Args:
            name: Its name.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        return location_of(self._call(Request("GET", self._path("datacenters", name)))[1])

    def foreign_datacenters(self) -> dict[str, str]:
        """List the data centers of other clouds that an application has registered.

        ``GET /:login/foreigndatacenters``

        CloudAPI does not document it. It is for applications that act for an account with a token, sent as
        ``X-Auth-Token``: pass it in the `headers` of the constructor.

        Returns:
            Dict from name to URL.

        Raises:
            NotAuthorizedError: ``Forbidden``: there is no token.
        """
        return self._get("foreigndatacenters", shape=shapes.URLS)

    def add_foreign_datacenter(self, name: str, url: str) -> Any:
        """Register a data center of another cloud, for an application that acts with a token.

        ``POST /:login/foreigndatacenters``

        Args:
            name: Its name.
            url: Its URL.

        Returns:
            The server's answer, which CloudAPI does not document.

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
        """Check that the server answers, and get the API versions that it supports; needs no key.

        ``GET /--ping``

        Returns:
            ``{'ping': 'pong', 'cloudapi': {'versions': [...]}}``
        """
        return shapes.PING.of_object(*self._exchange(Request("GET", "/--ping", is_public=True)))

    def api(self) -> Any:
        """Get what the server answers at ``/``, the root of its URL, to a request without signature.

        ``GET /``

        Servers of API 6.5 described themselves there; later ones redirect to their documentation.

        Returns:
            The decoded body; None if there is none.
        """
        warnings.warn("servers since API 7 do not describe themselves", DeprecationWarning, stacklevel=2)
        return self._exchange(Request("GET", "/", is_public=True))[0]

    def _is_default(self, name: str) -> bool:
        """Whether this location is known only from this library."""
        return name in self._default_locations and (
            self.known_locations.get(name) == self._default_locations[name]
            and name not in self._reported_locations
        )

    def _is_from_caller(self, name: str) -> bool:
        """Whether the caller passed this location."""
        known = self.known_locations.get(name)
        return known is not None and known not in (
            self._default_locations.get(name),
            self._reported_locations.get(name),
        )
