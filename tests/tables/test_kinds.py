"""The columns of each kind of list, from one row of it as the server sends it."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc import Table

MACHINE = {"id": "a1-b", "name": "web", "state": "running", "image": "c2-d", "created": None}
OLD_MACHINE = {"id": "a1-b", "name": "web", "state": "running", "dataset": "c2-d", "brand": "kvm"}
"""As before API 7."""
PACKAGE = {"id": "a1-b", "name": "p", "memory": 512, "disk": 2048, "swap": 1024, "vcpus": 0, "version": "1"}
IMAGE = {"id": "a1-b", "name": "base", "version": "1.0", "os": "linux", "type": "zvol", "state": "active"}
IMAGE |= {"published_at": "2020-01-02T03:04:05Z"}
DISK = {"id": "a1-b", "size": 1024, "pci_slot": "0:4:0", "state": "running", "boot": True}

KINDS: list[tuple[dict[str, Any], str, str]] = [
    (MACHINE, "SHORTID NAME IMG STATE FLAGS AGE", "a1 web c2 running - -"),
    (OLD_MACHINE, "SHORTID NAME IMG STATE FLAGS AGE", "a1 web c2 running K -"),
    (PACKAGE, "SHORTID NAME MEMORY SWAP DISK VCPUS", "a1 p 512M 1G 2G -"),
    (IMAGE, "SHORTID NAME VERSION FLAGS OS TYPE PUBDATE", "a1 base 1.0 - linux zvol 2020-01-02"),
    (
        {"id": "a1-b", "name": "data", "owner_uuid": "e", "size": 10240, "state": "ready", "type": "nfs"},
        "SHORTID NAME SIZE TYPE STATE AGE",
        "a1 data 10G nfs ready -",
    ),
    (
        {"id": "a1-b", "name": "lan", "public": False, "subnet": "10.0.0.0/24", "gateway": "10.0.0.1"}
        | {"fabric": True, "vlan_id": 2},
        "SHORTID NAME SUBNET GATEWAY FABRIC VLAN PUBLIC",
        "a1 lan 10.0.0.0/24 10.0.0.1 true 2 false",
    ),
    ({"fingerprint": "a:b", "name": "k", "key": "ssh-rsa A"}, "FINGERPRINT NAME", "a:b k"),
    (
        {"accesskeyid": "ab", "status": "Active", "created": "2020", "description": "x"},
        "ACCESSKEYID STATUS CREATED DESCRIPTION",
        "ab Active 2020 x",
    ),
    (
        {"id": "a1-b", "rule": "FROM", "enabled": True, "log": False, "global": True},
        "SHORTID ENABLED GLOBAL LOG RULE",
        "a1 true true false FROM",
    ),
    (
        {"id": "a1-b", "login": "bob", "email": "b@c", "name": "Bob", "created": "2020-01-02T03:04:05Z"},
        "SHORTID LOGIN EMAIL NAME CDATE",
        "a1 bob b@c Bob 2020-01-02",
    ),
    (
        {"id": "a1-b", "name": "ops", "members": ["bob"], "policies": ["read"]},
        "SHORTID NAME POLICIES MEMBERS",
        "a1 ops read bob",
    ),
    (
        {"id": "a1-b", "name": "read", "rules": ["CAN"], "description": "x"},
        "SHORTID NAME DESCRIPTION RULES",
        "a1 read x CAN",
    ),
    ({"vlan_id": 2, "name": "lan", "description": "x"}, "VLAN_ID NAME DESCRIPTION", "2 lan x"),
    (
        {"mac": "a:b", "ip": "10.0.0.2", "network": "n", "primary": True, "state": "running"},
        "IP MAC PRIMARY STATE NETWORK",
        "10.0.0.2 a:b true running n",
    ),
    (
        {"ip": "10.0.0.2", "reserved": True, "managed": False, "owner_uuid": "o", "belongs_to_uuid": "m"},
        "IP MANAGED RESERVED OWNER_UUID BELONGS_TO_UUID",
        "10.0.0.2 false true o m",
    ),
    ({"action": "stop", "time": "2020", "success": "yes"}, "TIME ACTION SUCCESS", "2020 stop yes"),
    (
        {"machine": "m", "phase": "sync", "state": "paused", "created_timestamp": "2020"},
        "MACHINE PHASE STATE CREATED_TIMESTAMP",
        "m sync paused 2020",
    ),
    (DISK, "SHORTID SIZE PCI_SLOT STATE BOOT", "a1 1G 0:4:0 running true"),
    (
        {"name": "s", "state": "created", "created": "2020", "updated": "2021", "size": 2048},
        "NAME STATE SIZE CREATED",
        "s created 2K 2020",
    ),
]


@pytest.mark.parametrize(("row", "header", "values"), KINDS, ids=[header for _, header, _ in KINDS])
def test_the_columns_of_a_kind(row: dict[str, Any], header: str, values: str) -> None:
    shown_header, shown_row = Table([row | {"other": 1}]).text().splitlines()
    assert (shown_header.split(), shown_row.split()) == (header.split(), values.split())


REQUIRED = {
    "SHORTID NAME IMG STATE FLAGS AGE": ("id", "name", "state"),
    "SHORTID NAME MEMORY SWAP DISK VCPUS": ("id", "name", "memory", "disk", "swap"),
    "SHORTID NAME VERSION FLAGS OS TYPE PUBDATE": ("id", "name", "version", "os"),
    "SHORTID NAME SIZE TYPE STATE AGE": ("id", "name", "owner_uuid", "size", "state"),
    "SHORTID NAME SUBNET GATEWAY FABRIC VLAN PUBLIC": ("id", "name", "public"),
    "FINGERPRINT NAME": ("fingerprint", "name", "key"),
    "ACCESSKEYID STATUS CREATED DESCRIPTION": ("accesskeyid", "status"),
    "SHORTID ENABLED GLOBAL LOG RULE": ("id", "rule", "enabled"),
    "SHORTID LOGIN EMAIL NAME CDATE": ("id", "login", "email"),
    "SHORTID NAME POLICIES MEMBERS": ("id", "name", "members", "policies"),
    "SHORTID NAME DESCRIPTION RULES": ("id", "name", "rules"),
    "VLAN_ID NAME DESCRIPTION": ("vlan_id", "name"),
    "IP MAC PRIMARY STATE NETWORK": ("mac", "ip", "network"),
    "IP MANAGED RESERVED OWNER_UUID BELONGS_TO_UUID": ("ip", "reserved"),
    "TIME ACTION SUCCESS": ("action", "time", "success"),
    "MACHINE PHASE STATE CREATED_TIMESTAMP": ("machine", "phase", "state"),
    "SHORTID SIZE PCI_SLOT STATE BOOT": ("id", "size", "pci_slot"),
    "NAME STATE SIZE CREATED": ("name", "state", "created", "updated"),
}
"""The fields by which each kind is recognised, by its header."""


@pytest.mark.parametrize(("row", "header", "values"), KINDS, ids=[header for _, header, _ in KINDS])
def test_a_row_without_a_field_of_its_kind(row: dict[str, Any], header: str, values: str) -> None:
    """Each field by which a kind is recognised matters, and all rows must have it."""
    for field in REQUIRED[header]:
        less = {name: value for name, value in row.items() if name != field}
        for rows in ([less], [row, less]):
            shown = Table([each | {"other": 1} for each in rows]).text().splitlines()[0].split()
            assert shown != header.split(), field


@pytest.mark.parametrize(
    ("row", "columns", "values"),
    [
        (MACHINE, "memory,disk,free_space", "1G 2G 3G"),
        (OLD_MACHINE, "memory,disk,free_space", "1G 2G 3072"),
        (PACKAGE, "memory,disk,free_space", "1G 2G 3072"),
        (IMAGE, "image_size,memory", "4G 1024"),
        (DISK, "free_space,size", "3G 1G"),
    ],
)
def test_which_fields_of_a_kind_are_sizes(row: dict[str, Any], columns: str, values: str) -> None:
    sizes = {"memory": 1024, "disk": 2048, "free_space": 3072, "image_size": 4096}
    assert Table([row | sizes], columns).text().splitlines()[1].split() == values.split()


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({"brand": "bhyve"}, "B"),
        ({"docker": True}, "D"),
        ({"firewall_enabled": True}, "F"),
        ({"brand": "kvm"}, "K"),
        ({"deletion_protection": True}, "P"),
        ({"brand": "joyent", "docker": False, "firewall_enabled": False}, "-"),
        (
            {"brand": "bhyve", "docker": True, "firewall_enabled": True, "deletion_protection": True},
            "BDFP",
        ),
    ],
    ids=str,
)
def test_flags_of_a_machine(fields: dict[str, Any], flags: str) -> None:
    assert Table([MACHINE | fields], "flags").text() == f"FLAGS\n{flags}"


@pytest.mark.parametrize(
    ("fields", "flags"),
    [({"origin": "o"}, "I"), ({"public": True}, "P"), ({"state": "disabled"}, "X"), ({}, "-")],
    ids=str,
)
def test_flags_of_an_image(fields: dict[str, Any], flags: str) -> None:
    assert Table([IMAGE | fields], "flags").text() == f"FLAGS\n{flags}"


def test_other_rows_have_no_flags() -> None:
    assert Table([{"a": 1}], "flags,a").text() == "FLAGS  A\n-      1"
