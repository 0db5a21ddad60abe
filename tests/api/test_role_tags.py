from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from smartdc import ConfigurationError, DataCenter, InvalidArgumentError, NotFoundError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.http_signature import PrivateKey
from tests.helpers.recorded import call, sent

PUBLIC = PrivateKey(ed25519.Ed25519PrivateKey.generate()).public_key


@pytest.fixture(autouse=True)
def _roles(sdc: DataCenter, cloud: Emulator) -> None:
    for name in ("devs", "ops"):
        sdc.create_role(name)
    cloud.calls.clear()


@pytest.mark.parametrize(
    "collection",
    [
        "datacenters",
        "images",
        "keys",
        "machines",
        "networks",
        "packages",
        "policies",
        "roles",
        "services",
        "users",
    ],
)
def test_tags_of_a_collection(cloud: Emulator, sdc: DataCenter, collection: str) -> None:
    assert sdc.role_tags(collection) == []
    before = len(cloud.calls)
    tags = sdc.set_role_tags(collection, ["devs", "ops"])
    assert tags == {"name": f"/test/{collection}", "role-tag": ["devs", "ops"]}
    assert sent(cloud, before) == [call("PUT", f"/my/{collection}", body={"role-tag": ["devs", "ops"]})]
    assert sdc.role_tags(collection) == ["devs", "ops"]
    verb = "GET" if collection in ("datacenters", "services") else "HEAD"
    query = {"limit": "1"} if collection == "machines" else {}
    assert sent(cloud, before + 1) == [call(verb, f"/my/{collection}", query)]


def test_tags_of_the_account(cloud: Emulator, sdc: DataCenter) -> None:
    for resource in (None, "", "/"):
        sdc.set_role_tags(resource, "devs")
        assert sdc.role_tags(resource) == ["devs"]
        sdc.set_role_tags(resource, [])
        assert sdc.role_tags(resource) == []
    assert sent(cloud)[:2] == [call("PUT", "/my", body={"role-tag": ["devs"]}), call("HEAD", "/my")]


def test_tags_of_one_resource(cloud: Emulator, sdc: DataCenter) -> None:
    image, package, network = sdc.images()[0], sdc.packages()[0], sdc.networks()[0]
    (key,) = sdc.keys()
    user = sdc.create_user("bob", "bob@example.com", "secret123")
    policy, role = sdc.create_policy("reading", "CAN getaccount"), sdc.role("devs")
    user_key = sdc.add_user_key(user, "laptop", PUBLIC.openssh)
    things: list[tuple[Any, str]] = [
        (("images", image), f"images/{image['id']}"),
        (("packages", package), f"packages/{package['id']}"),
        (f"packages/{package['name']}", f"packages/{package['name']}"),
        (("networks", network), f"networks/{network['id']}"),
        (("keys", key), f"keys/{key['fingerprint']}"),
        (("users", user), f"users/{user['id']}"),
        (["policies", policy], f"policies/{policy['id']}"),
        (("roles", role), f"roles/{role['id']}"),
        (("users", user, "keys"), f"users/{user['id']}/keys"),
        (("users", "bob", "keys", user_key), f"users/bob/keys/{user_key['fingerprint']}"),
    ]
    for resource, path in things:
        before = len(cloud.calls)
        assert sdc.set_role_tags(resource, role) == {"name": f"/test/{path}", "role-tag": ["devs"]}
        escaped = path.replace(":", "%3A")
        assert sent(cloud, before) == [call("PUT", f"/my/{escaped}", body={"role-tag": ["devs"]})]
        assert sdc.role_tags(resource) == ["devs"], resource


@pytest.mark.off_the_record("the redirect has a body: docs/cloudapi/requests.md#datacenter-is-a-redirect")
def test_tags_of_a_data_center(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.set_role_tags("datacenters/us-east-1", ["devs"])
    assert sdc.role_tags("datacenters/us-east-1") == ["devs"]
    assert (cloud.calls[-1].method, cloud.calls[-1].status) == ("GET", 302)


def test_tags_of_a_machine(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine().uuid, lazy=True)
    before = len(cloud.calls)
    assert sdc.set_role_tags(machine, ["ops"]) == {"name": f"/test/{machine.path}", "role-tag": ["ops"]}
    assert sdc.role_tags(machine) == sdc.role_tags(machine.path) == sdc.role_tags(("machines", machine))
    assert sdc.role_tags(machine) == ["ops"]
    assert sent(cloud, before)[:2] == [
        call("PUT", f"/my/{machine.path}", body={"role-tag": ["ops"]}),
        call("HEAD", f"/my/{machine.path}"),
    ]
    sdc.set_role_tags(machine, [])
    assert sdc.role_tags(machine) == []


def test_deleting_a_role_removes_its_tags(sdc: DataCenter) -> None:
    sdc.set_role_tags("images", ["devs", "ops"])
    sdc.delete_role(sdc.role("devs"))
    assert sdc.role_tags("images") == ["ops"]


def test_deleting_a_resource_removes_its_tags(cloud: Emulator, sdc: DataCenter) -> None:
    user = sdc.create_user("bob", "bob@example.com", "secret123", role_tags=["devs"])
    assert sdc.role_tags(("users", user)) == ["devs"]
    sdc.delete_user(user["id"])
    assert cloud.account.access.tags == {}


def test_a_role_that_does_not_exist(sdc: DataCenter) -> None:
    with pytest.raises(InvalidArgumentError, match=r"Role\(s\) nobody, none not found") as caught:
        sdc.set_role_tags("machines", ["devs", "nobody", "none"])
    assert caught.value.code == "InvalidArgument"
    assert sdc.role_tags("machines") == []


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ("machines/00000000-dead-4bad-8bad-000000000000", "VM not found"),
        ("users/nobody", "nobody does not exist"),
    ],
)
def test_unknown_resources_cannot_be_tagged(sdc: DataCenter, resource: str, message: str) -> None:
    with pytest.raises(NotFoundError, match=message):
        sdc.set_role_tags(resource, ["devs"])


