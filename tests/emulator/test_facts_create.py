"""Section E of cloudapi-observed.md: creating a machine.

Answered differently on purpose: the server waits about 200 ms before it answers ("~200 ms"), so that its own
database catches up. The emulator answers at once, because no test should sleep.
"""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from .facts import row
from .raw import UNKNOWN, UUID, Answer, Key, Raw


class Seed:
    """Ids that a create needs, looked up as a client would."""

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


@row(
    "E",
    "201, Location /login/machines/ID even for /my or /uuid paths;"
    " * ips:[] and networks:[] are present, nics/primaryIp absent",
)
@pytest.mark.parametrize("login", ["my", "test", "uuid"])
def test_e_minimal(raw: Raw, seed: Seed, login: str) -> None:
    account = raw.get("/my").ok()["id"] if login == "uuid" else login
    body = {"image": seed.image, "package": seed.package}
    answer = raw.post(f"/{account}/machines", body)
    machine = answer.ok(201)
    assert answer.headers["Location"] == f"/test/machines/{machine['id']}"
    assert UUID.fullmatch(machine["id"])
    assert (machine["ips"], machine["networks"]) == ([], [])
    assert not {"nics", "primaryIp"} & machine.keys()
    assert (machine["state"], machine["name"]) == ("provisioning", machine["id"][:8])
    assert machine["package"] == ""  # machines.js: the packages are not loaded here, so no name is known
    raw.cloud.clock.advance(21)
    later = seed.now(machine)
    assert (later["state"], later["package"]) == ("running", seed.package_name)
    assert later["primaryIp"] in later["ips"]


@row("E", "* unknown package/image as UUID")
def test_e_unknown_package_or_image_as_uuid(seed: Seed) -> None:
    seed.create(package=UNKNOWN).refused(404, "ResourceNotFound")
    seed.create(image=UNKNOWN).refused(404, "ResourceNotFound", "image not found")


@row("E", "unknown by name 409 InvalidArgument; missing -> 409 MissingParameter, image first")
def test_e_unknown_by_name_or_missing(seed: Seed) -> None:
    # The texts are those of machines.js.
    seed.create(package="g9").refused(409, "InvalidArgument", "g9 is not a valid package")
    seed.create("package").refused(409, "MissingParameter", "package must be specified")
    seed.create("image").refused(409, "MissingParameter", "image must be specified")
    nothing = seed.create("image", "package")
    nothing.refused(409, "MissingParameter", "image must be specified")


@row("E", '409 "base-64-lts is not a valid image"')
def test_e_image_name(seed: Seed) -> None:
    answer = seed.create(image="base-64-lts")
    answer.refused(409, "InvalidArgument", "base-64-lts is not a valid image")


@row("E", "`dataset` is accepted as alias, both -> 409")
def test_e_dataset(seed: Seed) -> None:
    assert seed.created("image", dataset=seed.image)["image"] == seed.image
    seed.create(dataset=seed.image).refused(409, "InvalidArgument")


@row("E", 'inactive "image X is not active"')
def test_e_inactive_image(raw: Raw, seed: Seed) -> None:
    off = replace(raw.site.images[seed.image], uuid=str(uuid4()), name="off", state="disabled", public=False)
    off.owner = raw.get("/my").ok()["id"]
    raw.site.images[off.uuid] = off
    answer = seed.create(image=off.uuid)
    answer.refused(409, "InvalidArgument", f"image {off.uuid} is not active")


@row("E", 'shared image ~9 | 409 unless JSON true; "true" refused; ~8 ok')
def test_e_shared_image(raw: Raw, seed: Seed) -> None:
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


@row(
    "E",
    'package by name = highest version; inactive uuid -> "is inactive. Must use an active package";'
    ' inactive or wildcard name -> "not a valid package"',
)
def test_e_packages(raw: Raw, seed: Seed) -> None:
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


@row("E", "201, silently dropped (confirmed); flat keep number/bool")
def test_e_nested_and_flat_tags_and_metadata(seed: Seed) -> None:
    nested = seed.created(tags={"role": "web"}, metadata={"key": "value"})
    assert nested["tags"] == {}
    assert set(nested["metadata"]) <= {"root_authorized_keys"}
    flat = seed.created(**{"tag.n": 1, "tag.b": True, "tag.s": "x", "metadata.n": 2, "metadata.b": False})
    for machine in (flat, seed.now(flat)):
        assert machine["tags"] == {"n": 1, "b": True, "s": "x"}
        assert {key: machine["metadata"][key] for key in "nb"} == {"n": 2, "b": False}


