"""Searches of lists by a regular expression, which the client makes, and the entry marked as default."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter
from tests.helpers.servers import Reply, StubServer


class Word(str, Enum):  # noqa: UP042 - str() of a StrEnum returns the value
    """Text constants, as programs define them."""

    NAME = "name"
    LAB = "lab"


NETWORKS: list[dict[str, Any]] = [
    {"id": "1", "name": "external", "description": "The lab"},
    {"id": "2", "name": "Lab 7", "vlan_id": 7},
    {"id": "3", "name": "mail", "description": None},
]


@pytest.fixture
def sdc(stub: StubServer) -> DataCenter:
    stub.otherwise = Reply(NETWORKS)
    return DataCenter(stub.url, login="bob")


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({}, "123"),
        ({"search": None}, "123"),
        ({"search": "lab"}, "2"),
        ({"search": "LAB [0-9]"}, "2"),
        ({"search": Word.LAB, "fields": [Word.NAME]}, "2"),
        ({"search": "lab", "fields": ("name", "description")}, "12"),
        ({"search": "lab", "fields": "description"}, "1"),
        ({"search": "lab", "fields": {"description"}}, "1"),
        ({"search": "7", "fields": "vlan_id"}, "2"),
        ({"search": "None", "fields": ("description", "vlan_id")}, ""),
        ({"search": "^$", "fields": "description"}, ""),
        ({"search": ".", "fields": "nothing"}, ""),
    ],
    ids=str,
)
def test_a_search(sdc: DataCenter, arguments: Any, found: str) -> None:
    assert "".join(network["id"] for network in sdc.networks(**arguments)) == found


FIELDS = "fields must be names of fields, such as ('name',), not {}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"search": ""}, "search is empty, which matches everything: leave it out to list all"),
        ({"search": 5}, "search must be a regular expression as text, not 5"),
        ({"search": b"lab"}, "search must be a regular expression as text, not b'lab'"),
        ({"search": "lab", "fields": ()}, FIELDS.format("()")),
        ({"search": "lab", "fields": ""}, FIELDS.format("''")),
        ({"search": "lab", "fields": ["name", ""]}, FIELDS.format("['name', '']")),
        ({"search": "lab", "fields": ["name", 5]}, FIELDS.format("['name', 5]")),
        ({"fields": 5}, FIELDS.format("5")),
        ({"fields": None}, FIELDS.format("None")),
    ],
    ids=str,
)
def test_a_search_that_is_refused(stub: StubServer, sdc: DataCenter, arguments: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sdc.networks(**arguments)
    assert str(caught.value) == message
    assert stub.asked == []


@pytest.mark.parametrize(
    ("search", "reason"),
    [
        ("(", "missing ), unterminated subpattern at position 0"),
        ("a{99999999999999999999}", "the repetition number is too large"),
        ("(?a)(?u)x", "ASCII and UNICODE flags are incompatible"),
        ("(" * 5000 + ")" * 5000, "maximum recursion depth exceeded"),
    ],
    ids=["unfinished", "too often", "contradiction", "too deep"],
)
def test_a_search_that_is_no_regular_expression(sdc: DataCenter, search: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^search: .* is not a regular expression: ") as caught:
        sdc.networks(search)
    assert re.search(re.escape(reason), str(caught.value))


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([False, True], "1"),
        (["false", "true"], "1"),
        ([True, True], "0"),
        ([False, None], None),
        (["yes", 5], None),
    ],
    ids=str,
)
def test_the_default_package(stub: StubServer, sdc: DataCenter, marks: list[Any], expected: Any) -> None:
    stub.answer(Reply([{"id": str(n), "name": "x", "default": mark} for n, mark in enumerate(marks)]))
    found = sdc.default_package()
    assert (found and found["id"]) == expected
