"""Facts of docs/cloudapi/lists.md and machines.md: machines, in lists and alone."""

import json
from typing import Any

import pytest

from tests.emulator.facts import fact
from tests.helpers.raw_requests import UNKNOWN, Raw

ACTIVE = ["db0", "far", "new", "web0", "web1"]
STATES = "Must be one of: active, destroyed, running, stopped"


@pytest.fixture(scope="module")
def raw(raw: Raw) -> Raw:
    """Raw requests about machines in every state, which no test of this module changes."""
    fleet: list[tuple[str, str, dict[str, Any]]] = [
        ("web0", "running", {"role": "web"}),
        ("web1", "stopped", {"role": "web", "odd": "a=b"}),
        ("db0", "running", {"num": 42, "flag": True}),
        ("far", "unreachable", {}),
        ("new", "provisioning", {}),
        ("broken", "failed", {}),
        ("gone", "destroyed", {"role": "old"}),
    ]
    for name, state, tags in fleet:
        raw.site.add_machine(name=name, state=state, tags=tags)
    return raw


def machine_id(raw: Raw, name: str) -> str:
    return next(vm.uuid for vm in raw.site.machines.values() if vm.alias == name)


@fact("lists.md#default-list-hides-failed-machines")
def test_default_list(raw: Raw) -> None:
    answer = raw.get("/my/machines")
    assert sorted(machine["name"] for machine in answer.ok()) == ACTIVE
    assert answer.headers["x-resource-count"] == "5"
    assert answer.headers["x-query-limit"] == "1000"


@fact("lists.md#tombstone-shows-failed-machines", "requests.md#query-booleans-are-truthy-strings")
def test_tombstone(raw: Raw) -> None:
    for value in ("true", "1", "false", "0"):
        assert raw.names(f"?tombstone={value}") == sorted([*ACTIVE, "broken", "gone"])
    assert raw.names("?tombstone=") == ACTIVE


@fact("lists.md#states-that-mean-active")
@pytest.mark.parametrize("state", ["provisioning", "stopping", "active"])
def test_states_that_mean_active(raw: Raw, state: str) -> None:
    assert raw.names(f"?state={state}") == ACTIVE


@fact("lists.md#state-unknown-is-refused")
def test_state_unknown(raw: Raw) -> None:
    answer = raw.get("/my/machines?state=unknown")
    answer.refused(409, "ValidationFailed", field="state", detail=STATES)


@fact("lists.md#other-states-are-refused")
@pytest.mark.parametrize(
    ("query", "state"),
    [
        ("state=failed", "failed"),
        ("state=deleted", "deleted"),
        ("state=offline", "offline"),
        ("state=ready", "ready"),
        ("state=", ""),
        ("state=running&state=stopped", "running,stopped"),
    ],
)
def test_states_refused(raw: Raw, query: str, state: str) -> None:
    answer = raw.get(f"/my/machines?{query}")
    answer.refused(409, "InvalidArgument", f"{state} is not a valid state")


@fact("lists.md#states-that-mean-themselves")
def test_states_that_mean_themselves(raw: Raw) -> None:
    (gone,) = raw.get("/my/machines?state=destroyed").ok()
    assert (gone["name"], gone["state"]) == ("gone", "deleted")
    assert raw.names("?state=running") == ["db0", "web0"]
    assert raw.names("?state=stopped") == ["web1"]


@fact("lists.md#limits-that-are-refused")
@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "0"), ("limit", "1001"), ("limit", "-1"), ("limit", "abc"), ("offset", "-1")],
)
def test_bad_limits(raw: Raw, name: str, value: str) -> None:
    answer = raw.get(f"/my/machines?{name}={value}")
    answer.refused(409, "ValidationFailed", field=name)


@fact("lists.md#page-limit")
@pytest.mark.parametrize(
    ("query", "echo", "count"), [("limit=", "1000", 5), ("limit=2", "2", 2), ("limit=1000", "1000", 5)]
)
def test_limit(raw: Raw, query: str, echo: str, count: int) -> None:
    answer = raw.get(f"/my/machines?{query}")
    assert len(answer.ok()) == count
    assert answer.headers["x-query-limit"] == echo
    assert answer.headers["x-resource-count"] == str(count)


@fact("lists.md#name-filter-matches-prefixes")
def test_name(raw: Raw) -> None:
    assert raw.names("?name=web") == ["web0", "web1"]
    assert raw.names("?name=web0") == ["web0"]
    assert raw.names("?name=eb0") == []
    for bad in ("web*", "*", "web%200"):
        answer = raw.get(f"/my/machines?name={bad}")
        answer.refused(409, "ValidationFailed", field="alias", detail="regexp")


