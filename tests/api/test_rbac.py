from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from smartdc import (
    ConfigurationError,
    DataCenter,
    InvalidArgumentError,
    MissingParameterError,
    NotFoundError,
)
from smartdc.emulator import Emulator
from smartdc.types import Policy, RoleOfNames, User
from tests.helpers.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"
GONE = "The resource you requested does not exist"


@pytest.fixture
def bob(cloud: Emulator, sdc: DataCenter) -> User:
    cloud.account.add_user("bob")
    return sdc.user("bob")


@pytest.fixture
def reading(sdc: DataCenter) -> Policy:
    return sdc.create_policy("reading", "CAN listmachines AND getmachine")


@pytest.fixture
def old(cloud: Emulator) -> Iterator[DataCenter]:
    with cloud.datacenter(api_version="~8") as old:
        yield old


# -- policies


def test_create_policy(cloud: Emulator, sdc: DataCenter) -> None:
    rules = ["CAN listmachines AND getmachine", "CAN rebootmachine"]
    policy = sdc.create_policy("reading", rules, description="To look at it")
    body = {"name": "reading", "rules": rules, "description": "To look at it"}
    assert sent(cloud) == [call("POST", "/my/policies", body=body)]
    assert policy == {**body, "id": policy["id"]}
    assert sdc.policies() == [policy]
    assert sdc.policy("reading") == sdc.policy(policy["id"]) == sdc.policy(policy) == policy
    paths = [f"/my/policies/{part}" for part in ("reading", policy["id"], policy["id"])]
    assert sent(cloud)[1:] == [call("GET", "/my/policies"), *(call("GET", path) for path in paths)]


def test_create_policy_of_one_rule(cloud: Emulator, reading: Policy) -> None:
    body = {"name": "reading", "rules": ["CAN listmachines AND getmachine"]}
    assert sent(cloud) == [call("POST", "/my/policies", body=body)]
    assert "description" not in reading


