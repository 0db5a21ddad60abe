"""Section H of cloudapi-observed.md: snapshots, keys, the account, packages, images, routes, codes."""

from urllib.parse import quote

import pytest

from .facts import row
from .raw import UNKNOWN, Key, Raw


@pytest.fixture
def snapshots(raw: Raw) -> str:
    """Give the path of the snapshots of a machine of its own."""
    return f"/my/machines/{raw.site.add_machine().uuid}/snapshots"


@row(
    "H",
    '** Snapshot GET right after create: 200 {"name","state":"deleted"} until the snapshot exists;'
    " list omits it.",
)
def test_h_snapshot_that_is_being_made(raw: Raw, snapshots: str) -> None:
    assert raw.post(snapshots, {"name": "s1"}).ok(201) == {"name": "s1", "state": "queued"}
    assert raw.get(f"{snapshots}/s1").ok() == {"name": "s1", "state": "deleted"}
    assert raw.get(snapshots).ok() == []
    raw.cloud.clock.advance(4)
    found = raw.get(f"{snapshots}/s1").ok()
    assert (found["name"], found["state"]) == ("s1", "created")
    assert [snapshot["name"] for snapshot in raw.get(snapshots).ok()] == ["s1"]
    raw.delete(f"{snapshots}/s1").empty(204)
    raw.cloud.clock.advance(4)
    assert raw.get(f"{snapshots}/s1").ok()["state"] == "deleted"
    assert raw.get(snapshots).ok() == []


@row("H", "Create dup name or invalid name 201 (job decides)")
def test_h_snapshot_names(raw: Raw, snapshots: str) -> None:
    for name in ("s1", "s1", "not a name", "a/b"):
        assert raw.post(snapshots, {"name": name}).ok(201) == {"name": name, "state": "queued"}
        raw.cloud.clock.advance(4)
    assert [snapshot["name"] for snapshot in raw.get(snapshots).ok()] == ["s1"]


@row("H", "machine provisioning 409 UnallocatedVM")
def test_h_snapshot_of_a_machine_that_is_not_there_yet(raw: Raw) -> None:
    machine = raw.site.add_machine(state="provisioning").uuid
    answer = raw.post(f"/my/machines/{machine}/snapshots", {"name": "s1"})
    answer.refused(409, "UnallocatedVM")


@row("H", "kvm or delegated dataset 409 BrandNotSupported [V]")
def test_h_snapshot_of_another_brand(raw: Raw) -> None:
    kvm = raw.site.add_machine(brand="kvm")
    delegated = raw.site.add_machine(datasets=["zones/x/data"])
    for machine in (kvm, delegated):
        answer = raw.post(f"/my/machines/{machine.uuid}/snapshots", {"name": "s1"})
        answer.refused(409, "BrandNotSupported")


@row("H", "rollback to a missing one 202; delete missing 404.")
def test_h_snapshot_that_is_missing(raw: Raw, snapshots: str) -> None:
    raw.post(f"{snapshots}/nosuch").empty(202)
    raw.delete(f"{snapshots}/nosuch").refused(404, "ResourceNotFound", "nosuch not found")  # snapshots.js
    answer = raw.get(f"{snapshots}/never")
    answer.refused(404, "ResourceNotFound", "Snapshot does not exist")  # snapshots.js
    # A rollback is a job of the task "snapshot" too (audit.js), and such a job makes the name known.
    assert raw.get(f"{snapshots}/nosuch").ok()["state"] == "deleted"


@row(
    "H",
    "Keys: add none/garbage/dup -> 409"
    ' (MissingParameter / "key is invalid" / "key already exists or is invalid")',
)
def test_h_bad_keys(raw: Raw) -> None:
    raw.post("/my/keys", {"name": "none"}).refused(409, "MissingParameter")
    answer = raw.post("/my/keys", {"name": "garbage", "key": "garbage"})
    answer.refused(409, "InvalidArgument", "key is invalid")
    for key in ("ssh-rsa garbage", raw.key.openssh):
        answer = raw.post("/my/keys", {"name": "again", "key": key})
        answer.refused(409, "InvalidArgument", "key already exists or is invalid")


