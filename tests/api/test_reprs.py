"""Reprs escape the control characters of names: none reaches a terminal."""

from __future__ import annotations

import pytest

from smartdc import DataCenter, Machine, Snapshot
from tests.helpers.odd_values import ID
from tests.helpers.servers import Reply, StubServer, datacenter_at

ODD = "a\x1b[2J\r\nb\u202e"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_control_characters_of_names_are_escaped_in_reprs(stub: StubServer) -> None:
    data = {"id": ID, "name": ODD, "state": ODD}
    stub.answer(Reply(data), Reply([{"name": ODD, "state": ODD}]))
    with datacenter_at(stub.url) as sdc:
        sdc.login = ODD  # the constructor refuses it
        machine = sdc.machine(ID)
        assert isinstance(machine, Machine)
        snapshot = machine.snapshots()[0]
        assert isinstance(snapshot, Snapshot)
        for shown in (repr(machine), repr(snapshot), repr(sdc), str(sdc)):
            assert shown.isprintable()
            assert "a\\x1b[2J\\r\\nb\\u202e" in shown
        assert machine.name == ODD


def test_the_repr_of_a_data_center_whose_constructor_has_failed() -> None:
    # A traceback that shows local variables writes it.
    assert repr(DataCenter.__new__(DataCenter)) == "<DataCenter: ?>"
