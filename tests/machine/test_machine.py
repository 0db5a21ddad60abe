"""The Machine object: its attributes, and when it makes requests."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import pytest

from smartdc import ConfigurationError, DataCenter, GoneError, Machine
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent
from tests.helpers.servers import Reply, StubServer, datacenter_at

ID = "b6c9a5e0-8b2f-4c42-9d3f-0123456789ab"
DATA: dict[str, Any] = {
    "id": ID,
    "name": "web",
    "type": "smartmachine",
    "brand": "joyent",
    "state": "running",
    "image": "11111111-0000-4000-8000-000000000001",
    "ips": ["198.18.0.7", "10.88.0.5", "172.15.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1",
            "2001:db8::1", "dhcp"],
    "networks": ["22222222-0000-4000-8000-000000000002", None],
    "nics": [{"mac": "90:b8:d0:00:00:01", "ip": "198.18.0.7", "primary": True}],
    "primaryIp": "198.18.0.7",
    "memory": 256,
    "disk": 8192,
    "metadata": {"a": "b", "user-script": "echo", "credentials": {"root": "secret"}},
    "tags": {"role": "web"},
    "package": "g3-standard-0.25-smartos",
    "compute_node": "33333333-0000-4000-8000-000000000003",
    "created": "2016-01-14T19:10:38.123Z",
    "updated": "2016-01-14T20:10:38.000Z",
    "deletion_protection": False,
    "delegate_dataset": True,
    "disks": [{"id": "x", "size": 10240}],
    "dns_names": ["web.example.com"],
    "docker": True,
    "encrypted": True,
    "firewall_enabled": False,
    "flexible": True,
    "free_space": 5,
    "new_field": "of a newer server",
}  # fmt: skip
PLAIN = [
    "name", "type", "brand", "state", "image", "networks", "nics", "memory", "disk", "tags", "package",
    "compute_node", "deletion_protection", "delegate_dataset", "disks", "dns_names", "docker", "encrypted",
    "firewall_enabled", "flexible", "free_space", "ips",
]  # fmt: skip


@pytest.fixture
def machine(sdc: DataCenter) -> Machine:
    return Machine(sdc, data=copy.deepcopy(DATA))


def test_every_documented_field_is_an_attribute(cloud: Emulator, machine: Machine) -> None:
    for name in PLAIN:
        assert getattr(machine, name) == DATA[name], name
    assert (machine.id, str(machine), machine.path) == (ID, ID, f"machines/{ID}")
    assert machine.primary_ip == "198.18.0.7"
    assert machine.dataset == DATA["image"]
    assert machine.metadata == {"a": "b"}
    assert machine.boot_script == "echo"
    assert machine.credentials() == {"root": "secret"}
    assert machine.raw["new_field"] == "of a newer server"  # type: ignore[typeddict-item]
    # All of it without a request.
    assert sent(cloud) == []


def test_the_data_of_a_machine_is_copied(sdc: DataCenter) -> None:
    data, before = copy.deepcopy(DATA), copy.deepcopy(DATA)
    machine = Machine(sdc, data=data)
    machine.metadata["x"] = "y"
    machine.raw["name"] = "db"
    machine.raw["metadata"]["x"] = "y"
    assert data == before


def test_datetimes_have_a_time_zone(machine: Machine) -> None:
    assert machine.created == datetime(2016, 1, 14, 19, 10, 38, 123000, tzinfo=UTC)
    assert machine.updated == datetime(2016, 1, 14, 20, 10, 38, tzinfo=UTC)
    assert machine.updated.utcoffset() == timedelta(0)
    assert machine.created < datetime.now(UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2016-01-14T19:10:38Z", datetime(2016, 1, 14, 19, 10, 38, tzinfo=UTC)),
        ("2016-01-14T20:10:38+01:00", datetime(2016, 1, 14, 19, 10, 38, tzinfo=UTC)),
        ("2016-01-14T19:10:38", datetime(2016, 1, 14, 19, 10, 38, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_times_as_servers_write_them(sdc: DataCenter, text: str | None, expected: datetime | None) -> None:
    machine = Machine(sdc, data={"id": ID, "created": text, "state": "running"})
    assert machine.created == machine.updated == expected
    if expected is not None:
        assert machine.created is not None
        assert machine.created.tzinfo is UTC


def test_public_and_private_ips(machine: Machine) -> None:
    assert machine.public_ips == ["198.18.0.7", "172.15.0.1", "2001:db8::1"]
    assert machine.private_ips == ["10.88.0.5", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1"]


def test_ips_are_fetched_again_while_there_are_none(cloud: Emulator, sdc: DataCenter) -> None:
    machine = sdc.create_machine("new", "sample-512M", image=sdc.images(name="base64")[0])
    start = len(cloud.calls)
    assert machine.ips == machine.public_ips == []
    assert sent(cloud, start) == [call("GET", f"/my/{machine.path}")] * 2
    cloud.clock.advance(20)
    assert len(machine.public_ips) == 1
    assert len(machine.private_ips) == 1
    assert machine.ips == [*machine.public_ips, *machine.private_ips]
    assert len(sent(cloud, start)) == 3


@pytest.mark.parametrize("state", ["failed", "deleted"])
def test_failed_and_deleted_machines_have_no_ips(cloud: Emulator, sdc: DataCenter, state: str) -> None:
    assert Machine(sdc, data={"id": ID, "state": state}).ips == []
    assert sent(cloud) == []


def test_fields_that_the_server_leaves_out(cloud: Emulator, sdc: DataCenter) -> None:
    machine = Machine(sdc, data={"id": ID, "state": "failed"})
    assert machine.name == ""
    assert machine.metadata == machine.tags == {}
    for name in ("networks", "nics", "disks", "dns_names", "ips"):
        assert getattr(machine, name) == [], name
    for name in set(PLAIN) - {"name", "state", "tags", "networks", "nics", "disks", "dns_names", "ips"}:
        assert getattr(machine, name) is None, name
    assert (machine.created, machine.updated, machine.boot_script, machine.dataset) == (None,) * 4
    assert Machine(sdc, data={"id": ID}).state == "unknown"
    assert sent(cloud) == []


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_not_a_number(sdc: DataCenter, value: bool) -> None:
    machine = Machine(sdc, data={"id": ID, "state": "running", "memory": value, "disk": value})
    assert (machine.memory, machine.disk) == (None, None)


def test_the_id_in_raw_is_that_of_the_machine(sdc: DataCenter) -> None:
    # The server's are in lower case; the argument may be in upper case.
    machine = Machine(sdc, ID, data={"id": ID.upper(), "state": "running"})
    assert (machine.id, machine.raw["id"]) == (ID, ID)
    assert Machine(sdc, ID, data={"state": "running"}).raw["id"] == ID


def test_the_dataset_of_an_old_server(sdc: DataCenter) -> None:
    machine = Machine(sdc, data={"id": ID, "dataset": "sdc:sdc:base:1.0"})
    assert (machine.dataset, machine.image) == ("sdc:sdc:base:1.0", None)


def test_credentials_are_fetched_once(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine(internal_metadata={"root_pw": "secret"})
    machine = sdc.machine(vm.uuid)
    assert machine.credentials() == machine.credentials() == {"root": "secret"}
    machine.refresh()
    assert machine.credentials() == {"root": "secret"}
    path = f"/my/{machine.path}"
    assert sent(cloud) == [call("GET", path), call("GET", path, {"credentials": "true"}), call("GET", path)]


def test_equality_and_hash_are_those_of_the_id(sdc: DataCenter) -> None:
    one, same = Machine(sdc, data={"id": ID}), Machine(sdc, data={"id": ID, "name": "other"})
    other = Machine(sdc, data={"id": ID.replace("b", "c")})
    assert one == same
    assert hash(one) == hash(same) == hash(ID)
    assert one != other
    assert one == DATA
    assert DATA == one  # noqa: SIM300 - in this order as well
    assert one != {"id": other.id}
    assert one != {"name": "web"}
    assert one != ID
    assert {one, same, other} == {one, other}
    assert one == ANY  # an object of another kind may know better


def test_a_copy_in_another_data_center_or_account_is_another_machine(
    cloud: Emulator, sdc: DataCenter
) -> None:
    with cloud.datacenter("us-east-1") as elsewhere, cloud.datacenter("us-sw-1") as again:
        assert Machine(sdc, data={"id": ID}) != Machine(elsewhere, data={"id": ID})
        assert Machine(sdc, data={"id": ID}) == Machine(again, data={"id": ID})
    with DataCenter(sdc.base_url, login="ann") as of_another_account:
        assert Machine(sdc, data={"id": ID}) != Machine(of_another_account, data={"id": ID})


def test_repr_shows_what_is_known(sdc: DataCenter, machine: Machine) -> None:
    assert repr(machine) == f"<Machine web (running) {ID} in us-sw-1>"
    assert repr(Machine(sdc, ID, lazy=True)) == f"<Machine {ID} in us-sw-1>"


def test_a_machine_whose_constructor_has_not_finished_has_a_repr() -> None:
    machine = Machine.__new__(Machine)  # as a traceback with variables shows it
    assert (repr(machine), str(machine)) == ("<Machine>", "?")


@pytest.mark.parametrize("data", ["web", ["web"], 5, True], ids=repr)
@pytest.mark.parametrize("ident", [ID, None])
def test_data_that_is_not_a_dict(cloud: Emulator, sdc: DataCenter, ident: str | None, data: Any) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Machine(sdc, ident, data)
    assert str(refused.value) == f"data must be a dict such as from raw_machine_data(), not {data!r}"
    assert sent(cloud) == []


@pytest.mark.parametrize("wrong", [1, ["x"]], ids=repr)
@pytest.mark.parametrize("name", ["lazy", "look_first"])
def test_a_switch_is_a_boolean(cloud: Emulator, sdc: DataCenter, name: str, wrong: Any) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Machine(sdc, ID, **{name: wrong})
    assert str(refused.value) == f"{name} must be True or False, not {wrong!r}: leave it out to set neither"
    assert sent(cloud) == []


def test_ids_of_a_list_are_as_everywhere(stub: StubServer) -> None:
    stub.answer(Reply([{"id": ID.upper()}, {"id": ID}, {"id": "web"}]))
    with datacenter_at(stub.url) as sdc:
        machines = sdc.machines()
        assert [(machine.id, machine.raw["id"]) for machine in machines] == [
            (ID, ID),
            (ID, ID),
            ("web", "web"),
        ]
        for ident in ("a b", "a\tb", "a\x7fb"):
            stub.answer(Reply([{"id": ident}]))
            with pytest.raises(
                ConfigurationError,
                match=r" is not the id or the name of a machine: it has a space or a control character$",
            ):
                sdc.machines()


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (None, "web"),  # the data of before stay
        (ID, "web"),
        ({"id": ID, "name": "db", "state": "deleted"}, "db"),
        ({"id": ID, "name": "db", "state": "running"}, "db"),
    ],
    ids=str,
)
def test_a_machine_that_is_gone_is_deleted_whatever_the_answer_says(
    stub: StubServer, body: Any, name: str
) -> None:
    stub.otherwise = Reply(body, 410)
    with datacenter_at(stub.url) as sdc:
        machine = Machine(sdc, data={"id": ID, "name": "web", "state": "running"})
        with pytest.raises(GoneError):
            machine.refresh()
        assert (machine.state, machine.name) == ("deleted", name)
        lazy = Machine(sdc, ID, lazy=True)
        with pytest.raises(GoneError):
            lazy.refresh()
        assert lazy.state == "deleted"


def test_a_machine_that_is_gone_keeps_its_data_if_the_answer_has_none(stub: StubServer) -> None:
    stub.otherwise = Reply({"code": "Gone"}, 410)
    with datacenter_at(stub.url) as sdc:
        machine = Machine(sdc, data={"id": ID, "name": "web", "state": "running"})
        with pytest.raises(GoneError):
            machine.refresh()
    assert (machine.name, machine.state, machine.raw["state"]) == ("web", "deleted", "deleted")


@pytest.mark.parametrize("wrong", ["us-sw-1", ["x"], 5], ids=repr)
def test_what_can_make_a_machine_is_a_data_center(wrong: Any) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Machine.create_in_datacenter(wrong, name="web")
    assert str(refused.value) == f"{wrong!r} is not a DataCenter, in which a machine is created"


def test_a_machine_by_id_is_fetched(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine("web")
    assert Machine(sdc, vm.uuid).name == "web"
    assert Machine(datacenter=sdc, machine_id=vm.uuid.upper(), credentials=True).id == vm.uuid
    assert sent(cloud) == [
        call("GET", f"/my/machines/{vm.uuid}"),
        call("GET", f"/my/machines/{vm.uuid}", {"credentials": "true"}),
    ]


def test_a_machine_needs_an_id(sdc: DataCenter) -> None:
    ways: list[dict[str, Any]] = [{}, {"data": {}}, {"data": {"name": "web"}}, {"machine_id": ""}]
    for arguments in ways:
        with pytest.raises(ConfigurationError, match="names no machine"):
            Machine(sdc, **arguments)


def test_snapshot_is_importable_where_py_smartdc_had_it() -> None:
    from smartdc import Snapshot
    from smartdc.machine import Snapshot as OldSnapshot

    assert OldSnapshot is Snapshot
