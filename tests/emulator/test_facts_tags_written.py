"""Facts of docs/cloudapi/tags-and-metadata.md about writes: jobs, their order, and the stored form."""

from typing import Any

import pytest

from tests.emulator.facts import fact
from tests.emulator.test_facts_tags_and_metadata import Subject
from tests.helpers.raw_requests import Raw


@pytest.fixture
def subject(raw: Raw) -> Subject:
    return Subject(raw, tags={"role": "web"}, metadata={"key": "value"})


@fact("tags-and-metadata.md#keys-of-a-pending-job-survive")
def test_pending_tags_survive_a_replacement(raw: Raw, subject: Subject) -> None:
    raw.put(subject.tags, {"a": "1"}).ok()
    raw.put(subject.tags, {"b": "2"}).ok()
    raw.cloud.clock.advance(3)  # until the second job has run
    assert subject.settled(subject.tags) == {"a": "1", "b": "2"}
    raw.post(subject.tags, {"y": "1"}).ok()
    raw.put(subject.tags, {"only": "1"}).ok()
    raw.cloud.clock.advance(3)
    assert subject.settled(subject.tags) == {"y": "1", "only": "1"}
    raw.put(subject.tags, {"last": "1"}).ok()
    assert subject.settled(subject.tags) == {"last": "1"}


@fact("tags-and-metadata.md#keys-of-a-pending-job-survive")
def test_pending_keys_survive_the_deletion_of_all(raw: Raw, subject: Subject) -> None:
    raw.post(subject.tags, {"new": "1"}).ok()
    raw.delete(subject.tags).empty(204)
    raw.cloud.clock.advance(3)  # until the second job has run
    assert subject.settled(subject.tags) == {"new": "1"}
    raw.post(subject.metadata, {"new": "1"}).ok()
    raw.delete(subject.metadata).empty(204)
    raw.cloud.clock.advance(3)
    assert subject.settled(subject.metadata).keys() == {"new", "uuid", "owner_uuid"}
    raw.delete(subject.metadata).empty(204)
    assert subject.settled(subject.metadata).keys() == {"uuid", "owner_uuid"}


@fact("tags-and-metadata.md#delete-right-after-a-write")
def test_a_tag_cannot_be_deleted_right_after_its_post(raw: Raw, subject: Subject) -> None:
    raw.post(subject.tags, {"new": "1"}).ok()
    raw.delete(f"{subject.tags}/new").refused(404, "ResourceNotFound", 'tag "new" not found')
    assert subject.settled(subject.tags) == {"role": "web", "new": "1"}


@fact("tags-and-metadata.md#the-answer-is-a-prediction", "machines.md#writes-are-jobs")
def test_the_answer_to_a_write_predicts_the_result(raw: Raw, subject: Subject) -> None:
    for path, old in ((subject.tags, {"role": "web"}), (subject.metadata, {"key": "value"})):
        answer = raw.post(path, {"new": "1"})
        assert answer.ok() == old | {"new": "1"}
        assert answer.headers["x-job-uuid"]
        assert raw.get(path).ok() == old
        assert subject.settled(path) == old | {"new": "1"}


@fact("machines.md#writes-are-jobs")
def test_rename_and_delete_are_not_seen_at_once(raw: Raw, subject: Subject) -> None:
    path = f"/my/machines/{subject.uuid}"
    before = raw.get(path).ok()
    raw.post(f"{path}?action=rename&name=other-name").empty(202)
    assert raw.get(path).ok() == before
    raw.cloud.clock.advance(3)
    assert raw.get(path).ok()["name"] == "other-name"
    raw.delete(path).empty(204)
    assert raw.get(path).ok()["state"] == "running"
    raw.cloud.clock.advance(7)
    assert raw.get(path).status == 410


@fact("tags-and-metadata.md#types-are-kept", "requests.md#numbers-beyond-2-to-the-53")
def test_json_types_are_kept(raw: Raw, subject: Subject) -> None:
    values: dict[str, Any] = {
        "s": "1",
        "n": 42,
        "f": 1.5,
        "z": 0,
        "neg": -5,
        "yes": True,
        "no": False,
        "e": "",
    }
    for verb, path in (("PUT", subject.tags), ("POST", subject.metadata)):
        raw.ask(verb, path, json=values).ok()
        found = subject.settled(path)
        assert {name: (type(found[name]), found[name]) for name in values} == {
            name: (type(value), value) for name, value in values.items()
        }
    # All numbers are doubles; whole numbers are written without a point.
    raw.ask(
        "PUT", subject.tags, body=b'{"big": 9007199254740993, "half": 5.0, "huge": 18446744073709551616}'
    ).ok()
    assert subject.settled(subject.tags) == {
        "big": 9007199254740992,
        "half": 5,
        "huge": 18446744073709552000,
    }


