"""The answer to a create that shows another name belongs to another request: a proxy may mix answers up.

CloudAPI keeps the names that it accepts (lib/machines.js of
https://github.com/TritonDataCenter/sdc-cloudapi replaces ``{{shortId}}`` only).
"""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import Any

import pytest

from smartdc import DataCenter, InvalidResponse, OutcomeUnknown
from smartdc.emulator.state.clock import timestamp
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer

OURS = "00000000-dead-4bad-8bad-000000000000"
OTHER = "11111111-dead-4bad-8bad-000000000000"

Make = Callable[[DataCenter], Any]


def machine(ident: str, name: str) -> dict[str, Any]:
    return {"id": ident, "name": name, "package": OURS, "image": OURS, "created": timestamp(time())}


def test_a_machine_of_another_name_is_not_taken_for_the_new_one(stub: StubServer) -> None:
    stub.answer(
        Reply(machine(OTHER, "db"), 201), Reply([machine(OTHER, "db"), machine(OURS, "web")]), Reply({})
    )
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        assert sdc.create_machine("web", package=OURS, image=OURS).id == OURS
    assert [request.method for request in stub.asked[:2]] == ["POST", "GET"]


@pytest.mark.parametrize("answer", [{"id": OTHER}, {"id": OTHER, "name": None}], ids=str)
def test_an_answer_without_a_name_is_taken(stub: StubServer, answer: dict[str, Any]) -> None:
    stub.answer(Reply(answer, 201))
    with DataCenter(stub.url, login="bob", retry="none") as sdc:
        assert sdc.create_machine("web", package=OURS, image=OURS).id == OTHER


def test_the_server_completes_a_placeholder(stub: StubServer) -> None:
    stub.answer(Reply(machine(OTHER, "web-11111111"), 201))
    with DataCenter(stub.url, login="bob", retry="none") as sdc:
        assert sdc.create_machine("web-{{shortId}}", package=OURS, image=OURS).id == OTHER


NETWORK: dict[str, Any] = {
    "subnet": "10.0.0.0/24",
    "provision_start_ip": "10.0.0.5",
    "provision_end_ip": "10.0.0.9",
}
LOOKED_FOR: dict[str, Make] = {
    "snapshot": lambda sdc: sdc.machine(OURS, lazy=True).create_snapshot("ours"),
    "volume": lambda sdc: sdc.create_volume("ours"),
    "image": lambda sdc: sdc.create_image_from_machine(OURS, "ours", "1"),
    "VLAN": lambda sdc: sdc.create_fabric_vlan(5, "ours"),
    "fabric network": lambda sdc: sdc.create_fabric_network(5, "ours", **NETWORK),
}
RAISED: dict[str, Make] = {
    "role": lambda sdc: sdc.create_role("ours"),
    "policy": lambda sdc: sdc.create_policy("ours", ["CAN getmachine"]),
}


@pytest.mark.parametrize("make", [*LOOKED_FOR.values(), *RAISED.values()], ids=[*LOOKED_FOR, *RAISED])
def test_other_things_of_another_name(stub: StubServer, make: Make) -> None:
    stub.answer(Reply({"id": OTHER, "name": "theirs", "state": "queued", "vlan_id": 5}, 201))
    expected = OutcomeUnknown if make in LOOKED_FOR.values() else InvalidResponse
    with DataCenter(stub.url, login="bob", retry="none") as sdc, pytest.raises(expected) as caught:
        make(sdc)
    assert str(caught.value).rstrip(")").endswith(": 201 with an object whose name is 'theirs', not 'ours'")
    assert len(stub.asked) == 1


@pytest.mark.parametrize("make", [*LOOKED_FOR.values(), *RAISED.values()], ids=[*LOOKED_FOR, *RAISED])
def test_other_things_of_that_name(stub: StubServer, make: Make) -> None:
    stub.answer(Reply({"id": OTHER, "name": "ours", "state": "queued", "vlan_id": 5}, 201))
    with DataCenter(stub.url, login="bob", retry="none") as sdc:
        make(sdc)
    assert len(stub.asked) == 1


def test_long_names_are_cut(stub: StubServer) -> None:
    stub.answer(Reply({"id": OTHER, "name": "t " * 50}, 201))
    with (
        DataCenter(stub.url, login="bob") as sdc,
        pytest.raises(InvalidResponse, match=f"whose name is '{'t ' * 20}', not '{'o ' * 20}'$"),
    ):
        sdc.create_role("o " * 50)
