"""The types of arguments that refer to a thing by its id or name.

Text is a UUID, or a name if the thing has one; `smartdc.arguments.names` has the rules. A dict is one that
CloudAPI returned. The type for machines, `smartdc.machine.MachineRef`, also allows objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "AccessKeyRef",
    "DiskRef",
    "FirewallRuleRef",
    "ImageRef",
    "KeyRef",
    "MemberRef",
    "NICRef",
    "NetworkRef",
    "PackageRef",
    "PolicyRef",
    "Ref",
    "RoleRef",
    "UserRef",
    "VLANRef",
    "VolumeRef",
]

Ref = str | Mapping[str, Any]
"""Text, or a dict that CloudAPI returned."""

AccessKeyRef = Ref
"""An access key: id or dict."""

DiskRef = Ref
"""A disk of a machine: UUID or dict."""

FirewallRuleRef = Ref
"""A firewall rule: UUID, short id or dict."""

ImageRef = Ref
"""An image: UUID, name (the newest active one), ``name@version``, short id or dict."""

KeyRef = Ref
"""An SSH key: name, fingerprint or dict."""

MemberRef = Ref
"""A member of a role: a sub-user's UUID or login, or dict."""

NetworkRef = Ref
"""A network: UUID, name, short id or dict."""

NICRef = Ref
"""A NIC of a machine: MAC or dict."""

PackageRef = Ref
"""A package: UUID, name, short id or dict."""

PolicyRef = Ref
"""A policy: UUID, name or dict."""

RoleRef = Ref
"""A role: UUID, name or dict."""

UserRef = Ref
"""A sub-user: UUID, login or dict."""

VLANRef = int | Ref
"""A VLAN of the fabric: number, name or dict."""

VolumeRef = Ref
"""A volume: UUID, name, short id or dict."""
