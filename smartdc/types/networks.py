"""Networks, their addresses, and firewall rules."""

from __future__ import annotations

from typing import Required, TypedDict

__all__ = [
    "FabricVLAN",
    "FirewallRule",
    "Network",
    "NetworkIP",
]


class Network(TypedDict, total=False):
    """A network that machines can be attached to."""

    id: Required[str]
    name: Required[str]
    public: Required[bool]
    fabric: bool
    description: str
    gateway: str
    internet_nat: bool
    netmask: str
    provision_start_ip: str
    provision_end_ip: str
    resolvers: list[str]
    routes: dict[str, str]
    subnet: str
    suffixes: list[str]
    vlan_id: int


class NetworkIP(TypedDict, total=False):
    """An address on a network. `managed` is True for those that Triton itself uses, as the gateway's.

    `owner_uuid` and `belongs_to_uuid` are the account and the machine that use it; only that account sees the
    machine.
    """

    ip: Required[str]
    reserved: Required[bool]
    managed: bool
    owner_uuid: str
    belongs_to_uuid: str


class FabricVLAN(TypedDict, total=False):
    """A VLAN on the account's fabric."""

    vlan_id: Required[int]
    name: Required[str]
    description: str


# Not a class, because `global` is a keyword of Python.
FirewallRule = TypedDict(
    "FirewallRule",
    {
        "id": Required[str],
        "rule": Required[str],
        "enabled": Required[bool],
        "log": bool,
        "global": bool,
        "description": str,
    },
    total=False,
)
"""A firewall rule. `global` is True for one that holds for the machines of every account."""
