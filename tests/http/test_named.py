"""Names in place of ids: which list is asked for, and what is sent then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.servers import Reply, StubServer, datacenter_at

IDENT = "7e57ab1e-0000-4000-8000-000000000001"
OTHER = "11111111-0000-4000-8000-000000000001"


def test_a_package_may_be_given_by_a_dict_with_its_name(stub: StubServer) -> None:
    stub.answer(Reply({"id": IDENT, "name": "g4"}), Reply({"id": IDENT, "name": "g4"}))
    with datacenter_at(stub.url) as sdc:
        sdc.package({"name": "g4"})
        sdc.package({"name": "g4", "id": IDENT})
    assert [asked.target for asked in stub.asked] == ["/bob/packages/g4", f"/bob/packages/{IDENT}"]


ENTRIES = [
    {"id": OTHER, "name": "other", "state": "running"},
    {"id": IDENT, "name": "web", "state": "running"},
]


@pytest.mark.parametrize(
    ("resource", "listed", "tagged"),
    [
        ("machines/web", "/bob/machines?name=web", f"/bob/machines/{IDENT}"),
        ("machines/7e57ab1e", "/bob/machines", f"/bob/machines/{IDENT}"),
        ("images/web", "/bob/images?state=all", f"/bob/images/{IDENT}"),
        ("networks/web", "/bob/networks", f"/bob/networks/{IDENT}"),
        ("packages/7e57ab1e", "/bob/packages", f"/bob/packages/{IDENT}"),
        ("fwrules/7e57ab1e", "/bob/fwrules", f"/bob/fwrules/{IDENT}"),
    ],
)
def test_a_resource_that_can_carry_role_tags(
    stub: StubServer, resource: str, listed: str, tagged: str
) -> None:
    stub.answer(Reply(ENTRIES), Reply({"name": "web", "role-tag": ["ops"]}))
    with datacenter_at(stub.url) as sdc:
        sdc.set_role_tags(resource, "ops")
    assert [asked.target for asked in stub.asked] == [listed, tagged]


@pytest.mark.parametrize("resource", ["users/web", "roles/web", "packages/web", f"machines/{IDENT}"])
def test_a_resource_that_is_named_as_the_server_names_it(stub: StubServer, resource: str) -> None:
    stub.answer(Reply({"name": "web", "role-tag": ["ops"]}))
    with datacenter_at(stub.url) as sdc:
        sdc.set_role_tags(resource, "ops")
    assert [asked.target for asked in stub.asked] == [f"/bob/{resource}"]


@pytest.mark.parametrize("vlan", [5, "5", {"vlan_id": 5, "name": "lan"}], ids=["number", "text", "dict"])
def test_a_vlan_by_its_number(stub: StubServer, vlan: Any) -> None:
    stub.answer(Reply({"vlan_id": 5, "name": "lan"}))
    with datacenter_at(stub.url) as sdc:
        sdc.fabric_vlan(vlan)
    assert [asked.target for asked in stub.asked] == ["/bob/fabrics/default/vlans/5"]