@pytest.mark.parametrize(
    ("name", "rules", "message"),
    [
        # node-aperture and sdc-ufds (schema/sdcaccountpolicy.js, lib/db/add.js).
        ("reading", "CAN listmachines", "Name is not unique"),
        ("new", "listmachines", "Parse error on line 1"),
        ("new", "CAN listmachines, getmachine", "Expecting 'AND', ',', got 'EOF'"),
        ("new", "CAN listmachines WHEN baz = bar", 'no type for "baz"'),
        ("new", "CAN listmachines WHEN baz::thing = bar", 'unknown type "thing"'),
        (
            "new",
            "CAN listmachines WHEN date = tomorrow",
            'unable to validate value "tomorrow" as type "date"',
        ),
        ("new", "CAN listmachines WHEN sourceip > 10.0.0.1", 'unsupported operation ">" on type "ip"'),
        ("new", ["CAN listmachines", "CAN listmachines"], "CAN listmachines is not unique"),
    ],
)
def test_create_policy_that_the_server_refuses(
    sdc: DataCenter, reading: Policy, name: str, rules: str | list[str], message: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        sdc.create_policy(name, rules)
    assert (caught.value.status, caught.value.code) == (409, "InvalidArgument")
    assert message in caught.value.message
    assert sdc.policies() == [reading]


def test_create_policy_without_required_arguments(sdc: DataCenter) -> None:
    with pytest.raises(MissingParameterError, match="parameters: name is required"):
        sdc.create_policy("", "CAN getaccount")
    with pytest.raises(MissingParameterError, match=r"\(rule is required\)"):
        sdc.create_policy("empty", [])


def test_policy_that_does_not_exist(sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError, match="nothing does not exist") as caught:
        sdc.policy("nothing")
    assert caught.value.code == "ResourceNotFound"


def test_update_policy(cloud: Emulator, sdc: DataCenter, reading: Policy) -> None:
    path = f"/my/policies/{reading['id']}"
    changed = sdc.update_policy(reading, name="looking", rules="CAN getmachine", description="x")
    body = {"name": "looking", "rules": ["CAN getmachine"], "description": "x"}
    assert sent(cloud)[1:] == [call("POST", path, body=body)]
    assert changed == {**body, "id": reading["id"]}
    assert "description" not in sdc.update_policy(reading["id"], description="")
    assert sent(cloud)[2:] == [call("POST", path, body={"description": ""})]


def test_update_policy_that_the_server_refuses(sdc: DataCenter, reading: Policy) -> None:
    sdc.create_policy("other", "CAN getaccount")
    with pytest.raises(InvalidArgumentError, match="Name is not unique"):
        sdc.update_policy(reading, name="other")
    with pytest.raises(InvalidArgumentError, match="baz"):
        sdc.update_policy(reading, rules=["CAN getaccount", "Pedro can delete * when baz = bar"])
    # users.test.js "update policy - other": the directory tries to create a policy that it does not find.
    with pytest.raises(MissingParameterError):
        sdc.update_policy(UNKNOWN, name="new")
    # The update does not look up names.
    with pytest.raises(NotFoundError, match=GONE):
        sdc.update_policy({"id": "reading"}, name="new")
    assert sdc.policy("reading") == reading


def test_delete_policy(cloud: Emulator, sdc: DataCenter, reading: Policy) -> None:
    role = sdc.create_role("readers", policies=[reading])
    before = len(cloud.calls)
    sdc.delete_policy(reading)
    assert sent(cloud, before) == [call("DELETE", f"/my/policies/{reading['id']}")]
    assert sdc.policies() == []
    assert sdc.role(role)["policies"] == []
    # policies.js deletes by UUID and does not look up names.
    for policy in (reading["id"], {"id": "reading"}):
        with pytest.raises(NotFoundError, match=GONE):
            sdc.delete_policy(policy)


# -- roles


def test_create_role(cloud: Emulator, sdc: DataCenter, bob: User, reading: Policy) -> None:
    cloud.account.add_user("fred")
    before = len(cloud.calls)
    role = sdc.create_role("devs", members=["fred"], default_members=[bob], policies=["reading"])
    body = {
        "name": "devs",
        "members": [
            {"type": "subuser", "login": "fred"},
            {"type": "subuser", "id": bob["id"], "default": True},
        ],
        "policies": [{"name": "reading"}],
    }
    assert sent(cloud, before) == [call("POST", "/my/roles", body=body)]
    assert role == {
        "id": role["id"],
        "name": "devs",
        "members": [
            {"type": "subuser", "id": cloud.account.users["fred"].uuid, "login": "fred"},
            {"type": "subuser", "id": bob["id"], "login": "bob", "default": True},
        ],
        "policies": [{"id": reading["id"], "name": "reading"}],
    }
    assert sdc.roles() == [role]
    assert sdc.role("devs") == sdc.role(role["id"]) == sdc.role(role) == role


def test_a_default_member_is_sent_once(cloud: Emulator, sdc: DataCenter, bob: User) -> None:
    before = len(cloud.calls)
    role = sdc.create_role("devs", members=[bob], default_members=[bob["id"]])
    body = {"name": "devs", "members": [{"type": "subuser", "id": bob["id"], "default": True}]}
    assert sent(cloud, before) == [call("POST", "/my/roles", body=body)]
    assert role["members"] == [{"type": "subuser", "id": bob["id"], "login": "bob", "default": True}]


def test_members_of_other_accounts(cloud: Emulator, sdc: DataCenter, bob: User) -> None:
    other = cloud.add_account("other")
    role = sdc.create_role(
        "all", members=[{"type": "account", "login": "other", "default": True}, "bob"], policies=[]
    )
    assert role["members"] == [
        {"type": "account", "id": other.uuid, "login": "other", "default": True},
        {"type": "subuser", "id": bob["id"], "login": "bob"},
    ]


def test_create_role_without_members(cloud: Emulator, sdc: DataCenter) -> None:
    role = sdc.create_role("devs")
    assert sent(cloud) == [call("POST", "/my/roles", body={"name": "devs"})]
    # membership.js: an empty role has the lists of the older form as well.
    alone: dict[str, Any] = {"name": "devs", "members": [], "default_members": [], "policies": []}
    assert dict(role) == {"id": role["id"], **alone}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "devs"}, "Name is not unique"),
        ({"name": "true"}, '"true" is not a valid role name'),
        ({"name": "new", "members": ["nobody"]}, "Invalid subuser: nobody"),
        ({"name": "new", "members": [{"type": "account", "login": "nobody"}]}, "Invalid account: nobody"),
        (
            {"name": "new", "members": ["bob", {"type": "other", "login": "fred"}]},
            'Member "type" is not supported: "other"',
        ),
        (
            {"name": "new", "members": [{"type": "subuser", "login": "bob", "foo": 1}]},
            'properties, not "foo"',
        ),
        (
            {"name": "new", "members": [{"type": "subuser", "id": "x"}]},
            'Member "id" property must be a string UUID',
        ),
        (
            {"name": "new", "members": [{"type": "subuser", "login": "bob", "default": "true"}]},
            'Member "default" property must be a boolean',
        ),
        (
            {"name": "new", "policies": ["nothing", UNKNOWN]},
            f"Invalid policy: nothing, Invalid policy: {UNKNOWN}",
        ),
        ({"name": "administrator", "policies": ["reading"]}, "Administrator role cannot have policies"),
        ({"name": "new", "policies": ["reading", "reading"]}, "is not unique"),
    ],
)
def test_create_role_that_the_server_refuses(
    sdc: DataCenter, bob: User, reading: Policy, arguments: dict[str, Any], message: str
) -> None:
    sdc.create_role("devs")
    with pytest.raises(InvalidArgumentError) as caught:
        sdc.create_role(**arguments)
    assert (caught.value.status, caught.value.code) == (409, "InvalidArgument")
    assert message in caught.value.message
    assert [role["name"] for role in sdc.roles()] == ["devs"]


