"""What scripts for py-smartdc 0.2.0 pass, and how they use results: empty values, URNs, objects, imports.

Its behaviour is taken from its source; `tests.interop.ancestor_calls` runs the same with py-smartdc itself.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, NotFoundError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site


@pytest.fixture
def image(sdc: DataCenter) -> str:
    return sdc.images("base64")[0]["id"]


@pytest.mark.parametrize(
    "empty",
    [
        {"dataset": ""},
        {"dataset": {}},
        {"boot_script": ""},
        {"metadata": {}},
        {"tags": {}},
        {"networks": None},
    ],
    ids=str,
)
def test_empty_create_arguments_are_not_sent(
    cloud: Emulator, sdc: DataCenter, image: str, empty: dict[str, Any]
) -> None:
    sdc.create_machine("new", "sample-512M", image=image, **empty)
    assert cloud.calls[-1].body == {"name": "new", "package": "sample-512M", "image": image}


def test_an_empty_image_beside_a_dataset(cloud: Emulator, sdc: DataCenter, image: str) -> None:
    sdc.create_machine("new", "sample-512M", dataset=image, image="")
    assert cloud.calls[-1].body["image"] == image


@pytest.mark.parametrize(
    "empty",
    [{"name": ""}, {"memory": 0}, {"state": ""}, {"machine_type": ""}, {"limit": 0}, {"dataset": ""}],
    ids=str,
)
def test_an_empty_filter_is_refused(cloud: Emulator, sdc: DataCenter, empty: dict[str, Any]) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^[a-z_]+ must be (text|a whole number)|^'' names no dataset"
    ):
        sdc.machines(**empty)
    assert cloud.calls == []


@pytest.mark.parametrize("empty", [{"offset": 0}, {"tags": {}}], ids=str)
def test_empty_filters_that_still_select_all(sdc: DataCenter, site: Site, empty: dict[str, Any]) -> None:
    site.add_machine("web")
    assert len(sdc.machines(**empty)) == 1


@pytest.mark.parametrize(("search", "memory"), [(None, 1024), ("g4", 1024), ("g4", "1024")])
def test_positional_package_filters_are_refused_with_the_new_form(
    cloud: Emulator, sdc: DataCenter, search: Any, memory: Any
) -> None:
    with pytest.raises(ConfigurationError, match="memory=1024"):
        sdc.packages(search, memory)
    assert cloud.calls == []


@pytest.mark.parametrize(
    ("urn", "version"),
    [
        ("sdc:sdc:base64:", "21.4.0"), ("base64:", "21.4.0"), ("base64", "21.4.0"),
        ("sdc:sdc:base64:14", "14.3.0"), ("base64:1", "14.3.0"), ("base64:14.3.0", "14.3.0"),
        ("sdc:sdc:base64", "21.4.0"), ("sdc:sdc:base:", "14.3.0"),
    ],
)  # fmt: skip
def test_a_partial_urn_names_the_newest_image(sdc: DataCenter, urn: str, version: str) -> None:
    found = sdc.dataset(urn)
    assert (found["version"], found["name"]) == (version, "base" if "base:" in urn else "base64")


@pytest.mark.parametrize("urn", ["sdc:", "sdc:sdc:", "sdc:sdc:bas", "bas", ":", "base64:99", "64:"])
def test_urns_that_name_no_dataset(sdc: DataCenter, urn: str) -> None:
    with pytest.raises((ConfigurationError, NotFoundError)):
        sdc.dataset(urn)


def test_tags_whose_names_are_numbers_are_sent_as_text(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str
) -> None:
    tags: Any = {5: "x"}
    metadata: Any = {6: "y"}
    created = sdc.create_machine("new", "sample-512M", image=image, tags=tags, metadata=metadata)
    assert cloud.calls[-1].body["tag.5"] == "x"
    assert cloud.calls[-1].body["metadata.6"] == "y"
    assert sdc.machines(tags=tags) == [created]
    assert cloud.calls[-1].query["tag.5"] == "x"


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine("web", metadata={"a": "b"}).uuid)


def test_changes_of_the_metadata_dict_are_local(cloud: Emulator, machine: Machine) -> None:
    before = len(cloud.calls)
    machine.metadata["k"] = 1
    assert json.dumps(machine.metadata) == '{"a": "b", "k": 1}'
    assert len(cloud.calls) == before
    machine.refresh()
    assert machine.metadata == {"a": "b"}


@pytest.mark.parametrize(
    ("name", "instead"),
    [("state", "start"), ("name", "rename"), ("memory", "resize"), ("metadata", "update_metadata"),
     ("boot_script", "set_boot_script"), ("created", "refresh")],
)  # fmt: skip
def test_setting_a_server_attribute_names_the_method_to_use(
    machine: Machine, name: str, instead: str
) -> None:
    with pytest.raises(AttributeError, match=rf"{name} of a machine .*{instead}\(\)"):
        setattr(machine, name, "x")
    machine.mine = "x"  # type: ignore[attr-defined]
    assert vars(machine)["mine"] == "x"


def test_a_machine_without_a_data_center() -> None:
    ident = "b6c9a5e0-8b2f-4c42-9d3f-0123456789ab"
    alone = Machine(None, data={"id": ident, "name": "x", "state": "running"})  # type: ignore[arg-type]
    assert (alone.name, repr(alone)) == ("x", f"<Machine x (running) {ident} in no data center>")
