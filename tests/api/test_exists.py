from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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
def test_exists_for_each_kind_of_resource(cloud: Emulator, sdc: DataCenter, path: tuple[str, ...]) -> None:
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
def test_exists_for_unknown_resources(sdc: DataCenter, path: tuple[str, ...]) -> None:
    assert sdc.exists(*path) is False


def test_machines_and_their_parts(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
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


def test_dicts_and_objects_that_the_library_returned(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine(tags={"a": "b"}).uuid)
    bhyve = sdc.machine(site.add_machine(brand="bhyve").uuid)
    snapshot = machine.create_snapshot("s1")
    fabric = sdc.fabric_networks(2)[0]
    network, address = sdc.networks()[0], sdc.network_ips(sdc.networks()[0])[0]
    user = sdc.create_user("carol", "carol@example.com", "secret123")
    key = sdc.add_user_key(user, "laptop", cloud.account.keys[0].openssh)
    vlan = sdc.fabric_vlans()[0]
    rule = sdc.create_firewall_rule("FROM any TO all vms ALLOW tcp PORT 80")
    cloud.clock.advance(30)
    before = len(cloud.calls)
    assert sdc.exists("networks", network, "ips", address)
    assert sdc.exists("networks", network, "ips", IPv4Address(address["ip"]))
    assert sdc.exists("machines", machine, "nics", machine.get_nics()[0])
    assert machine.exists("nics", machine.get_nics()[0]["mac"].upper())
    assert machine.exists("snapshots", snapshot)
    assert machine.exists("snapshots", machine.raw_snapshot_data("s1"))
    assert bhyve.exists("disks", bhyve.get_disks()[0])
    assert sdc.exists("fabrics", "default", "vlans", 2)
    assert sdc.exists("fabrics", "default", "vlans", vlan, "networks", fabric)
    assert not sdc.exists("fabrics", "default", "vlans", 3)
    assert sdc.exists("users", user, "keys", key)
    assert sdc.exists("keys", sdc.keys()[0])
    assert sdc.exists("fwrules", rule)
    assert sdc.exists("packages", sdc.packages()[0])
    assert sdc.exists("machines", {"id": machine.id})
    assert {got.method for got in cloud.calls[before:]} == {"HEAD", "GET"}


def test_names_with_a_space_are_sent_where_they_do_no_harm(cloud: Emulator, sdc: DataCenter) -> None:
    # Only ids of machines, tags and metadata make the server fail
    # (docs/cloudapi/hazards.md#keys-with-a-space, docs/cloudapi/machines.md#machine-id-with-a-space).
    assert not sdc.exists("keys", "my key")
    public = Ed25519PrivateKey.generate().public_key()
    sdc.add_key("my key", public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())
    assert sdc.exists("keys", "my key")
    assert {got.path for got in cloud.calls} == {"/my/keys", "/my/keys/my%20key"}


@pytest.mark.parametrize("name", ["a b", "a/b", "a%b", "100%", "%2e", ".", "..", " ", "x", "UPPER"])
@pytest.mark.parametrize("kind", ["tags", "metadata"])
def test_entries_that_have_no_safe_route_are_looked_up_in_their_list(
    cloud: Emulator, sdc: DataCenter, site: Site, kind: str, name: str
) -> None:
    # The fixture fails this test if a harmful request is sent.
    vm = site.add_machine(tags={name: "here"}, metadata={name: "here"})
    machine, other = (sdc.machine(uuid, lazy=True) for uuid in (vm.uuid, site.add_machine().uuid))
    assert machine.exists(kind, name)
    assert sdc.exists("machines", machine, kind, name)
    assert not other.exists(kind, name)
    assert not sdc.machine(UNKNOWN, lazy=True).exists(kind, name)
    # docs/cloudapi/tags-and-metadata.md#head-of-one-metadata-key: there is no such route.
    plain = name in ("x", "UPPER")
    methods = {"HEAD"} if plain and kind == "tags" else {"HEAD", "GET"} if plain else {"GET"}
    assert {got.method for got in cloud.calls} == methods


def test_a_tag_that_looks_like_an_id_keeps_its_case(sdc: DataCenter, site: Site) -> None:
    name = UNKNOWN.upper()
    assert sdc.machine(site.add_machine(tags={name: "x"}).uuid, lazy=True).exists("tags", name)


@pytest.mark.parametrize("ident", ["a b", " ", "a\tb", f"{UNKNOWN} ", "a\nb", "\x7f"])
def test_a_machine_id_with_a_space_is_not_sent(cloud: Emulator, sdc: DataCenter, ident: str) -> None:
    # docs/cloudapi/machines.md#machine-id-with-a-space: 500
    for act in (
        lambda: sdc.exists("machines", ident),
        lambda: sdc.exists("machines", ident, "tags"),
        lambda: sdc.machine(ident),
        lambda: sdc.machine(ident, lazy=True),
        lambda: sdc.machine({"id": ident}),
        lambda: sdc.raw_machine_data(ident),
        lambda: sdc.migration(ident),
        lambda: sdc.migration({"machine": ident}),
        lambda: sdc.role_tags(("machines", ident)),
        lambda: sdc.set_role_tags(f"machines/{ident}", []),
        lambda: sdc.create_image_from_machine(ident, "a", "1"),
        lambda: sdc.create_machine(locality={"near": [ident]}),
    ):
        with pytest.raises(
            ConfigurationError,
            match="is not the id or the name of a machine: it has a space or a control character",
        ):
            act()
    assert cloud.calls == []


def test_a_deleted_machine_does_not_exist(sdc: DataCenter, site: Site) -> None:
    # docs/cloudapi/machines.md#deleted-machines-are-gone: 410 without a body.
    machine = sdc.machine(site.add_machine(state="deleted").uuid, lazy=True)
    assert not machine.exists()
    assert not sdc.machine(UNKNOWN, lazy=True).exists()


def test_other_errors_are_raised(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.raises(BadRequestError):
        sdc.exists("datacenters")  # docs/cloudapi/requests.md#head-that-is-missing: 405
    with pytest.raises(InvalidArgumentError.__mro__[1]):
        sdc.exists("machines", "no-uuid")  # docs/cloudapi/machines.md#bad-and-upper-case-ids: 409
    cloud.account.disabled = True
    with pytest.raises(NotAuthorizedError):
        sdc.exists("images")


@pytest.mark.parametrize("part", ["", None, {}, 5, {"ip": "10.0.0.1"}], ids=repr)
def test_parts_that_name_nothing(cloud: Emulator, sdc: DataCenter, part: Any) -> None:
    with pytest.raises(ConfigurationError, match="names no image: give its id"):
        sdc.exists("images", part)
    assert cloud.calls == []
