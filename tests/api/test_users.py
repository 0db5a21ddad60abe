from __future__ import annotations

from typing import Any

import pytest

from smartdc import DataCenter, InvalidArgumentError, MissingParameterError, NotFoundError
from smartdc.emulator import Emulator
from smartdc.types import User
from tests.helpers.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"


@pytest.fixture
def bob(sdc: DataCenter) -> User:
    return sdc.create_user("bob", "bob@example.com", "secret123")


def test_create_user(cloud: Emulator, sdc: DataCenter) -> None:
    details = {
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
    user = sdc.create_user(
        "bob",
        "bob@example.com",
        "secret123",
        company_name="Example",
        first_name="Bob",
        last_name="Jinks",
        address="1 Road",
        postal_code="12345",
        city="Vancouver",
        state="BC",
        country="CA",
        phone="123",
    )
    body = {"login": "bob", "email": "bob@example.com", "password": "secret123", **details}
    assert sent(cloud) == [call("POST", "/my/users", body=body)]
    assert {"login": "bob", "email": "bob@example.com", **details}.items() <= user.items()
    assert "password" not in user
    assert sdc.users() == [user]


def test_create_user_sends_only_the_arguments_that_are_set(cloud: Emulator, bob: User) -> None:
    body = {"login": "bob", "email": "bob@example.com", "password": "secret123"}
    assert sent(cloud) == [call("POST", "/my/users", body=body)]
    assert set(bob) == {"id", "login", "email", "created", "updated"}


@pytest.mark.parametrize(
    ("login", "email", "password", "message"),
    [
        # sdc-ufds: lib/db/add.js (validateLogin), schema/sdcperson.js, lib/salt.js with data/bootstrap.ldif.
        ("bob", "other@example.com", "secret123", "Login is already taken"),
        ("BOB", "other@example.com", "secret123", "Login is already taken"),
        ("_bob", "other@example.com", "secret123", "Login is invalid"),
        ("jo", "other@example.com", "secret123", "login: jo is invalid"),
        ("local", "other@example.com", "secret123", "login: local is invalid"),
        ("alice", "foo+bar.com", "secret123", r"email: foo\+bar\.com is invalid"),
        ("alice", "other@example.com", "abc123", "passwordTooShort"),
        ("alice", "other@example.com", "onlyletters", "insufficientPasswordQuality"),
    ],
)
def test_create_user_that_the_server_refuses(
    sdc: DataCenter, bob: User, login: str, email: str, password: str, message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message) as caught:
        sdc.create_user(login, email, password)
    assert (caught.value.status, caught.value.code) == (409, "InvalidArgument")
    assert sdc.users() == [bob]


def test_create_user_without_required_arguments(sdc: DataCenter) -> None:
    with pytest.raises(MissingParameterError, match="email is required, login is required, password is"):
        sdc.create_user("", "", "")


def test_user_by_id_login_or_dict(cloud: Emulator, sdc: DataCenter, bob: User) -> None:
    assert sdc.user(bob["id"]) == sdc.user("bob") == sdc.user(bob) == sdc.user({"login": "bob"}) == bob
    paths = [bob["id"], "bob", bob["id"], "bob"]
    assert sent(cloud)[1:] == [call("GET", f"/my/users/{path}") for path in paths]


def test_user_with_the_names_of_its_roles(cloud: Emulator, sdc: DataCenter, bob: User) -> None:
    sdc.create_role("reading", members=[bob])
    sdc.create_role("writing", default_members=[bob])
    before = len(cloud.calls)
    user = sdc.user(bob, membership=True)
    assert sent(cloud, before) == [call("GET", f"/my/users/{bob['id']}", {"membership": "true"})]
    assert (user["roles"], user["default_roles"]) == (["reading", "writing"], ["writing"])


def test_user_that_does_not_exist(sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError, match="nobody does not exist") as caught:
        sdc.user("nobody")
    assert caught.value.code == "ResourceNotFound"


def test_users_of_an_account_without_any(cloud: Emulator, sdc: DataCenter) -> None:
    assert sdc.users() == []
    assert sent(cloud) == [call("GET", "/my/users")]


def test_update_user(cloud: Emulator, sdc: DataCenter, bob: User) -> None:
    cloud.clock.advance(60)
    user = sdc.update_user(bob, login="robert", city="Vancouver", phone="")
    body = {"login": "robert", "city": "Vancouver", "phone": ""}
    assert sent(cloud)[1:] == [call("POST", f"/my/users/{bob['id']}", body=body)]
    assert (user["id"], user["login"], user["city"]) == (bob["id"], "robert", "Vancouver")
    assert user["updated"] > bob["updated"]
    assert sdc.users() == [user]
    # users.js: an empty text clears here, unlike in UpdateAccount.
    assert "city" not in sdc.update_user(user, city="")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"email": "nothing"}, InvalidArgumentError, "email: nothing is invalid"),
        ({"login": "x"}, InvalidArgumentError, "login: x is invalid"),
        ({"login": "alice"}, InvalidArgumentError, "already exists"),
        ({"login": ""}, MissingParameterError, "login is required"),
        ({"email": ""}, MissingParameterError, "email is required"),
    ],
)
def test_update_user_that_the_server_refuses(
    sdc: DataCenter, bob: User, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    sdc.create_user("alice", "alice@example.com", "secret123")
    with pytest.raises(error, match=message):
        sdc.update_user(bob, **change)
    assert sdc.user(bob) == bob


def test_the_server_does_not_look_up_a_login_when_it_updates(sdc: DataCenter, bob: User) -> None:
    # users.js: getUserEx with searchType uuid, in the update and in the change of the password.
    with pytest.raises(NotFoundError, match='user with uuid "bob" does not exist'):
        sdc.update_user({"id": "bob"}, city="Vancouver")
    with pytest.raises(NotFoundError, match='user with uuid "bob" does not exist'):
        sdc.change_user_password({"id": "bob"}, "other1234")


def test_change_user_password(cloud: Emulator, sdc: DataCenter, bob: User) -> None:
    assert sdc.change_user_password(bob, "other1234")["login"] == "bob"
    body = {"password": "other1234", "password_confirmation": "other1234"}
    assert sent(cloud)[1:] == [call("POST", f"/my/users/{bob['id']}/change_password", body=body)]


def test_change_user_password_that_the_server_refuses(sdc: DataCenter, bob: User) -> None:
    for password, confirmation, message in (
        ("other1234", "other", "must have the same value"),
        ("secret123", None, "passwordInHistory"),
        ("short1", None, "passwordTooShort"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            sdc.change_user_password(bob, password, confirmation)
    with pytest.raises(MissingParameterError, match="password_confirmation is required"):
        sdc.change_user_password(bob, "other1234", "")


def test_errors_do_not_show_a_password(sdc: DataCenter, bob: User) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        sdc.change_user_password(bob, "onlyletters")
    assert "onlyletters" not in str(caught.value) + repr(caught.value)


def test_delete_user(cloud: Emulator, sdc: DataCenter, bob: User) -> None:
    sdc.delete_user("bob")
    assert sent(cloud)[1:] == [call("DELETE", "/my/users/bob")]
    assert sdc.users() == []
    with pytest.raises(NotFoundError, match=f"{bob['id']} does not exist"):
        sdc.delete_user(bob)


def test_a_user_that_has_a_key_cannot_be_deleted(sdc: DataCenter, bob: User) -> None:
    # sdc-ufds lib/db/del.js (childExists): keys are below their user in its tree.
    key = sdc.create_user_access_key(bob)
    with pytest.raises(InvalidArgumentError, match="child"):
        sdc.delete_user(bob)
    sdc.delete_user_access_key(bob, key)
    sdc.delete_user(bob)