@row("H", "Location is %3A-escaped; SHA256 id 404; form body -> 415.")
def test_h_keys(raw: Raw) -> None:
    key = Key.new("ed25519")
    answer = raw.post("/my/keys", {"name": "mine", "key": key.openssh})
    made = answer.ok(201)
    assert made == {"name": "mine", "fingerprint": key.fingerprint, "key": key.openssh}
    assert answer.headers["Location"] == "/test/keys/" + key.fingerprint.replace(":", "%3A")
    for name in ("mine", key.fingerprint, quote(key.fingerprint, safe="")):
        assert raw.get(f"/my/keys/{name}").ok() == made
    raw.get(f"/my/keys/{quote(key.sha256, safe='')}").refused(404, "ResourceNotFound")
    form = {"body": b"name=x&key=y", "content_type": "application/x-www-form-urlencoded"}
    answer = raw.ask("POST", "/my/keys", **form)  # type: ignore[arg-type]
    answer.refused(415, "UnsupportedMediaTypeError", early=True)
    raw.delete("/my/keys/mine").empty(204)
    raw.get("/my/keys/mine").refused(404, "ResourceNotFound")


@row(
    "H",
    "+ PUT /acct, /acct/keys/x, /acct/machines/x with any body"
    ' -> 200 {"name":...,"role-tag":[]} and nothing changes (role-tag routes).',
)
def test_h_put_changes_nothing(raw: Raw) -> None:
    """That much is needed so that nobody takes them for updates; roles wait for their issue."""
    machine = f"/test/machines/{raw.site.add_machine(name='still').uuid}"
    for path in ("/test", f"/test/keys/{raw.key_id.rpartition('/')[2]}", machine):
        before = raw.get(path).ok()
        answer = raw.put(path, {"name": "changed", "city": "Atlantis", "key": "garbage"})
        assert answer.ok() == {"name": path, "role-tag": []}
        assert raw.get(path).ok() == before


@row(
    "H",
    "Account: '' ignored, unknown keys and login ignored,"
    " triton_cns_enabled other than true/false -> 409 (confirmed).",
)
def test_h_account(raw: Raw) -> None:
    assert raw.post("/my", {"city": "Vancouver", "phone": "123"}).ok()["city"] == "Vancouver"
    account = raw.post("/my", {"city": "", "login": "root", "colour": "red", "phone": "456"}).ok()
    assert (account["city"], account["login"], account["phone"]) == ("Vancouver", "test", "456")
    assert "colour" not in account
    for value in ("yes", 1, "", "TRUE", None):
        answer = raw.post("/my", {"triton_cns_enabled": value})
        answer.refused(409, "InvalidArgument")
    for value in ("true", "false", True, False):
        wanted = value in ("true", True)
        assert raw.post("/my", {"triton_cns_enabled": value}).ok()["triton_cns_enabled"] is wanted
        assert raw.get("/my").ok()["triton_cns_enabled"] is wanted


@row("H", "Packages: name=g4* works in list [S], not in get")
def test_h_package_wildcard(raw: Raw) -> None:
    names = [package["name"] for package in raw.get("/my/packages").ok()]
    start = names[0][:2]
    found = [package["name"] for package in raw.get(f"/my/packages?name={start}*").ok()]
    assert found == [name for name in names if name.startswith(start)]
    raw.get(f"/my/packages/{start}*").refused(404, "ResourceNotFound", f"{start}* not found")


