"""One call takes no longer than its policy's deadline and one answer: queueing and Retry-After count."""

from __future__ import annotations

import pytest

from smartdc import RequestTimeout, RetryPolicy, ThrottledError
from smartdc.emulator.state.clock import Clock
from tests.helpers.servers import Reply, StubServer, datacenter_at


def test_repeated_429_with_retry_after(stub: StubServer) -> None:
    # Each of 20 pauses could last 299 s, just less than the deadline: 5,700 s in all.
    stub.otherwise = Reply({"code": "RequestThrottled"}, 429, headers={"Retry-After": "120"})
    clock = Clock()
    before = clock.monotonic()
    with datacenter_at(stub.url, clock=clock, retry="standard") as sdc, pytest.raises(ThrottledError):
        sdc.keys()
    assert 240 <= clock.monotonic() - before <= 300
    assert len(stub.asked) == 3


def test_a_turn_that_comes_too_late(stub: StubServer) -> None:
    stub.otherwise = Reply([])
    clock = Clock()
    policy = RetryPolicy(deadline=10)
    with datacenter_at(stub.url, clock=clock, retry=policy, rate=0.05) as sdc:
        sdc.keys()
        with pytest.raises(RequestTimeout, match="comes after the 10 s") as caught:
            sdc.keys()
    assert not caught.value.sent
    assert len(stub.asked) == 1
