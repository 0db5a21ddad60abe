from __future__ import annotations

import re
from typing import Any

import pytest

from smartdc import APIError, ConfigurationError, DataCenter, NotFoundError, ValidationFailedError
from smartdc.emulator import Emulator
from smartdc.emulator.state.resources import Image
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent
from tests.helpers.servers import Reply, StubServer

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"


def add_image(site: Site, number: int, **fields: Any) -> Image:
    """Put an image that the account owns into the data center."""
    uuid = f"11111111-0000-4000-8000-{number:012}"
    values = {"name": "mine", "version": f"1.{number}", "os": "smartos", "type": "zone-dataset"}
    owner = site.shared.account.uuid
    site.images[uuid] = image = Image(uuid=uuid, owner=owner, **{**values, **fields})
    return image


def test_images_lists_them(cloud: Emulator, sdc: DataCenter) -> None:
    images = sdc.images()
    assert {"base", "base64"} <= {image["name"] for image in images}
    assert all(image["state"] == "active" for image in images)
    assert sent(cloud) == [call("GET", "/my/images")]


def test_images_sends_every_filter(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    image = add_image(site, 1, state="disabled")
    filters = {
        "name": "mine",
        "os": "smartos",
        "version": "1.1",
        "public": "true",
        "state": "all",
        "owner": image.owner,
        "type": "zone-dataset",
    }
    found = sdc.images("mine", "smartos", "1.1", True, "all", image.owner, "zone-dataset")
    assert [entry["id"] for entry in found] == [image.uuid]
    assert sent(cloud) == [call("GET", "/my/images", filters)]
    assert cloud.calls[0].ignored == ()


@pytest.mark.parametrize(
    ("public", "query"),
    # py-smartdc documented the words; the server compares with the booleans (openapi).
    [(True, "true"), (False, "false"), ("public", "true"), ("private", "false"), ("true", "true")],
)
def test_images_public_or_private(
    cloud: Emulator, sdc: DataCenter, site: Site, public: bool | str, query: str
) -> None:
    add_image(site, 1, public=False)
    found = sdc.images(public=public)
    assert found
    assert {entry["public"] for entry in found} == {query == "true"}
    assert sent(cloud) == [call("GET", "/my/images", {"public": query})]


def test_images_with_a_state_that_the_server_does_not_know(sdc: DataCenter) -> None:
    # docs/cloudapi/images-and-packages.md#image-list: state=bogus is 422, which is IMGAPI's answer.
    with pytest.raises(ValidationFailedError, match="bogus") as caught:
        sdc.images(state="bogus")
    assert caught.value.status == 422
    assert caught.value.errors[0]["field"] == "state"


def test_image_by_id_dict_or_upper_case_id(cloud: Emulator, sdc: DataCenter) -> None:
    listed = sdc.images(name="base64")[0]
    path = f"/my/images/{listed['id']}"
    assert sdc.image(listed["id"]) == listed
    assert sdc.image(listed) == listed
    assert sdc.image(listed["id"].upper()) == listed
    assert sent(cloud)[1:] == [call("GET", path)] * 3


def test_image_that_does_not_exist(sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError, match="image not found"):
        sdc.image(UNKNOWN)


@pytest.mark.parametrize("nothing", ["", None, {}, {"id": ""}, {"name": "base"}, 7])
def test_image_by_an_invalid_reference(cloud: Emulator, sdc: DataCenter, nothing: Any) -> None:
    with pytest.raises(ConfigurationError, match="names no image: give its id"):
        sdc.image(nothing)
    with pytest.raises(ConfigurationError, match="names no image"):
        sdc.delete_image(nothing)
    assert sent(cloud) == []


def test_delete_image(stub: StubServer) -> None:
    # test_image_making deletes images of the emulator.
    stub.answer(Reply(status=204, content_type=None), Reply(status=204, content_type=None))
    with DataCenter(stub.url, login="bob") as sdc:
        sdc.delete_image(UNKNOWN)
        sdc.delete_image({"id": UNKNOWN})
    assert [(asked.method, asked.target, asked.body) for asked in stub.asked] == [
        ("DELETE", f"/bob/images/{UNKNOWN}", None)
    ] * 2


def test_delete_image_of_another_account(stub: StubServer) -> None:
    stub.answer(Reply({"code": "NotAuthorized", "message": "no"}, 403))
    with DataCenter(stub.url, login="bob") as sdc, pytest.raises(APIError, match="403 NotAuthorized: no"):
        sdc.delete_image(UNKNOWN)


def test_datasets_are_images_with_a_urn(cloud: Emulator, sdc: DataCenter) -> None:
    datasets = sdc.datasets()
    assert all(entry["urn"] == f"sdc:sdc:{entry['name']}:{entry['version']}" for entry in datasets)
    assert [entry["id"] for entry in datasets] == [image["id"] for image in sdc.images()]
    assert sent(cloud) == [call("GET", "/my/images")] * 2


def test_datasets_keep_a_urn_that_the_server_gives(stub: StubServer) -> None:
    stub.answer(Reply([{"id": "a", "name": "base", "version": "1", "urn": "smartos:sdc:base:1"}]))
    with DataCenter(stub.url, login="bob") as sdc:
        assert [entry["urn"] for entry in sdc.datasets()] == ["smartos:sdc:base:1"]


def test_datasets_are_searched_by_the_client_ignoring_case(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    add_image(site, 1, name="zzz", description="A Most Peculiar image")
    assert {entry["name"] for entry in sdc.datasets("base(64)?:")} == {"base", "base64"}
    assert [entry["name"] for entry in sdc.datasets("most PECULIAR")] == ["zzz"]
    assert [entry["name"] for entry in sdc.datasets("^zzz$", fields=("name",))] == ["zzz"]
    assert [entry["name"] for entry in sdc.datasets("^zzz$", fields="name")] == ["zzz"]
    assert sdc.datasets("^zzz$") == []
    assert sent(cloud) == [call("GET", "/my/images")] * 5


@pytest.mark.parametrize(
    "search",
    [
        "base(64",
        "a{99999999999999999999}",
        "a{" + "9" * 5000 + "}",
        "(?au)x",
        "(?L)x",
        b"base",
        re.compile("x"),
        5,
    ],
    ids=lambda search: ascii(search)[:20],
)
def test_search_with_an_invalid_regular_expression(sdc: DataCenter, search: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"search: .* is not a regular|must be a regular expression"):
        sdc.datasets(search)


def test_dataset_by_id_needs_one_request(cloud: Emulator, sdc: DataCenter) -> None:
    listed = sdc.datasets("base64")[0]
    assert sdc.dataset(listed["id"]) == listed
    assert sdc.dataset(listed) == listed
    assert sent(cloud)[1:] == [call("GET", f"/my/images/{listed['id']}")] * 2


@pytest.mark.parametrize(
    "reference", ["sdc:sdc:mine:1.2", "mine:1.2", "sdc:sdc:mine", "mine", {"urn": "sdc:sdc:mine:1.2"}]
)
def test_dataset_by_urn_takes_the_newest(sdc: DataCenter, site: Site, reference: Any) -> None:
    add_image(site, 1, published_at="2014-01-01T00:00:00Z")
    newest = add_image(site, 2, published_at="2015-01-01T00:00:00Z")
    add_image(site, 3, name="mine64", published_at="2016-01-01T00:00:00Z")
    assert sdc.dataset(reference)["id"] == newest.uuid


def test_dataset_by_urn_that_does_not_exist(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError):
        sdc.dataset("sdc:sdc:nothing:1.0")
    assert sent(cloud) == [call("GET", "/my/images")]


def test_default_dataset(stub: StubServer) -> None:
    base = {"name": "base", "version": "1"}
    stub.answer(
        Reply([{"id": "a", **base}, {"id": "b", "default": "true", **base}]),
        Reply([{"id": "a", "default": "false", **base}, {"id": "b", "default": True, **base}]),
        Reply([{"id": "a", **base}]),
    )
    with DataCenter(stub.url, login="bob") as sdc:
        first, second = sdc.default_dataset(), sdc.default_dataset()
        assert first is not None
        assert second is not None
        assert (first["id"], second["id"]) == ("b", "b")
        assert first["urn"] == "sdc:sdc:base:1"
        assert sdc.default_dataset() is None
