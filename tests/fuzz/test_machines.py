"""A machine made from any data: every attribute can be read."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings

from smartdc import DataCenter, GoneError, Machine, Snapshot
from tests.helpers import odd_values as odd
from tests.helpers.servers import Reply, StubServer
from tests.helpers.sizes import in_two_sizes
from tests.http.odd_answers.test_machines import TYPES

pytestmark = pytest.mark.stress


@in_two_sizes(sample=500, whole=1500)
def test_a_machine_from_any_object(
    stub: StubServer, there: DataCenter, examples: Counter[str], size: int
) -> None:
    @settings(max_examples=size)
    @given(odd.objects)
    def each(data: dict[str, Any]) -> None:
        examples["machines"] += 1
        if isinstance(data.get("id"), str):
            data = {**data, "id": odd.ID}  # an object with another id is refused (tests/http/test_wire.py)
        # Without an address, each look for one is a request: so it usually has one.
        stub.asked.clear()
        answer = odd.encoded({"ips": ["dhcp"], **data})
        stub.otherwise = Reply(answer)
        sent = json.loads(answer)
        machine = Machine(there, odd.ID, sent)
        read_all(machine)
        assert len(stub.asked) <= 3 + 1  # three times for its addresses, once for its credentials
        for field, value in sent.items():
            if field not in ("id", "metadata"):
                assert repr(machine.raw[field]) == repr(value)  # type: ignore[literal-required]
        # The same data in a 410.
        stub.otherwise = Reply(answer, 410)
        with pytest.raises(GoneError) as caught:
            machine.refresh()
        assert machine.state == "deleted"
        str(caught.value).encode()
        assert isinstance(machine.name, str)
        assert pickle.loads(pickle.dumps(machine)) == machine  # noqa: S301 - our own

    each()


def read_all(machine: Machine) -> None:
    for name, kind in TYPES.items():
        assert isinstance(getattr(machine, name), kind), name
    assert str(machine) == machine.id == odd.ID
    assert odd.ID in repr(machine)
    assert machine.path == f"machines/{odd.ID}"
    if machine.state != "deleted":
        assert isinstance(machine.credentials(), dict)
    copied = pickle.loads(pickle.dumps(machine))  # noqa: S301 - our own
    assert copied == machine == {"id": odd.ID}
    assert machine != machine.raw.get("name")
    assert hash(copied) == hash(machine)


@in_two_sizes(sample=100, whole=300)
def test_a_snapshot_from_any_object(
    stub: StubServer, there: DataCenter, examples: Counter[str], size: int
) -> None:
    @settings(max_examples=size)
    @given(odd.objects)
    def each(data: dict[str, Any]) -> None:
        examples["snapshots"] += 1
        stub.otherwise = Reply(odd.encoded(data))
        snapshot = Snapshot(there.machine(odd.ID, lazy=True), "s")
        assert isinstance(snapshot.status(), str | None)
        assert isinstance(snapshot.size, int | None)
        assert isinstance(snapshot.created, datetime | None)
        assert isinstance(snapshot.updated, datetime | None)
        assert "Snapshot s (" in repr(snapshot)

    each()
