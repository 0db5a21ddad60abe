"""Turns under the request rate, and answers 429, as one request's loop acts on them."""

from __future__ import annotations

import threading

import pytest

from smartdc import APIError, DataCenter, RequestTimeout, RetryPolicy, ServiceUnavailableError
from tests.helpers.clock import Instant, Together
from tests.helpers.servers import Reply, StubServer
from tests.http.test_throttle import stated

BUSY = {"code": "ServiceUnavailable", "message": "read-only mode"}
THROTTLED = Reply({"code": "TooManyRequestsError", "message": "You have exceeded your request rate"}, 429)
BY_A_PROXY = Reply(b"<h1>429</h1>", 429, "text/html")


def late(seconds: float) -> Instant:
    """A clock that has gone for a while."""
    clock = Instant()
    clock.now = seconds
    return clock


@pytest.mark.parametrize("seconds", ["0", "2"])
def test_the_wait_for_a_turn_counts_towards_the_deadline(stub: StubServer, seconds: str) -> None:
    # A turn every 4 s: the second request begins after 4 s, and could begin again after 8 s.
    stub.answer(Reply({}), Reply(BUSY, 503, headers={"Retry-After": seconds}))
    policy = RetryPolicy(deadline=5)
    with DataCenter(stub.url, login="bob", clock=late(1000), rate=0.25, retry=policy) as sdc:
        sdc.account()
        with pytest.raises(ServiceUnavailableError):
            sdc.account()
    assert len(stub.asked) == 2


def test_a_turn_that_comes_after_the_deadline_is_not_waited_for(stub: StubServer) -> None:
    stub.answer(Reply({}), Reply({}))
    clock = late(1000)
    with DataCenter(stub.url, login="bob", clock=clock, rate=0.2, retry=RetryPolicy(deadline=5)) as sdc:
        sdc.account()
        sdc.account()  # comes with the deadline
        clock.now -= 1
        with pytest.raises(RequestTimeout) as caught:
            sdc.account()
    assert str(caught.value) == (
        "GET /bob: too many requests wait for their turn under the request rate: the turn of this one comes "
        "after the 5 s that its RetryPolicy gives"
    )
    assert (caught.value.method, caught.value.path, caught.value.sent) == ("GET", "/bob", False)
    assert clock.slept == [5]
    assert len(stub.asked) == 2


def test_a_turn_that_a_cut_made_void_comes_before_others(stub: StubServer) -> None:
    # Both wait after a first 429; the second 429 comes while one of them still waits.
    clock = Together(2)
    stub.answer(THROTTLED, THROTTLED, Reply({}), Reply({}))
    with DataCenter(stub.url, login="bob", clock=clock) as sdc:

        def ask(path: str) -> None:
            sdc.request("GET", path)
            clock.leave()

        threads = [threading.Thread(target=ask, args=[path]) for path in ("/machines/a", "/machines/b")]
        for thread in threads:
            thread.start()
            while thread.is_alive() and not clock.sleeps:
                thread.join(0.001)
        for thread in threads:
            thread.join(60)
    assert [asked.target[-1] for asked in stub.asked] == ["a", "a", "b", "a"]


@pytest.mark.parametrize(
    ("reply", "times"), [(THROTTLED, 0), (BY_A_PROXY, 1), (Reply(None, 502), 1), (Reply(None, 504), 1)]
)  # fmt: skip
def test_what_must_come_before_a_repetition_comes_if_it_may_have_been_carried_out(
    stub: StubServer, reply: Reply, times: int
) -> None:
    stub.answer(reply, Reply({}))
    asked: list[int] = []
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        sdc.request("POST", "/x", before_repeat=lambda: asked.append(len(stub.asked)))
    assert asked == [1] * times
    assert len(stub.asked) == 2


def test_a_post_is_made_again_if_the_429_is_cloudapi_s(stub: StubServer) -> None:
    stub.answer(THROTTLED, Reply({}))
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        sdc.request("POST", "/x")
    assert len(stub.asked) == 2


def test_a_post_is_not_made_again_if_the_429_is_a_proxy_s(stub: StubServer) -> None:
    # The page of a proxy leaves open whether it was carried out.
    stub.answer(BY_A_PROXY, Reply({}))
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc, pytest.raises(APIError, match="429"):
        sdc.request("POST", "/x")
    assert len(stub.asked) == 1


def test_a_rate_that_is_set_leaves_more_time_with_each_refusal(stub: StubServer) -> None:
    # Random parts of 8, 16, 32 and 64 s: that all of them together are under 0.1 s is as good as impossible.
    stub.answer(*[THROTTLED] * 4, Reply({}))
    clock, policy = Instant(), RetryPolicy(first_pause=8, longest_pause=64)
    with DataCenter(stub.url, login="bob", clock=clock, rate=1000, retry=policy) as sdc:
        sdc.account()
    assert 0.1 < clock.now <= 120 + 1


def test_a_rate_that_is_found_out_paces_it_without_a_further_pause(stub: StubServer) -> None:
    # Three turns at the usual 10 requests a second are left out, so that the bucket fills a little; then
    # three at three quarters of that, and of the 4 % that each second adds.
    stub.answer(THROTTLED, THROTTLED, Reply({}))
    clock = Instant()
    with DataCenter(stub.url, login="bob", clock=clock) as sdc:
        sdc.account()
    assert clock.slept == [pytest.approx(0.3), pytest.approx(3 / (0.75 * 10 * (1 + 0.04 * 0.3)))]


@pytest.mark.parametrize(("deadline", "seconds"), [(5, "6"), (0.5, "1")])
def test_a_time_to_come_back_that_is_after_the_deadline_ends_it(
    stub: StubServer, deadline: float, seconds: str
) -> None:
    stub.answer(Reply(THROTTLED.body, 429, headers={"Retry-After": seconds}))
    clock = Instant()
    with (
        DataCenter(stub.url, login="bob", clock=clock, retry=RetryPolicy(deadline=deadline)) as sdc,
        pytest.raises(APIError, match=r": 429 "),
    ):
        sdc.account()
    assert (len(stub.asked), clock.slept) == (1, [])


@pytest.mark.parametrize("reply", [THROTTLED, BY_A_PROXY], ids=["CloudAPI", "proxy"])
def test_it_gives_up_after_as_many_refusals_as_the_policy_says(stub: StubServer, reply: Reply) -> None:
    stub.otherwise = reply
    policy = RetryPolicy(attempts=1, throttled=3)
    with (
        DataCenter(stub.url, login="bob", clock=Instant(), retry=policy) as sdc,
        pytest.raises(APIError, match=r": 429 ") as caught,
    ):
        sdc.account()
    assert (len(stub.asked), caught.value.attempts) == (3, 3)


def test_a_new_request_gets_its_turn_after_those_whose_turns_a_cut_made_void(stub: StubServer) -> None:
    stub.answer(Reply({}))
    clock = Instant()
    with DataCenter(stub.url, login="bob", clock=clock) as sdc:
        limiter = sdc._limiters.get(stub.url, "bob", "account")
        limiter.refused(0.0, 0, stated(10))
        waiting = [limiter.turn(0.0) for _ in range(3)]
        limiter.refused(0.0, 1, stated(10))
        sdc.account()
        again = [limiter.turn(0.0, was_void=True).wait for _ in waiting]
    assert clock.slept[0] > max(again)