@row("E", 'object/array/null value -> 409 ValidationFailed "Forbidden Data Type" [V]')
@pytest.mark.parametrize("value", [{"a": 1}, ["a"], None])
@pytest.mark.parametrize(("key", "field"), [("tag.k", "tags.k"), ("metadata.k", "customer_metadata.k")])
def test_e_forbidden_data_types(seed: Seed, value: Any, key: str, field: str) -> None:
    answer = seed.create(**{key: value})
    answer.refused(409, "ValidationFailed", field=field, detail="Forbidden Data Type")


@row("E", "* unknown triton.* tag, triton.cns.services not a string")
@pytest.mark.parametrize("tags", [{"tag.triton.colour": "red"}, {"tag.triton.cns.services": 7}])
def test_e_triton_tags(seed: Seed, tags: dict[str, Any]) -> None:
    seed.create(**tags).refused(409, "ValidationFailed", field="tags")


@row("E", "docker label tags: create accepts, POST/PUT tags refuse")
def test_e_docker_label_tags(raw: Raw, seed: Seed) -> None:
    tag = "docker:label:com.docker.blah"
    machine = seed.created(**{f"tag.{tag}": "quux"})
    assert machine["tags"] == {tag: "quux"}
    for method in ("POST", "PUT"):
        answer = raw.ask(method, f"/my/machines/{machine['id']}/tags", json={tag: "quux"})
        answer.refused(409, "ValidationFailed", field="tags")


@row("E", '409 ValidationFailed "...: Invalid machine name" field alias [V]')
@pytest.mark.parametrize("name", ["a/b", "a b", "_a", "-a", "caf\u00e9", "x" * 190])
def test_e_bad_names(seed: Seed, name: str) -> None:
    body = seed.create(name=name).refused(409, "ValidationFailed", field="alias")
    assert body["message"].endswith(": Invalid machine name")


@row("E", "189 ok, '' or null = short id, a..b ok")
def test_e_good_names(seed: Seed) -> None:
    for name in ("x" * 189, "a..b", "A_b-c.9"):
        assert seed.created(name=name)["name"] == name
    empty = seed.created(name="")
    assert empty["name"] == empty["id"][:8]
    null = seed.created(name=None)
    assert null["name"] == null["id"][:8]


@row("E", '+ 500 {"message":"params.name.replace is not a function"} no code')
@pytest.mark.parametrize("name", [7, ["web0"]])
def test_e_name_of_another_type(seed: Seed, name: Any) -> None:
    answer = seed.create(name=name)
    assert answer.status == 500
    assert answer.json == {"message": "params.name.replace is not a function"}


@row("E", "201, replaced everywhere; * NOT in rename (409)")
def test_e_short_id(raw: Raw, seed: Seed) -> None:
    machine = seed.created(name="a{{shortId}}-b{{shortId}}")
    short = machine["id"][:8]
    assert machine["name"] == f"a{short}-b{short}"
    path = f"/my/machines/{machine['id']}?action=rename"
    raw.post(path, {"name": "c{{shortId}}"}).refused(409, "ValidationFailed", field="alias")


@row("E", "409 ValidationFailed errors alias/Duplicate; * names of failed and destroyed machines are free;")
def test_e_duplicate_name(raw: Raw, seed: Seed) -> None:
    raw.site.add_machine(name="taken")
    raw.site.add_machine(name="free", state="failed")
    raw.site.add_machine(name="free2", state="destroyed")
    body = seed.create(name="taken").refused(409, "ValidationFailed", field="alias")
    assert [entry["code"] for entry in body["errors"]] == ["Duplicate"]
    assert body["message"].endswith(": Invalid machine name")
    assert [seed.created(name=name)["name"] for name in ("free", "free2")] == ["free", "free2"]


@row("E", "taken until destroy ends")
def test_e_name_of_a_machine_on_its_way_out(fresh: Raw) -> None:
    seed = Seed(fresh)
    machine = fresh.site.add_machine(name="leaving")
    fresh.delete(f"/my/machines/{machine.uuid}").empty(204)
    seed.create(name="leaving").refused(409, "ValidationFailed", field="alias")
    fresh.cloud.clock.advance(7)
    assert seed.created(name="leaving")["name"] == "leaving"


