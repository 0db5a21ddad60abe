from __future__ import annotations

import json
from typing import Any

import pytest

from smartdc import (
    BadRequestError,
    ConfigurationError,
    ConflictError,
    DataCenter,
    InUseError,
    InvalidArgumentError,
    NotFoundError,
)
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.types import Volume
from tests.helpers.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"


@pytest.fixture
def fabric(site: Site) -> str:
    return next(network.uuid for network in site.networks.values() if network.kind == "fabric")


@pytest.fixture
def ready(cloud: Emulator, sdc: DataCenter) -> Volume:
    """A volume that can be used; the recorded requests are cleared."""
    volume = sdc.create_volume("data", size=20480)
    cloud.clock.advance(15)
    cloud.calls.clear()
    return volume


def mounted_by(site: Site, name: str = "data", **fields: Any) -> str:
    return site.add_machine(volumes=[{"name": name, "mountpoint": "/data"}], **fields).uuid


def test_create_volume(cloud: Emulator, sdc: DataCenter, fabric: str) -> None:
    volume = sdc.create_volume(
        "data", size=20480, networks=[{"id": fabric}], affinity=["role!=db"], tags={"role": "data"}
    )
    body = {
        "name": "data",
        "size": 20480,
        "type": "tritonnfs",
        "networks": [fabric],
        "affinity": ["role!=db"],
        "tags": {"role": "data"},
    }
    assert sent(cloud) == [call("POST", "/my/volumes", body=body)]
    assert cloud.calls[0].status == 201
    assert volume == {
        "name": "data",
        "owner_uuid": cloud.account.uuid,
        "size": 20480,
        "type": "tritonnfs",
        "state": "creating",
        "networks": [fabric],
        "id": volume["id"],
        "tags": {"role": "data"},
        "created": volume["created"],
    }
    cloud.clock.advance(15)
    made = sdc.volume(volume)
    assert made["state"] == "ready"
    assert made["filesystem_path"].endswith(":/exports/data")


def test_create_volume_with_defaults(cloud: Emulator, sdc: DataCenter, fabric: str) -> None:
    volume = sdc.create_volume()
    # The volume is found by its name if the answer is lost, and errors show the name.
    assert sent(cloud)[0].body == {"name": volume["name"], "type": "tritonnfs"}
    assert (volume["size"], volume["networks"], len(volume["name"])) == (10240, [fabric], 32)


