from __future__ import annotations

from typing import Any

import pytest

from smartdc import (
    ConfigurationError,
    DataCenter,
    InvalidArgumentError,
    InvalidStateError,
    Machine,
    NotFoundError,
    ValidationFailedError,
)
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Drop
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM
from smartdc.types import NetworkObject
from tests.helpers.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"


@pytest.fixture
def vm(site: Site) -> VM:
    """A running machine, on the external and the fabric network."""
    return site.add_machine("web")


@pytest.fixture
def machine(sdc: DataCenter, vm: VM) -> Machine:
    return sdc.machine(vm.uuid, lazy=True)


@pytest.fixture
def private(site: Site) -> str:
    """A network that the machine is not on."""
    return next(network.uuid for network in site.networks.values() if network.name == "private")


def plain(mac: str) -> str:
    return mac.replace(":", "")


def test_get_nics(cloud: Emulator, machine: Machine, vm: VM) -> None:
    nics = machine.get_nics()
    assert [(nic["mac"], nic["ip"], nic["network"]) for nic in nics] == [
        (nic.mac, nic.ip, nic.network_uuid) for nic in vm.nics
    ]
    assert [(nic["primary"], nic["state"]) for nic in nics] == [(True, "running"), (False, "running")]
    assert sent(cloud) == [call("GET", f"/my/{machine.path}/nics")]


def test_nics_of_a_machine_are_what_was_seen_last(cloud: Emulator, machine: Machine) -> None:
    # The NICs in the data of a machine have no state (docs, NIC Objects).
    assert [{**nic, "state": "running"} for nic in machine.nics] == machine.get_nics()
    assert "state" not in machine.nics[0]


def test_states_of_nics(cloud: Emulator, machine: Machine) -> None:
    machine.stop()
    machine.poll_until("stopped")
    assert {nic["state"] for nic in machine.get_nics()} == {"stopped"}


def test_num_nics(cloud: Emulator, machine: Machine) -> None:
    assert machine.num_nics() == 2
    assert sent(cloud) == [call("HEAD", f"/my/{machine.path}/nics")]


def test_get_nic_in_every_form(cloud: Emulator, machine: Machine, vm: VM) -> None:
    mac = vm.nics[0].mac
    forms: list[Any] = [mac, plain(mac), mac.upper(), {"mac": mac}, machine.nics[0]]
    before = len(cloud.calls)
    assert [machine.get_nic(form)["ip"] for form in forms] == [vm.nics[0].ip] * len(forms)
    # The server wants it without colons (docs/cloudapi/networks.md#mac-in-the-path).
    assert sent(cloud, before) == [call("GET", f"/my/{machine.path}/nics/{plain(mac)}")] * len(forms)


@pytest.mark.parametrize("nic", ["", None, {}, {"ip": "10.0.0.1"}], ids=repr)
def test_a_nic_without_a_mac(cloud: Emulator, machine: Machine, nic: Any) -> None:
    for ask in (machine.get_nic, machine.poll_nic, machine.remove_nic):
        with pytest.raises(ConfigurationError) as refused:
            ask(nic)
        assert str(refused.value) == f"{nic!r} names no NIC: give its mac, or a dict or object that has one"
    assert sent(cloud) == []


def test_get_an_unknown_nic(machine: Machine) -> None:
    with pytest.raises(NotFoundError, match="nic not found"):
        machine.get_nic("ba:ad:d3:4d:b3:3f")
    with pytest.raises(InvalidArgumentError, match="mac has invalid format"):
        machine.get_nic("wowzers")


def test_add_nic(cloud: Emulator, machine: Machine, private: str) -> None:
    nic = machine.add_nic(private)
    assert (nic["network"], nic["state"], nic["primary"], nic["added"]) == (
        private,
        "provisioning",
        False,
        True,
    )
    assert sent(cloud) == [call("POST", f"/my/{machine.path}/nics", body={"network": private})]
    # It is a job, and the machine reboots meanwhile.
    assert nic["ip"] not in machine.ips
    assert len(machine.get_nics()) == 3
    cloud.clock.advance(6)
    machine.refresh()
    assert machine.state == "stopped"
    cloud.clock.advance(5)
    machine.refresh()
    assert machine.state == "running"
    assert machine.get_nic(nic)["state"] == "running"
    assert machine.ips[-1] == nic["ip"]
    assert machine.networks[-1] == private
    assert "add_nics" in [entry["action"] for entry in machine.audit()]


def test_add_nic_where_there_is_one(cloud: Emulator, machine: Machine, private: str) -> None:
    # docs/cloudapi/networks.md#add-a-nic: 302 with its Location and no body.
    first = machine.add_nic(private)
    before = len(cloud.calls)
    again = machine.add_nic(private)
    assert again == {**first, "added": False}
    assert sent(cloud, before) == [
        call("POST", f"/my/{machine.path}/nics", body={"network": private}),
        call("GET", f"/my/{machine.path}/nics/{plain(first['mac'])}"),
    ]
    cloud.clock.advance(30)
    assert machine.num_nics() == 3


