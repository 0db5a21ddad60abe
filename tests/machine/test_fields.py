"""The attributes of a machine are read-only: each error says which method changes the value."""

from __future__ import annotations

import inspect

import pytest

from smartdc import Machine
from tests.helpers.servers import StubServer, datacenter_at

ID = "b6c9a5e0-8b2f-4c42-9d3f-0123456789ab"
CHANGED_BY = {
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
ATTRIBUTES = [name for name, _ in inspect.getmembers(Machine, inspect.isdatadescriptor) if name[0] != "_"]


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_cannot_be_set(stub: StubServer, name: str) -> None:
    instead = CHANGED_BY.get(name, "refresh() fetches it again")
    with datacenter_at(stub.url) as sdc:
        machine = Machine(sdc, data={"id": ID, "name": "web", "ips": ["10.88.0.5"]})
        before = getattr(machine, name)
        with pytest.raises(AttributeError) as refused:
            setattr(machine, name, "x")
        assert getattr(machine, name) == before
    assert (
        str(refused.value) == f"{name} of a machine is read-only, the last value from the server: {instead}"
    )
    assert stub.asked == []


def test_each_attribute_that_a_method_changes_exists() -> None:
    assert CHANGED_BY.keys() <= set(ATTRIBUTES)
    assert len(ATTRIBUTES) > 30
