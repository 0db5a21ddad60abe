"""Rows of the SSH keys, the account's and its sub-users'."""

from __future__ import annotations

from tests.contract.row import FOUND, PUBLIC_KEY, Operation, World


def _key(world: World) -> str:
    return world.cloud.account.add_key("contract", PUBLIC_KEY).fingerprint


def _user(world: World) -> str:
    """The login of a sub-user that has a key ``contract``."""
    user = world.cloud.account.add_user("bob")
    user.add_key("contract", PUBLIC_KEY)
    return user.login


ROWS = [
    Operation(
        name="ListKeys",
        verb="GET",
        path="/:login/keys",
        since="7.0",
        method="DataCenter.keys",
        call=lambda sdc, world: sdc.keys(),
    ),
    Operation(
        name="GetKey",
        verb="GET",
        path="/:login/keys/:key",
        since="7.0",
        method="DataCenter.key",
        call=lambda sdc, world: sdc.key(_key(world)),
    ),
    Operation(
        name="CreateKey",
        verb="POST",
        path="/:login/keys",
        since="7.0",
        method="DataCenter.add_key",
        call=lambda sdc, world: sdc.add_key("contract", PUBLIC_KEY),
        body={"name": "contract", "key": PUBLIC_KEY},
        status=201,
        lost=(FOUND, "by the key itself and its name; the server refuses a second one"),
    ),
    Operation(
        name="DeleteKey",
        verb="DELETE",
        path="/:login/keys/:key",
        since="7.0",
        method="DataCenter.delete_key",
        call=lambda sdc, world: sdc.delete_key(_key(world)),
        status=204,
    ),
    Operation(
        name="ListUserKeys",
        verb="GET",
        path="/:login/users/:user/keys",
        since="7.2",
        method="DataCenter.user_keys",
        call=lambda sdc, world: sdc.user_keys(_user(world)),
    ),
    Operation(
        name="GetUserKey",
        verb="GET",
        path="/:login/users/:user/keys/:key",
        since="7.2",
        method="DataCenter.user_key",
        call=lambda sdc, world: sdc.user_key(_user(world), "contract"),
    ),
    Operation(
        name="CreateUserKey",
        verb="POST",
        path="/:login/users/:user/keys",
        since="7.2",
        method="DataCenter.add_user_key",
        call=lambda sdc, world: sdc.add_user_key(
            world.cloud.account.add_user("bob").login, "contract", PUBLIC_KEY
        ),
        body={"name": "contract", "key": PUBLIC_KEY},
        status=201,
        lost=(FOUND, "by the key itself and its name; the server refuses a second one"),
    ),
    Operation(
        name="DeleteUserKey",
        verb="DELETE",
        path="/:login/users/:user/keys/:key",
        since="7.2",
        method="DataCenter.delete_user_key",
        call=lambda sdc, world: sdc.delete_user_key(_user(world), "contract"),
        status=204,
    ),
]
