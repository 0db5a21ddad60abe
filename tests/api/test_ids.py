"""Ids and names in every form, and the paths that are made of them."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, Snapshot
from tests.helpers.servers import Reply, StubServer

ID, OTHER = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
MACHINE = f"/machines/{ID}"


class Word(Enum):
    """Constants, as programs define them; they are not text."""

    IMAGE = ID
    NAME = "small"


class Sly(str):
    """Text whose ``str()`` is another text."""

    __slots__ = ()

    def __str__(self) -> str:
        return "other"


class Thing:
    """An object with an id."""

    id = OTHER

    def __repr__(self) -> str:
        return "Thing"


@pytest.fixture
def sdc(stub: StubServer) -> DataCenter:
    stub.otherwise = Reply(None, 200)
    return DataCenter(stub.url, login="bob")


PATHS: list[tuple[tuple[Any, ...], str]] = [
    (("images", ID), f"/images/{ID}"),
    (("images", ID.upper()), f"/images/{ID}"),
    (("images", UUID(ID)), f"/images/{ID}"),
    (("images", Word.IMAGE), f"/images/{ID}"),
    (("images", {"id": Word.IMAGE, "name": "base64"}), f"/images/{ID}"),
    (("images", Thing()), f"/images/{OTHER}"),
    (("images", "~"), "/images/~"),
    (("images", "..."), "/images/..."),
    (("images", "a/../b ö"), "/images/a%2F..%2Fb%20%C3%B6"),
    (("packages", Sly("small")), "/packages/small"),
    (("packages", Word.NAME), "/packages/small"),
    (("accesskeys", {"accesskeyid": "AK", "id": "x"}), "/accesskeys/AK"),
    (("keys", {"fingerprint": "aa:bb", "name": "laptop"}), "/keys/aa%3Abb"),
    (("keys", {"name": "laptop"}), "/keys/laptop"),
    (("packages", {"id": ID, "name": "small"}), f"/packages/{ID}"),
    (("packages", {"id": "", "name": "small"}), "/packages/small"),
    (("policies", {"id": ID, "name": "all"}), f"/policies/{ID}"),
    (("policies", {"name": "all"}), "/policies/all"),
    (("roles", {"id": ID, "name": "ops"}), f"/roles/{ID}"),
    (("roles", {"name": "ops"}), "/roles/ops"),
    (("users", {"id": ID, "login": "ann"}), f"/users/{ID}"),
    (("users", {"login": "ann"}), "/users/ann"),
    (("users", {"login": "ann"}, "keys", {"name": "laptop"}), "/users/ann/keys/laptop"),
    (("migrations", {"machine": ID, "id": OTHER}), f"/migrations/{ID}"),
    (("migrations", {"id": OTHER}), f"/migrations/{OTHER}"),
    (("fabrics", "default", "vlans", 5), "/fabrics/default/vlans/5"),
    (("fabrics", "default", "vlans", "5"), "/fabrics/default/vlans/5"),
    (("fabrics", "default", "vlans", {"vlan_id": 5}), "/fabrics/default/vlans/5"),
    (("fabrics", "default", "vlans", {"vlan_id": "5"}), "/fabrics/default/vlans/5"),
    (
        ("fabrics", "default", "vlans", {"vlan_id": 0}, "networks", {"id": ID}),
        f"/fabrics/default/vlans/0/networks/{ID}",
    ),
    (("networks", ID, "ips", "10.0.0.1"), f"/networks/{ID}/ips/10.0.0.1"),
    (("networks", ID, "ips", {"ip": "10.0.0.1"}), f"/networks/{ID}/ips/10.0.0.1"),
    (("networks", ID, "ips", IPv4Address("10.0.0.1")), f"/networks/{ID}/ips/10.0.0.1"),
    (("machines", {"id": ID.upper()}), MACHINE),
    (("machines", ID, "nics", "02:08:20:AA:BB:CC"), f"{MACHINE}/nics/020820aabbcc"),
    (("machines", ID, "nics", {"mac": "02:08:20:aa:bb:cc"}), f"{MACHINE}/nics/020820aabbcc"),
    (("machines", ID, "snapshots", "before"), f"{MACHINE}/snapshots/before"),
    (("machines", ID, "snapshots", {"name": "before"}), f"{MACHINE}/snapshots/before"),
    (("machines", ID, "disks", {"id": OTHER}), f"{MACHINE}/disks/{OTHER}"),
    # A name that looks like an id keeps its case.
    (("machines", ID, "tags", ID.upper()), f"{MACHINE}/tags/{ID.upper()}"),
    (("machines", ID, "metadata", ID.upper()), f"{MACHINE}/metadata/{ID.upper()}"),
    (("machines", ID, "tags"), f"{MACHINE}/tags"),
    (("nothing", "x"), "/nothing/x"),
]


@pytest.mark.parametrize(("parts", "path"), PATHS, ids=str)
def test_a_path_of_ids_and_names(
    stub: StubServer, sdc: DataCenter, parts: tuple[Any, ...], path: str
) -> None:
    assert sdc.exists(*parts)
    assert [asked.target for asked in stub.asked] == [f"/bob{path}"]


def test_a_snapshot_object_in_a_path(stub: StubServer, sdc: DataCenter) -> None:
    machine = Machine(sdc, ID, lazy=True)
    assert machine.exists("snapshots", Snapshot(machine, data={"name": "before"}))
    assert sdc.exists("machines", machine)
    assert [asked.target for asked in stub.asked] == [f"/bob{MACHINE}/snapshots/before", f"/bob{MACHINE}"]


GIVE = "or a dict or object that has one"
URL = "cannot be an id or a name in a URL"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("images", None), f"None names no image: give its id, {GIVE}"),
        (("images", ""), f"'' names no image: give its id, {GIVE}"),
        (("images", {"name": "x"}), f"{{'name': 'x'}} names no image: give its id, {GIVE}"),
        (("images", {"id": 5}), f"{{'id': 5}} names no image: give its id, {GIVE}"),
        (("roles", {}), f"{{}} names no role: give its id or name, {GIVE}"),
        (("fabrics", "default", "vlans", True), f"True names no vlan: give its vlan_id, {GIVE}"),
        (("machines", ID, "nics", 5), f"5 names no nic: give its mac, {GIVE}"),
        ((5,), f"5 names no resource: give its id, {GIVE}"),
        (("migrations", 5), f"5 names no machine: give its machine or id, {GIVE}"),
        (
            ("migrations", "a b"),
            "'a b' is not the id or the name of a machine: it has a space or a control character",
        ),
        (
            ("machines", "a\x7fb"),
            r"'a\x7fb' is not the id or the name of a machine: it has a space or a control character",
        ),
        (("images", "."), f"'.' {URL}"),
        (("images", ".."), f"'..' {URL}"),
        (("images", "\ud800"), f"'\\ud800' {URL}"),
        (("machines", ID, "tags", ""), f"'' {URL}"),
        (
            ("images", "-----BEGIN X"),
            "(text of 12 characters, not shown, because it may be a key) cannot be an id or a name, and was "
            "not sent; the private key belongs in secret=",
        ),
    ],
    ids=str,
)
def test_what_is_no_path(stub: StubServer, sdc: DataCenter, parts: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sdc.exists(*parts)
    assert str(caught.value) == message
    assert stub.asked == []


@pytest.mark.parametrize(
    "collection",
    [
        "accesskeys", "datacenters", "fabrics", "fwrules", "images", "keys", "machines", "migrations",
        "networks", "packages", "roles", "services", "users", "volumes",
    ],
)  # fmt: skip
def test_a_collection_in_the_singular(stub: StubServer, sdc: DataCenter, collection: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sdc.exists(collection[:-1], "x")
    assert str(caught.value) == f"'{collection[:-1]}' is not a collection: did you mean '{collection}'?"
    assert stub.asked == []
