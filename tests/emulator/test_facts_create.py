"""Facts of docs/cloudapi/create.md: creating a machine.

One difference is on purpose: the server waits about 200 ms before it answers ("~200 ms"), so that its
database catches up. The emulator answers at once, because no test should sleep.
"""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from tests.emulator.facts import fact
from tests.helpers.raw_requests import UNKNOWN, UUID, Answer, Key, Raw


class Seed:
    """The ids that a create needs, from the lists of the API."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        image = next(found for found in raw.get("/my/images").ok() if found["type"] == "zone-dataset")
        package = next(
            found for found in raw.get("/my/packages").ok() if found.get("brand") not in ("bhyve", "kvm")
        )
        self.image, self.package, self.package_name = image["id"], package["id"], package["name"]
        networks = raw.get("/my/networks").ok()
        self.public = [network["id"] for network in networks if network["public"]]
        self.private = [network["id"] for network in networks if not network["public"]]

    def create(self, *without: str, **changes: Any) -> Answer:
        """Create a machine; fields named in `without` are left out of the body."""
        body = {"image": self.image, "package": self.package} | changes
        return self.raw.post("/my/machines", {name: body[name] for name in body if name not in without})

    def created(self, *without: str, **changes: Any) -> dict[str, Any]:
        machine: dict[str, Any] = self.create(*without, **changes).ok(201)
        self.raw.cloud.clock.advance(21)
        return machine

    def now(self, machine: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.raw.get(f"/my/machines/{machine['id']}").ok()
        return found


@pytest.fixture(scope="module")
def seed(raw: Raw) -> Seed:
    return Seed(raw)


@fact("create.md#minimal-create")
@pytest.mark.parametrize("login", ["my", "test", "uuid"])
def test_minimal(raw: Raw, seed: Seed, login: str) -> None:
    account = raw.get("/my").ok()["id"] if login == "uuid" else login
    body = {"image": seed.image, "package": seed.package}
    answer = raw.post(f"/{account}/machines", body)
    machine = answer.ok(201)
    assert answer.headers["Location"] == f"/test/machines/{machine['id']}"
    assert UUID.fullmatch(machine["id"])
    assert (machine["ips"], machine["networks"]) == ([], [])
    assert not {"nics", "primaryIp"} & machine.keys()
    assert (machine["state"], machine["name"]) == ("provisioning", machine["id"][:8])
    assert machine["package"] == ""  # machines.js: a create does not load packages, so it has no name
    raw.cloud.clock.advance(21)
    later = seed.now(machine)
    assert (later["state"], later["package"]) == ("running", seed.package_name)
    assert later["primaryIp"] in later["ips"]


@fact("create.md#unknown-package-or-image-by-id")
def test_unknown_package_or_image_as_uuid(seed: Seed) -> None:
    seed.create(package=UNKNOWN).refused(404, "ResourceNotFound")
    seed.create(image=UNKNOWN).refused(404, "ResourceNotFound", "image not found")


@fact("create.md#unknown-or-missing-package-or-image")
def test_unknown_by_name_or_missing(seed: Seed) -> None:
    # The texts are those of machines.js.
    seed.create(package="g9").refused(409, "InvalidArgument", "g9 is not a valid package")
    seed.create("package").refused(409, "MissingParameter", "package must be specified")
    seed.create("image").refused(409, "MissingParameter", "image must be specified")
    nothing = seed.create("image", "package")
    nothing.refused(409, "MissingParameter", "image must be specified")


@fact("create.md#image-by-name")
def test_image_name(seed: Seed) -> None:
    answer = seed.create(image="base-64-lts")
    answer.refused(409, "InvalidArgument", "base-64-lts is not a valid image")


@fact("create.md#dataset-is-an-alias")
def test_dataset(seed: Seed) -> None:
    assert seed.created("image", dataset=seed.image)["image"] == seed.image
    seed.create(dataset=seed.image).refused(409, "InvalidArgument")


@fact("create.md#inactive-image")
def test_inactive_image(raw: Raw, seed: Seed) -> None:
    off = replace(raw.site.images[seed.image], uuid=str(uuid4()), name="off", state="disabled", public=False)
    off.owner = raw.get("/my").ok()["id"]
    raw.site.images[off.uuid] = off
    answer = seed.create(image=off.uuid)
    answer.refused(409, "InvalidArgument", f"image {off.uuid} is not active")


@fact("create.md#shared-image")
def test_shared_image(raw: Raw, seed: Seed) -> None:
    owner = raw.cloud.add_account("friend").uuid
    me = raw.get("/my").ok()["id"]
    shared = replace(raw.site.images[seed.image], uuid=str(uuid4()), public=False, owner=owner, acl=[me])
    raw.site.images[shared.uuid] = shared
    body = {"image": shared.uuid, "package": seed.package}
    for version in (None, "~9"):
        headers = {"Accept-Version": version}
        for more in ({}, {"allow_shared_images": "true"}, {"allow_shared_images": 1}):
            raw.post("/my/machines", body | more, headers=headers).refused(409, "InvalidArgument")
        raw.post("/my/machines", body | {"allow_shared_images": True}, headers=headers).ok(201)
    raw.post("/my/machines", body, headers={"Accept-Version": "~8"}).ok(201)


@fact("create.md#package-by-name")
def test_packages(raw: Raw, seed: Seed) -> None:
    known = raw.site.packages[seed.package]
    for version, memory in (("1.9.0", 300), ("1.10.0", 400), ("1.2.0", 500)):
        new = replace(known, uuid=str(uuid4()), name="many", version=version, memory=memory, default=False)
        raw.site.packages[new.uuid] = new
    made = seed.now(seed.created(package="many"))
    assert (made["package"], made["memory"]) == ("many", 400)
    off = replace(known, uuid=str(uuid4()), name="off", active=False, default=False)
    raw.site.packages[off.uuid] = off
    message = f"{off.uuid} is inactive. Must use an active package"
    seed.create(package=off.uuid).refused(409, "InvalidArgument", message)
    for name in ("off", "man*"):
        seed.create(package=name).refused(409, "InvalidArgument", f"{name} is not a valid package")


@fact("create.md#nested-tags-and-metadata-are-dropped", "tags-and-metadata.md#types-are-kept")
def test_nested_and_flat_tags_and_metadata(seed: Seed) -> None:
    nested = seed.created(tags={"role": "web"}, metadata={"key": "value"})
    assert nested["tags"] == {}
    assert set(nested["metadata"]) <= {"root_authorized_keys"}
    flat = seed.created(**{"tag.n": 1, "tag.b": True, "tag.s": "x", "metadata.n": 2, "metadata.b": False})
    for machine in (flat, seed.now(flat)):
        assert machine["tags"] == {"n": 1, "b": True, "s": "x"}
        assert {key: machine["metadata"][key] for key in "nb"} == {"n": 2, "b": False}


@fact("create.md#values-that-are-refused")
@pytest.mark.parametrize("value", [{"a": 1}, ["a"], None])
@pytest.mark.parametrize(("key", "field"), [("tag.k", "tags.k"), ("metadata.k", "customer_metadata.k")])
def test_forbidden_data_types(seed: Seed, value: Any, key: str, field: str) -> None:
    answer = seed.create(**{key: value})
    answer.refused(409, "ValidationFailed", field=field, detail="Forbidden Data Type")


@fact("create.md#triton-tags")
@pytest.mark.parametrize("tags", [{"tag.triton.colour": "red"}, {"tag.triton.cns.services": 7}])
def test_triton_tags(seed: Seed, tags: dict[str, Any]) -> None:
    seed.create(**tags).refused(409, "ValidationFailed", field="tags")


@fact("create.md#docker-label-tags")
def test_docker_label_tags(raw: Raw, seed: Seed) -> None:
    tag = "docker:label:com.docker.blah"
    machine = seed.created(**{f"tag.{tag}": "quux"})
    assert machine["tags"] == {tag: "quux"}
    for method in ("POST", "PUT"):
        answer = raw.ask(method, f"/my/machines/{machine['id']}/tags", json={tag: "quux"})
        answer.refused(409, "ValidationFailed", field="tags")


@fact("create.md#names-that-are-refused")
@pytest.mark.parametrize("name", ["a/b", "a b", "_a", "-a", "caf\u00e9", "x" * 190])
def test_bad_names(seed: Seed, name: str) -> None:
    body = seed.create(name=name).refused(409, "ValidationFailed", field="alias")
    assert body["message"].endswith(": Invalid machine name")


@fact("create.md#names-that-are-accepted")
def test_good_names(seed: Seed) -> None:
    for name in ("x" * 189, "a..b", "A_b-c.9"):
        assert seed.created(name=name)["name"] == name
    empty = seed.created(name="")
    assert empty["name"] == empty["id"][:8]
    null = seed.created(name=None)
    assert null["name"] == null["id"][:8]


@fact("create.md#name-of-another-type")
@pytest.mark.parametrize("name", [7, ["web0"]])
def test_name_of_another_type(seed: Seed, name: Any) -> None:
    answer = seed.create(name=name)
    assert answer.status == 500
    assert answer.json == {"message": "params.name.replace is not a function"}


@fact("create.md#short-id-in-a-name")
def test_short_id(raw: Raw, seed: Seed) -> None:
    machine = seed.created(name="a{{shortId}}-b{{shortId}}")
    short = machine["id"][:8]
    assert machine["name"] == f"a{short}-b{short}"
    path = f"/my/machines/{machine['id']}?action=rename"
    raw.post(path, {"name": "c{{shortId}}"}).refused(409, "ValidationFailed", field="alias")


@fact("create.md#duplicate-name")
def test_duplicate_name(raw: Raw, seed: Seed) -> None:
    raw.site.add_machine(name="taken")
    raw.site.add_machine(name="free", state="failed")
    raw.site.add_machine(name="free2", state="destroyed")
    body = seed.create(name="taken").refused(409, "ValidationFailed", field="alias")
    assert [entry["code"] for entry in body["errors"]] == ["Duplicate"]
    assert body["message"].endswith(": Invalid machine name")
    assert [seed.created(name=name)["name"] for name in ("free", "free2")] == ["free", "free2"]


@fact("create.md#duplicate-name")
def test_name_of_a_machine_that_is_being_deleted(fresh: Raw) -> None:
    seed = Seed(fresh)
    machine = fresh.site.add_machine(name="leaving")
    fresh.delete(f"/my/machines/{machine.uuid}").empty(204)
    seed.create(name="leaving").refused(409, "ValidationFailed", field="alias")
    fresh.cloud.clock.advance(7)
    assert seed.created(name="leaving")["name"] == "leaving"


@fact("create.md#mixed-networks-are-refused")
def test_networks_of_both_forms(seed: Seed) -> None:
    public, private = seed.public[0], seed.private[0]
    for networks in ([public, {"ipv4_uuid": private}], [{"ipv4_uuid": private}, public]):
        seed.create(networks=networks).refused(409, "InvalidArgument", "Invalid Networks")


@fact("create.md#odd-networks")
def test_odd_networks(seed: Seed) -> None:
    plain, odd = seed.created(), seed.created(networks=seed.private[-1])
    assert seed.now(odd)["networks"] == seed.now(plain)["networks"] != []
    for networks in (["x"], [None]):
        answer = seed.create(networks=networks)
        assert answer.status == 500
        assert "code" not in answer.json
    seed.create(networks=[5]).refused(409, "InvalidArgument")
    seed.create(networks=[UNKNOWN]).refused(409, "InvalidArgument", "Invalid Networks")


@fact("create.md#two-public-networks")
def test_two_public_networks(raw: Raw, seed: Seed) -> None:
    known = raw.site.networks[seed.public[0]]
    second = replace(known, uuid=str(uuid4()), name="second")
    raw.site.networks[second.uuid] = second
    for networks in (
        [known.uuid, second.uuid],
        [{"ipv4_uuid": known.uuid}, {"ipv4_uuid": second.uuid}],
    ):
        message = "Can specify a maximum of 1 public networks"  # machines.js
        seed.create(networks=networks).refused(409, "InvalidArgument", message)
    twice = seed.now(seed.created(networks=[known.uuid, known.uuid]))
    assert twice["networks"] == [known.uuid]


@fact("create.md#primary-network")
def test_primary_network(raw: Raw, seed: Seed) -> None:
    known = raw.site.networks[seed.private[0]]
    other = replace(known, uuid=str(uuid4()), name="other", subnet="10.77.0.0/24", gateway="10.77.0.1")
    other.provision_start_ip, other.provision_end_ip, other.in_use = "10.77.0.10", "10.77.0.99", set()
    raw.site.networks[other.uuid] = other
    for wanted, first in (([known.uuid, seed.public[0]], 1), ([known.uuid, other.uuid], 0)):
        for marked in (0, 1):
            networks: list[dict[str, Any]] = [{"ipv4_uuid": network} for network in wanted]
            networks[marked]["primary"] = True
            machine = seed.now(seed.created(networks=networks))
            assert machine["networks"] == wanted
            assert machine["primaryIp"] == machine["ips"][first]
            assert [nic["primary"] for nic in machine["nics"]] == [first == 0, first == 1]


@fact("create.md#unapproved-account")
def test_unapproved(fresh: Raw) -> None:
    fresh.site.shared.account.approved = False
    answer = Seed(fresh).create()
    answer.refused(409, "InvalidArgument", "User is not currently approved for provisioning")


@fact("create.md#flags-of-a-create")
def test_flags(seed: Seed) -> None:
    seed.create(firewall_enabled="yes").refused(409, "ValidationFailed", field="firewall_enabled")
    for sent, shown in (("true", False), (True, True)):
        machine = seed.now(seed.created(deletion_protection=sent, firewall_enabled=True))
        assert machine["deletion_protection"] is shown
        assert machine["firewall_enabled"] is True
    assert seed.created(colour="red")["id"]


@fact("create.md#password-images")
def test_password_image(raw: Raw, seed: Seed) -> None:
    known = raw.site.images[seed.image]
    windows = replace(known, uuid=str(uuid4()), name="windows", requirements={"password": True})
    raw.site.images[windows.uuid] = windows
    for name in ("administrator_pw", "password"):
        answer = seed.create(image=windows.uuid, **{name: "secret"})
        answer.refused(409, "ValidationFailed", field="customer_metadata.administrator_pw")
    answer = seed.create(image=windows.uuid)
    answer.refused(409, "MissingParameter", f"{windows.uuid} requires a password")  # machines.js


@fact("requests.md#query-and-form-bodies-work")
def test_query_and_form(raw: Raw, seed: Seed) -> None:
    fields = f"image={seed.image}&package={seed.package}&tag.role=web"
    assert raw.post(f"/my/machines?{fields}").ok(201)["tags"] == {"role": "web"}
    form = {"body": fields.encode(), "content_type": "application/x-www-form-urlencoded"}
    assert raw.post("/my/machines", **form).ok(201)["tags"] == {"role": "web"}


@fact("requests.md#bodies-of-other-types-are-ignored")
@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/octet-stream", "application/vnd.x+json"]
)
def test_body_of_another_type(raw: Raw, seed: Seed, content_type: str | None) -> None:
    body = {"image": seed.image, "package": seed.package}
    answer = raw.post("/my/machines", body, content_type=content_type)
    answer.refused(409, "MissingParameter", "image must be specified")


@fact("create.md#account-without-keys")
def test_no_keys(fresh: Raw) -> None:
    """Sign as a sub-user, because the account has no keys."""
    key = Key.new("ed25519")
    user = fresh.site.shared.account.add_user("bob", allowed=True)
    user.add_key("laptop", key.openssh)
    seed = Seed(fresh)
    fresh.site.shared.account.keys.clear()
    body = {"image": seed.image, "package": seed.package}
    answer = fresh.post("/test/machines", body, key=key, key_id="/test/users/bob/keys/laptop")
    message = "At least one SSH key is required to provision"  # machines.js
    answer.refused(409, "KeyRequired", message)