@row("H", "get by uuid shows inactive ones")
def test_h_inactive_package(fresh: Raw) -> None:
    off = next(iter(fresh.site.packages.values()))
    off.active = False
    assert fresh.get(f"/my/packages/{off.uuid}").ok()["name"] == off.name
    assert off.uuid not in [package["id"] for package in fresh.get("/my/packages").ok()]
    fresh.get(f"/my/packages/{off.name}").refused(404, "ResourceNotFound", f"{off.name} not found")


@row("H", "* active=false and default= ignored.")
@pytest.mark.parametrize("query", ["active=false", "default=true", "default=false"])
def test_h_package_filters_ignored(raw: Raw, query: str) -> None:
    assert raw.get(f"/my/packages?{query}").ok() == raw.get("/my/packages").ok()


@row("H", "Images: limit ignored; state=bogus 422 [S]")
def test_h_images(raw: Raw) -> None:
    images = raw.get("/my/images").ok()
    assert len(images) > 1
    assert raw.get("/my/images?limit=1").ok() == images
    assert raw.get("/my/images?state=bogus").status == 422


@row(
    "H",
    "** /acct/datasets, /acct/<anything>, /acct/<anything>/<id> by GET/POST/DELETE"
    " -> 405 MethodNotAllowedError, Allow: PUT (role-tag routes), even unsigned; deeper paths 404.",
)
@pytest.mark.parametrize("verb", ["GET", "POST", "DELETE"])
def test_h_routes_that_are_only_put(raw: Raw, verb: str) -> None:
    for target in ("/test/datasets", "/my/anything", f"/my/anything/{UNKNOWN}"):
        for signature in ({}, {"authorization": None}):
            answer = raw.ask(verb, target, **signature)  # type: ignore[arg-type]
            answer.refused(405, "MethodNotAllowedError", early=True)
            assert answer.headers["Allow"] == "PUT"
    raw.ask(verb, "/my/anything/at/all").refused(404, "ResourceNotFound", early=True)


@row("H", "HEAD datacenters/services 405.")
@pytest.mark.parametrize("area", ["datacenters", "services"])
def test_h_head_not_allowed(raw: Raw, area: str) -> None:
    assert raw.get(f"/my/{area}").status == 200
    head = raw.head(f"/my/{area}")
    assert (head.status, head.body) == (405, b"")
    assert "HEAD" not in head.headers["Allow"]


@row("H", 'Datacenter GET: 302 + {"code":"ResourceMoved"}, also for the current one.')
@pytest.mark.parametrize("name", ["us-sw-1", "us-east-1"])
def test_h_datacenter(raw: Raw, name: str) -> None:
    answer = raw.get(f"/my/datacenters/{name}")
    assert answer.ok(302)["code"] == "ResourceMoved"
    assert answer.headers["Location"] == raw.cloud.url(name)
    assert raw.get("/my/datacenters").ok()[name] == raw.cloud.url(name)


@row("H", 'Codes ending in "Error":')
def test_h_codes_that_end_in_error(raw: Raw) -> None:
    """429 and 503 are in test_observed_h_limits, 501 is in test_observed_h_fabrics; 409 is in section F."""
    raw.get("/my/datasets").refused(405, "MethodNotAllowedError", early=True)
    raw.get("/my", headers={"Accept": "text/html"}).refused(406, "NotAcceptableError", early=True)
    raw.post("/my", body=b" " * 100001).refused(413, "PayloadTooLargeError", early=True)
    answer = raw.post("/my/keys", body=b"", content_type="application/x-www-form-urlencoded")
    answer.refused(415, "UnsupportedMediaTypeError", early=True)
    raw.get("/my/machines/%zz").refused(400, "BadRequestError", early=True)


@row("H", 'No code at all: 500 {"message":..}; 410 bodies.')
def test_h_answers_without_a_code(raw: Raw) -> None:
    deleted = raw.site.add_machine(state="destroyed").uuid
    assert "code" not in raw.get(f"/my/machines/{deleted}").ok(410)
    answer = raw.get("/my?expires=1")
    assert (answer.status, list(answer.json)) == (500, ["message"])