def test_a_nic_that_runs_is_not_counted_as_added_after_a_lost_answer(
    cloud: Emulator, machine: Machine, private: str
) -> None:
    """Only a NIC that is still being added can be what the lost request made."""
    machine.poll_nic(machine.add_nic(private))
    cloud.faults.add("AddNic", Drop(after_commit=False), times=1)
    again = machine.add_nic(private)
    assert (again["state"], again["added"]) == ("running", False)
    assert [got.operation for got in cloud.calls[-3:]] == ["AddNic", "AddNic", "GetNic"]


def test_add_nic_as_primary(cloud: Emulator, machine: Machine, private: str) -> None:
    nic = machine.add_nic(private, primary=True)
    assert sent(cloud)[0].body == {"network": private, "primary": True}
    cloud.clock.advance(11)
    assert machine.primary_ip == nic["ip"]
    assert [each["primary"] for each in machine.nics] == [False, False, True]
    assert machine.add_nic(private, primary=False)["added"] is False
    assert cloud.calls[-2].body == {"network": private, "primary": False}


def test_add_nic_with_an_address(cloud: Emulator, sdc: DataCenter, site: Site, private: str) -> None:
    machine = sdc.machine(site.add_machine(networks=[private]).uuid, lazy=True)
    fabric = next(network for network in sdc.networks() if network.get("fabric"))
    wanted = NetworkObject(ipv4_uuid=fabric["id"], ipv4_ips=["192.168.128.77"])
    assert machine.add_nic(wanted)["ip"] == "192.168.128.77"
    assert sent(cloud)[-1].body == {"network": wanted}
    other = sdc.machine(site.add_machine(networks=[private]).uuid, lazy=True)
    with pytest.raises(ValidationFailedError, match="IP in use"):
        other.add_nic(wanted)
    with pytest.raises(InvalidArgumentError, match="cannot specify IP on a public network"):
        other.add_nic({"ipv4_uuid": sdc.networks("external")[0]["id"], "ipv4_ips": ["198.18.0.9"]})
    assert other.add_nic(fabric)["network"] == fabric["id"]
    assert sent(cloud)[-1].body == {"network": fabric["id"]}


def test_add_nic_to_an_unknown_network(cloud: Emulator, machine: Machine) -> None:
    with pytest.raises(InvalidArgumentError, match="network not found"):
        machine.add_nic(UNKNOWN)
    before = len(cloud.calls)
    for nothing in ("", None, {}, {"name": "external"}):
        with pytest.raises(ConfigurationError, match="names no network"):
            machine.add_nic(nothing)  # type: ignore[arg-type]
    assert len(cloud.calls) == before


def test_add_nic_to_a_machine_that_is_provisioning(sdc: DataCenter, private: str) -> None:
    machine = sdc.create_machine(package="sample-512M", image=sdc.images(name="base64")[0])
    with pytest.raises(InvalidStateError, match="has not been provisioned yet"):
        machine.add_nic(private)


def test_remove_nic(cloud: Emulator, machine: Machine, vm: VM) -> None:
    nic = vm.nics[1]
    machine.remove_nic(nic.mac)
    assert sent(cloud) == [call("DELETE", f"/my/{machine.path}/nics/{plain(nic.mac)}")]
    # Until the job has run (docs/cloudapi/networks.md#remove-a-nic)
    assert machine.get_nic(nic.mac)["ip"] == nic.ip
    cloud.clock.advance(11)
    with pytest.raises(NotFoundError, match="nic not found"):
        machine.get_nic(nic.mac)
    machine.refresh()
    assert nic.ip not in machine.ips
    assert machine.state == "running"
    with pytest.raises(NotFoundError):
        machine.remove_nic(nic.mac)


def test_a_stopped_machine_stays_stopped(cloud: Emulator, sdc: DataCenter, site: Site, private: str) -> None:
    machine = sdc.machine(site.add_machine(state="stopped").uuid, lazy=True)
    nic = machine.add_nic(private)
    cloud.clock.advance(11)
    assert (machine.state, machine.get_nic(nic)["state"]) == ("stopped", "stopped")


def test_an_address_that_was_released_can_be_used_again(
    cloud: Emulator, sdc: DataCenter, site: Site, private: str
) -> None:
    fabric = next(network["id"] for network in sdc.networks() if network.get("fabric"))
    wanted = NetworkObject(ipv4_uuid=fabric, ipv4_ips=["192.168.128.99"])
    first, second = (sdc.machine(site.add_machine(networks=[private]).uuid, lazy=True) for _ in range(2))
    nic = first.add_nic(wanted)
    cloud.clock.advance(11)
    first.remove_nic(nic)
    cloud.clock.advance(11)
    assert second.add_nic(wanted)["ip"] == nic["ip"]
