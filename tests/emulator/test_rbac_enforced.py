"""Access of sub-users and other accounts, as in the server's auth.js and resources.js, and in node-mahi."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from smartdc import AuthenticationError, DataCenter, NotAuthorizedError, NotFoundError, ServerError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.http_signature import PrivateKey
from smartdc.types import User
from tests.helpers.sub_users import PUBLIC, SECRET, give, refused


def test_a_sub_user_may_do_nothing(bobs: DataCenter, site: Site) -> None:
    machine = bobs.machine(site.add_machine().uuid, lazy=True, look_first=False)
    for ask, what in (
        (bobs.account, r"/my \(getaccount\)"),
        (bobs.machines, r"/my/machines \(listmachines\)"),
        (machine.refresh, rf"/my/{machine.path} \(getmachine\)"),
        (machine.stop, rf"/my/{machine.path} \(stopmachine\)"),
        (machine.enable_firewall, rf"/my/{machine.path} \(enablemachinefirewall\)"),
        (machine.get_tags, rf"/my/{machine.path}/tags \(listmachinetags\)"),
        (lambda: bobs.user("bob"), r"/my/users/bob \(getuser\)"),
        (lambda: bobs.set_role_tags(None, ["x"]), r"/my \(setroletags\)"),
        (bobs.access_keys, r"/my/accesskeys \(listaccesskeys\)"),
    ):
        with refused(what) as caught:
            ask()
        assert (caught.value.status, caught.value.code) == (403, "NotAuthorized")


def test_a_role_with_a_policy_and_a_role_tag_permits(sdc: DataCenter, bobs: DataCenter, site: Site) -> None:
    web, db = (site.add_machine(name) for name in ("web", "db"))
    give(sdc, "ops", "CAN listmachines AND getmachine", "CAN stopmachine")
    with refused("/my/machines"):
        bobs.machines()  # the policy alone is not enough
    sdc.set_role_tags("machines", ["ops"])
    # Lists are not filtered: a sub-user who may list machines sees all of them.
    assert {machine.name for machine in bobs.machines()} == {"web", "db"}
    with refused("/my/machines/"):
        bobs.machine(web.uuid)  # the role tag of the collection does not apply to its machines
    sdc.set_role_tags(f"machines/{web.uuid}", ["ops"])
    machine = bobs.machine(web.uuid)
    machine.stop()
    with refused(rf"/my/{machine.path} \(startmachine\)"):
        machine.start()
    with refused("/my/machines/"):
        bobs.machine(db.uuid)
    sdc.set_role_tags(machine, [])
    with refused("/my/machines/"):
        machine.refresh()


def test_the_role_tag_of_a_machine_applies_to_its_tags_and_snapshots(
    sdc: DataCenter, bobs: DataCenter, site: Site
) -> None:
    machine = bobs.machine(site.add_machine(tags={"role": "web"}).uuid, lazy=True)
    give(sdc, "ops", "CAN listmachinetags AND createmachinesnapshot")
    sdc.set_role_tags(machine, ["ops"])
    assert machine.get_tags() == {"role": "web"}
    machine.create_snapshot("s1")
    with refused(rf"/my/{machine.path}/tags/role \(getmachinetag\)"):
        machine.get_tag("role")


def test_a_policy_may_name_its_resources(sdc: DataCenter, bobs: DataCenter) -> None:
    # node-mahi lib/client.js, authorize (2.3.3, CloudAPI's version): rules with resources need no role tag.
    give(
        sdc,
        "keyring",
        "CAN listkeys *",
        "CAN listimages /my/im*",
        "CAN listpackages /^.my.packages$/::regex",
        "CAN listnetworks /my/else*",
        "CAN getaccount",
    )
    assert len(bobs.keys()) == 1
    assert bobs.images()
    assert bobs.packages()
    for ask in (bobs.networks, bobs.account):
        with refused("/my"):
            ask()


def test_a_resource_with_an_exact_name_needs_the_role_tag(sdc: DataCenter, bobs: DataCenter) -> None:
    # node-mahi lib/client.js, authorize: it reads the exact names as a list, which they are not.
    give(sdc, "keyring", "CAN listimages /my/images", "CAN listnetworks /my/else")
    with refused("/my/images"):
        bobs.images()
    sdc.set_role_tags("images", ["keyring"])
    sdc.set_role_tags("networks", ["keyring"])
    assert bobs.images()
    with refused("/my/networks"):
        bobs.networks()


def test_roles_that_are_not_active_by_default(cloud: Emulator, sdc: DataCenter, bobs: DataCenter) -> None:
    give(sdc, "ops", "CAN listmachines", by_default=False)
    give(sdc, "devs", "CAN listimages", by_default=False)
    sdc.set_role_tags("machines", ["ops"])
    sdc.set_role_tags("images", ["devs"])
    with refused("/my/machines"):
        bobs.machines()
    for roles in ("ops", "devs,ops"):
        assert bobs.request("GET", "/machines", params={"as-role": roles})[0] == []
    with refused("/my/machines"):
        bobs.request("GET", "/machines", params={"as-role": "devs"})
    # auth.js: the message names the account only.
    for roles in ("nobody", "ops,nobody", "ops, devs"):
        with refused(r"test \("):
            bobs.request("GET", "/machines", params={"as-role": roles})
    assert cloud.violations == []


def test_named_roles_replace_the_default_ones(sdc: DataCenter, bobs: DataCenter) -> None:
    give(sdc, "ops", "CAN listmachines")
    give(sdc, "devs", "CAN listimages", by_default=False)
    sdc.set_role_tags("machines", ["ops"])
    assert bobs.machines() == []
    with refused("/my/machines"):
        bobs.request("GET", "/machines", params={"as-role": "devs"})


def test_as_role_twice_makes_the_server_fail(bobs: DataCenter) -> None:
    with pytest.raises(ServerError):
        bobs.request("GET", "/machines?as-role=a&as-role=b".partition("?")[0], params={"as-role[]": "a"})


def test_an_administrator_may_do_everything(sdc: DataCenter, bobs: DataCenter, site: Site) -> None:
    machine = bobs.machine(site.add_machine().uuid, lazy=True)
    sdc.create_role("administrator", default_members=["bob"])
    assert bobs.account()["login"] == "test"
    machine.stop()
    assert bobs.create_user("fred", "fred@example.com", "secret123")["login"] == "fred"


def test_what_a_sub_user_creates_is_tagged_with_its_roles(sdc: DataCenter, bobs: DataCenter) -> None:
    give(sdc, "ops", "CAN createmachine AND getmachine", "CAN createuser")
    give(sdc, "devs", "CAN getimage")
    for collection in ("machines", "users"):
        sdc.set_role_tags(collection, ["ops"])
    image = sdc.images(name="base-64-lts")[0]
    machine = bobs.create_machine("web", package=sdc.packages()[0], image=image)
    assert sdc.role_tags(machine) == ["ops", "devs"]
    machine.refresh()
    user = bobs.create_user("fred", "fred@example.com", "secret123")
    assert sdc.role_tags(("users", user)) == ["ops", "devs"]
    other = bobs.create_user("joan", "joan@example.com", "secret123", role_tags=["devs"])
    assert sdc.role_tags(("users", other)) == ["devs"]


def test_role_tag_when_a_machine_is_created(sdc: DataCenter) -> None:
    sdc.create_role("ops")
    body = {"package": sdc.packages()[0]["name"], "image": sdc.images(name="base-64-lts")[0]["id"]}
    made, _ = sdc.request("POST", "/machines", {"Role-Tag": "ops"}, body)
    assert sdc.role_tags(f"machines/{made['id']}") == ["ops"]
    # machines.js: if one name does not exist, it silently drops them all.
    made, _ = sdc.request("POST", "/machines", {"Role-Tag": "ops,nobody"}, body)
    assert sdc.role_tags(f"machines/{made['id']}") == []


def test_an_update_by_a_sub_user_adds_role_tags(sdc: DataCenter, bobs: DataCenter, bob: User) -> None:
    give(sdc, "ops", "CAN updateuser *", "CAN updaterole *")
    bobs.update_user(bob, city="Vancouver")
    assert sdc.role_tags(("users", bob)) == ["ops"]
    sdc.create_role("devs")
    role = sdc.create_role("other", role_tags=["devs"])
    bobs.update_role(role["id"], name="another")
    assert sdc.role_tags(("roles", role)) == ["devs"]


@pytest.mark.off_the_record("bodies without role tags, or with role tags in another form")
def test_a_put_without_role_tags_keeps_them(sdc: DataCenter, bobs: DataCenter) -> None:
    give(sdc, "ops", "CAN setroletags *")
    sdc.set_role_tags("images", ["ops"])
    for data in ({}, {"role-tag": ""}, {"name": "changed"}):
        assert sdc.request("PUT", "/images", data=data)[0] == {"name": "/test/images", "role-tag": ["ops"]}
    assert sdc.request("PUT", "/keys")[0]["role-tag"] == []
    # resources.js: without role tags in the body, a sub-user's active roles become the role tags.
    assert bobs.request("PUT", "/keys")[0]["role-tag"] == ["ops"]
    assert sdc.request("PUT", "/keys", {"Role-Tag": "ops"}, {"role-tag": []})[0]["role-tag"] == []
    assert sdc.request("PUT", "/keys", {"Role-Tag": "ops"})[0]["role-tag"] == ["ops"]
    assert sdc.request("PUT", "/packages", data={"role-tag": "ops"})[0]["role-tag"] == ["ops"]


def test_role_tags_belong_to_the_path_as_written(sdc: DataCenter, bob: User) -> None:
    sdc.create_role("ops")
    sdc.set_role_tags("users/bob", ["ops"])
    assert sdc.role_tags("users/bob") == ["ops"]
    assert sdc.role_tags(("users", bob)) == []


def test_a_sub_user_sees_only_its_own_account(cloud: Emulator, sdc: DataCenter, bobs: DataCenter) -> None:
    # auth.js (loadAccount): for a sub-user the account in the path is not looked up.
    cloud.add_account("other")
    give(sdc, "all", "CAN listkeys *")
    for login in ("test", "other", "nobody"):
        bobs.login = login
        assert len(bobs.keys()) == 1
        with refused(rf"/{login} \(getaccount\)"):
            bobs.account()


def test_a_sub_user_of_a_disabled_or_unapproved_account(
    cloud: Emulator, sdc: DataCenter, bobs: DataCenter
) -> None:
    sdc.create_role("administrator", default_members=["bob"])
    assert bobs.account()
    cloud.account.approved = False
    with refused("/test"):
        bobs.account()
    cloud.account.approved = True
    cloud.account.disabled = True
    with pytest.raises(NotAuthorizedError, match="Account or user is disabled"):
        bobs.account()


def test_a_sub_user_needs_api_7_2(cloud: Emulator, bobs: DataCenter) -> None:
    bobs.default_headers["Accept-Version"] = "~7.1"
    with pytest.raises(AuthenticationError, match="Invalid KeyId /test/users/bob/keys/laptop"):
        bobs.account()


def test_allowed_lets_a_sub_user_do_everything(cloud: Emulator) -> None:
    cloud.account.add_user("root", allowed=True).add_key("laptop", PUBLIC)
    with cloud.datacenter(key_id="/test/users/root/keys/laptop", secret=SECRET) as roots:
        assert roots.account()["login"] == "test"


@pytest.fixture
def others(cloud: Emulator) -> Iterator[DataCenter]:
    """A client of another account, for this account."""
    cloud.add_account("other").add_key("laptop", PUBLIC)
    with cloud.datacenter("us-sw-1", key_id="/other/keys/laptop", secret=SECRET, login="test") as others:
        yield others


def test_another_account_with_a_role(sdc: DataCenter, others: DataCenter, site: Site) -> None:
    with refused(r"/test/machines \(listmachines\)"):
        others.machines()
    other = {"type": "account", "login": "other"}
    give(sdc, "guests", "CAN listmachines AND getmachine", members=[other])
    sdc.set_role_tags("machines", ["guests"])
    vm = site.add_machine("web")
    assert [machine.id for machine in others.machines()] == [vm.uuid]
    with refused("/test/machines/"):
        others.machine(vm.uuid)
    others.login = "my"
    assert others.account()["login"] == "other"


def test_another_account_before_7_2(cloud: Emulator, sdc: DataCenter, others: DataCenter) -> None:
    others.default_headers["Accept-Version"] = "~7.1"
    with refused("/test/machines"):
        others.machines()


@pytest.mark.off_the_record("the real server never answers")
def test_role_tags_before_7_2_get_no_answer(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.create_role("ops")
    sdc.set_role_tags("images", ["ops"])
    with cloud.datacenter(api_version="~7.1") as old:
        assert old.role_tags("images") == []
        # resources.js (putResource) passes it to the next handler, and there is none.
        with pytest.raises(ServerError):
            old.set_role_tags("images", [])
    assert sdc.role_tags("images") == ["ops"]
    (violation,) = cloud.violations
    assert "role tags before API 7.2" in violation
    cloud.violations.clear()


@pytest.mark.off_the_record("the real server never answers")
def test_a_member_without_id_and_login_gets_no_answer(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.raises(ServerError):
        sdc.request("POST", "/roles", data={"name": "x", "members": [{"type": "subuser"}]})
    (violation,) = cloud.violations
    assert "neither id nor login" in violation
    cloud.violations.clear()


@pytest.mark.off_the_record("the answer is an empty policy")
def test_an_update_without_change_makes_the_server_fail_for_roles(sdc: DataCenter) -> None:
    # node-ufds (modifyRole, modifyPolicy) then returns nothing: policies.js answers {}, roles.js throws.
    role, policy = sdc.create_role("ops"), sdc.create_policy("reading", "CAN getaccount")
    assert sdc.request("POST", f"/policies/{policy['id']}", data={})[0] == {}
    with pytest.raises(ServerError, match="Internal Error"):
        sdc.request("POST", f"/roles/{role['id']}", data={})
    with pytest.raises(NotFoundError):
        sdc.request("POST", "/roles/nothing", data={})


@pytest.mark.off_the_record("a parameter that the OpenAPI description does not have")
def test_a_key_for_a_user_that_the_body_names(sdc: DataCenter, bob: User) -> None:
    # keys.js reads the parameter `user` from the path, the query or the body
    # (docs/cloudapi/requests.md#parameters-are-one-bag).
    key, response = sdc.request("POST", "/keys", data={"name": "x", "key": sdc_key(), "user": "bob"})
    assert response.headers["Location"].startswith("/test/users/bob/keys/")
    assert sdc.user_key("bob", "x") == key


def sdc_key() -> str:
    return PrivateKey(ed25519.Ed25519PrivateKey.generate()).public_key.openssh