def test_create_volume_that_fails(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    site.fail_next_volume = True
    volume = sdc.create_volume("data")
    cloud.clock.advance(15)
    assert sdc.volume(volume)["state"] == "failed"
    assert sdc.volumes() == []
    assert [found["id"] for found in sdc.volumes(state="failed")] == [volume["id"]]
    sdc.create_volume("data")  # a failed one does not take the name


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": "-x"}, InvalidArgumentError, "Invalid volume name: -x"),
        ({"name": "x" * 257}, InvalidArgumentError, "at most 256 long"),
        ({"name": "ab", "size": -1}, InvalidArgumentError, "Invalid volume size: -1"),
        ({"name": "ab", "size": 42}, ConflictError, "VolumeSizeNotAvailable.*sizes are: 10240, 20480"),
        ({"name": "ab", "type": "nfs"}, InvalidArgumentError, "should be one of: tritonnfs"),
        ({"name": "ab", "networks": [{"id": "x"}]}, InvalidArgumentError, "Invalid networks: x"),
        ({"name": "ab", "networks": []}, ConflictError, "ValidationError.*non-empty array"),
        ({"name": "ab", "networks": [UNKNOWN]}, InvalidArgumentError, f"Invalid networks: {UNKNOWN}"),
        ({"name": "ab", "affinity": "nonsense"}, InvalidArgumentError, "could not find operator"),
        ({"name": "ab", "tags": {"a": 1}}, InvalidArgumentError, "object of key/value strings"),
        ({"name": "data"}, ConflictError, "VolumeAlreadyExists"),
    ],
)
def test_create_volume_that_the_server_refuses(
    sdc: DataCenter, ready: Volume, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        sdc.create_volume(**arguments)


def test_create_volume_on_a_network_that_is_no_fabric(sdc: DataCenter) -> None:
    public = next(network for network in sdc.networks() if network["public"])
    with pytest.raises(InvalidArgumentError, match="Invalid networks"):
        sdc.create_volume("data", networks=public)


def test_create_volume_without_a_default_network(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    site.default_fabric_networks.clear()
    with pytest.raises(ConflictError, match="DefaultFabricNetworkNotConfigured"):
        sdc.create_volume("data")


def test_volumes(cloud: Emulator, sdc: DataCenter, ready: Volume) -> None:
    sdc.create_volume("other")
    cloud.calls.clear()
    assert [volume["name"] for volume in sdc.volumes()] == ["data", "other"]
    assert sent(cloud) == [call("GET", "/my/volumes")]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"name": "data"}, ["data"]),
        ({"name": "da*"}, ["data"]),
        ({"name": "*t*"}, ["data", "other"]),
        ({"size": 10240}, ["other"]),
        ({"state": "ready"}, ["data"]),
        ({"type": "tritonnfs"}, ["data", "other"]),
        ({"predicate": {"eq": ["state", "creating"]}}, ["other"]),
        ({"predicate": '{"ge": ["size", 10241]}', "state": "ready"}, ["data"]),
        ({"predicate": {"and": [{"ne": ["name", "data"]}, {"le": ["size", 20480]}]}}, ["other"]),
        ({"predicate": {"or": [{"eq": ["name", "data"]}, {"lt": ["size", 20480]}]}}, ["data", "other"]),
    ],
)
def test_volumes_by_filter(
    cloud: Emulator, sdc: DataCenter, ready: Volume, filters: dict[str, Any], names: list[str]
) -> None:
    sdc.create_volume("other")
    cloud.calls.clear()
    assert [volume["name"] for volume in sdc.volumes(**filters)] == names
    query = {name: value if isinstance(value, str) else json.dumps(value) for name, value in filters.items()}
    assert sent(cloud) == [call("GET", "/my/volumes", query)]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"state": "gone"}, "Volume state: gone is invalid"),
        ({"type": "nfs"}, "Invalid volume type: nfs"),
        # The messages of krill 1.0.1 for these predicates.
        ({"predicate": '{"eq": ["foo", "x"]}'}, 'field "foo" is not defined'),
        ({"predicate": {"eq": ["size", "x"]}}, 'expected "number", but got "string"'),
        ({"predicate": {"lt": ["name", "x"]}}, '"lt" cannot be applied to fields of type "string"'),
        ({"predicate": {"is": ["name", "x"]}}, 'unknown operator "is"'),
        ({"predicate": {"and": []}}, "expected at least 2 elements"),
        ({"predicate": {"eq": ["name", None]}}, "is not a string, number, or boolean"),
        ({"predicate": {"eq": ["state", "gone"]}}, "Invalid values in predicate"),
        (
            {"name": "data", "predicate": {"eq": ["name", "data"]}},
            'predicate has "name" which conflicts',
        ),
    ],
)
def test_filters_of_volumes_that_the_server_refuses(
    sdc: DataCenter, filters: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        sdc.volumes(**filters)


@pytest.mark.parametrize(
    ("predicate", "message"),
    [
        ("nonsense", "Could not parse JSON predicate nonsense"),
        ("[3]", 'unknown operator "0"'),
        ("3", "must be an object"),
    ],
)
def test_predicates_that_client_and_server_refuse(
    cloud: Emulator, sdc: DataCenter, predicate: str, message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        sdc.request("GET", "/volumes", params={"predicate": predicate})
    cloud.calls.clear()
    with pytest.raises(
        ConfigurationError, match=r"^predicate(: .* is not JSON: | must be a dict with a condition)"
    ):
        sdc.volumes(predicate=predicate)
    assert sent(cloud) == []


@pytest.mark.parametrize(
    "predicate",
    [{}, "{}", "[]", [], '{"eq": ["name", "x"], "eq": ["name", "y"]}', '{"and": [{"eq": [1], "eq": [2]}]}'],
)
def test_predicates_that_would_select_all_or_other_volumes(
    cloud: Emulator, sdc: DataCenter, predicate: Any
) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^predicate(: .* is not JSON: | must be a dict with a condition)"
    ):
        sdc.volumes(predicate=predicate)
    assert sent(cloud) == []


def test_volume(cloud: Emulator, sdc: DataCenter, ready: Volume) -> None:
    assert sdc.volume(ready["id"])["name"] == "data"
    assert sent(cloud) == [call("GET", f"/my/volumes/{ready['id']}")]


def test_volume_that_does_not_exist(sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError, match="VolumeNotFound"):
        sdc.volume(UNKNOWN)
    with pytest.raises(InvalidArgumentError, match="Invalid volume ID: data"):
        sdc.volume({"id": "data"})


def test_update_volume(cloud: Emulator, sdc: DataCenter, ready: Volume) -> None:
    # The answer is 200 with the volume, not 204: volumes.js, and the server's tests.
    assert sdc.update_volume(ready, name="renamed")["name"] == "renamed"
    # Without `?action=update`, which the OpenAPI description has: volumes.js refuses it.
    assert sent(cloud) == [call("POST", f"/my/volumes/{ready['id']}", body={"name": "renamed"})]
    assert sdc.update_volume(ready)["name"] == "renamed"


def test_update_volume_that_the_server_refuses(sdc: DataCenter, site: Site, ready: Volume) -> None:
    with pytest.raises(InvalidArgumentError, match="Invalid volume name"):
        sdc.update_volume(ready, name="")
    with pytest.raises(ConflictError, match="VolumeAlreadyExists"):
        sdc.update_volume(ready, name="data")  # its current name
    with pytest.raises(NotFoundError, match="VolumeNotFound"):
        sdc.update_volume(UNKNOWN, name="x1")
    mounted_by(site)
    with pytest.raises(InUseError, match="VolumeInUse"):
        sdc.update_volume(ready, name="renamed")


def test_delete_volume(cloud: Emulator, sdc: DataCenter, ready: Volume) -> None:
    sdc.delete_volume(ready)
    assert sent(cloud) == [call("DELETE", f"/my/volumes/{ready['id']}")]
    assert cloud.calls[0].status == 204
    assert sdc.volume(ready)["state"] == "deleting"
    cloud.clock.advance(5)
    with pytest.raises(NotFoundError):
        sdc.volume(ready)


@pytest.mark.parametrize("state", ["running", "stopped", "provisioning"])
def test_a_volume_that_a_machine_mounts_cannot_be_deleted(
    cloud: Emulator, sdc: DataCenter, site: Site, ready: Volume, state: str
) -> None:
    machine = mounted_by(site, state=state)
    assert sdc.volume(ready)["refs"] == [machine]
    with pytest.raises(InUseError, match=f"is used by vms: {machine}"):
        sdc.delete_volume(ready)
    site.machines[machine].state = "failed"  # neither failed nor destroyed machines count
    assert "refs" not in sdc.volume(ready)
    sdc.delete_volume(ready)


def test_volume_sizes(cloud: Emulator, sdc: DataCenter) -> None:
    sizes = sdc.volume_sizes()
    assert sizes[:2] == [{"size": 10240, "type": "tritonnfs"}, {"size": 20480, "type": "tritonnfs"}]
    assert sdc.volume_sizes(type="tritonnfs") == sizes
    assert sent(cloud) == [
        call("GET", "/my/volumesizes"),
        call("GET", "/my/volumesizes", {"type": "tritonnfs"}),
    ]
    with pytest.raises(InvalidArgumentError, match="Invalid volume type: nfs"):
        sdc.volume_sizes(type="nfs")


def test_a_data_center_without_volumes(sdc: DataCenter, site: Site) -> None:
    # docs/cloudapi/storage.md#volumes-off: the routes do not exist, and those for role tags answer 405.
    site.volumes_enabled = False
    for ask in (sdc.volumes, sdc.volume_sizes, lambda: sdc.volume(UNKNOWN)):
        with pytest.raises(BadRequestError) as refused:
            ask()
        assert (refused.value.status, refused.value.code) == (405, "MethodNotAllowedError")
