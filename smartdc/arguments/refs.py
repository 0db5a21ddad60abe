"""By what an argument names a thing: the types in signatures.

Text is a UUID, or a name where the thing has one; `smartdc.arguments.names` says which names count. A dict is
one that CloudAPI returned. Of machines, whose type is `smartdc.machine.MachineRef`, it may be an object.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "DiskRef",
    "FirewallRuleRef",
    "ImageRef",
    "NetworkRef",
    "PackageRef",
    "PolicyRef",
    "RoleRef",
    "UserRef",
    "VLANRef",
    "VolumeRef",
]

DiskRef = str | Mapping[str, Any]
"""A disk of a machine: UUID or dict."""

FirewallRuleRef = str | Mapping[str, Any]
"""A firewall rule: UUID, short id or dict."""

ImageRef = str | Mapping[str, Any]
"""An image: UUID, name (the newest active one), ``name@version``, short id or dict."""

NetworkRef = str | Mapping[str, Any]
"""A network: UUID, name, short id or dict."""

PackageRef = str | Mapping[str, Any]
"""A package: UUID, name, short id or dict."""

PolicyRef = str | Mapping[str, Any]
"""A policy: UUID, name or dict."""

RoleRef = str | Mapping[str, Any]
"""A role: UUID, name or dict."""

UserRef = str | Mapping[str, Any]
"""A sub-user: UUID, login or dict."""

VLANRef = int | str | Mapping[str, Any]
"""A VLAN of the fabric: number, name or dict."""

VolumeRef = str | Mapping[str, Any]
"""A volume: UUID, name, short id or dict."""
