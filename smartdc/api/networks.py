"""Networks that machines can be attached to, and their addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from smartdc._http import shapes
from smartdc._http.answers import MOST_PAGES, endless_list
from smartdc._http.connection import Connection
from smartdc._http.named import id_of
from smartdc.arguments.filters import number
from smartdc.arguments.ids import entity_id, without_none
from smartdc.arguments.kinds import flag, required_flag
from smartdc.arguments.names import NETWORK
from smartdc.arguments.refs import NetworkRef
from smartdc.arguments.search import searching

if TYPE_CHECKING:
    from smartdc.types import Network, NetworkIP

AddressRef = str | IPv4Address | Mapping[str, Any]

_PAGE = 1000
"""How many addresses the server examines for one answer."""


class NetworkOperations(Connection):
    """Operations on networks."""

    def networks(self, search: str | None = None, fields: Sequence[str] = ("name",)) -> list[Network]:
        """List the networks that this account may use.

        ``GET /:login/networks``

        Args:
            search: Regular expression, applied by the client, ignoring case.
            fields: Fields in which to search.

        Returns:
            List of dicts.
        """
        fits = searching(search, fields)
        return [network for network in self._list("networks", shape=shapes.NETWORK) if fits(network)]

    def network(self, identifier: NetworkRef) -> Network:
        """Get one network.

        ``GET /:login/networks/:network``

        Args:
            identifier: UUID, name, short id, or dict with ``id``.
        """
        return self._get("networks", id_of(self, NETWORK, identifier), shape=shapes.NETWORK)

    def network_ips(
        self, network: NetworkRef, *, paged: bool = False, limit: int | None = None, offset: int | None = None
    ) -> list[NetworkIP]:
        """List the addresses of a network that are in use or reserved.

        ``GET /:login/networks/:network/ips``

        On a shared network, only addresses of this account's machines are listed. This takes one request for
        each 1000 addresses in the server's records, and one more at the end. If the account has more than
        1000 addresses on a shared network, and some are given back between two pages, others may be missed
        (docs/howto/pagination.md). Since API 8.4.

        Args:
            network: UUID, name, short id, or dict with ``id``; not a pool of networks.
            paged: Make exactly one request, with this `limit` and `offset`. They apply to all addresses in
                the records, from which the server then removes the free ones: a page that is not full may not
                be the last.
            limit: The most addresses to list, 1 or more; with `paged` at most 1000.
            offset: How many addresses to skip at the beginning.

        Returns:
            List of dicts, in the order of the addresses.

        Raises:
            NotFoundError: ``ResourceNotFound``.
            InvalidArgumentError: ``InvalidArgument``: a pool of networks, or a limit out of bounds.
        """
        limit, first = number("limit", limit, 1), number("offset", offset)
        ident = id_of(self, NETWORK, network)
        if flag("paged", paged):
            return self._network_ip_page(ident, limit, first)
        found: dict[str, NetworkIP] = {}
        for page_number in range(MOST_PAGES):
            known = len(found)
            page = self._network_ip_page(ident, None, page_number * _PAGE or None)
            found |= {address["ip"]: address for address in page}
            if len(found) == known:
                return list(found.values())[first:][:limit]
        raise endless_list("GET", f"/networks/{ident}/ips")

    def num_network_ips(self, network: NetworkRef) -> int:
        """Count the addresses of a network that are in use or reserved.

        ``HEAD /:login/networks/:network/ips``

        It makes as many requests as `network_ips`. Since API 8.4.

        Args:
            network: UUID, name, short id, or dict with ``id``; not a pool of networks.

        Raises:
            NotFoundError: There is no such network.
        """
        ident = id_of(self, NETWORK, network)
        total = 0
        for page_number in range(MOST_PAGES):
            counted = self._count(
                "networks", ident, "ips", params=without_none(offset=page_number * _PAGE or None)
            )
            if not counted:
                return total
            total += counted
        raise endless_list("HEAD", f"/networks/{ident}/ips")

    def network_ip(self, network: NetworkRef, ip: AddressRef) -> NetworkIP:
        """Get one address of a network: who uses it, and whether it is reserved.

        ``GET /:login/networks/:network/ips/:ip_address``

        Since API 8.4.

        Args:
            network: UUID, name, short id, or dict with ``id``; not a pool of networks.
            ip: The address, or dict from `network_ips`.

        Raises:
            NotFoundError: ``ResourceNotFound``: it is not on this network; or the network is shared, and the
                address does not belong to this account.
        """
        address = _address(ip)
        return self._get("networks", id_of(self, NETWORK, network), "ips", address, shape=shapes.NETWORK_IP)

    def update_network_ip(self, network: NetworkRef, ip: AddressRef, *, reserved: bool) -> NetworkIP:
        """Reserve an address of a network, so that no new machine gets it, or release it.

        ``PUT /:login/networks/:network/ips/:ip_address``

        A machine can still get a reserved address if a request names it. Since API 8.4.

        Args:
            network: UUID, name, short id, or dict with ``id``; not a pool of networks.
            ip: The address, or dict from `network_ips`.
            reserved: Whether to reserve or to release it.

        Raises:
            NotFoundError: ``ResourceNotFound``.
            InvalidArgumentError: ``InvalidArgument``: the network is shared, or the address belongs to Triton
                (a gateway) or to another account's machine.
        """
        body, address = {"reserved": required_flag("reserved", reserved)}, _address(ip)
        segments = ("networks", id_of(self, NETWORK, network), "ips", address)
        return self._put(*segments, shape=shapes.NETWORK_IP, json=body)

    def _network_ip_page(self, ident: str, limit: int | None, offset: int | None) -> list[NetworkIP]:
        query = without_none(limit=limit, offset=offset)
        return self._list("networks", ident, "ips", shape=shapes.NETWORK_IP, params=query)


def _address(ip: AddressRef) -> str:
    return entity_id(str(ip) if isinstance(ip, IPv4Address) else ip, "address", "ip")