@pytest.mark.off_the_record("docs/cloudapi/requests.md#unknown-collections-are-not-allowed")
@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ("nothing", "nothing is not a valid resource"),
        ("accesskeys", "accesskeys is not a valid resource"),
        ("volumes/x", "volumes is not a valid resource"),
        ("users/nobody/things", "things is not a valid resource"),
    ],
)
def test_collections_that_cannot_be_tagged(sdc: DataCenter, resource: str, message: str) -> None:
    with pytest.raises(NotFoundError, match=message):
        sdc.set_role_tags(resource, ["devs"])


@pytest.mark.parametrize("resource", [{"id": "x"}, 5, ("images", 5), ("images", {}), "images//x", "../other"])
def test_references_that_name_no_resource(cloud: Emulator, sdc: DataCenter, resource: Any) -> None:
    for ask in (sdc.role_tags, lambda resource: sdc.set_role_tags(resource, ["devs"])):
        with pytest.raises(
            ConfigurationError, match=r" does not say what kind of thing it is: | names no image: | in a URL$"
        ):
            ask(resource)
    assert sent(cloud) == []


@pytest.mark.parametrize("name", ["a,b", " devs", "de\nvs", "", {"id": "x"}, None], ids=repr)
def test_references_that_name_no_role(cloud: Emulator, sdc: DataCenter, name: Any) -> None:
    with pytest.raises(ConfigurationError, match=r" in a role tag$|^.* names no role: "):
        sdc.set_role_tags("images", [name])
    with pytest.raises(ConfigurationError, match=r" in a role tag$|^.* names no role: "):
        sdc.create_user("bob", "bob@example.com", "secret123", role_tags=[name])
    assert sent(cloud) == []


def test_tags_of_new_resources(cloud: Emulator, sdc: DataCenter) -> None:
    tags: dict[str, Any] = {"role_tags": ["devs", "ops"]}
    user = sdc.create_user("bob", "bob@example.com", "secret123", **tags)
    role = sdc.create_role("new", **tags)
    policy = sdc.create_policy("new", "CAN getaccount", **tags)
    key = sdc.add_key("laptop", PUBLIC.openssh, **tags)
    user_key = sdc.add_user_key(user, "laptop", PUBLIC.openssh, **tags)
    access_key = sdc.create_access_key(**tags)
    user_access_key = sdc.create_user_access_key(user, **tags)
    for made in cloud.calls:
        assert made.headers["role-tag"] == "devs,ops"
    things: list[Any] = [
        ("users", user),
        ("roles", role),
        ("policies", policy),
        ("keys", key),
        ("users", user, "keys", user_key),
        ("accesskeys", access_key),
        ("users", user, "accesskeys", user_access_key),
    ]
    for thing in things[:5]:
        assert sdc.role_tags(thing) == ["devs", "ops"], thing
    # resources.js names resources below a user by four parts, but not access keys: these share one resource.
    assert sdc.role_tags(things[5]) == ["devs", "ops"]


def test_no_header_is_sent_without_role_tags(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.create_user("bob", "bob@example.com", "secret123")
    sdc.create_role("new", role_tags=[])
    assert not any("role-tag" in made.headers for made in cloud.calls)


def test_an_unknown_role_tag_does_not_prevent_the_creation(sdc: DataCenter) -> None:
    # resources.js (updateResource): the error goes to the server's log.
    role = sdc.create_role("new", role_tags=["nobody"])
    assert sdc.role_tags(("roles", role)) == []


@pytest.mark.parametrize("form", ["images/base-64-lts@20.4.0", ("images", "base-64-lts"), "/images/{short}"])
def test_a_resource_by_its_name(cloud: Emulator, sdc: DataCenter, form: Any) -> None:
    image = sdc.image("base-64-lts")["id"]
    before = len(cloud.calls)
    sdc.set_role_tags(form.format(short=image[:8]) if isinstance(form, str) else form, "devs")
    assert sent(cloud, before) == [
        call("GET", "/my/images", {"state": "all"}),
        call("PUT", f"/my/images/{image}", body={"role-tag": ["devs"]}),
    ]
    assert sdc.role_tags(("images", image)) == ["devs"]


def test_a_machine_as_a_resource_by_its_name(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine("web0")
    sdc.set_role_tags("machines/web0", "ops")
    assert sdc.role_tags(("machines", "web0")) == ["ops"]
    assert [each.path for each in sent(cloud)] == ["/my/machines", f"/my/machines/{vm.uuid}"] * 2
    with pytest.raises(NotFoundError, match="no network has the name"):
        sdc.set_role_tags("networks/nowhere", "ops")
