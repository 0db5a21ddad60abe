"""The shapes of answers: which type an operation returns, and what is checked of it.

The types of `smartdc.types` are for checkers only and are not loaded at run time, so a `Shape` stands for one
of them where an answer is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import requests

from smartdc._http.answers import list_of, object_of

if TYPE_CHECKING:
    from smartdc.types import (
        NIC,
        AccessKey,
        AccessKeyCredentials,
        Account,
        AuditEntry,
        Config,
        Disk,
        ExportedImage,
        FabricVLAN,
        FirewallRule,
        Image,
        Key,
        MachineData,
        Migration,
        MigrationEstimate,
        Network,
        NetworkIP,
        Package,
        Ping,
        Policy,
        ProvisioningLimit,
        Role,
        RoleTags,
        SnapshotData,
        User,
        Value,
        Volume,
        VolumeSize,
    )

T = TypeVar("T", bound=Mapping[str, Any])
T_co = TypeVar("T_co", bound=Mapping[str, Any], covariant=True)


class Shape(Generic[T_co]):
    """The shape of an object that the server returns, and its type.

    Only what the client itself relies on is checked; other fields are passed on as the server sent them.

    Args:
        key: A field that each entry of a list must have, as text.
    """

    def __init__(self, key: str | None = None) -> None:
        self._key = key

    def of_object(self, body: Any, response: requests.Response, key: str | None = None) -> T_co:
        """Return the body if it is an object; with a `key`, that field must be text."""
        return cast("T_co", object_of(body, response, key))

    def of_list(self, body: Any, response: requests.Response) -> list[T_co]:
        """Return the body if it is a list of objects that have the key."""
        return cast("list[T_co]", list_of(body, response, self._key))


ACCESS_KEY: Shape[AccessKey] = Shape()
ACCESS_KEY_CREDENTIALS: Shape[AccessKeyCredentials] = Shape()
ACCOUNT: Shape[Account] = Shape()
AUDIT_ENTRY: Shape[AuditEntry] = Shape()
CONFIG: Shape[Config] = Shape()
DATASET: Shape[Image] = Shape()
DISK: Shape[Disk] = Shape()
EXPORTED_IMAGE: Shape[ExportedImage] = Shape()
FABRIC_VLAN: Shape[FabricVLAN] = Shape()
FIREWALL_RULE: Shape[FirewallRule] = Shape()
IMAGE: Shape[Image] = Shape("id")
KEY: Shape[Key] = Shape()
MACHINE: Shape[MachineData] = Shape("id")
OBJECT: Shape[dict[str, Any]] = Shape()
MIGRATION: Shape[Migration] = Shape()
MIGRATION_ESTIMATE: Shape[MigrationEstimate] = Shape()
NETWORK: Shape[Network] = Shape()
NETWORK_IP: Shape[NetworkIP] = Shape("ip")
NIC_DATA: Shape[NIC] = Shape()
PACKAGE: Shape[Package] = Shape()
PING: Shape[Ping] = Shape()
POLICY: Shape[Policy] = Shape()
PROVISIONING_LIMIT: Shape[ProvisioningLimit] = Shape()
ROLE: Shape[Role] = Shape()
ROLE_TAGS: Shape[RoleTags] = Shape()
SNAPSHOT: Shape[SnapshotData] = Shape("name")
TAGS: Shape[dict[str, Value]] = Shape()
URLS: Shape[dict[str, str]] = Shape()
USER: Shape[User] = Shape()
VOLUME: Shape[Volume] = Shape()
VOLUME_SIZE: Shape[VolumeSize] = Shape()
