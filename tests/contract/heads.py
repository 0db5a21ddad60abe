"""Rows of each HEAD without a count, which `exists` makes. Those with a count are with their areas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smartdc import DataCenter
from smartdc.types import User
from tests.contract.row import Operation, World

Named = Callable[[DataCenter, World], Any]


def _user(sdc: DataCenter, world: World) -> User:
    if world.cloud.account.find_user("carol") is None:
        return sdc.create_user("carol", "carol@example.com", "secret123")
    return sdc.user("carol")


def _user_key(sdc: DataCenter, world: World) -> Any:
    user = _user(sdc, world)
    return sdc.add_user_key(user, "laptop", world.cloud.account.keys[0].openssh)


def _of_account(name: str, path: str, since: str, *parts: str | Named) -> Operation:
    """A row of ``sdc.exists(...)``, whose parts are words, or are created in the world."""

    def ask(sdc: DataCenter, world: World) -> bool:
        return sdc.exists(*(part if isinstance(part, str) else part(sdc, world) for part in parts))

    return Operation(name, "HEAD", f"/:login{path}", since, "DataCenter.exists", ask)


def _of_machine(name: str, path: str, since: str, *parts: str | Named, status: int = 200) -> Operation:
    """A row of ``machine.exists(...)``."""

    def ask(sdc: DataCenter, world: World) -> bool:
        machine = world.bhyve if "disks" in parts else world.machine
        return machine.exists(*(part if isinstance(part, str) else part(sdc, world) for part in parts))

    path = f"/:login/machines/:machine{path}"
    return Operation(name, "HEAD", path, since, "Machine.exists", ask, status=status)


ROWS = [
    _of_account("HeadAccount", "", "7.0"),
    _of_account("HeadConfig", "/config", "7.3", "config"),
    _of_account("HeadKeys", "/keys", "7.0", "keys"),
    _of_account("HeadKey", "/keys/:key", "7.0", "keys", lambda sdc, world: sdc.keys()[0]),
    _of_account("HeadAccessKeys", "/accesskeys", "9.11", "accesskeys"),
    _of_account(
        "HeadAccessKey",
        "/accesskeys/:accesskeyid",
        "9.11",
        "accesskeys",
        lambda sdc, world: sdc.create_access_key(),
    ),
    _of_account("HeadUsers", "/users", "7.2", "users"),
    _of_account("HeadUser", "/users/:user", "7.2", "users", _user),
    _of_account("HeadUserKeys", "/users/:user/keys", "7.2", "users", _user, "keys"),
    _of_account("HeadUserKey", "/users/:user/keys/:key", "7.2", "users", _user, "keys", _user_key),
    _of_account("HeadUserAccessKeys", "/users/:user/accesskeys", "9.11", "users", _user, "accesskeys"),
    _of_account(
        "HeadUserAccessKey",
        "/users/:user/accesskeys/:accesskeyid",
        "9.11",
        "users",
        _user,
        "accesskeys",
        lambda sdc, world: sdc.create_user_access_key(_user(sdc, world)),
    ),
    _of_account("HeadRoles", "/roles", "7.2", "roles"),
    _of_account("HeadRole", "/roles/:role", "7.2", "roles", lambda sdc, world: sdc.create_role("head")),
    _of_account("HeadPolicies", "/policies", "7.2", "policies"),
    _of_account(
        "HeadPolicy",
        "/policies/:policy",
        "7.2",
        "policies",
        lambda sdc, world: sdc.create_policy("head", ["CAN getmachine"]),
    ),
    _of_account("HeadImages", "/images", "7.0", "images"),
    _of_account("HeadImage", "/images/:image", "7.0", "images", lambda sdc, world: {"id": world.image_id}),
    _of_account("HeadPackages", "/packages", "7.0", "packages"),
    _of_account("HeadPackage", "/packages/:package", "7.0", "packages", "g4-highcpu-1G"),
    _of_machine("HeadMachine", "", "7.0"),
    _of_machine("HeadAudit", "/audit", "7.0", "audit"),
    _of_machine("HeadmachineTags", "/tags", "7.0", "tags"),
    _of_machine("HeadMachineTag", "/tags/:tag", "7.0", "tags", "role"),
    _of_machine("HeadMachineMetadata", "/metadata", "7.0", "metadata"),
    # docs/cloudapi/tags-and-metadata.md#head-of-one-metadata-key: the route's name is registered twice, so
    # the second route is missing.
    _of_machine("HeadMachineMetadata", "/metadata/:key", "7.0", "metadata", "note", status=405),
    _of_machine("HeadMachineSnapshots", "/snapshots", "7.0", "snapshots"),
    _of_machine(
        "HeadMachineSnapshot",
        "/snapshots/:name",
        "7.0",
        "snapshots",
        lambda sdc, world: world.machine.raw_snapshot_data(world.machine.create_snapshot("s1").name),
    ),
    _of_machine(
        "GetMachineDisk",
        "/disks/:disk",
        "9.4",
        "disks",
        lambda sdc, world: world.bhyve.get_disks()[0],
    ),
    _of_machine(
        "GetNic", "/nics/:mac", "7.2", "nics", lambda sdc, world: world.vm.nics[0].mac.replace(":", "")
    ),
]