def test_create_role_without_a_name(sdc: DataCenter) -> None:
    with pytest.raises(MissingParameterError, match="Request is missing required parameter: name"):
        sdc.create_role("")


@pytest.mark.parametrize("entry", [5, None, {"email": "x"}, ""], ids=repr)
def test_members_and_policies_that_name_nothing_are_not_sent(
    cloud: Emulator, sdc: DataCenter, entry: Any
) -> None:
    with pytest.raises(ConfigurationError, match="names no user"):
        sdc.create_role("devs", members=[entry])
    with pytest.raises(ConfigurationError, match="names no policy"):
        sdc.create_role("devs", policies=[entry])
    assert sent(cloud) == []


def test_a_member_with_only_a_type_is_not_sent(cloud: Emulator, sdc: DataCenter) -> None:
    # roles.js never answers if a member has neither id nor login.
    with pytest.raises(ConfigurationError, match="names no user"):
        sdc.create_role("devs", members=[{"type": "subuser", "default": True}])
    assert sent(cloud) == []


def test_role_that_does_not_exist(sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError, match="nothing does not exist") as caught:
        sdc.role("nothing")
    assert caught.value.code == "ResourceNotFound"


def test_update_role(cloud: Emulator, sdc: DataCenter, bob: User, reading: Policy) -> None:
    role = sdc.create_role("devs", members=["bob"], policies=["reading"])
    before = len(cloud.calls)
    assert sdc.update_role("devs", name="staff")["members"] == role["members"]
    assert sdc.update_role(role, members=[], policies=[reading])["members"] == []
    assert sdc.update_role(role, policies=[])["policies"] == []
    path = f"/my/roles/{role['id']}"
    assert sent(cloud, before) == [
        call("POST", "/my/roles/devs", body={"name": "staff"}),
        call("POST", path, body={"members": [], "policies": [{"id": reading["id"]}]}),
        call("POST", path, body={"policies": []}),
    ]


