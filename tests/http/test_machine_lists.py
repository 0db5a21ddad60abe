"""Which pages are asked for when machines are listed, and what is cut by the client."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc import ConfigurationError
from tests.helpers.servers import Reply, StubServer, datacenter_at

MACHINES = [
    {"id": f"{number:08x}-0000-4000-8000-000000000001", "name": f"web{number}"} for number in range(5)
]


def listed(stub: StubServer, **arguments: Any) -> tuple[list[int], str]:
    """The numbers of the listed machines, and the query that was sent."""
    stub.answer(Reply(MACHINES))
    stub.asked.clear()
    with datacenter_at(stub.url) as sdc:
        found = [int(machine.id[:8], 16) for machine in sdc.machines(**arguments)]
    (asked,) = stub.asked
    return found, asked.target.removeprefix("/bob/machines")


@pytest.mark.parametrize(
    ("arguments", "found", "query"),
    [
        ({}, [0, 1, 2, 3, 4], ""),
        ({"offset": 3}, [3, 4], ""),
        ({"offset": 0}, [0, 1, 2, 3, 4], ""),
        # What the server filters itself, it can count as well.
        ({"limit": 3}, [0, 1, 2], "?limit=3"),
        ({"limit": 1000}, [0, 1, 2, 3, 4], "?limit=1000"),
        ({"limit": 1001}, [0, 1, 2, 3, 4], ""),  # more than a page
        ({"limit": 3, "offset": 1}, [0, 1, 2], "?limit=3&offset=1"),
        # docs/cloudapi/lists.md#name-filter-matches-prefixes
        ({"name": "web3", "limit": 3}, [3], "?name=web3"),
        ({"name": "web3", "limit": 3, "offset": 1}, [], "?name=web3"),
        ({"paged": True, "limit": 3}, [0, 1, 2], "?limit=3"),
        ({"paged": True, "offset": 3}, [0, 1, 2, 3, 4], "?offset=3"),
        ({"paged": True, "name": "web3", "limit": 3}, [3], "?name=web3&limit=3"),
    ],
)
def test_what_is_asked_for(stub: StubServer, arguments: dict[str, Any], found: list[int], query: str) -> None:
    assert listed(stub, **arguments) == (found, query)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("image", "5 names no image: give its id, or a dict or object that has one"),
        ("dataset", "5 names no dataset: give its id or urn, or a dict or object that has one"),
    ],
)
def test_what_names_no_image(stub: StubServer, name: str, problem: str) -> None:
    with datacenter_at(stub.url) as sdc, pytest.raises(ConfigurationError) as caught:
        sdc.machines(**{name: 5})  # type: ignore[arg-type]
    assert str(caught.value) == problem
    assert stub.asked == []


IMAGE = {
    "id": "7e57ab1e-0000-4000-8000-000000000001",
    "name": "base",
    "version": "1.0.0",
    "urn": "a:b:base:1.0.0",
}


def test_a_dataset_by_its_urn(stub: StubServer) -> None:
    stub.answer(Reply([IMAGE]), Reply([]), Reply([]))
    with datacenter_at(stub.url) as sdc:
        sdc.machines(dataset="a:b:base:1.0.0")
        sdc.machines(dataset=IMAGE["id"])
    targets = ["/bob/images", *[f"/bob/machines?image={IMAGE['id']}"] * 2]
    assert [asked.target for asked in stub.asked] == targets
