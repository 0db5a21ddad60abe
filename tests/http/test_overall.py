"""One deadline for several requests: how much time each of them has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smartdc import RetryPolicy
from smartdc._http.overall import ending_at, remaining
from tests.helpers.clock import Instant

POLICY = RetryPolicy(deadline=300, first_pause=2)


@pytest.mark.parametrize(("end", "left"), [(1000, 300), (400, 300), (150, 50), (100, 0), (7, 0)])
def test_a_request_has_the_time_that_is_left(end: float, left: float) -> None:
    clock = Instant()
    clock.now = 100
    assert remaining(POLICY, clock) is POLICY
    with ending_at(end):
        assert remaining(POLICY, clock) == replace(POLICY, deadline=left)
    assert remaining(POLICY, clock) is POLICY


def test_the_outer_end_counts_again_after_an_inner_call() -> None:
    clock = Instant()
    with ending_at(100):
        with ending_at(50):
            assert remaining(POLICY, clock).deadline == 50
        assert remaining(POLICY, clock).deadline == 100


def test_an_error_ends_it_as_well() -> None:
    with pytest.raises(KeyError), ending_at(100):
        raise KeyError
    assert remaining(POLICY, Instant()).deadline == 300