def test_update_role_that_the_server_refuses(sdc: DataCenter, reading: Policy) -> None:
    sdc.create_role("devs")
    sdc.create_role("administrator")
    for role, change, message in (
        ("devs", {"name": "administrator"}, "Name is not unique"),
        ("devs", {"members": ["nobody"]}, "Invalid subuser: nobody"),
        ("administrator", {"policies": ["reading"]}, "Administrator role cannot have policies"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            sdc.update_role(role, **cast(dict[str, Any], change))
    with pytest.raises(NotFoundError, match="nothing does not exist"):
        sdc.update_role("nothing", name="new")


def test_an_update_without_changes_is_not_sent(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.raises(ConfigurationError, match="update_role needs something to change"):
        sdc.update_role("devs")
    with pytest.raises(ConfigurationError, match="update_policy needs something to change"):
        sdc.update_policy(UNKNOWN)
    assert sent(cloud) == []


def test_delete_role(cloud: Emulator, sdc: DataCenter) -> None:
    role = sdc.create_role("devs")
    sdc.delete_role(role)
    assert sent(cloud)[1:] == [call("DELETE", f"/my/roles/{role['id']}")]
    assert sdc.roles() == []
    sdc.create_role("devs")
    # roles.js deletes by UUID and does not look up names.
    for gone in (role["id"], {"id": "devs"}):
        with pytest.raises(NotFoundError, match=GONE):
            sdc.delete_role(gone)


# -- before API 9


@pytest.mark.parametrize("version", ["~8", "8", "~8||~7", "~7.3", "<9", "=8.0.0"])
def test_roles_are_names_before_9(cloud: Emulator, bob: User, reading: Policy, version: str) -> None:
    with cloud.datacenter(api_version=version) as old:
        before = len(cloud.calls)
        members: list[Any] = [bob, "bob"]
        role = old.create_role(
            "devs", members=iter(members), default_members=iter(["bob"]), policies=iter([reading])
        )
        body = {
            "name": "devs",
            "members": ["bob", "bob"],
            "default_members": ["bob"],
            "policies": ["reading"],
        }
        assert sent(cloud, before) == [call("POST", "/my/roles", body=body)]
        shown: RoleOfNames = cast(RoleOfNames, role)
        assert (shown["members"], shown["default_members"]) == (["bob"], ["bob"])
        assert shown["policies"] == ["reading"]


@pytest.mark.parametrize("version", [None, "~9||~8", "*", ">=8", "9", ""])
def test_roles_are_objects_since_9(cloud: Emulator, bob: User, version: str | None) -> None:
    with cloud.datacenter(api_version=version) as new:
        role = new.create_role("devs", default_members=["bob"])
    assert cloud.calls[-1].body["members"] == [{"type": "subuser", "login": "bob", "default": True}]
    assert role["members"] == [{"type": "subuser", "id": bob["id"], "login": "bob", "default": True}]


def test_members_that_the_older_form_does_not_show(
    cloud: Emulator, sdc: DataCenter, old: DataCenter, bob: User
) -> None:
    cloud.add_account("other")
    sdc.create_role("devs", members=[{"type": "account", "login": "other"}, bob])
    assert cast(RoleOfNames, old.role("devs"))["members"] == ["bob"]
    with pytest.raises(ConfigurationError, match="before API 9"):
        old.update_role("devs", members=[{"type": "account", "login": "other"}])


@pytest.mark.off_the_record("node-smartdc sends this; the description allows only lists")
def test_the_older_form_takes_names_as_text(sdc: DataCenter, old: DataCenter, bob: User) -> None:
    # users.test.js: "members: SUB_LOGIN_2"; docs, CreateRole: JSON as well.
    for members in ("bob", '["bob"]', [["bob"]]):
        role, _ = old.request("POST", "/roles", data={"name": "devs", "members": members})
        assert role["members"] == ["bob"]
        old.delete_role(role)
    with pytest.raises(InvalidArgumentError, match="Invalid subuser: bob,fred"):
        old.request("POST", "/roles", data={"name": "devs", "members": "bob,fred"})


def test_the_newer_form_refuses_names(sdc: DataCenter, bob: User) -> None:
    # users.test.js: "create role v9 - v8 style", "nulls", "inner arrays".
    for members in (["bob"], [None], [["bob"]], "bob", {"type": "subuser"}):
        with pytest.raises(InvalidArgumentError, match='Role "members" must be an array of objects'):
            sdc.request("POST", "/roles", data={"name": "devs", "members": members})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": 5}, 'Role "name" must be a string'),
        ({"policies": [{"id": "x"}]}, 'Policy "id" property must be a string UUID'),
        ({"policies": [{"name": 5}]}, 'Policy "name" property must be a string'),
        ({"policies": [{"rules": []}]}, 'may only contain "name" or "id" properties, not "rules"'),
        ({"policies": [{}]}, "Invalid policy: {}"),
        ({"members": [{"login": "bob"}]}, 'must have a string "type" property'),
        ({"members": [{"type": "subuser", "login": 5}]}, 'Member "login" property must be a string'),
    ],
)
def test_the_newer_form_refuses_other_objects(sdc: DataCenter, body: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        sdc.request("POST", "/roles", data={"name": "devs", **body})
    assert message in caught.value.message
