"""How the emulator reads requests (parameters, the Accept header, versions), and the log of requests."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc.emulator.http.negotiation import choose
from smartdc.emulator.http.parameters import as_text, parse_query
from smartdc.emulator.http.versions import VERSIONS, satisfies
from tests.helpers.raw_requests import Raw

JSON, TEXT, BINARY, SCRIPT = (
    "application/json",
    "text/plain",
    "application/octet-stream",
    "application/javascript",
)


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("", {}),
        ("a=1&b=&c&&=d", {"a": "1", "b": "", "c": "", "": "d"}),
        ("a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
        ("a+b=c+d%20e%26", {"a b": "c d e&"}),
        ("a[]=1&a[]=2&a[7]=3", {"a": ["1", "2", "3"]}),
        ("a[b]=1&a[c]=2&a[b]=3", {"a": {"b": ["1", "3"], "c": "2"}}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("a=1&a[b]=2&a[]=3", {"a": "1"}),
        ("a[b=1&[c]=2", {"a[b": "1", "[c]": "2"}),
        ("&".join(f"k{number}=1" for number in range(1200)), {f"k{number}": "1" for number in range(1000)}),
    ],
)
def test_query_strings(query: str, read: dict[str, Any]) -> None:
    assert parse_query(query) == read


def test_a_form(raw: Raw) -> None:
    vm = raw.site.add_machine()
    form = {"body": b"a=1&b[]=x&c=caf%C3%A9", "content_type": "application/x-www-form-urlencoded"}
    answer = raw.post(f"/my/machines/{vm.uuid}/tags", **form)
    answer.refused(409, "ValidationFailed", field="tags.b", detail="Forbidden Data Type")
    form["body"] = b"a=1&c=caf%C3%A9&a%5Bb=d"
    assert raw.post(f"/my/machines/{vm.uuid}/tags", **form).ok() == {"a": "1", "c": "caf\u00e9", "a[b": "d"}


def test_half_a_surrogate_pair_is_replaced(raw: Raw) -> None:
    # Node replaces it when it writes UTF-8.
    vm = raw.site.add_machine()
    answer = raw.post(f"/my/machines/{vm.uuid}/tags", body=b'{"a":"x\\ud800y"}')
    assert answer.ok() == {"a": "x\ufffdy"}


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity"])
def test_constants_that_are_not_json_are_refused(raw: Raw, constant: bytes) -> None:
    answer = raw.post("/my/machines", body=b'{"a":' + constant + b"}")
    answer.refused(400, "InvalidContent", f"Invalid JSON: {constant.decode()} is no JSON", early=True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, None, "x", [2.5, 3.0]], "1,,x,2.5,3"),
        (True, "true"),
        (None, "null"),
        ({"a": 1}, "[object Object]"),
        (10.0, "10"),
    ],
)
def test_values_in_messages(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("*/*", JSON),
        ("text/plain;q=0.9, application/json;q=0.8", TEXT),
        ("text/*;q=0.5, */*;q=0.1", TEXT),
        ("application/*, text/plain;q=0.2", JSON),
        ("application/json;q=0, */*", TEXT),
        ("application/json;q=zero, */*;q=0.3", TEXT),
        ("APPLICATION/OCTET-STREAM;level=*", BINARY),
        ("image/png, application/javascript;q=0.1", SCRIPT),
        (" , text/plain", TEXT),
        ("", JSON),
        ('application/json;q="0.5", text/plain;q=0.4', JSON),
        ("*/json", JSON),
        ("application/json;x=y, text/plain;q=0.1", TEXT),
    ],
)
def test_accept(accept: str, chosen: str) -> None:
    assert choose(accept) == chosen


@pytest.mark.parametrize("accept", ["image/png", "text/plain;q=0", "json", "application/json; charset=utf-8"])
def test_media_types_that_are_not_acceptable(raw: Raw, accept: str) -> None:
    message = f"Server accepts: {JSON},{TEXT},{BINARY},{SCRIPT}"
    raw.get("/my", headers={"Accept": accept}).refused(406, "NotAcceptableError", message, early=True)


@pytest.mark.parametrize(
    ("asked", "versions"),
    [
        ("<8", "7.0.0 7.1.0 7.2.0 7.3.0"),
        ("<= 7.1", "7.0.0 7.1.0"),
        (">8", "9.0.0"),
        (">=7.3 <9", "7.3.0 8.0.0"),
        ("^7.2", "7.2.0 7.3.0"),
        ("7.x || 9", "7.0.0 7.1.0 7.2.0 7.3.0 9.0.0"),
        ("v8.0.0", "8.0.0"),
        ("~7", "7.0.0 7.1.0 7.2.0 7.3.0"),
        ("=7.1.0", "7.1.0"),
        ("eight", ""),
        ("7.0.0 - 9.0.0", "7.0.0 7.1.0 7.2.0 7.3.0 8.0.0 9.0.0"),
        ("7.0 - 8", "7.0.0 7.1.0 7.2.0 7.3.0 8.0.0"),
        ("==8", "8.0.0"),
        ("==8.0.0", ""),
        (">=7.1.0-0", "7.1.0 7.2.0 7.3.0 8.0.0 9.0.0"),
        ("9.0.0+b1", "9.0.0"),
        ("*.1", "7.0.0 7.1.0 7.2.0 7.3.0 8.0.0 9.0.0"),
        ("7.X.0", "7.0.0 7.1.0 7.2.0 7.3.0"),
        (">*", ""),
        ("<x", ""),
        ("09", ""),
        ("6 || ~>8.0.0", "8.0.0"),
    ],
)
def test_version_ranges(asked: str, versions: str) -> None:
    found = [".".join(map(str, version)) for version in VERSIONS if satisfies(version, asked)]
    assert " ".join(found) == versions


def test_lists_of_old_versions(raw: Raw) -> None:
    old = {"Accept-Version": "~7.0"}
    types = {image["type"] for image in raw.get("/my/images", headers=old).ok()}
    assert types == {"smartmachine", "virtualmachine"}
    virtual = raw.get("/my/images?type=virtualmachine", headers=old).ok()
    assert {image["name"] for image in virtual} == {"ubuntu-certified-22.04", "centos-7"}
    assert not {"owner", "public", "state"} & virtual[0].keys()
    answer = raw.get("/my/images?type=zvol", headers=old)
    answer.refused(409, "InvalidArgument", "image type zvol is not a valid type")
    assert {image["type"] for image in raw.get("/my/images?type=docker").ok()} == {"docker"}
    found = raw.get("/my/images?name=~certified").ok()
    assert [image["name"] for image in found] == ["ubuntu-certified-22.04"]
    vm = raw.site.add_machine()
    assert "networks" not in raw.get(f"/my/machines/{vm.uuid}", headers=old).ok()


def test_the_call_log(fresh: Raw) -> None:
    calls = fresh.cloud.calls
    fresh.get("/my/machines?limit=0&colour=red&tag.role=web&tag.role=db").refused(409, "ValidationFailed")
    call = calls[-1]
    assert (call.method, call.path, call.operation, call.datacenter) == (
        "GET",
        "/my/machines",
        "ListMachines",
        "us-sw-1",
    )
    assert call.target == "/my/machines?limit=0&colour=red&tag.role=web&tag.role=db"
    assert call.query == {"limit": "0", "colour": "red", "tag.role": ["web", "db"]}
    assert call.ignored == ("colour",)
    assert (call.status, call.response["code"], call.body) == (409, "ValidationFailed", None)
    assert call.headers["authorization"] == "(not recorded)"
    assert call.headers["host"] == fresh.host
    assert "keyId" not in repr(calls)

    fresh.post("/my", {"email": "a@example.com", "shoe": 46}).ok()
    assert calls[-1].body == {"email": "a@example.com", "shoe": 46}
    assert list(calls[-1].ignored) == ["shoe"]
    assert calls[-1].response["email"] == "a@example.com"

    vm = fresh.site.add_machine()
    fresh.post(f"/my/machines/{vm.uuid}/tags", {"any": "thing"}).ok()
    assert list(calls[-1].ignored) == []
    fresh.delete(f"/my/machines/{vm.uuid}").empty(204)
    assert (calls[-1].status, calls[-1].response) == (204, None)


def test_the_log_of_requests_that_are_refused_early(fresh: Raw) -> None:
    calls = fresh.cloud.calls
    fresh.post("/my/a/b/c/d", {"x": 1}).refused(404, "ResourceNotFound", early=True)
    assert (calls[-1].operation, calls[-1].body, calls[-1].ignored) == (None, {"x": 1}, ())
    fresh.post("/my/a/b/c/d", body=b"{").refused(404, "ResourceNotFound", early=True)
    assert calls[-1].body is None
    fresh.get("/my", authorization=None).refused(401, "InvalidCredentials")
    assert "authorization" not in calls[-1].headers
    assert [call.status for call in calls] == [404, 404, 401]


def test_a_failure_of_a_handler_is_a_violation(fresh: Raw, caplog: pytest.LogCaptureFixture) -> None:
    vm = fresh.site.add_machine()
    vm.created = float("nan")  # no request can do this
    fresh.get(f"/my/machines/{vm.uuid}").refused(500, "InternalError", "Internal Error")
    assert fresh.cloud.violations == [f"the emulator failed at GET /my/machines/{vm.uuid}"]
    assert "ValueError" in caplog.text
