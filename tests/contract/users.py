"""Rows of the sub-users."""

from __future__ import annotations

from typing import Any

from tests.contract.row import AGAIN, ERROR, SAME, Operation, World


def _user(world: World) -> str:
    """The id of a sub-user, which is created if needed."""
    return (world.cloud.account.find_user("bob") or world.cloud.account.add_user("bob")).uuid


_DETAILS: dict[str, Any] = {
    "company_name": "Example",
    "first_name": "Bob",
    "last_name": "Jinks",
    "address": "1 Road",
    "postal_code": "12345",
    "city": "Vancouver",
    "state": "BC",
    "country": "CA",
    "phone": "123",
}
_SENT = {
    "companyName": "Example",
    "firstName": "Bob",
    "lastName": "Jinks",
    "address": "1 Road",
    "postalCode": "12345",
    "city": "Vancouver",
    "state": "BC",
    "country": "CA",
    "phone": "123",
}

ROWS = [
    Operation(
        name="ListUsers",
        verb="GET",
        path="/:login/users",
        since="7.2",
        method="DataCenter.users",
        call=lambda sdc, world: (_user(world), sdc.users()),
    ),
    Operation(
        name="GetUser",
        verb="GET",
        path="/:login/users/:user",
        since="7.2",
        method="DataCenter.user",
        call=lambda sdc, world: sdc.user(_user(world), membership=True),
        query={"membership": "true"},
    ),
    Operation(
        name="CreateUser",
        verb="POST",
        path="/:login/users",
        since="7.2",
        method="DataCenter.create_user",
        call=lambda sdc, world: sdc.create_user("bob", "bob@example.com", "secret123", **_DETAILS),
        body={"login": "bob", "email": "bob@example.com", "password": "secret123", **_SENT},
        status=201,
        lost=(ERROR, "if it was created, its login is taken"),
    ),
    Operation(
        name="UpdateUser",
        verb="POST",
        path="/:login/users/:id",
        since="7.2",
        method="DataCenter.update_user",
        call=lambda sdc, world: sdc.update_user(
            _user(world), login="robert", email="robert@example.com", **_DETAILS
        ),
        body={"login": "robert", "email": "robert@example.com", **_SENT},
        lost=(AGAIN, SAME),
    ),
    Operation(
        name="ChangeUserPassword",
        verb="POST",
        path="/:login/users/:user/change_password",
        since="7.2",
        method="DataCenter.change_user_password",
        call=lambda sdc, world: sdc.change_user_password(_user(world), "secret123"),
        body={"password": "secret123", "password_confirmation": "secret123"},
        lost=(ERROR, "sign in to check; the server refuses a password that was used"),
    ),
    Operation(
        name="DeleteUser",
        verb="DELETE",
        path="/:login/users/:user",
        since="7.2",
        method="DataCenter.delete_user",
        call=lambda sdc, world: sdc.delete_user(_user(world)),
        status=204,
    ),
]
