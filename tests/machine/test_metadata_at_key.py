from __future__ import annotations

from typing import Any

import pytest

from smartdc import DataCenter, Machine, NotFoundError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent

METADATA: dict[str, Any] = {"user-data": "x", "size": 3, "with space": "y"}


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine("web", metadata=dict(METADATA)).uuid, lazy=True)


def test_get_metadata_at_key(cloud: Emulator, machine: Machine) -> None:
    assert machine.get_metadata_at_key("user-data") == "x"
    assert sent(cloud) == [call("GET", f"/my/{machine.path}/metadata/user-data")]


def test_get_metadata_at_key_of_a_number(cloud: Emulator, machine: Machine) -> None:
    # docs/cloudapi/tags-and-metadata.md#metadata-that-are-not-strings: 404 "size is not metadata".
    assert machine.get_metadata_at_key("size") == 3
    path = f"/my/{machine.path}/metadata"
    assert sent(cloud) == [call("GET", f"{path}/size"), call("GET", path)]


def test_get_metadata_at_key_that_the_server_does_not_answer_for(cloud: Emulator, machine: Machine) -> None:
    # docs/cloudapi/hazards.md#keys-with-a-space: 500, or no answer at all.
    assert machine.get_metadata_at_key("with space") == "y"
    assert sent(cloud) == [call("GET", f"/my/{machine.path}/metadata")]
    with pytest.raises(NotFoundError, match="no metadata 'no such'") as caught:
        machine.get_metadata_at_key("no such")
    assert (caught.value.status, caught.value.code) == (404, "ResourceNotFound")


@pytest.mark.parametrize("key", ["a/b", "5%", ".", ".."])
def test_get_metadata_at_key_that_is_not_read_alone(sdc: DataCenter, site: Site, key: str) -> None:
    # docs/cloudapi/tags-and-metadata.md#keys-with-a-slash, #keys-with-a-percent-sign: 404 and 400
    machine = sdc.machine(site.add_machine(metadata={key: "here"}).uuid, lazy=True)
    assert machine.get_metadata_at_key(key) == "here"
    with pytest.raises(NotFoundError, match="has no metadata"):
        sdc.machine(site.add_machine().uuid, lazy=True).get_metadata_at_key(key)


def test_get_metadata_at_an_unknown_key(machine: Machine) -> None:
    with pytest.raises(NotFoundError, match='metadatum "nothing" not found'):
        machine.get_metadata_at_key("nothing")


@pytest.mark.off_the_record("the description knows of text only")
def test_get_metadata_at_key_of_the_passwords(sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine(internal_metadata={"root_pw": "secret77"})
    found: Any = sdc.machine(vm.uuid, lazy=True).get_metadata_at_key("credentials")
    assert found == {"root": "secret77"}
