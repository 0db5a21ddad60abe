"""One wait by itself: how late its looks may be, and what its error says."""

from __future__ import annotations

import math

import pytest

from smartdc import DataCenter, fleet
from smartdc._http.waiting import Absence
from smartdc.fleet.watch import Watch

ID = "b6c9a5e0-8b2f-4c42-9d3f-0123456789ab"


def watch(sdc: DataCenter, until: fleet.Until, began_at: float = 0.0) -> Watch:
    absence = Absence(sdc.clock, 30.0)
    return Watch(sdc.machine(ID, lazy=True), until, lambda _: None, began_at, absence, began_at)


@pytest.mark.parametrize(
    ("timeout", "interval", "slack"),
    [(None, 2, 0.5), (None, 1, 0.25), (1, 2, 0.25), (0.4, 2, 0.1), (100, 100, 0.5), (0, 2, 0.0)],
)
def test_how_late_a_look_may_be(
    sdc: DataCenter, timeout: float | None, interval: float, slack: float
) -> None:
    one = watch(sdc, fleet.Until("running", timeout, interval), 1000.0)
    assert one.slack == slack
    assert one.end == (math.inf if timeout is None else 1000.0 + timeout)
    assert one.interval == interval


FAILED = OSError("no")


@pytest.mark.parametrize(
    ("state", "error", "rest"),
    [
        (None, None, ""),
        ("running", None, ", now 'running'"),
        ("running", FAILED, ", last seen 'running'; the last look failed: no"),
        (None, FAILED, "; the last look failed: no"),
    ],
    ids=["no answer", "state", "state and failure", "failure"],
)
def test_the_error_at_the_end_of_the_timeout(
    sdc: DataCenter, state: str | None, error: OSError | None, rest: str
) -> None:
    one = watch(sdc, fleet.Until("stopped", 1.50, 2))
    one.last_state, one.last_error = state, error
    raised = one.timeout()
    assert str(raised) == f"gave up after 1.5 s: machine {ID} is not yet 'stopped'{rest}"
    assert (raised.state, raised.__cause__) == (state, error)
