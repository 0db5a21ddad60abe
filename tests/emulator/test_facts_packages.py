"""Lists of packages and images."""

import pytest

from tests.emulator.facts import fact
from tests.helpers.raw_requests import Raw


@fact("images-and-packages.md#package-wildcards")
def test_package_wildcard(raw: Raw) -> None:
    names = [package["name"] for package in raw.get("/my/packages").ok()]
    start = names[0][:2]
    found = [package["name"] for package in raw.get(f"/my/packages?name={start}*").ok()]
    assert found == [name for name in names if name.startswith(start)]
    raw.get(f"/my/packages/{start}*").refused(404, "ResourceNotFound", f"{start}* not found")


@fact("images-and-packages.md#inactive-packages")
def test_inactive_package(fresh: Raw) -> None:
    off = next(iter(fresh.site.packages.values()))
    off.active = False
    assert fresh.get(f"/my/packages/{off.uuid}").ok()["name"] == off.name
    assert off.uuid not in [package["id"] for package in fresh.get("/my/packages").ok()]
    fresh.get(f"/my/packages/{off.name}").refused(404, "ResourceNotFound", f"{off.name} not found")


@fact("images-and-packages.md#package-filters-that-are-ignored")
@pytest.mark.parametrize("query", ["active=false", "default=true", "default=false"])
def test_package_filters_ignored(raw: Raw, query: str) -> None:
    assert raw.get(f"/my/packages?{query}").ok() == raw.get("/my/packages").ok()


@fact("images-and-packages.md#image-list")
def test_list_of_images(raw: Raw) -> None:
    images = raw.get("/my/images").ok()
    assert len(images) > 1
    assert raw.get("/my/images?limit=1").ok() == images
    assert raw.get("/my/images?state=bogus").status == 422
