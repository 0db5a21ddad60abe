"""Datasets by their URNs, any part of which names an image."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, NotFoundError
from tests.helpers.servers import Reply, StubServer

IDS = [f"0000000{number}-0000-4000-8000-00000000000a" for number in range(6)]
IMAGES: list[dict[str, Any]] = [
    {"id": IDS[0], "name": "base64", "version": "14.3.0", "published_at": "2014-01-01"},
    {"id": IDS[1], "name": "base64", "version": "14.10.1", "published_at": "2014-06-01"},
    {"id": IDS[2], "name": "base64", "version": "15.1.0", "published_at": "2015-01-01"},
    {"id": IDS[3], "name": "lx", "version": "14.3.0", "published_at": "2013-01-01"},
    {"id": IDS[4], "name": "old", "version": "1", "urn": "me:mine:old:1.0", "published_at": "2012-01-01"},
    {"id": IDS[5], "name": "sdc", "version": "9", "published_at": "2012-01-01"},
]


@pytest.fixture
def sdc(stub: StubServer) -> DataCenter:
    stub.otherwise = Reply(list(IMAGES))
    return DataCenter(stub.url, login="bob")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("sdc:sdc:base64:14.3.0", 0),
        ("sdc:sdc:base64:14.10", 1),
        ("sdc:sdc:base64", 2),
        ("base64", 2),
        ("base64:14.3.0", 0),
        ("base64:14.1", 1),
        # Of the versions that begin so, the newest.
        ("base64:14", 1),
        ("base64:1", 2),
        ("lx:14", 3),
        ("sdc:sdc:lx", 3),
        ("me:mine:old:1.0", 4),
        ("me:mine", 4),
        ("me", 4),
        ("old:1.0", 4),
        ("sdc:9", 5),
    ],
)
def test_a_part_of_a_urn(stub: StubServer, sdc: DataCenter, wanted: str, found: int) -> None:
    image = sdc.dataset(wanted)
    assert image["id"] == IDS[found]
    assert image["urn"] == IMAGES[found].get("urn", f"sdc:sdc:{image['name']}:{image['version']}")
    assert [asked.target for asked in stub.asked] == ["/bob/images"]


@pytest.mark.parametrize(
    "wanted", ["sdc:base64", "base64:4.3.0", "mine:old", "ase64", "sdc:sdc:base64:14.3.0:1", "sdc:sdc:base"]
)
def test_another_text_is_no_part_of_a_urn(sdc: DataCenter, wanted: str) -> None:
    with pytest.raises(NotFoundError, match=r"no image has the name or short id "):
        sdc.dataset(wanted)


def test_a_name_comes_before_the_start_of_a_version(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(
        Reply([*IMAGES, {"id": IDS[5], "name": "base64", "version": "14", "published_at": "2000-01-01"}])
    )
    assert sdc.dataset("base64:14")["id"] == IDS[5]


def test_a_whole_version_that_several_have_is_ambiguous(stub: StubServer, sdc: DataCenter) -> None:
    twin = {"id": IDS[5], "name": "base64", "version": "14.3.0", "published_at": "2015-01-01"}
    stub.answer(Reply([IMAGES[0], twin]))
    with pytest.raises(ConfigurationError, match=r"^'base64:14.3.0' may be any of 2 images: "):
        sdc.dataset("base64:14.3.0")
    stub.answer(Reply([IMAGES[0], twin]))
    assert sdc.dataset("base64:14")["id"] == IDS[5]


def test_a_name_that_is_also_a_version_means_the_newest(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply([IMAGES[0] | {"version": "base64"}, IMAGES[1] | {"version": "base64"}]))
    assert sdc.dataset("base64")["id"] == IDS[1]


def test_a_urn_of_another_length_ends_in_name_and_version(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply([IMAGES[4] | {"urn": "old:1.0"}, IMAGES[5] | {"urn": "a:b:mine:old:2.0"}]))
    assert sdc.dataset("old:2.0")["id"] == IDS[5]


def test_an_image_without_name_and_version_has_an_empty_urn(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply([{"id": IDS[0]}]))
    assert [image["urn"] for image in sdc.datasets()] == ["sdc:sdc::"]
