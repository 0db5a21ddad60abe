from __future__ import annotations

from typing import Any

import pytest

from smartdc import BadRequestError, ConfigurationError, DataCenter, InvalidArgumentError, NotAuthorizedError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"


def test_exists_in_every_form(cloud: Emulator, sdc: DataCenter) -> None:
    image = sdc.images()[0]
    before = len(cloud.calls)
    assert sdc.exists("images", image) is True
    assert sdc.exists("images", image["id"].upper()) is True
    assert sdc.exists("images", {"id": image["id"]}) is True
    assert sent(cloud, before) == [call("HEAD", f"/my/images/{image['id']}")] * 3


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("config",),
        ("machines",),
        ("images",),
        ("packages", "g4-highcpu-1G"),
        ("keys", "test_key"),
        ("roles",),
        ("networks",),
    ],
    ids=str,
)
def test_what_exists(cloud: Emulator, sdc: DataCenter, path: tuple[str, ...]) -> None:
    assert sdc.exists(*path) is True
    assert sent(cloud) == [call("HEAD", "/".join(("/my", *path)))]


@pytest.mark.parametrize(
    "path",
    [
        ("images", UNKNOWN),
        ("machines", UNKNOWN),
        ("packages", "none"),
        ("networks", UNKNOWN),
        ("users", "nobody"),
        ("keys", "nothing"),
    ],
    ids=str,
)
def test_what_does_not_exist(sdc: DataCenter, path: tuple[str, ...]) -> None:
    assert sdc.exists(*path) is False


def test_machines_and_what_they_have(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine(tags={"role": "web"})
    machine = sdc.machine(vm.uuid, lazy=True)
    assert machine.exists()
    assert machine.exists("tags", "role")
    assert not machine.exists("tags", "colour")
    assert not machine.exists("snapshots", "s1")
    assert machine.exists("nics", vm.nics[0].mac.replace(":", ""))
    assert sdc.exists("machines", machine)
    assert sdc.exists("machines", machine, "tags", "role")
    assert {got.method for got in cloud.calls} == {"HEAD"}
    assert cloud.calls[1].path == f"/my/machines/{vm.uuid}/tags/role"


def test_a_deleted_machine_does_not_exist(sdc: DataCenter, site: Site) -> None:
    # docs/cloudapi/machines.md#deleted-machines-are-gone: 410 without a body.
    machine = sdc.machine(site.add_machine(state="deleted").uuid, lazy=True)
    assert not machine.exists()
    assert not sdc.machine(UNKNOWN, lazy=True).exists()


def test_other_errors_are_errors(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine(metadata={"note": "x"}).uuid, lazy=True)
    with pytest.raises(BadRequestError):
        sdc.exists("datacenters")  # docs/cloudapi/requests.md#head-that-is-not-there: 405
    with pytest.raises(BadRequestError):
        machine.exists("metadata", "note")  # docs/cloudapi/tags-and-metadata.md#head-of-one-metadata-key: 405
    with pytest.raises(InvalidArgumentError.__mro__[1]):
        sdc.exists("machines", "no-uuid")  # docs/cloudapi/machines.md#bad-and-upper-case-ids: 409
    cloud.account.disabled = True
    with pytest.raises(NotAuthorizedError):
        sdc.exists("images")


@pytest.mark.parametrize("part", ["", None, {}, 5, {"ip": "10.0.0.1"}], ids=repr)
def test_parts_that_name_nothing(cloud: Emulator, sdc: DataCenter, part: Any) -> None:
    with pytest.raises(ConfigurationError, match="names no resource"):
        sdc.exists("images", part)
    assert cloud.calls == []


def test_a_tag_that_cannot_be_asked_about(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    # docs/cloudapi/hazards.md#keys-with-a-space: the server fails or hangs. The fixture fails this test if it
    # is asked so.
    machine = sdc.machine(site.add_machine(tags={"a b": "c"}).uuid, lazy=True)
    with pytest.raises(ConfigurationError, match="a space; look it up in its list"):
        machine.exists("tags", "a b")
    assert cloud.calls == []
