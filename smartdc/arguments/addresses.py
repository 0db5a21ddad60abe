"""Addresses of machines: which of them are private."""

from __future__ import annotations

import ipaddress

__all__ = ["is_private"]

_PRIVATE = [
    ipaddress.ip_network(block)
    for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10")
]


def is_private(ip: str) -> bool | None:
    """Whether an address is private; None for text that is not an address, such as ``dhcp``."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return None
    return any(address in block for block in _PRIVATE)
