"""A run that ends early makes no more requests, and tells which machines it may have changed."""

from __future__ import annotations

import threading

import pytest

from smartdc import DataCenter, Machine, fleet
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer, datacenter_at

IDS = [f"1000000{number}-0000-4000-8000-000000000000" for number in range(3)]
SECONDS = 10  # longer than anything here takes


def test_a_step_in_the_middle_of_its_requests_is_cancelled(stub: StubServer) -> None:
    stub.otherwise = Reply({"id": IDS[1], "state": "running"})
    asked, ended = threading.Event(), threading.Event()

    def step(machine: Machine) -> None:
        if machine.id == IDS[0]:
            assert asked.wait(SECONDS)
            raise SystemExit(1)
        try:
            while True:
                machine.refresh()
                asked.set()
        finally:
            ended.set()

    with datacenter_at(stub.url) as sdc:
        leaving, asking = (sdc.machine(ident, lazy=True) for ident in IDS[:2])
        with pytest.raises(fleet.FleetExit) as caught:
            fleet.run([leaving, asking], step, workers=2)
        assert ended.wait(SECONDS)
    result = caught.value.result
    assert (result.done, result.untried, result.errors) == ([], [], {})
    assert result.under_way == {leaving: 0, asking: 0}
    assert result.unknown == [leaving, asking]


class TurnAfter(Instant):
    """A clock on which a turn comes when the run has ended that thread.

    Attributes:
        asleep: Set when somebody waits.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asleep = threading.Event()
        self.idle: threading.Thread | None = None

    def sleep(self, seconds: float, /) -> None:
        super().sleep(seconds)
        self.asleep.set()
        if self.idle is not None:
            self.idle.join(SECONDS)


def test_a_machine_whose_first_request_waited_for_its_turn_is_untried(stub: StubServer) -> None:
    # A turn every 10 s, of which the first is taken.
    stub.answer(Reply({"id": IDS[0]}))
    clock, ended = TurnAfter(), threading.Event()
    together = threading.Barrier(3)

    def step(machine: Machine) -> None:
        if machine == quick:
            clock.idle = threading.current_thread()
        together.wait(SECONDS)
        if machine == leaving:
            assert clock.asleep.wait(SECONDS)
            raise SystemExit(1)
        if machine == queued:
            try:
                machine.stop()
            finally:
                ended.set()

    with DataCenter(stub.url, login="bob", clock=clock, rate=0.1) as sdc:
        quick, leaving, queued = (sdc.machine(ident, lazy=True) for ident in IDS)
        quick.refresh()
        with pytest.raises(fleet.FleetExit) as caught:
            fleet.run([quick, leaving, queued], step, workers=3)
        assert ended.wait(SECONDS)
    result = caught.value.result
    assert (result.done, result.untried, result.unknown) == ([quick], [queued], [leaving])
    assert len(stub.asked) == 1