@fact("tags-and-metadata.md#tags-are-stored-as-text")
def test_text_that_looks_like_stored_tags_is_read_back_differently(raw: Raw, subject: Subject) -> None:
    written = {
        "n": "%n{5}",
        "neg": "%n{-1.5}",
        "b": "%b{true}",
        "a%2Db": "c%3Dd",
        "x-y": "p=q-r",
        "low": "%2d",
    }
    read = {"n": 5, "neg": -1.5, "b": True, "a-b": "c=d", "x-y": "p=q-r", "low": "%2d"}
    assert raw.put(subject.tags, written).ok() == written  # a prediction
    assert subject.settled(subject.tags) == read
    # Numbers that JavaScript writes with an exponent are read back as text (vm-common.js).
    raw.ask("PUT", subject.tags, body=b'{"big": 1e21, "small": 0.0000001, "plain": 0.00001}').ok()
    assert subject.settled(subject.tags) == {"big": "%n{1e+21}", "small": "%n{1e-7}", "plain": 0.00001}


def test_a_number_that_is_too_big_for_a_double(raw: Raw, subject: Subject) -> None:
    # JSON.parse turns it into Infinity, and JSON.stringify turns that into null.
    assert raw.ask("PUT", subject.tags, body=b'{"n": 1e400}').ok() == {"n": None}
    assert subject.settled(subject.tags) == {"n": "%n{Infinity}"}


@fact("tags-and-metadata.md#tags-named-like-properties-of-objects")
def test_tags_named_like_properties_of_objects(raw: Raw) -> None:
    names = {"constructor": "1", "toString": "2"}
    subject = Subject(raw, tags={"role": "web"} | names, metadata={"key": "value"} | names)
    assert raw.ask("PUT", subject.tags, body=b'{"__proto__": "x", "only": "1"}').ok() == {"only": "1"}
    assert subject.settled(subject.tags) == {"only": "1"} | names
    raw.ask("POST", subject.metadata, body=b'{"__proto__": "x", "new": "1"}').ok()
    assert subject.settled(subject.metadata).keys() == {"key", "new", *names}
    raw.delete(subject.metadata).empty(204)
    assert subject.settled(subject.metadata).keys() == {"uuid", "owner_uuid", *names}
    raw.delete(subject.tags).empty(204)
    assert subject.settled(subject.tags) == {}


@fact("tags-and-metadata.md#metadata-that-cannot-be-deleted")
def test_metadata_that_cannot_be_deleted(raw: Raw, subject: Subject) -> None:
    for key in ("credentials", "root_authorized_keys", "administrator_pw"):
        answer = raw.delete(f"{subject.metadata}/{key}")
        answer.refused(409, "InvalidArgument", f"Metadata key {key} can not be deleted")


@fact("tags-and-metadata.md#keys-with-a-percent-sign")
@pytest.mark.parametrize("key", ["50%", "%", "a%zz", "%ff"])
def test_keys_with_a_percent_sign(raw: Raw, key: str) -> None:
    subject = Subject(raw, tags={key: "x"}, metadata={key: "x"})
    escaped = key.replace("%", "%25")
    assert raw.get(f"{subject.tags}/{escaped}").status == 400
    assert raw.head(f"{subject.tags}/{escaped}").status == 400
    for verb in ("GET", "DELETE"):
        answer = raw.ask(verb, f"{subject.metadata}/{escaped}")
        answer.refused(400, "BadRequestError", "URI malformed")
    raw.delete(f"{subject.tags}/{escaped}").empty(204)
    assert subject.settled(subject.tags) == {}


@fact("tags-and-metadata.md#keys-with-a-slash")
def test_keys_with_a_slash(raw: Raw) -> None:
    subject = Subject(raw, tags={"a/b": "x"}, metadata={"a/b": "x"})
    for path in (subject.tags, subject.metadata):
        raw.get(f"{path}/a%2Fb").refused(404, "ResourceNotFound")
    raw.delete(f"{subject.tags}/a%2Fb").empty(204)
    assert subject.settled(subject.tags) == {}


@fact("tags-and-metadata.md#tag-is-text-without-accept")
def test_one_tag_is_text_without_accept(raw: Raw, subject: Subject) -> None:
    path = f"{subject.tags}/role"
    plain = raw.get(path, headers={"Accept": None})
    assert (plain.status, plain.type, plain.text) == (200, "text/plain", "web")
    quoted = raw.get(path, headers={"Accept": "application/json"})
    assert (quoted.type, quoted.text) == ("application/json", '"web"')
    everything = raw.get(path, headers={"Accept": "*/*"})
    assert everything.status == 200
