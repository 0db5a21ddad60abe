"""The account and its keys, and the routes of role tags that look like updates."""

from urllib.parse import quote

from tests.emulator.facts import fact
from tests.helpers.raw_requests import Key, Raw


@fact("access.md#bad-keys")
def test_bad_keys(raw: Raw) -> None:
    raw.post("/my/keys", {"name": "none"}).refused(409, "MissingParameter")
    answer = raw.post("/my/keys", {"name": "garbage", "key": "garbage"})
    answer.refused(409, "InvalidArgument", "key is invalid")
    for key in ("ssh-rsa garbage", raw.key.openssh):
        answer = raw.post("/my/keys", {"name": "again", "key": key})
        answer.refused(409, "InvalidArgument", "key already exists or is invalid")


@fact("access.md#location-of-a-key", "access.md#keys-are-found-by-name-or-md5", "access.md#keys-refuse-forms")
def test_keys(raw: Raw) -> None:
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


@fact("requests.md#put-without-role-tags-changes-nothing")
def test_put_changes_nothing(raw: Raw) -> None:
    """A PUT of role tags without role tags answers 200, but it is not an update."""
    machine = f"/test/machines/{raw.site.add_machine(name='still').uuid}"
    for path in ("/test", f"/test/keys/{raw.key_id.rpartition('/')[2]}", machine):
        before = raw.get(path).ok()
        answer = raw.put(path, {"name": "changed", "city": "Atlantis", "key": "garbage"})
        assert answer.ok() == {"name": path, "role-tag": []}
        assert raw.get(path).ok() == before


@fact("access.md#account-update")
def test_account(raw: Raw) -> None:
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
