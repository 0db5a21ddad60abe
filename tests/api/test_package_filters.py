from __future__ import annotations

from typing import Any

import pytest

from smartdc import DataCenter, NotFoundError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"name": "g4-highcpu-1G"}, 1),
        ({"name": "g4*"}, 4),
        ({"name": "*cpu*"}, 3),
        ({"name": "*"}, 11),
        ({"name": "g4"}, 0),
        ({"memory": 1024}, 3),
        ({"disk": 25600}, 2),
        ({"swap": 2048}, 3),
        ({"lwps": 4000}, 11),
        ({"vcpus": 2}, 2),
        ({"version": "1.1*"}, 1),
        ({"group": "High*"}, 3),
        ({"group": "High CPU"}, 3),
        ({"brand": "bhyve"}, 2),
        ({"flexible_disk": True}, 2),
        ({"name": "g4*", "memory": 2048, "brand": "bhyve"}, 1),
    ],
    ids=str,
)
def test_every_filter(cloud: Emulator, sdc: DataCenter, filters: dict[str, Any], count: int) -> None:
    assert len(sdc.packages(**filters)) == count
    query = {name: "true" if value is True else str(value) for name, value in filters.items()}
    assert sent(cloud) == [call("GET", "/my/packages", query)]
    assert cloud.calls[0].ignored == ()


@pytest.mark.off_the_record("the description allows only numbers")
@pytest.mark.parametrize(
    ("filters", "count"),
    # PAPI parses JSON; a list matches if any entry does. `packages` never sends such values.
    [
        ({"name": '["g4-highcpu-1G","g4-general-*","none"]'}, 2),
        ({"name": "[]"}, 11),
        ({"name": '"g4-highcpu-1G"'}, 1),
        ({"name": ' ["g4-highcpu-1G"]'}, 1),
        ({"name": '"g4'}, 0),
        ({"memory": "[512, 256]"}, 4),
        *(({"memory": text}, 3) for text in (" 1024", "1.024e3", '"1024"', "1024.0")),
    ],
    ids=str,
)
def test_how_the_server_reads_json_in_a_filter(sdc: DataCenter, filters: dict[str, str], count: int) -> None:
    assert len(sdc.request("GET", "/packages", params=filters)[0]) == count


def test_filters_that_are_zero_are_sent(cloud: Emulator, sdc: DataCenter) -> None:
    # packages.js applies a filter whose text is truthy in JavaScript, and "0" is.
    assert sdc.packages(vcpus=0) != sdc.packages()
    assert cloud.calls[0].query == {"vcpus": "0"}


def test_packages_without_a_flexible_disk_are_filtered_by_the_client(
    cloud: Emulator, sdc: DataCenter
) -> None:
    # PAPI finds only packages with an explicit false, and most leave the field out.
    found = sdc.packages(flexible_disk=False)
    assert found == [package for package in sdc.packages() if not package.get("flexible_disk")]
    assert len(found) == 9
    assert cloud.calls[0].query == {}


@pytest.mark.parametrize("name", ["[]", '["g4-highcpu-1G"]', "(", "\\", "a" * 1000])
def test_a_name_that_the_server_would_misread_is_matched_by_the_client(
    cloud: Emulator, sdc: DataCenter, site: Site, name: str
) -> None:
    # PAPI parses JSON: a list matches if any entry does, and an empty list is no filter.
    next(iter(site.packages.values())).name = name
    assert [package["name"] for package in sdc.packages(name=name)] == [name]
    assert sdc.packages(group=name) == []
    assert [got.query for got in cloud.calls] == [{}, {}]


def test_wildcards_and_search_together(sdc: DataCenter) -> None:
    assert [package["name"] for package in sdc.packages("1G$", name="g4*")] == ["g4-highcpu-1G"]


def test_flexible_packages_list_their_disks(sdc: DataCenter) -> None:
    package = sdc.package("g4-bhyve-2G-flex")
    assert (package["flexible_disk"], package["disks"]) == (True, [{}, {"size": "remaining"}])
    assert "disks" not in sdc.package("g4-highcpu-1G")


def test_a_package_of_another_account(sdc: DataCenter, site: Site) -> None:
    package = next(iter(site.packages.values()))
    package.owner_uuids = ["00000000-dead-4bad-8bad-000000000000"]
    assert package.uuid not in [each["id"] for each in sdc.packages()]
    with pytest.raises(NotFoundError, match="does not exist"):
        sdc.package(package.uuid)
    assert not sdc.exists("packages", package.uuid)
    package.owner_uuids.append(site.shared.account.uuid)
    assert sdc.exists("packages", package.name)
