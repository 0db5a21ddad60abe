"""How what the server shows is compared with what was requested: values may come back in another form."""

from __future__ import annotations

from email.utils import formatdate
from time import time
from typing import Any

import pytest

from smartdc import DataCenter, Machine, OutcomeUnknown, WaitTimeout
from smartdc.emulator.state.clock import timestamp
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer

ID, NETWORK = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"


@pytest.fixture
def sdc(stub: StubServer) -> DataCenter:
    return DataCenter(stub.url, login="bob", clock=Instant())


@pytest.mark.parametrize(
    ("requested", "shown", "same"),
    [
        ({"tags": {"on": True}}, {"tags": {"on": "true"}}, True),
        ({"tags": {"on": False}}, {"tags": {"on": "false"}}, True),
        ({"tags": {"size": 5}}, {"tags": {"size": "5"}}, True),
        ({"tags": {"on": True}}, {"tags": {"on": "True"}}, False),
        ({"tags": {"role": "Web"}}, {"tags": {"role": "web"}}, False),
        ({"tags": {"a": "1"}}, {"tags": {"a": "1", "b": "2"}}, False),
        ({"tags": {"a": "1", "b": "2"}}, {"tags": {"a": "1"}}, False),
        ({"tags": {}}, {"tags": None}, True),
        ({}, {}, True),
        ({"networks": [NETWORK, ID]}, {"networks": [ID, NETWORK]}, True),
        ({"networks": [NETWORK]}, {"networks": {NETWORK: True}}, False),
        ({"brand": "kvm"}, {"brand": list("kvm")}, False),
        ({"firewall_enabled": False}, {"firewall_enabled": None}, True),
        ({"firewall_enabled": True}, {"firewall_enabled": "true"}, True),
    ],
    ids=str,
)
def test_a_new_machine(
    stub: StubServer, sdc: DataCenter, requested: dict[str, Any], shown: dict[str, Any], same: bool
) -> None:
    now = time()
    stub.answer(Reply(None, 504))
    machine = {"id": ID, "name": "web", "created": timestamp(now), **shown}
    stub.otherwise = Reply([machine], dates=(formatdate(now, usegmt=True),))
    if same:
        assert sdc.create_machine("web", **requested).id == ID
    else:
        (field,) = requested
        with pytest.raises(OutcomeUnknown, match=f"one is found that differs in {field}; "):
            sdc.create_machine("web", **requested)


@pytest.mark.parametrize(
    ("awaited", "shown", "is_over"),
    [
        ({"role": "web"}, {"role": "web", "other": 1}, True),
        ({"role": "web"}, {"role": "Web"}, False),
        ({"role": "web"}, {}, False),
        ({"on": True}, {"on": "true"}, True),
        ({"role": None}, {}, True),
        ({"role": None}, {"role": ""}, False),
        # Not the absence of a tag, but its text.
        ({"role": None}, {"role": "None"}, False),
        ({"role": "None"}, {}, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["tags", "metadata"])
def test_awaited_entries(
    stub: StubServer, sdc: DataCenter, kind: str, awaited: Any, shown: dict[str, Any], is_over: bool
) -> None:
    stub.answer(Reply({"id": ID, "name": "web", "state": "running", kind: shown}))
    machine = Machine(sdc, ID, lazy=True)
    if is_over:
        machine.poll_applied(timeout=0, **{kind: awaited})
    else:
        with pytest.raises(WaitTimeout):
            machine.poll_applied(timeout=0, **{kind: awaited})
    assert len(stub.asked) == 1


@pytest.mark.parametrize(
    ("state", "published", "is_found"),
    [
        ("creating", False, True),
        ("active", True, True),
        ("unactivated", True, True),
        ("active", False, False),
        ("failed", False, False),
    ],
)
def test_a_new_image(stub: StubServer, sdc: DataCenter, state: str, published: bool, is_found: bool) -> None:
    now = time()
    image = {"id": ID, "name": "app", "version": "1", "state": state}
    image |= {"published_at": timestamp(now)} if published else {}
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply([image], dates=(formatdate(now, usegmt=True),))
    if is_found:
        assert sdc.create_image_from_machine(NETWORK, "app", "1")["id"] == ID
    else:
        with pytest.raises(OutcomeUnknown, match="one is found that differs in state; it is in candidates"):
            sdc.create_image_from_machine(NETWORK, "app", "1")


@pytest.mark.parametrize(("state", "is_found"), [("active", True), ("unactivated", False)])
def test_an_imported_image(stub: StubServer, sdc: DataCenter, state: str, is_found: bool) -> None:
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply({"id": ID, "name": "app", "state": state})
    if is_found:
        assert sdc.import_image_from_datacenter("us-east-1", ID)["id"] == ID
    else:
        with pytest.raises(OutcomeUnknown, match="one is found that differs in state; it is in candidates"):
            sdc.import_image_from_datacenter("us-east-1", ID)
