"""Scripts for py-smartdc 0.2.0 keep running: its names, its order of arguments, its except clauses.

The tables are from its source (smartdc/datacenter.py, machine.py and legacy.py), except `packages`, whose
first argument is `search`, as in the tutorial.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import requests

import smartdc
from smartdc import DataCenter, LegacyDataCenter, Machine, Snapshot
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site

DATACENTER = {
    "__init__": "location key_id secret headers login known_locations allow_agent verify verbose",
    "authenticate": "key_id secret allow_agent",
    "request": "method path headers data",
    "api": "",
    "me": "",
    "account": "",
    "update_account": "email company_name first_name last_name address postal_code city state country phone",
    "keys": "",
    "key": "key_id",
    "add_key": "key_id key",
    "delete_key": "key_id",
    "datacenters": "",
    "datacenter": "name",
    "datasets": "search fields",
    "dataset": "identifier",
    "default_dataset": "",
    "packages": "search fields",
    "default_package": "",
    "package": "name",
    "num_machines": "machine_type dataset state memory tombstone tags",
    "raw_machine_data": "machine_id credentials",
    "machines": "machine_type name dataset state memory tombstone tags credentials paged limit offset",
    "create_machine": "name package dataset metadata tags boot_script credentials image networks",
    "machine": "machine_id credentials",
    "networks": "search fields",
    "network": "identifier",
    "images": "name os version public state owner type",
    "image": "identifier",
    "delete_image": "identifier",
}
MACHINE = {
    "__init__": "datacenter machine_id data credentials",
    "create_in_datacenter": "datacenter",
    "refresh": "credentials",
    "credentials": "",
    "status": "",
    "stop": "",
    "start": "",
    "reboot": "",
    "resize": "package",
    "delete": "",
    "poll_until": "state interval",
    "poll_while": "state interval",
    "get_metadata": "",
    "delete_metadata_at_key": "key",
    "set_boot_script": "filename",
    "delete_boot_script": "",
    "delete_all_metadata": "",
    "get_tags": "",
    "get_tag": "tag",
    "delete_tag": "tag",
    "delete_all_tags": "",
    "raw_snapshot_data": "name",
    "snapshots": "",
    "create_snapshot": "name",
    "start_from_snapshot": "name",
    "snapshot": "name",
}
SNAPSHOT = {"__init__": "machine name data", "refresh": "", "status": "", "delete": "", "start": ""}
DEFAULTS: dict[tuple[type, str], dict[str, Any]] = {
    (DataCenter, "__init__"): {
        "location": None, "key_id": None, "secret": "~/.ssh/id_rsa", "allow_agent": False, "verify": True,
    },
    (DataCenter, "datasets"): {"search": None, "fields": ("description", "urn")},
    (Machine, "poll_until"): {"interval": 2},
    (Machine, "poll_while"): {"interval": 2},
}  # fmt: skip
PROPERTIES = {
    DataCenter: "base_url url",
    Machine: "boot_script created dataset disk ips memory metadata name path private_ips public_ips "
    "state type updated",
    Snapshot: "path",
}


@pytest.mark.parametrize(
    ("owner", "method", "arguments"),
    [
        (owner, method, arguments)
        for owner, methods in ((DataCenter, DATACENTER), (Machine, MACHINE), (Snapshot, SNAPSHOT))
        for method, arguments in methods.items()
    ],
)
def test_every_method_takes_its_old_arguments_in_the_old_order(
    owner: type, method: str, arguments: str
) -> None:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD,)
    parameters = inspect.signature(getattr(owner, method)).parameters
    # New arguments are keyword-only.
    positional = [
        name for name, parameter in parameters.items() if parameter.kind in kinds and name != "self"
    ]
    assert positional == arguments.split()
    for name, value in DEFAULTS.get((owner, method), {}).items():
        assert parameters[name].default == value


@pytest.mark.parametrize("method", ["add_tags", "update_metadata"])
def test_tags_and_metadata_are_keyword_arguments_of_any_name(method: str) -> None:
    first, more = list(inspect.signature(getattr(Machine, method)).parameters.values())[1:]
    assert first.kind is inspect.Parameter.POSITIONAL_ONLY
    assert more.kind is inspect.Parameter.VAR_KEYWORD


@pytest.mark.parametrize(("owner", "names"), PROPERTIES.items())
def test_every_attribute_is_there(owner: type, names: str) -> None:
    for name in names.split():
        assert isinstance(getattr(owner, name), property), name


def test_the_modules_keep_their_public_names() -> None:
    from smartdc import datacenter, legacy, machine

    assert (legacy.LegacyDataCenter, machine.Machine, machine.Snapshot) == (
        LegacyDataCenter,
        Machine,
        Snapshot,
    )
    for name in ("DataCenter", "KNOWN_LOCATIONS", "TELEFONICA_LOCATIONS", "DEFAULT_LOCATION"):
        assert getattr(datacenter, name) is getattr(smartdc, name)


def test_old_except_clauses_catch(sdc: DataCenter) -> None:
    with pytest.raises(requests.HTTPError) as caught:
        sdc.key("nothing")
    assert caught.value.response.status_code == 404
    with pytest.raises(requests.exceptions.RequestException):
        sdc.machine("00000000-dead-4bad-8bad-000000000000")


def test_nothing_is_printed_on_errors(sdc: DataCenter, capfd: pytest.CaptureFixture[str]) -> None:
    # py-smartdc printed the body of each 4xx to stderr.
    with pytest.raises(requests.HTTPError):
        sdc.key("nothing")
    assert capfd.readouterr() == ("", "")


def test_raw_requests_in_the_old_form(sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine("web").uuid)
    body, response = sdc.request("POST", machine.path, params={"action": "stop"})
    response.raise_for_status()
    assert (body, response.status_code) == (None, 202)
    assert sdc.request("POST", f"{machine.path}/tags", data={"a": "b"})[0] == {"a": "b"}
    assert machine.datacenter.request("GET", machine.path + "/tags")[1].json() == {}


def test_attributes_of_a_data_center_can_still_be_set(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.login = "test"
    sdc.default_headers["X-Mine"] = "1"
    sdc.verbose = None
    sdc.location = "us-east-1"
    assert sdc.account()["login"] == "test"
    got = cloud.calls[-1]
    assert (got.datacenter, got.path, got.headers["x-mine"]) == ("us-east-1", "/test", "1")


def test_a_whole_old_script(cloud: Emulator, sdc: DataCenter) -> None:
    """Its parts are from the documentation of 0.2.0."""
    image: Any = sdc.images("base64")[0]
    machine = Machine.create_in_datacenter(sdc, name="web", image=image, package=sdc.packages("^sample-")[0])
    while machine.status() != "running":
        cloud.clock.advance(2)
    machine.add_tags(role="web", type="test")
    machine.update_metadata(purpose="demo")
    cloud.clock.advance(5)
    assert sdc.machines(tags={"role": "web"}) == [machine]
    assert machine in sdc.machines("smartmachine")
    snapshot = machine.create_snapshot("before")
    while snapshot.status() != "created":
        cloud.clock.advance(2)
    assert [str(one) for one in machine.snapshots()] == ["before"]
    machine.stop()
    machine.poll_until("stopped", 5)
    machine.delete()
    machine.poll_while("stopped", 5)
    assert sdc.num_machines() == 0
