from __future__ import annotations

from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, NotFoundError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"


def test_packages_lists_them(cloud: Emulator, sdc: DataCenter) -> None:
    packages = sdc.packages()
    assert len(packages) > 3
    assert all({"id", "name", "memory", "disk", "swap"} <= package.keys() for package in packages)
    assert sent(cloud) == [call("GET", "/my/packages")]


def test_packages_are_searched_by_the_client(cloud: Emulator, sdc: DataCenter) -> None:
    found = sdc.packages("-HIGHCPU-.+-smartos")
    assert found
    assert all("-highcpu-" in package["name"] for package in found)
    ident = found[0]["id"]
    assert [package["id"] for package in sdc.packages(f"^{ident}$", fields=("name", "id"))] == [ident]
    assert [package["id"] for package in sdc.packages(f"^{ident}$", "id")] == [ident]
    assert sdc.packages(f"^{ident}$") == []
    assert sent(cloud) == [call("GET", "/my/packages")] * 4


def test_packages_sends_every_filter(cloud: Emulator, sdc: DataCenter) -> None:
    filters: dict[str, Any] = {
        "name": "g4-*",
        "memory": 512,
        "disk": 1024,
        "swap": 2048,
        "lwps": 4000,
        "version": "1.0.0",
        "vcpus": 0,
        "group": "Standard",
        "brand": "joyent",
        "flexible_disk": True,
    }
    sdc.packages(**filters)
    # 0 is a value: it is sent.
    wire = {name: str(value) for name, value in filters.items()} | {"flexible_disk": "true"}
    assert sent(cloud) == [call("GET", "/my/packages", wire)]
    assert cloud.calls[0].ignored == ()


@pytest.mark.parametrize("memory", [1024, "1024"])
def test_the_memory_in_the_place_of_the_fields(cloud: Emulator, sdc: DataCenter, memory: Any) -> None:
    # The second argument was the memory in some scripts of py-smartdc.
    with pytest.raises(ConfigurationError) as caught:
        sdc.packages(None, memory)
    assert str(caught.value) == (
        "the second argument of packages() is where to search, not the memory: memory=1024"
    )
    assert sent(cloud) == []


@pytest.mark.parametrize("field", ["name", "version", "group", "brand"])
def test_a_filter_for_packages_without_a_value(cloud: Emulator, sdc: DataCenter, field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sdc.packages(**{field: "null"})  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"{field}='null' would list packages without any {field}; leave it out to list all"
    )
    assert sent(cloud) == []


def test_packages_are_filtered_by_the_server(cloud: Emulator, sdc: DataCenter) -> None:
    memory = sdc.packages()[0]["memory"]
    found = sdc.packages(memory=memory)
    assert found
    assert {package["memory"] for package in found} == {memory}
    assert sent(cloud)[1:] == [call("GET", "/my/packages", {"memory": str(memory)})]


def test_package_by_name_id_or_dict(cloud: Emulator, sdc: DataCenter) -> None:
    listed = sdc.packages()[0]
    by_name, by_id = f"/my/packages/{listed['name']}", f"/my/packages/{listed['id']}"
    assert sdc.package(listed["name"]) == listed
    assert sdc.package(listed["id"]) == listed
    assert sdc.package(listed["id"].upper()) == listed
    assert sdc.package(listed) == listed
    assert sdc.package({"name": listed["name"]}) == listed
    paths = [by_name, by_id, by_id, by_id, by_name]
    assert sent(cloud)[1:] == [call("GET", path) for path in paths]


def test_package_that_does_not_exist(sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError, match="nothing not found"):
        sdc.package("nothing")
    with pytest.raises(NotFoundError, match=f"Package {UNKNOWN} does not exist"):
        sdc.package(UNKNOWN)


@pytest.mark.parametrize("nothing", ["", None, {}, {"memory": 128}])
def test_package_by_an_invalid_reference(cloud: Emulator, sdc: DataCenter, nothing: Any) -> None:
    with pytest.raises(ConfigurationError, match="names no package: give its id or name"):
        sdc.package(nothing)
    assert sent(cloud) == []


def test_default_package(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    default = sdc.default_package()
    assert default is not None
    assert default["default"] is True
    for package in site.packages.values():
        package.default = False
    assert sdc.default_package() is None
    assert sent(cloud) == [call("GET", "/my/packages")] * 2
