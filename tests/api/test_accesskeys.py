"""Access keys as in CloudAPI's schema and the later endpoints/accesskeys.js; the code of 9.20.0 is older."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smartdc import DataCenter, InvalidArgumentError, NotAuthorizedError, NotFoundError
from smartdc.emulator import Emulator
from smartdc.types import AccessKey, AccessKeyCredentials
from tests.helpers.recorded import call, sent

UNKNOWN = "0" * 32
pytestmark = pytest.mark.usefixtures("schema_only")


class Keys:
    """The access key operations of the account, or of a sub-user."""

    def __init__(self, sdc: DataCenter, user: str | None) -> None:
        self.path = f"/my/users/{user}/accesskeys" if user else "/my/accesskeys"
        before: tuple[Any, ...] = (user,) if user else ()
        kind = "user_access_key" if user else "access_key"

        def bound(name: str) -> Callable[..., Any]:
            method = getattr(sdc, name)
            return lambda *arguments, **more: method(*before, *arguments, **more)

        self.list: Callable[..., list[AccessKey]] = bound(f"{kind}s")
        self.get: Callable[..., AccessKey] = bound(kind)
        self.create: Callable[..., AccessKeyCredentials] = bound(f"create_{kind}")
        self.update: Callable[..., AccessKey] = bound(f"update_{kind}")
        self.delete: Callable[..., None] = bound(f"delete_{kind}")


@pytest.fixture(params=[None, "bob"], ids=["account", "sub-user"])
def keys(cloud: Emulator, sdc: DataCenter, request: pytest.FixtureRequest) -> Keys:
    cloud.account.add_user("bob")
    return Keys(sdc, request.param)


def test_create_access_key_shows_its_secret_once(cloud: Emulator, keys: Keys) -> None:
    made = keys.create()
    assert sent(cloud) == [call("POST", keys.path, body={})]
    assert made["accesskeysecret"].startswith("tdc_")
    assert (made["status"], made["credentialtype"], made["expiration"]) == ("Active", "permanent", None)
    assert len(made["accesskeyid"]) == 32
    shown = {name: value for name, value in made.items() if name != "accesskeysecret"}
    assert keys.list() == [shown]
    assert keys.get(made) == keys.get(made["accesskeyid"]) == shown
    path = f"{keys.path}/{made['accesskeyid']}"
    assert sent(cloud)[1:] == [call("GET", keys.path), call("GET", path), call("GET", path)]


def test_create_access_key_with_all_arguments(cloud: Emulator, keys: Keys) -> None:
    made = keys.create(description="backups", status="Inactive")
    assert sent(cloud) == [call("POST", keys.path, body={"description": "backups", "status": "Inactive"})]
    assert (made["description"], made["status"]) == ("backups", "Inactive")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"status": "Bogus"}, "status must be one of: Active, Inactive, Expired"),
        ({"description": "x" * 151}, "description must be 150 characters in length or less"),
    ],
)
def test_access_key_that_the_server_refuses(keys: Keys, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        keys.create(**wrong)
    assert keys.list() == []
    made = keys.create()
    with pytest.raises(InvalidArgumentError, match=message):
        keys.update(made, **wrong)


def test_at_most_a_hundred_access_keys(cloud: Emulator, keys: Keys, sdc: DataCenter) -> None:
    made = keys.create()
    owner = cloud.account if keys.path == "/my/accesskeys" else cloud.account.users["bob"]
    owner.access_keys *= 100
    with pytest.raises(NotAuthorizedError, match="maximum allowed number of access keys") as caught:
        keys.create()
    assert (caught.value.status, caught.value.code) == (403, "Forbidden")
    owner.access_keys[1:] = []
    assert keys.get(made)["status"] == "Active"


def test_access_key_that_does_not_exist(keys: Keys) -> None:
    for ask in (keys.get, keys.delete):
        with pytest.raises(NotFoundError, match=f"{UNKNOWN} does not exist") as caught:
            ask(UNKNOWN)
        assert caught.value.code == "ResourceNotFound"
    with pytest.raises(InvalidArgumentError, match=f"{UNKNOWN} does not exist"):
        keys.update(UNKNOWN, status="Inactive")


def test_update_access_key(cloud: Emulator, keys: Keys) -> None:
    made = keys.create(description="backups")
    cloud.clock.advance(60)
    changed = keys.update(made, status="Inactive")
    path = f"{keys.path}/{made['accesskeyid']}"
    assert sent(cloud)[1:] == [call("POST", path, body={"status": "Inactive"})]
    assert (changed["status"], changed["description"]) == ("Inactive", "backups")
    assert changed["updated"] > made["updated"] == made["created"]
    assert keys.update(made, description="nothing")["description"] == "nothing"


def test_delete_access_key(cloud: Emulator, keys: Keys) -> None:
    made = keys.create()
    keys.delete(made)
    assert sent(cloud)[1:] == [call("DELETE", f"{keys.path}/{made['accesskeyid']}")]
    assert keys.list() == []


def test_access_keys_of_an_unknown_user(sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError, match="nobody does not exist"):
        sdc.user_access_keys("nobody")
    with pytest.raises(NotFoundError, match="nobody does not exist"):
        sdc.create_user_access_key("nobody")


@pytest.mark.parametrize(("name", "value"), [("credentialtype", "temporary"), ("expiration", "2030-01-01")])
def test_fields_that_cloudapi_does_not_set(sdc: DataCenter, name: str, value: str) -> None:
    with pytest.raises(NotAuthorizedError, match=f"{name} cannot be set via CloudAPI"):
        sdc.request("POST", "/accesskeys", data={name: value})
    made = sdc.create_access_key()
    with pytest.raises(NotAuthorizedError, match=f"{name} cannot be set via CloudAPI"):
        sdc.request("POST", f"/accesskeys/{made['accesskeyid']}", data={name: value})