@fact("lists.md#memory-filter")
def test_memory(fresh: Raw) -> None:
    plain = fresh.site.add_machine(name="plain")
    fresh.site.add_machine(name="hvm", ram=77, max_physical_memory=1101)
    assert {found["name"]: found["memory"] for found in fresh.get("/my/machines").ok()} == {
        "plain": plain.ram,
        "hvm": 77,
    }
    assert fresh.names(f"?memory={plain.ram}") == ["plain"]
    assert fresh.names("?memory=1101") == ["hvm"]
    assert fresh.names("?memory=77") == []


@fact("lists.md#memory-filter")
def test_memory_with_a_unit(raw: Raw) -> None:
    raw.get("/my/machines?memory=1g").refused(409, "ValidationFailed", field="ram")


@fact("lists.md#tag-filters")
def test_tags(raw: Raw) -> None:
    assert raw.names("?tag.role=web") == ["web0", "web1"]
    assert raw.names("?tag.role=we") == []
    assert raw.names("?tag.num=42") == ["db0"]
    assert raw.names("?tag.num=4") == []
    assert raw.names("?tag.flag=true") == ["db0"]
    assert raw.names("?tag.flag=false") == []
    assert raw.names("?tag.role=*") == ["web0", "web1"]
    raw.get("/my/machines?tag.role=").refused(409, "ValidationFailed")


@fact("lists.md#tag-values-with-an-equals-sign")
def test_tag_value_with_an_equals_sign(raw: Raw) -> None:
    assert raw.names("?tag.odd=*") == ["web1"]
    assert raw.names("?tag.odd=a%3Db") == []


@fact("lists.md#tag-filters-of-negative-numbers")
def test_tag_filter_of_a_negative_number(fresh: Raw) -> None:
    fresh.site.add_machine("cold", tags={"degrees": -5, "text": "a-b"})
    assert fresh.names("?tag.degrees=-5") == []
    assert fresh.names("?tag.degrees=*") == fresh.names("?tag.text=a-b") == ["cold"]


@fact("lists.md#tag-filters-are-not-escaped")
@pytest.mark.parametrize("query", ["tag.role=a(b", "tag.role=a)b", "tag.a%28b=x", "tag.role=a%5Cb"])
def test_tag_filters_are_not_escaped(raw: Raw, query: str) -> None:
    assert raw.get(f"/my/machines?{query}").status == 500
    assert raw.names("?tag.role=w*b") == ["web0", "web1"]


@fact("lists.md#all-that-have-tags")
@pytest.mark.parametrize("query", ["", "&limit=1", "&state=stopped", "&tombstone=true", "&limit=0"])
def test_all_that_have_tags(raw: Raw, query: str) -> None:
    answer = raw.get(f"/my/machines?tags=*{query}")
    assert sorted(machine["name"] for machine in answer.ok()) == ["db0", "gone", "web0", "web1"]
    assert answer.headers["x-resource-count"] == "4"
    assert "x-query-limit" not in answer.headers


@fact("lists.md#type-brand-and-docker")
def test_type_brand_docker(raw: Raw) -> None:
    answer = raw.get("/my/machines?type=bogus")
    answer.refused(409, "InvalidArgument", "bogus is not a valid type")  # machines.js
    raw.get("/my/machines?brand=bogus").refused(409, "ValidationFailed", field="brand")
    answer = raw.get("/my/machines?docker=1")
    answer.refused(409, "InvalidArgument", "1 is not a valid boolean")  # machines.js
    assert raw.names("?type=smartmachine&docker=false") == ACTIVE
    assert raw.names("?type=virtualmachine") == []
    assert raw.names("?docker=true") == []


@fact("lists.md#filters-that-are-ignored")
@pytest.mark.parametrize(
    "query", ["package=nosuch", f"server_uuid={UNKNOWN}", f"uuid={UNKNOWN}", "colour=red", "ram=1"]
)
def test_ignored(raw: Raw, query: str) -> None:
    assert raw.names(f"?{query}") == ACTIVE


@fact("lists.md#image-filter")
def test_image(raw: Raw) -> None:
    image = raw.get("/my/machines?name=web0").ok()[0]["image"]
    others = [found["id"] for found in raw.get("/my/images").ok() if found["id"] != image]
    assert "web0" in raw.names(f"?image={image}")
    assert "web0" not in raw.names(f"?image={others[0]}")
    answer = raw.get("/my/machines?image=base")
    answer.refused(409, "ValidationFailed", field="image_uuid")
    answer = raw.get(f"/my/machines?image={UNKNOWN}")
    answer.refused(404, "ResourceNotFound", "image not found")
    assert raw.names(f"?dataset={others[0]}") == ACTIVE
    answer = raw.get(f"/my/machines?dataset={image}&image={image}")
    answer.refused(409, "InvalidArgument")