@row("E", '409 InvalidArgument "Invalid Networks" in both orders')
def test_e_networks_of_both_forms(seed: Seed) -> None:
    public, private = seed.public[0], seed.private[0]
    for networks in ([public, {"ipv4_uuid": private}], [{"ipv4_uuid": private}, public]):
        seed.create(networks=networks).refused(409, "InvalidArgument", "Invalid Networks")


@row(
    "E",
    'ignored, default networks used; ["x"] or [null] -> 500 without code; [5] -> 409;'
    ' unknown uuid "Invalid Networks"',
)
def test_e_odd_networks(seed: Seed) -> None:
    plain, odd = seed.created(), seed.created(networks=seed.private[-1])
    assert seed.now(odd)["networks"] == seed.now(plain)["networks"] != []
    for networks in (["x"], [None]):
        answer = seed.create(networks=networks)
        assert answer.status == 500
        assert "code" not in answer.json
    seed.create(networks=[5]).refused(409, "InvalidArgument")
    seed.create(networks=[UNKNOWN]).refused(409, "InvalidArgument", "Invalid Networks")


@row("E", "two public -> 409")
def test_e_two_public_networks(raw: Raw, seed: Seed) -> None:
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


@row("E", "ignored: the first external network, else [V] the first, is primary")
def test_e_primary_network(raw: Raw, seed: Seed) -> None:
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


@row("E", "unapproved 409 InvalidArgument")
def test_e_unapproved(fresh: Raw) -> None:
    fresh.site.shared.account.approved = False
    answer = Seed(fresh).create()
    answer.refused(409, "InvalidArgument", "User is not currently approved for provisioning")


@row("E", 'firewall_enabled "yes" 409; deletion_protection "true" silently off; unknown keys ignored')
def test_e_flags(seed: Seed) -> None:
    seed.create(firewall_enabled="yes").refused(409, "ValidationFailed", field="firewall_enabled")
    for given, shown in (("true", False), (True, True)):
        machine = seed.now(seed.created(deletion_protection=given, firewall_enabled=True))
        assert machine["deletion_protection"] is shown
        assert machine["firewall_enabled"] is True
    assert seed.created(colour="red")["id"]


@row("E", "409: cloudapi puts it in customer_metadata, VMAPI HEAD forbids *_pw there [V]")
def test_e_password_image(raw: Raw, seed: Seed) -> None:
    known = raw.site.images[seed.image]
    windows = replace(known, uuid=str(uuid4()), name="windows", requirements={"password": True})
    raw.site.images[windows.uuid] = windows
    for name in ("administrator_pw", "password"):
        answer = seed.create(image=windows.uuid, **{name: "secret"})
        answer.refused(409, "ValidationFailed", field="customer_metadata.administrator_pw")
    answer = seed.create(image=windows.uuid)
    answer.refused(409, "MissingParameter", f"{windows.uuid} requires a password")  # machines.js


@row("E", "query string and form body work like JSON")
def test_e_query_and_form(raw: Raw, seed: Seed) -> None:
    fields = f"image={seed.image}&package={seed.package}&tag.role=web"
    assert raw.post(f"/my/machines?{fields}").ok(201)["tags"] == {"role": "web"}
    form = {"body": fields.encode(), "content_type": "application/x-www-form-urlencoded"}
    assert raw.post("/my/machines", **form).ok(201)["tags"] == {"role": "web"}


@row("E", "+ body without Content-Type or text/plain, octet-stream, vendor+json is IGNORED (409 missing ...)")
@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/octet-stream", "application/vnd.x+json"]
)
def test_e_body_of_another_type(raw: Raw, seed: Seed, content_type: str | None) -> None:
    body = {"image": seed.image, "package": seed.package}
    answer = raw.post("/my/machines", body, content_type=content_type)
    answer.refused(409, "MissingParameter", "image must be specified")


@row("E", "no keys 409 KeyRequired")
def test_e_no_keys(fresh: Raw) -> None:
    """A sub-user can sign for an account that has no keys of its own."""
    key = Key.new("ed25519")
    user = fresh.site.shared.account.add_user("bob", allowed=True)
    user.add_key("laptop", key.openssh)
    seed = Seed(fresh)
    fresh.site.shared.account.keys.clear()
    body = {"image": seed.image, "package": seed.package}
    answer = fresh.post("/test/machines", body, key=key, key_id="/test/users/bob/keys/laptop")
    message = "At least one SSH key is required to provision"  # machines.js
    answer.refused(409, "KeyRequired", message)
