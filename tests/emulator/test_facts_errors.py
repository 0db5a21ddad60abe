"""Unknown routes, and codes of errors."""

import pytest

from tests.emulator.facts import fact
from tests.helpers.raw_requests import UNKNOWN, Raw


@fact("requests.md#unknown-collections-are-not-allowed")
@pytest.mark.parametrize("verb", ["GET", "POST", "DELETE"])
def test_unknown_collections_allow_only_put(raw: Raw, verb: str) -> None:
    for target in ("/test/datasets", "/my/anything", f"/my/anything/{UNKNOWN}"):
        for signature in ({}, {"authorization": None}):
            answer = raw.ask(verb, target, **signature)  # type: ignore[arg-type]
            answer.refused(405, "MethodNotAllowedError", early=True)
            assert answer.headers["Allow"] == "PUT"
    raw.ask(verb, "/my/anything/at/all").refused(404, "ResourceNotFound", early=True)


@fact("requests.md#head-that-is-missing")
@pytest.mark.parametrize("area", ["datacenters", "services"])
def test_head_not_allowed(raw: Raw, area: str) -> None:
    assert raw.get(f"/my/{area}").status == 200
    head = raw.head(f"/my/{area}")
    assert (head.status, head.body) == (405, b"")
    assert "HEAD" not in head.headers["Allow"]


@fact("requests.md#datacenter-is-a-redirect", "requests.md#redirects-are-answers")
@pytest.mark.parametrize("name", ["us-sw-1", "us-east-1"])
def test_datacenter(raw: Raw, name: str) -> None:
    answer = raw.get(f"/my/datacenters/{name}")
    assert answer.ok(302)["code"] == "ResourceMoved"
    assert answer.headers["Location"] == raw.cloud.url(name)
    assert raw.get("/my/datacenters").ok()[name] == raw.cloud.url(name)


@fact("errors.md#codes-that-end-in-error", "requests.md#bad-percent-escapes")
def test_codes_that_end_in_error(raw: Raw) -> None:
    """429 and 503 are in test_facts_throttle, 501 is in test_facts_fabrics, 409 is in test_facts_actions."""
    raw.get("/my/datasets").refused(405, "MethodNotAllowedError", early=True)
    raw.get("/my", headers={"Accept": "text/html"}).refused(406, "NotAcceptableError", early=True)
    raw.post("/my", body=b" " * 100001).refused(413, "PayloadTooLargeError", early=True)
    answer = raw.post("/my/keys", body=b"", content_type="application/x-www-form-urlencoded")
    answer.refused(415, "UnsupportedMediaTypeError", early=True)
    raw.get("/my/machines/%zz").refused(400, "BadRequestError", early=True)


@fact("errors.md#answers-without-a-code")
def test_answers_without_a_code(raw: Raw) -> None:
    deleted = raw.site.add_machine(state="destroyed").uuid
    assert "code" not in raw.get(f"/my/machines/{deleted}").ok(410)
    answer = raw.get("/my?expires=1")
    assert (answer.status, list(answer.json)) == (500, ["message"])