@fact("lists.md#credentials-in-a-list", "requests.md#query-booleans-are-truthy-strings")
@pytest.mark.parametrize("value", ["false", "0", "true"])
def test_credentials(raw: Raw, value: str) -> None:
    raw.site.machines[machine_id(raw, "web0")].internal_metadata = {"root_pw": "secret"}
    for machine in raw.get(f"/my/machines?credentials={value}").ok():
        assert machine["credentials"] == value
        found = machine["metadata"].get("credentials")
        assert found == ({"root": "secret"} if machine["name"] == "web0" else None)
    for machine in raw.get("/my/machines").ok():
        assert "credentials" not in machine
        assert "credentials" not in machine["metadata"]


@fact("lists.md#head-counts-one-page")
def test_head(raw: Raw) -> None:
    for query, count in (("", "5"), ("?limit=3", "3"), ("?tag.role=web", "2")):
        head = raw.head(f"/my/machines{query}")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["x-resource-count"] == count
        assert head.headers["Content-Length"] == str(len(raw.get(f"/my/machines{query}").body))
    for query, status in (("?limit=0", 409), ("?state=failed", 409), (f"?image={UNKNOWN}", 404)):
        head = raw.head(f"/my/machines{query}")
        assert (head.status, head.body) == (status, b"")


@fact("lists.md#order-of-machines")
def test_order(raw: Raw) -> None:
    ids = [machine["id"] for machine in raw.get("/my/machines").ok()]
    assert ids == sorted(ids, reverse=True)
    pages = [raw.get(f"/my/machines?limit=2&offset={offset}").ok() for offset in (0, 2, 4, 6)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert [machine["id"] for page in pages for machine in page] == ids


@fact("machines.md#failed-and-unreachable-machines")
@pytest.mark.parametrize(("name", "state"), [("broken", "failed"), ("far", "offline")])
def test_get_failed_and_unreachable(raw: Raw, name: str, state: str) -> None:
    assert raw.get(f"/my/machines/{machine_id(raw, name)}").ok()["state"] == state


@fact("machines.md#bad-and-upper-case-ids")
@pytest.mark.parametrize("bad", ["nonsense", "12345678", "UPPER"])
def test_get_by_a_bad_uuid(raw: Raw, bad: str) -> None:
    uuid = machine_id(raw, "web0").upper() if bad == "UPPER" else bad
    answer = raw.get(f"/my/machines/{uuid}")
    body = answer.refused(409, "ValidationFailed", field="uuid")
    assert body["errors"] == [{"field": "uuid", "code": "Invalid", "message": "Invalid UUID"}]


@fact("machines.md#unknown-and-foreign-machines")
def test_get_unknown_or_foreign(fresh: Raw) -> None:
    fresh.cloud.add_account("other")
    theirs = fresh.site.add_machine(name="theirs", account="other").uuid
    for machine in (UNKNOWN, theirs):
        answer = fresh.get(f"/my/machines/{machine}")
        answer.refused(404, "ResourceNotFound", "VM not found")


@fact("machines.md#deleted-machines-are-gone")
def test_head_deleted(raw: Raw) -> None:
    target = f"/my/machines/{machine_id(raw, 'gone')}"
    got, head = raw.get(target), raw.head(target)
    assert got.ok(410)["state"] == "deleted"
    assert (head.status, head.body) == (410, b"")
    for name in ("Content-Type", "Content-Length", "Content-MD5", "Api-Version", "Server"):
        assert head.headers[name] == got.headers[name]
    assert "Request-Id" in head.headers


@fact("requests.md#media-types-of-answers")
def test_accept(raw: Raw) -> None:
    target = f"/my/machines/{machine_id(raw, 'web0')}"
    plain = raw.get(target, headers={"Accept": "text/plain"})
    assert (plain.status, plain.type) == (200, "text/plain")
    assert json.loads(plain.body) == raw.get(target).ok()
    error = raw.get(f"/my/machines/{UNKNOWN}", headers={"Accept": "text/plain"})
    assert (error.status, error.type, error.body) == (404, "text/plain", b"VM not found")
    binary = raw.get(target, headers={"Accept": "application/octet-stream"})
    assert (binary.status, binary.type) == (200, "application/octet-stream")
    assert binary.body == b"[object Object]"


@fact("requests.md#accept-that-cannot-be-served")
@pytest.mark.parametrize("accept", ["text/html", "application/xml", "text/xml"])
def test_not_acceptable(raw: Raw, accept: str) -> None:
    answer = raw.get("/my/machines", headers={"Accept": accept})
    answer.refused(406, "NotAcceptableError", early=True)
