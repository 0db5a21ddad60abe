"""The data of a machine as attributes: each value, and what takes the place of one of another type."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from smartdc import DataCenter, Machine
from tests.helpers.servers import Reply, StubServer, datacenter_at

ID, IMAGE = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"

VALUES: dict[str, tuple[str, Any]] = {
    "name": ("name", "web"),
    "type": ("type", "smartmachine"),
    "brand": ("brand", "lx"),
    "state": ("state", "running"),
    "image": ("image", IMAGE),
    "dataset": ("dataset", IMAGE),
    "package": ("package", "small"),
    "memory": ("memory", 512),
    "disk": ("disk", 1024),
    "tags": ("tags", {"role": "web"}),
    "networks": ("networks", [IMAGE, None]),
    "nics": ("nics", [{"mac": "02:08:20:00:00:01"}]),
    "primary_ip": ("primaryIp", "10.0.0.5"),
    "compute_node": ("compute_node", IMAGE),
    "deletion_protection": ("deletion_protection", True),
    "delegate_dataset": ("delegate_dataset", False),
    "disks": ("disks", [{"size": 5}]),
    "dns_names": ("dns_names", ["web.example"]),
    "docker": ("docker", True),
    "encrypted": ("encrypted", True),
    "firewall_enabled": ("firewall_enabled", False),
    "flexible": ("flexible", True),
    "free_space": ("free_space", -5),
    "ips": ("ips", ["10.0.0.5"]),
}
"""For each attribute, the field that it comes from, and a value."""

EMPTY: dict[str, Any] = {
    "name": "", "state": "unknown", "tags": {}, "networks": [], "nics": [], "disks": [], "dns_names": [],
}  # fmt: skip
"""What takes the place of a value of another type; None for all others."""

INSTEAD = {
    "boot_script": "set_boot_script() changes it",
    "deletion_protection": "enable_deletion_protection() changes it",
    "firewall_enabled": "enable_firewall() and disable_firewall() change it",
    "memory": "resize() changes it",
    "metadata": "update_metadata() changes it",
    "name": "rename() changes it",
    "package": "resize() changes it",
    "state": "start(), stop() and delete() change it",
    "tags": "add_tags() and replace_tags() change them",
}
REFRESH = "refresh() fetches it again"


@pytest.fixture
def offline() -> DataCenter:
    """A data center at an address where nothing listens."""
    return datacenter_at("http://127.0.0.1:1")


def machine(sdc: DataCenter, **data: Any) -> Machine:
    return Machine(sdc, data={"id": ID, **data})


@pytest.mark.parametrize("name", VALUES)
def test_a_value(offline: DataCenter, name: str) -> None:
    field, value = VALUES[name]
    assert getattr(machine(offline, **{field: value}), name) == value


@pytest.mark.parametrize("name", [name for name in VALUES if name not in ("ips", "dataset")])
@pytest.mark.parametrize("wrong", [None, 1.5, {"x"}], ids=str)
def test_a_value_of_another_type(offline: DataCenter, name: str, wrong: Any) -> None:
    assert getattr(machine(offline, **{VALUES[name][0]: wrong}), name) == EMPTY.get(name)
    assert getattr(machine(offline), name) == EMPTY.get(name)


def test_true_is_no_number_and_1_no_flag(offline: DataCenter) -> None:
    odd = machine(offline, memory=True, docker=1)
    assert (odd.memory, odd.docker) == (None, None)


def test_entries_of_another_type_are_left_out(offline: DataCenter) -> None:
    odd = machine(
        offline,
        networks=[5, IMAGE],
        nics=[5, {}],
        disks=["x", {}],
        dns_names=[None, "a"],
        ips=["10.0.0.5", 5],
    )
    left: list[Any] = [odd.networks, odd.nics, odd.disks, odd.dns_names, odd.ips]
    assert left == [[IMAGE], [{}], [{}], ["a"], ["10.0.0.5"]]


def test_the_dataset_is_the_image_of_today(offline: DataCenter) -> None:
    assert machine(offline, image=IMAGE).dataset == IMAGE
    assert machine(offline, image=IMAGE, dataset=ID).dataset == ID


def test_times(offline: DataCenter) -> None:
    made, changed = datetime(2026, 11, 23, 10, tzinfo=UTC), datetime(2026, 11, 24, 11, tzinfo=UTC)
    both = machine(offline, created="2026-11-23T10:00:00.000Z", updated="2026-11-24T11:00:00.000Z")
    assert (both.created, both.updated) == (made, changed)
    assert machine(offline, created="2026-11-23T10:00:00.000Z").updated == made
    assert machine(offline, created="odd").updated is None


def test_metadata_and_the_boot_script(stub: StubServer) -> None:
    with datacenter_at(stub.url) as sdc:
        web = machine(sdc, metadata={"user-script": "true", "note": "a"})
        assert (web.metadata, web.boot_script) == ({"note": "a"}, "true")
        assert web.metadata is web.metadata
        stub.answer(Reply({"id": ID, "metadata": {"note": "b"}}))
        web.refresh()
        assert (web.metadata, web.boot_script) == ({"note": "b"}, None)
        assert machine(sdc, metadata={"user-script": 5}).boot_script is None


@pytest.mark.parametrize(
    ("ip", "private"),
    [
        ("10.0.0.0", True), ("10.255.255.255", True), ("9.255.255.255", False), ("11.0.0.0", False),
        ("172.16.0.0", True), ("172.31.255.255", True), ("172.15.255.255", False), ("172.32.0.0", False),
        ("192.168.0.0", True), ("192.168.255.255", True), ("192.167.255.255", False), ("192.169.0.0", False),
        ("100.64.0.0", True), ("100.127.255.255", True), ("100.63.255.255", False), ("100.128.0.0", False),
        ("fc00::", True), ("fdff::1", True), ("fbff::1", False), ("fe00::1", False), ("fe80::1", True),
        ("febf::1", True), ("fec0::1", False), ("2001:db8::1", False),
    ],
)  # fmt: skip
def test_public_and_private_addresses(offline: DataCenter, ip: str, private: bool) -> None:
    web = machine(offline, ips=[ip, "dhcp"])
    assert (web.private_ips, web.public_ips) == (([ip], []) if private else ([], [ip]))


@pytest.mark.parametrize(("state", "asks"), [("running", 1), ("deleted", 0), ("failed", 0)])
def test_addresses_that_are_not_known_yet_are_fetched(stub: StubServer, state: str, asks: int) -> None:
    stub.answer(Reply({"id": ID, "state": state, "ips": ["10.0.0.5"]}))
    web = machine(datacenter_at(stub.url), state=state, ips=[])
    assert web.ips == ["10.0.0.5"] * asks
    assert len(stub.asked) == asks


def test_the_first_value_of_a_lazy_machine_is_fetched(stub: StubServer) -> None:
    stub.answer(Reply({"id": ID, "name": "web", "state": "running"}))
    lazy = Machine(datacenter_at(stub.url), ID, lazy=True)
    assert stub.asked == []
    assert (lazy.name, lazy.state) == ("web", "running")
    assert [asked.target for asked in stub.asked] == [f"/bob/machines/{ID}"]


@pytest.mark.parametrize("name", [*VALUES, "boot_script", "metadata", "created", "updated", "raw", "path"])
def test_values_are_read_only(offline: DataCenter, name: str) -> None:
    with pytest.raises(AttributeError) as caught:
        setattr(machine(offline), name, "x")
    assert str(caught.value) == (
        f"{name} of a machine is read-only, the last value from the server: {INSTEAD.get(name, REFRESH)}"
    )


@pytest.mark.parametrize("advice", [*INSTEAD.values(), REFRESH])
def test_the_methods_that_the_error_names_exist(advice: str) -> None:
    named = re.findall(r"(\w+)\(\)", advice)
    assert named
    assert all(callable(getattr(Machine, name, None)) for name in named)
