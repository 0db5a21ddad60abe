"""Rows of the access keys, the account's and its sub-users'."""

from __future__ import annotations

from tests.contract.row import AGAIN, SAME, SECRET, UNKNOWN, Operation, World


def _key(world: World) -> str:
    """The id of a new access key."""
    return world.sdc.create_access_key()["accesskeyid"]


def _user(world: World) -> str:
    """The login of a sub-user, which is created if needed."""
    return (world.cloud.account.find_user("bob") or world.cloud.account.add_user("bob")).login


def _user_key(world: World) -> str:
    """The id of a new access key of that sub-user."""
    return world.sdc.create_user_access_key(_user(world))["accesskeyid"]


ROWS = [
    Operation(
        name="ListAccessKeys",
        verb="GET",
        path="/:login/accesskeys",
        since="9.11",
        method="DataCenter.access_keys",
        call=lambda sdc, world: (_key(world), sdc.access_keys()),
    ),
    Operation(
        name="GetAccessKey",
        verb="GET",
        path="/:login/accesskeys/:accesskeyid",
        since="9.11",
        method="DataCenter.access_key",
        call=lambda sdc, world: sdc.access_key(_key(world)),
    ),
    Operation(
        name="CreateAccessKey",
        verb="POST",
        path="/:login/accesskeys",
        since="9.11",
        method="DataCenter.create_access_key",
        call=lambda sdc, world: sdc.create_access_key(description="backups", status="Inactive"),
        body={"description": "backups", "status": "Inactive"},
        status=201,
        lost=(UNKNOWN, SECRET),
    ),
    Operation(
        name="UpdateAccessKey",
        verb="POST",
        path="/:login/accesskeys/:accesskeyid",
        since="9.20",
        method="DataCenter.update_access_key",
        call=lambda sdc, world: sdc.update_access_key(_key(world), description="backups", status="Inactive"),
        body={"description": "backups", "status": "Inactive"},
        lost=(AGAIN, SAME),
    ),
    Operation(
        name="DeleteAccessKey",
        verb="DELETE",
        path="/:login/accesskeys/:accesskeyid",
        since="9.11",
        method="DataCenter.delete_access_key",
        call=lambda sdc, world: sdc.delete_access_key(_key(world)),
        status=204,
    ),
    Operation(
        name="ListUserAccessKeys",
        verb="GET",
        path="/:login/users/:user/accesskeys",
        since="9.11",
        method="DataCenter.user_access_keys",
        call=lambda sdc, world: (_user_key(world), sdc.user_access_keys("bob")),
    ),
    Operation(
        name="GetUserAccessKey",
        verb="GET",
        path="/:login/users/:user/accesskeys/:accesskeyid",
        since="9.11",
        method="DataCenter.user_access_key",
        call=lambda sdc, world: sdc.user_access_key("bob", _user_key(world)),
    ),
    Operation(
        name="CreateUserAccessKey",
        verb="POST",
        path="/:login/users/:user/accesskeys",
        since="9.11",
        method="DataCenter.create_user_access_key",
        call=lambda sdc, world: sdc.create_user_access_key(
            _user(world), description="backups", status="Inactive"
        ),
        body={"description": "backups", "status": "Inactive"},
        status=201,
        lost=(
            UNKNOWN,
            SECRET,
        ),
    ),
    Operation(
        name="UpdateUserAccessKey",
        verb="POST",
        path="/:login/users/:user/accesskeys/:accesskeyid",
        since="9.20",
        method="DataCenter.update_user_access_key",
        call=lambda sdc, world: sdc.update_user_access_key(
            "bob", _user_key(world), description="backups", status="Inactive"
        ),
        body={"description": "backups", "status": "Inactive"},
        lost=(AGAIN, SAME),
    ),
    Operation(
        name="DeleteUserAccessKey",
        verb="DELETE",
        path="/:login/users/:user/accesskeys/:accesskeyid",
        since="9.11",
        method="DataCenter.delete_user_access_key",
        call=lambda sdc, world: sdc.delete_user_access_key("bob", _user_key(world)),
        status=204,
    ),
]
