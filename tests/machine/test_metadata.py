from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, InvalidArgumentError, Machine, NotFoundError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent

METADATA: dict[str, Any] = {"user-data": "x", "size": 3, "root_authorized_keys": "ssh-ed25519 AAAA"}


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine("web", metadata=dict(METADATA)).uuid, lazy=True)


def test_get_metadata_refreshes_what_the_machine_shows(cloud: Emulator, machine: Machine, site: Site) -> None:
    assert machine.metadata == METADATA
    site.machines[machine.id].customer_metadata = {**METADATA, "size": 4}
    assert machine.metadata["size"] == 3
    assert machine.get_metadata() == {**METADATA, "size": 4}
    assert machine.metadata["size"] == 4
    path = f"/my/{machine.path}"
    assert sent(cloud) == [call("GET", path), call("GET", f"{path}/metadata")]


def test_get_metadata_returns_a_copy(machine: Machine) -> None:
    machine.refresh()
    machine.get_metadata()["size"] = 5
    assert machine.metadata["size"] == 3
    machine.metadata["size"] = 6  # stays here, as in py-smartdc, until the server is asked again
    assert machine.metadata["size"] == 6
    machine.refresh()
    assert machine.metadata["size"] == 3


def test_update_metadata(cloud: Emulator, machine: Machine) -> None:
    machine.refresh()
    expected = {**METADATA, "user-data": "y", "ready": False}
    assert machine.update_metadata({"user-data": "y"}, ready=False) == expected
    assert sent(cloud)[1:] == [
        call("POST", f"/my/{machine.path}/metadata", body={"user-data": "y", "ready": False})
    ]
    assert machine.metadata == expected
    cloud.clock.advance(2)
    assert machine.get_metadata() == expected


def test_update_metadata_of_a_lazy_machine_costs_one_request(cloud: Emulator, machine: Machine) -> None:
    machine.update_metadata(role="web")
    assert sent(cloud) == [call("POST", f"/my/{machine.path}/metadata", body={"role": "web"})]


def test_delete_metadata_at_key(cloud: Emulator, machine: Machine) -> None:
    path = f"/my/{machine.path}/metadata"
    # The delete is a job: the entry is still there when the metadata is read right after.
    assert machine.delete_metadata_at_key("user-data") == METADATA
    assert sent(cloud) == [call("DELETE", f"{path}/user-data"), call("GET", path)]
    cloud.clock.advance(2)
    assert "user-data" not in machine.get_metadata()
    with pytest.raises(NotFoundError, match='metadatum "user-data" not found'):
        machine.delete_metadata_at_key("user-data")


def test_delete_metadata_that_the_server_keeps(machine: Machine) -> None:
    with pytest.raises(InvalidArgumentError, match="can not be deleted"):
        machine.delete_metadata_at_key("root_authorized_keys")


def test_delete_metadata_whose_name_has_a_slash_is_sent(cloud: Emulator, machine: Machine) -> None:
    # docs/cloudapi/tags-and-metadata.md#keys-with-a-slash: it does no harm.
    with pytest.raises(NotFoundError, match='metadatum "a/b" not found'):
        machine.delete_metadata_at_key("a/b")
    assert sent(cloud) == [call("DELETE", f"/my/{machine.path}/metadata/a%2Fb")]


@pytest.mark.parametrize("key", ["a b", ".", "5%", "50%", "./", "/..", "a/ b"])
def test_delete_metadata_that_the_server_cannot_look_up(cloud: Emulator, machine: Machine, key: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        machine.delete_metadata_at_key(key)
    assert str(refused.value) == (
        f"metadata {key!r} cannot be deleted by its name: the server cannot look it up"
    )
    assert sent(cloud) == []


@pytest.mark.parametrize("key", ["a b", "", ".", "..", None, 5], ids=repr)
def test_delete_metadata_at_a_key_that_is_not_sent(cloud: Emulator, machine: Machine, key: Any) -> None:
    # docs/cloudapi/hazards.md#keys-with-a-space: with a space in it the server fails or hangs.
    with pytest.raises(
        ConfigurationError,
        match=r" cannot be deleted by its name: | in a URL$|^key must be text, not (None|5)$",
    ):
        machine.delete_metadata_at_key(key)
    assert sent(cloud) == []


def test_delete_all_metadata(cloud: Emulator, machine: Machine) -> None:
    assert machine.delete_all_metadata() == METADATA
    path = f"/my/{machine.path}/metadata"
    assert sent(cloud) == [call("DELETE", path), call("GET", path)]
    cloud.clock.advance(2)
    # docs/cloudapi/tags-and-metadata.md#delete-all-metadata: what the server leaves.
    assert machine.get_metadata().keys() == {"root_authorized_keys", "uuid", "owner_uuid"}


def test_boot_script(cloud: Emulator, machine: Machine, tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    script.write_text("#!/bin/sh\necho ö\n", encoding="utf-8")
    assert machine.boot_script is None
    machine.set_boot_script(str(script))
    assert machine.boot_script == "#!/bin/sh\necho ö\n"
    assert machine.metadata == METADATA
    cloud.clock.advance(2)
    machine.delete_boot_script()
    assert machine.boot_script is None
    cloud.clock.advance(2)
    machine.refresh()
    assert machine.boot_script is None
    path = f"/my/{machine.path}/metadata"
    assert sent(cloud)[1:3] == [
        call("POST", path, body={"user-script": "#!/bin/sh\necho ö\n"}),
        call("DELETE", f"{path}/user-script"),
    ]


def test_boot_script_of_a_lazy_machine(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine(metadata={"user-script": "true"}).uuid, lazy=True)
    machine.delete_boot_script()
    assert sent(cloud) == [call("DELETE", f"/my/{machine.path}/metadata/user-script")]


def test_boot_script_that_does_not_exist(cloud: Emulator, machine: Machine) -> None:
    with pytest.raises(ConfigurationError, match=r"no-such-script.*No such file"):
        machine.set_boot_script("no-such-script")
    assert sent(cloud) == []


def test_boot_script_in_the_home_directory(cloud: Emulator, machine: Machine, home: Path) -> None:
    (home / "script.sh").write_text("echo home")
    machine.set_boot_script("~/script.sh")
    assert sent(cloud)[0].body == {"user-script": "echo home"}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({}, "update_metadata needs an entry"),
        ({"root_pw": "x"}, "keeps metadata 'root_pw' for passwords"),
        ({"credentials": "x"}, "keeps metadata 'credentials' for passwords"),
        ({"machine": "x"}, "metadata 'machine' cannot be set"),
        ({"account": "x"}, "metadata 'account' cannot be set"),
        ({"a": {"b": "c"}}, "metadata 'a' must be text, a number or a boolean, not dict"),
        ({"a": None}, "not NoneType"),
        ({"": "x"}, "^a metadata name must be text, not ''$"),
    ],
    ids=str,
)
def test_metadata_that_the_server_would_lose_is_not_sent(
    cloud: Emulator, machine: Machine, entries: Any, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        machine.update_metadata(entries)
    assert sent(cloud) == []


@pytest.mark.parametrize("name", ["a\nb", "aö", "_", "7", "a.b-c d", "äß", "+x", "-y", ".z", " "])
def test_metadata_names_that_the_server_accepts(cloud: Emulator, machine: Machine, name: str) -> None:
    # Only a create limits how they begin: docs/cloudapi/create.md#names-of-flat-keys
    machine.update_metadata({name: "x"})
    assert sent(cloud)[0].body == {name: "x"}
    cloud.clock.advance(5)
    assert machine.get_metadata_at_key(name) == "x"
