"""Facts of docs/cloudapi/tags-and-metadata.md, and of bodies whose fields replace parameters of the path."""

from typing import Any

import pytest

from tests.emulator.facts import fact
from tests.helpers.raw_requests import UNKNOWN, Raw, dumps


class Subject:
    """One machine, and the paths of its tags and metadata."""

    def __init__(self, raw: Raw, **how: Any) -> None:
        self.raw = raw
        self.uuid = raw.site.add_machine(**how).uuid
        self.tags = f"/my/machines/{self.uuid}/tags"
        self.metadata = f"/my/machines/{self.uuid}/metadata"

    def settled(self, path: str) -> dict[str, Any]:
        """What a GET returns when all jobs have run."""
        self.raw.cloud.clock.advance(3)
        found: dict[str, Any] = self.raw.get(path).ok()
        return found


@pytest.fixture
def subject(raw: Raw) -> Subject:
    return Subject(raw, tags={"role": "web", "n": 1, "b": True}, metadata={"key": "value", "n": 1, "b": True})


@fact("tags-and-metadata.md#empty-tags-are-refused")
def test_no_tags(raw: Raw, subject: Subject) -> None:
    for verb, doing in (("PUT", "replacing"), ("POST", "adding")):
        message = f"error {doing} tags: Invalid tag parameters"
        for body in (b"{}", None):
            answer = raw.ask(verb, subject.tags, body=body)
            answer.refused(409, "ValidationFailed", message)
    assert subject.settled(subject.tags) == {"role": "web", "n": 1, "b": True}


@fact("tags-and-metadata.md#tags-that-are-not-strings")
def test_tags_that_are_no_strings(raw: Raw, subject: Subject) -> None:
    for name, value in (("role", "web"), ("n", ""), ("b", "")):
        assert raw.get(f"{subject.tags}/{name}", headers={"Accept": "*/*"}).ok() == value
        text = raw.get(f"{subject.tags}/{name}", headers={"Accept": "text/plain"})
        assert (text.status, text.type, text.text) == (200, "text/plain", value)


@fact("tags-and-metadata.md#metadata-that-are-not-strings")
def test_metadata_that_are_no_strings(raw: Raw, subject: Subject) -> None:
    assert raw.get(f"{subject.metadata}/key").ok() == "value"
    for name in ("n", "b"):
        answer = raw.get(f"{subject.metadata}/{name}")
        answer.refused(404, "ResourceNotFound", f"{name} is not metadata")


@fact("tags-and-metadata.md#missing-tags-and-metadata")
@pytest.mark.parametrize("verb", ["GET", "DELETE"])
def test_missing(raw: Raw, subject: Subject, verb: str) -> None:
    answer = raw.ask(verb, f"{subject.tags}/x")
    answer.refused(404, "ResourceNotFound", 'tag "x" not found')
    answer = raw.ask(verb, f"{subject.metadata}/x")
    answer.refused(404, "ResourceNotFound", 'metadatum "x" not found')


@fact("tags-and-metadata.md#delete-all-metadata")
def test_delete_all_metadata(raw: Raw) -> None:
    kept = "ssh-ed25519 AAAA me\n"
    subject = Subject(raw, metadata={"key": "value", "root_authorized_keys": kept})
    raw.delete(subject.metadata).empty(204)
    assert subject.settled(subject.metadata) == {
        "root_authorized_keys": kept,
        "uuid": subject.uuid,
        "owner_uuid": raw.get("/my").ok()["id"],
    }


@fact("tags-and-metadata.md#head-of-one-metadata-key")
def test_head_metadata(raw: Raw, subject: Subject) -> None:
    head = raw.head(f"{subject.metadata}/key")
    assert (head.status, head.body) == (405, b"")
    assert sorted(head.headers["Allow"].split(", ")) == ["DELETE", "GET"]
    assert raw.head(subject.metadata).status == 200
    assert raw.head(f"{subject.tags}/role").status == 200


@fact("tags-and-metadata.md#verbs-that-are-missing")
def test_verbs_that_are_not_allowed(raw: Raw, subject: Subject) -> None:
    for verb, path in (
        ("PUT", subject.metadata),
        ("POST", f"{subject.tags}/role"),
        ("PUT", f"{subject.tags}/role"),
    ):
        answer = raw.ask(verb, path, json={"a": "b"})
        answer.refused(405, "MethodNotAllowedError", early=True)
        assert verb not in answer.headers["Allow"].split(", ")


@fact("tags-and-metadata.md#tag-named-account")
@pytest.mark.parametrize("verb", ["POST", "PUT"])
def test_tag_named_account(raw: Raw, subject: Subject, verb: str) -> None:
    tags = raw.ask(verb, subject.tags, json={"account": "test", "new": "1"}).ok()
    assert tags["new"] == "1"
    assert "account" not in tags
    assert "account" not in subject.settled(subject.tags)
    answer = raw.ask(verb, subject.tags, json={"account": "nobody", "new": "2"})
    answer.refused(404, "ResourceNotFound", "nobody does not exist")
    assert subject.settled(subject.tags)["new"] == "1"


@fact("tags-and-metadata.md#tag-named-machine", "requests.md#parameters-are-one-bag")
@pytest.mark.parametrize("verb", ["POST", "PUT"])
def test_tag_named_machine(raw: Raw, subject: Subject, verb: str) -> None:
    victim = Subject(raw)
    assert raw.ask(verb, subject.tags, json={"machine": victim.uuid, "x": "1"}).ok() == {"x": "1"}
    assert victim.settled(victim.tags) == {"x": "1"}
    assert "x" not in subject.settled(subject.tags)
    answer = raw.ask(verb, subject.tags, json={"machine": "text", "x": "1"})
    answer.refused(409, "ValidationFailed", field="uuid", detail="Invalid UUID")


