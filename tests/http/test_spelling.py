"""How a request is written: its path, its query, its headers and its body, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from smartdc import ConfigurationError, DataCenter
from smartdc._http.spelling import merged_headers
from tests.helpers.servers import Reply, StubServer, datacenter_at

OURS = "~9"
BOTH = {"Accept-Version": "~7", "X-Api-Version": "~8"}
KEY = "-----BEGIN PRIVATE KEY-----"


@pytest.fixture
def refusing(stub: StubServer) -> Iterator[DataCenter]:
    """A data center to which nothing may be sent."""
    with datacenter_at(stub.url) as sdc:
        yield sdc
    assert stub.asked == []


def problem(sdc: DataCenter, method: str, path: str, **arguments: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        sdc.request(method, path, **arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    "path",
    ["/a b", "/a?b", "/a?b=c", "/a#b", "/a\\b", "/ö", "/caf\u00e9", "/a%zz", "/a%2", "/100%", "/a\n",
     "/a\r\nX-Evil: 1", "/\x7f"],
)  # fmt: skip
def test_paths_that_must_be_quoted(refusing: DataCenter, path: str) -> None:
    said = problem(refusing, "GET", path)
    assert said.startswith("path ")
    assert said.endswith(" must be quoted, and its query given as params=")


@pytest.mark.parametrize(
    "path",
    ["/", "/machines/", "//machines", "/a//b", "/a/./b", "/a/../b", "/..", "/../alice", "/../other/keys",
     "/%2e%2e/x", "/%2e%2E/alice", "/.%2E", "/a/%2e"],
)  # fmt: skip
def test_paths_that_lead_elsewhere(refusing: DataCenter, path: str) -> None:
    # docs/cloudapi/hazards.md#empty-machine-id: an empty id at the end makes the server fail with 500.
    said = problem(refusing, "GET", path)
    assert said == f"path {path!r} has an empty part, or one that leads out of the account"


@pytest.mark.parametrize("name", ["keyId", "expires", "algorithm", "signature"])
def test_the_parts_of_a_pre_signed_url_are_refused(refusing: DataCenter, name: str) -> None:
    # docs/cloudapi/hazards.md#parts-of-a-pre-signed-url: one of them alone makes the server fail with 500.
    said = problem(refusing, "GET", "/machines", params={name: "1"})
    assert said == f"query parameter {name!r} belongs to pre-signed URLs only"


def test_values_of_a_query(stub: StubServer) -> None:
    stub.answer(Reply([]))
    params = {
        "none": None, "yes": True, "no": False, "zero": 0, "empty": "", "list": [1, None, "b"],
        "tuple": ("c", True), "text": "\u00e9 &",
    }  # fmt: skip
    with datacenter_at(stub.url) as sdc:
        sdc.request("GET", "/machines", params=params)
    assert stub.asked[0].target == (
        "/bob/machines?yes=true&no=false&zero=0&empty=&list=1&list=b&tuple=c&tuple=true&text=%C3%A9+%26"
    )


class Silent:
    """Has no text."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("value", ["\ud800", 10**5000, Silent()], ids=["surrogate", "number", "object"])
def test_values_that_cannot_be_sent(refusing: DataCenter, value: Any) -> None:
    assert problem(refusing, "GET", "/machines", params={"a": value}).endswith(" cannot be sent in a query")
    assert problem(refusing, "GET", "/machines", params={value: "a"}).endswith(" cannot be sent in a query")


def test_a_key_is_sent_nowhere(refusing: DataCenter) -> None:
    for arguments in ({"params": {"a": KEY}}, {"params": {KEY: "a"}}):
        assert "private key" in problem(refusing, "GET", "/machines", **arguments)
    assert "private key" in problem(refusing, "GET", "/machines/" + KEY.replace(" ", "%20"))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({1, 2}, "Object of type set is not JSON serializable"),
        (float("nan"), "Out of range float values are not JSON compliant"),
        ("\ud800", "'utf-8' codec can't encode character"),
    ],
    ids=["set", "nan", "surrogate"],
)
def test_bodies_that_are_not_json(refusing: DataCenter, data: Any, why: str) -> None:
    assert problem(refusing, "POST", "/machines", data={"a": data}).startswith(
        f"the body cannot be sent as JSON: {why}"
    )


def test_a_body_that_is_nested_too_deep(refusing: DataCenter) -> None:
    data: list[Any] = []
    for _ in range(100_000):
        data = [data]
    assert problem(refusing, "POST", "/machines", data=data).startswith("the body cannot be sent as JSON: ")


def test_a_body_is_sent_as_utf_8(stub: StubServer) -> None:
    stub.answer(Reply([]))
    with datacenter_at(stub.url) as sdc:
        sdc.request("POST", "/machines", data={"a": "\u00e9"})
    assert stub.asked[0].content == '{"a": "\u00e9"}'.encode()
    assert stub.asked[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("defaults", "own", "has_body", "sent"),
    [
        ({"Accept": "a", "Accept-Version": OURS}, {}, False, {"Accept": "a", "Accept-Version": OURS}),
        ({"Accept": "a"}, {"accept": "b"}, False, {"accept": "b"}),
        ({}, {}, True, {"Content-Type": "application/json"}),
        ({"content-type": "text/plain"}, {}, True, {"Content-Type": "application/json"}),
        ({}, {"content-type": "text/plain"}, True, {"content-type": "text/plain"}),
        # docs/cloudapi/versions.md#other-headers-that-name-a-version
        ({"Accept-Version": OURS, "X-Api-Version": "~8"}, {}, False, {"X-Api-Version": "~8"}),
        (BOTH, {}, False, BOTH),
        ({"X-Api-Version": "~8"}, {}, False, {"X-Api-Version": "~8"}),
        ({"Accept-Version": "~7"}, {"x-API-version": "~8"}, False, {"x-API-version": "~8"}),
        ({}, {"X-Api-Version": "~8"}, False, {"X-Api-Version": "~8"}),
        (
            {"Accept-Version": OURS},
            {"X-Api-Version": "~8", "accept-version": "~6"},
            False,
            {"X-Api-Version": "~8", "accept-version": "~6"},
        ),
    ],
)  # fmt: skip
def test_headers_of_a_request_and_the_default_ones(
    defaults: dict[str, str], own: dict[str, str], has_body: bool, sent: dict[str, str]
) -> None:
    assert merged_headers(CaseInsensitiveDict(defaults), own, OURS, has_body=has_body) == sent


@pytest.mark.parametrize(("defaults", "own"), [({"X-Date": "now"}, {}), ({}, {"x-date": "now"})])
def test_x_date_is_refused(defaults: dict[str, str], own: dict[str, str]) -> None:
    # docs/cloudapi/hazards.md#x-date-breaks-all-requests
    with pytest.raises(ConfigurationError) as caught:
        merged_headers(CaseInsensitiveDict(defaults), own, OURS, has_body=False)
    assert str(caught.value) == "X-Date must not be sent to CloudAPI: Date is set when signing"
