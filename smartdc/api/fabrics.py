"""Fabrics: VLANs and private networks that an account creates for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from smartdc._http import shapes
from smartdc._http.connection import Connection
from smartdc._http.lost_answers import Lookup, create_once
from smartdc._http.named import fabric_network_id_of, vlan_id_of
from smartdc._http.shapes import Shape, T
from smartdc.arguments.kinds import as_list, dict_of, flags, required_texts, text_of, texts, whole_number
from smartdc.arguments.likeness import differing_fields
from smartdc.arguments.names import VLAN
from smartdc.arguments.refs import NetworkRef, VLANRef

if TYPE_CHECKING:
    from smartdc.types import FabricVLAN, Network

_VLANS = VLAN.place


class FabricOperations(Connection):
    """Operations on the account's fabric. A data center without fabrics answers 501."""

    def fabric_vlans(self) -> list[FabricVLAN]:
        """List the VLANs of the fabric.

        ``GET /:login/fabrics/default/vlans``

        Since API 7.3.

        Returns:
            List of dicts, by ``vlan_id``.

        Raises:
            ServerError: ``NotImplementedError``: the data center has no fabrics.
        """
        return self._list(*_VLANS, shape=shapes.FABRIC_VLAN)

    def fabric_vlan(self, vlan: VLANRef) -> FabricVLAN:
        """Get one VLAN of the fabric.

        ``GET /:login/fabrics/default/vlans/:vlan_id``

        Since API 7.3.

        Args:
            vlan: Its number, name, or dict with ``vlan_id``.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        return self._get(*_VLANS, vlan_id_of(self, vlan), shape=shapes.FABRIC_VLAN)

    def create_fabric_vlan(self, vlan_id: int, name: str, *, description: str | None = None) -> FabricVLAN:
        """Create a VLAN on the fabric.

        ``POST /:login/fabrics/default/vlans``

        Since API 7.3.

        Args:
            vlan_id: Its number, 2 to 4094. (The server's reference says 0 to 4095; the server refuses those.)
            name: 2 to 64 letters, digits, ``_``, ``-``, ``.`` and ``/``, the first a letter.
            description: At most 64 characters.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: the number is in use or out of bounds, or the name is
                not valid.
        """
        body: dict[str, Any] = {"vlan_id": whole_number("vlan_id", vlan_id), "name": text_of("name", name)}
        body |= texts(description=description)
        create = partial(self._post, *_VLANS, shape=shapes.FABRIC_VLAN, json=body, named=body["name"])
        find = partial(self._entries_with, _VLANS, shapes.FABRIC_VLAN, {"vlan_id": vlan_id, "name": name})
        lookup = Lookup("VLAN", {"vlan_id": vlan_id}, find, partial(differing_fields, body), key="vlan_id")
        return create_once(self, create, lookup)

    def update_fabric_vlan(
        self, vlan: VLANRef, *, name: str | None = None, description: str | None = None
    ) -> FabricVLAN:
        """Change a VLAN of the fabric; None leaves a property unchanged.

        ``PUT /:login/fabrics/default/vlans/:vlan_id``

        Since API 7.3.

        Args:
            vlan: Its number, name, or dict with ``vlan_id``.
            name: As in `create_fabric_vlan`.
            description: At most 64 characters.

        Raises:
            NotFoundError: ``ResourceNotFound``.
            InvalidArgumentError: ``InvalidArgument``.
        """
        body = texts(name=name, description=description)
        return self._put(*_VLANS, vlan_id_of(self, vlan), shape=shapes.FABRIC_VLAN, json=body)

    def delete_fabric_vlan(self, vlan: VLANRef) -> None:
        """Delete a VLAN of the fabric on which there are no networks.

        ``DELETE /:login/fabrics/default/vlans/:vlan_id``

        Since API 7.3.

        Args:
            vlan: Its number, name, or dict with ``vlan_id``.

        Raises:
            NotFoundError: ``ResourceNotFound``.
            InvalidArgumentError: ``InvalidArgument``: there are networks on it.
        """
        self._delete(*_VLANS, vlan_id_of(self, vlan))

    def fabric_networks(self, vlan: VLANRef) -> list[Network]:
        """List the networks on a VLAN of the fabric.

        ``GET /:login/fabrics/default/vlans/:vlan_id/networks``

        Since API 7.3.

        Args:
            vlan: Its number, name, or dict with ``vlan_id``.

        Raises:
            NotFoundError: ``ResourceNotFound``: there is no such VLAN.
        """
        return self._list(*_VLANS, vlan_id_of(self, vlan), "networks", shape=shapes.NETWORK)

    def fabric_network(self, vlan: VLANRef, network: NetworkRef) -> Network:
        """Get one network on a VLAN of the fabric.

        ``GET /:login/fabrics/default/vlans/:vlan_id/networks/:id``

        Since API 7.3.

        Args:
            vlan: Its number, name, or dict with ``vlan_id``, such as the network.
            network: UUID, name, short id, or dict with ``id``.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        return self._get(*self._network_segments(vlan, network), shape=shapes.NETWORK)

    def create_fabric_network(
        self,
        vlan: VLANRef,
        name: str,
        subnet: str,
        provision_start_ip: str,
        provision_end_ip: str,
        *,
        gateway: str | None = None,
        resolvers: Sequence[str] | None = None,
        routes: Mapping[str, str] | None = None,
        internet_nat: bool | None = None,
        description: str | None = None,
    ) -> Network:
        """Create a network on a VLAN of the fabric.

        ``POST /:login/fabrics/default/vlans/:vlan_id/networks``

        Since API 7.3.

        Args:
            vlan: Its number, name, or dict with ``vlan_id``.
            name: Unique on the fabric: 2 to 64 letters, digits, ``_``, ``-``, ``.`` and ``/``, the first a
                letter.
            subnet: In private address space, such as ``10.50.1.0/24``, /8 to /32; it must overlap no other
                network of the fabric.
            provision_start_ip: First address to give to machines.
            provision_end_ip: Last address to give to machines.
            gateway: Address of the gateway; by default `provision_start_ip` if `internet_nat` is True.
            resolvers: Addresses of DNS servers, at most 4.
            routes: Gateways by the subnet or address that they lead to.
            internet_nat: Whether the gateway leads to the internet; None means True if there is a gateway.
            description: At most 64 characters.

        Raises:
            NotFoundError: ``ResourceNotFound``: there is no such VLAN.
            InvalidArgumentError: ``InvalidArgument``: the message says which property is wrong.
        """
        body: dict[str, Any] = required_texts(
            name=name,
            subnet=subnet,
            provision_start_ip=provision_start_ip,
            provision_end_ip=provision_end_ip,
        )
        body |= texts(gateway=gateway, description=description) | _details(resolvers, routes)
        body |= flags(internet_nat=internet_nat)
        segments = (*_VLANS, vlan_id_of(self, vlan), "networks")
        wanted = {"name": name, "subnet": subnet}
        create = partial(self._post, *segments, shape=shapes.NETWORK, json=body, named=body["name"])
        find = partial(self._entries_with, segments, shapes.NETWORK, wanted)
        lookup = Lookup("fabric network", wanted, find, partial(differing_fields, body))
        return create_once(self, create, lookup)

    def update_fabric_network(
        self,
        vlan: VLANRef,
        network: NetworkRef,
        *,
        name: str | None = None,
        description: str | None = None,
        provision_start_ip: str | None = None,
        provision_end_ip: str | None = None,
        resolvers: Sequence[str] | None = None,
        routes: Mapping[str, str] | None = None,
    ) -> Network:
        """Change a network on a VLAN of the fabric; None leaves a property unchanged.

        ``PUT /:login/fabrics/default/vlans/:vlan_id/networks/:id``

        Subnet, gateway and NAT cannot be changed. Since API 7.3.

        Args:
            vlan: Its number, name, or dict with ``vlan_id``, such as the network.
            network: UUID, name, short id, or dict with ``id``.
            name: As in `create_fabric_network`.
            description: At most 64 characters.
            provision_start_ip: First address to give to machines.
            provision_end_ip: Last address to give to machines.
            resolvers: Addresses of DNS servers, at most 4; they replace the others.
            routes: Gateways by the subnet or address that they lead to; they replace the others.

        Raises:
            NotFoundError: ``ResourceNotFound``.
            InvalidArgumentError: ``InvalidArgument``: the message says which property is wrong.
        """
        body = texts(
            name=name,
            description=description,
            provision_start_ip=provision_start_ip,
            provision_end_ip=provision_end_ip,
        ) | _details(resolvers, routes)
        segments = self._network_segments(vlan, network)
        return self._put(*segments, shape=shapes.NETWORK, json=body)

    def delete_fabric_network(self, vlan: VLANRef, network: NetworkRef) -> None:
        """Delete a network on a VLAN of the fabric that no machine is on.

        ``DELETE /:login/fabrics/default/vlans/:vlan_id/networks/:id``

        Since API 7.3.

        Args:
            vlan: Its number, name, or dict with ``vlan_id``, such as the network.
            network: UUID, name, short id, or dict with ``id``.

        Raises:
            NotFoundError: ``ResourceNotFound``.
            InvalidArgumentError: ``InvalidArgument``: a machine is on it, or it is the account's default.
        """
        self._delete(*self._network_segments(vlan, network))

    def _network_segments(self, vlan: VLANRef, network: NetworkRef) -> tuple[str, ...]:
        number = vlan_id_of(self, vlan)
        return (*_VLANS, number, "networks", fabric_network_id_of(self, number, network))

    def _entries_with(self, segments: Sequence[str], shape: Shape[T], wanted: Mapping[str, Any]) -> list[T]:
        """Return the entries of a list that have these properties."""
        return [entry for entry in self._list(*segments, shape=shape) if wanted.items() <= entry.items()]


def _details(resolvers: Sequence[str] | None, routes: Mapping[str, str] | None) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if resolvers is not None:
        details["resolvers"] = as_list("resolvers", resolvers, "['8.8.8.8']", str)
    if routes is not None:
        details["routes"] = dict_of("routes", routes, "{'10.1.0.0/16': '10.0.0.1'}")
    return details
