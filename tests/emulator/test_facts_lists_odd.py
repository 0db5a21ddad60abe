"""Facts of docs/cloudapi/lists.md about odd parameters of the list of machines, and about its counts."""

import pytest

from smartdc.emulator.rules.tag_text import as_stored, fits_filter
from tests.emulator.facts import fact
from tests.helpers.raw_requests import Raw


@pytest.fixture(scope="module")
def raw(raw: Raw) -> Raw:
    """Raw requests about a few machines, which no test of this module changes."""
    raw.site.add_machine("web0", tags={"role": "web", "a-b": "c-d"})
    raw.site.add_machine("web1", tags={"role": "web-old", "neg": -5, "big": 1000, "text5": "5"})
    raw.site.add_machine("big", brand="bhyve", package="g4-bhyve-4G-flex")
    return raw


@fact("lists.md#two-names-are-two-errors")
def test_two_names_are_two_errors(raw: Raw) -> None:
    answer = raw.get("/my/machines?name=web0&name=web1").refused(409, "ValidationFailed")
    assert [error["field"] for error in answer["errors"]] == ["alias", "alias"]
    assert raw.names("?name[]=web0") == ["big", "web0", "web1"]


@fact("lists.md#tag-filters-are-not-escaped")
def test_tag_filters_are_not_escaped(raw: Raw) -> None:
    for char in ("(", ")", "%5C"):
        assert raw.get(f"/my/machines?tag.role=a{char}b").status == 500
        assert raw.get(f"/my/machines?tag.a{char}b=x").status == 500
    assert raw.names("?tag.role=w*b") == ["web0"]
    assert raw.names("?tag.role=web*") == ["web0", "web1"]
    assert raw.names("?tag.role=*old") == ["web1"]
    assert raw.names("?tag.r*=web") == ["web0"]
    assert raw.names("?tag.a-b=c-d") == ["web0"]
    assert raw.cloud.violations == []


@fact("lists.md#tag-filters")
def test_tag_filters_are_compared_with_the_stored_text(raw: Raw) -> None:
    assert raw.names("?tag.big=1000") == ["web1"]
    assert raw.names("?tag.big=1e3") == []
    assert raw.names("?tag.text5=5") == ["web1"]
    assert raw.names("?tag.neg=-5") == []  # the sign is escaped in the store and not in the filter (moray.js)


def test_an_asterisk_in_a_tag_filter_may_match_across_tags() -> None:
    # All tags are one text: "-role=web-size=big-" (vm-common.js).
    tags = as_stored({"role": "web", "size": "big"})
    assert fits_filter(tags, "role", "w*g")
    assert not fits_filter(tags, "size", "w*g")


@fact("lists.md#package-in-a-list-query")
def test_package_in_a_list_query(raw: Raw) -> None:
    for query in ("?package=nosuch", "?package=g4-highcpu-1G"):
        machines = raw.get(f"/my/machines{query}").ok()
        assert [machine["package"] for machine in machines] == ["", "", ""]
        assert not any("flexible" in machine for machine in machines)
    shown = {machine["name"]: machine for machine in raw.get("/my/machines?package=").ok()}
    assert (shown["big"]["package"], shown["big"]["flexible"]) == ("g4-bhyve-4G-flex", True)


@fact("lists.md#odd-limits-that-pass")
@pytest.mark.parametrize(
    ("query", "count"),
    [("limit=5.5", 3), ("limit=1e2", 1), ("limit=%201", 1), ("limit=2abc", 2), ("offset=1.5", 2)],
)
def test_odd_limits_that_pass(raw: Raw, query: str, count: int) -> None:
    answer = raw.get(f"/my/machines?{query}")
    assert len(answer.ok()) == count  # parseInt
    assert raw.head(f"/my/machines?{query}").headers["x-resource-count"] == str(count)


def test_a_limit_that_a_header_cannot_have(raw: Raw) -> None:
    # x-query-limit echoes the text, and Node throws for an invalid header.
    for limit in ("1%0a2", "1%E2%98%83"):
        assert raw.get(f"/my/machines?limit={limit}").status == 500


@fact("lists.md#resource-count-is-of-the-page")
def test_resource_count_is_of_the_page(raw: Raw) -> None:
    for query, count in (("?limit=2", "2"), ("?limit=2&offset=2", "1"), ("?offset=5", "0"), ("", "3")):
        assert raw.get(f"/my/machines{query}").headers["x-resource-count"] == count
