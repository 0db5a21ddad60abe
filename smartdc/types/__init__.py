"""The shapes of what CloudAPI returns, for editors and type checkers; at run time they are dicts.

A field that is not required here may be absent, and newer servers may add fields. The shapes of structured
arguments are here as well.
"""

from __future__ import annotations

from smartdc.types.access import Policy, PolicyName, Role, RoleMember, RoleOfNames, RoleTags, User
from smartdc.types.accounts import (
    AccessKey,
    AccessKeyCredentials,
    Account,
    Config,
    Key,
    Ping,
    ProvisioningLimit,
    SupportedVersions,
)
from smartdc.types.changes import Change, ChangeKind
from smartdc.types.creation import DiskSpec, Locality, NetworkObject, VolumeMount
from smartdc.types.images import (
    ExportedImage,
    Image,
    ImageError,
    ImageFile,
    ImageRequirements,
    ImageState,
    Package,
    PackageDisk,
)
from smartdc.types.machines import (
    NIC,
    AuditEntry,
    Brand,
    Disk,
    DiskState,
    MachineData,
    MachineDisk,
    MachineNic,
    MachineState,
    MachineType,
    NICState,
    SnapshotData,
    SnapshotState,
    Value,
)
from smartdc.types.migrations import (
    Migration,
    MigrationEstimate,
    MigrationEvent,
    MigrationPhase,
    MigrationState,
)
from smartdc.types.networks import FabricVLAN, FirewallRule, Network, NetworkIP
from smartdc.types.volumes import Volume, VolumeSize, VolumeState

__all__ = [
    "NIC",
    "AccessKey",
    "AccessKeyCredentials",
    "Account",
    "AuditEntry",
    "Brand",
    "Change",
    "ChangeKind",
    "Config",
    "Disk",
    "DiskSpec",
    "DiskState",
    "ExportedImage",
    "FabricVLAN",
    "FirewallRule",
    "Image",
    "ImageError",
    "ImageFile",
    "ImageRequirements",
    "ImageState",
    "Key",
    "Locality",
    "MachineData",
    "MachineDisk",
    "MachineNic",
    "MachineState",
    "MachineType",
    "Migration",
    "MigrationEstimate",
    "MigrationEvent",
    "MigrationPhase",
    "MigrationState",
    "NICState",
    "Network",
    "NetworkIP",
    "NetworkObject",
    "Package",
    "PackageDisk",
    "Ping",
    "Policy",
    "PolicyName",
    "ProvisioningLimit",
    "Role",
    "RoleMember",
    "RoleOfNames",
    "RoleTags",
    "SnapshotData",
    "SnapshotState",
    "SupportedVersions",
    "User",
    "Value",
    "Volume",
    "VolumeMount",
    "VolumeSize",
    "VolumeState",
]