@fact("tags-and-metadata.md#tags-named-image-or-package")
def test_tags_named_image_and_package(raw: Raw, subject: Subject) -> None:
    raw.put(subject.tags, {"image": "text", "new": "1"}).ok()
    assert subject.settled(subject.tags) == {"new": "1"}
    for name in ("image", "package"):
        answer = raw.put(subject.tags, {name: UNKNOWN, "new": "2"})
        answer.refused(404, "ResourceNotFound")
    assert subject.settled(subject.tags) == {"new": "1"}


@fact("tags-and-metadata.md#tags-that-are-dropped")
def test_tags_dropped(raw: Raw, subject: Subject) -> None:
    raw.put(subject.tags, {"uuid": "a", "owner_uuid": "b", "context": "c", "new": "1"}).ok()
    assert subject.settled(subject.tags) == {"new": "1"}


@fact("tags-and-metadata.md#parameters-that-become-tags")
def test_parameters_that_become_tags(raw: Raw, subject: Subject) -> None:
    names = ["action", "origin", "credentials", "dataset", "as-role", "package"]
    tags = dict.fromkeys(names, "text")
    assert raw.put(subject.tags, tags).ok() == tags
    assert subject.settled(subject.tags) == tags
    raw.post(f"{subject.tags}?as-role=admin", {"new": "1"}).ok()
    assert subject.settled(subject.tags)["as-role"] == "admin"


@fact("tags-and-metadata.md#metadata-that-are-dropped")
def test_metadata_dropped(raw: Raw, subject: Subject) -> None:
    stored = {"context": "c", "origin": "o", "new": "1"}
    dropped = {"machine": subject.uuid, "uuid": "u", "image": "i", "credentials": "c", "root_pw": "p"}
    before = raw.get(subject.metadata).ok()
    answer = raw.post(subject.metadata, stored | dropped)
    assert answer.ok() == before | stored
    assert answer.headers["x-job-uuid"]
    assert subject.settled(subject.metadata) == before | stored


@fact("tags-and-metadata.md#metadata-that-are-dropped")
def test_metadata_all_dropped(raw: Raw, subject: Subject) -> None:
    for body in ({"uuid": "u", "root_pw": "p"}, {}):
        answer = raw.post(subject.metadata, body)
        answer.refused(409, "ValidationFailed", "Invalid metadatum parameters")  # VMAPI metadata.js


@fact("tags-and-metadata.md#values-other-than-scalars")
@pytest.mark.parametrize("value", [{"a": 1}, ["a"], None])
def test_forbidden_data_types(raw: Raw, subject: Subject, value: Any) -> None:
    answer = raw.post(subject.metadata, {"k": value})
    answer.refused(409, "ValidationFailed", field="customer_metadata.k", detail="Forbidden Data Type")
    for verb in ("POST", "PUT"):
        answer = raw.ask(verb, subject.tags, json={"k": value})
        answer.refused(409, "ValidationFailed", field="tags.k", detail="Forbidden Data Type")


@fact("tags-and-metadata.md#delete-a-tag-twice")
def test_delete_tag_twice(raw: Raw, subject: Subject) -> None:
    path = f"{subject.tags}/role"
    raw.delete(path).empty(204)
    raw.delete(path).empty(204)
    raw.cloud.clock.advance(3)
    raw.delete(path).refused(404, "ResourceNotFound", 'tag "role" not found')


@fact("tags-and-metadata.md#delete-no-tags")
def test_delete_no_tags(raw: Raw) -> None:
    subject = Subject(raw)
    assert raw.get(subject.tags).ok() == {}
    raw.delete(subject.tags).empty(204)


@fact("tags-and-metadata.md#machines-that-are-not-running")
@pytest.mark.parametrize("state", ["failed", "destroyed", "provisioning"])
def test_tags_in_other_states(raw: Raw, state: str) -> None:
    subject = Subject(raw, state=state, tags={"role": "web"})
    assert raw.get(subject.tags).ok() == {"role": "web"}
    answer = raw.post(subject.tags, {"new": "1"})
    assert answer.ok() == {"role": "web", "new": "1"}
    assert answer.headers["x-job-uuid"]
    assert raw.put(subject.tags, {"only": "1"}).ok() == {"only": "1"}
    raw.delete(f"{subject.tags}/role").empty(204)
    raw.delete(subject.tags).empty(204)


@fact("requests.md#body-limit")
def test_body_limit(raw: Raw, subject: Subject) -> None:
    room = 100_000 - len(dumps({"script": ""}))
    body = dumps({"script": "x" * room})
    assert len(body) == 100_000
    raw.ask("POST", subject.metadata, body=body).ok()
    answer = raw.ask("POST", subject.metadata, body=body + b" ")
    answer.refused(413, "PayloadTooLargeError", early=True)
    assert len(subject.settled(subject.metadata)["script"]) == room


@fact("requests.md#bodies-that-are-not-objects")
@pytest.mark.parametrize("body", [["a"], [], 5, "text", True])
def test_bodies_that_are_no_objects(raw: Raw, subject: Subject, body: Any) -> None:
    answer = raw.post(subject.tags, body)
    answer.refused(404, "ResourceNotFound", "undefined does not exist")
