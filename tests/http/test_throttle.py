"""The limiter, on a simulated clock, against a simulated bucket as CloudAPI has it."""

from __future__ import annotations

import heapq
import math
import pickle
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, ThrottledError
from smartdc._http.throttle import (
    LOWEST_RATE,
    QUIET_SECONDS,
    REST,
    SHARE,
    USUAL_RATE,
    Limiter,
    Limiters,
    Turn,
    group_of,
)
from tests.helpers.answers import answer


def refusal(message: str = "") -> ThrottledError:
    body = b'{"code": "TooManyRequestsError", "message": "%s"}' % message.encode()
    return ThrottledError(answer(429, body))


def stated(rate: float) -> ThrottledError:
    return refusal(f"You have exceeded your request rate of {rate:g} r/s.")


class Bucket:
    """A token bucket; rate and burst as restify's throttle has them."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self._tokens, self._since = burst, 0.0

    def permits(self, now: float) -> bool:
        self._tokens = min(self.burst, self._tokens + (now - self._since) * self.rate)
        self._since = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def run(
    bucket: Bucket,
    *,
    count: int,
    threads: int,
    states_rate: bool,
    stated_rate: float | None = None,
    late: Callable[[], float] = lambda: 0.0,
) -> tuple[float, int, list[int]]:
    """Simulate threads that make `count` requests, 5 ms each, whose answers take `late` seconds more.

    Returns:
        The seconds, the refusals, and how many requests each thread has made.
    """
    limiter, answer = Limiter(), stated(stated_rate or bucket.rate) if states_rate else refusal()
    queue: list[tuple[float, int, str, Turn]] = [
        (0.0, thread, "asks", Turn(0.0, 0)) for thread in range(threads)
    ]
    left, refused, done, now = count - threads, 0, [0] * threads, 0.0
    while queue:
        now, thread, step, turn = heapq.heappop(queue)
        if step == "sends" and limiter.holds(turn):
            step = "has done" if bucket.permits(now) else "is refused"
            heapq.heappush(queue, (now + late(), thread, step, turn))
            continue
        is_void = step == "sends"
        if step == "has done":
            done[thread] += 1
            left -= 1
            if left < 0:
                continue
        elif step == "is refused":
            refused += 1
            limiter.refused(now, turn.era, answer)
        turn = limiter.turn(now, was_void=is_void)
        heapq.heappush(queue, (now + turn.wait + 0.005, thread, "sends", turn))
    return now, refused, done


@pytest.mark.parametrize("rate", [0.5, 2, 5, 10, 25, 100])
def test_it_holds_the_rate_that_the_server_states(rate: float) -> None:
    seconds, refused, done = run(Bucket(rate, 3 * rate), count=1500, threads=16, states_rate=True)
    assert seconds <= (1500 - 3 * rate) / rate * 1.1
    assert refused <= 16  # those that were under way
    assert max(done) - min(done) <= 2, done


@pytest.mark.parametrize("rate", [2, 5, 10, 25])
def test_it_finds_the_rate_where_the_server_states_none(rate: float) -> None:
    seconds, refused, done = run(Bucket(rate, 3 * rate), count=1500, threads=16, states_rate=False)
    assert seconds <= (1500 - 3 * rate) / rate * 1.5
    assert refused <= 16 + 1500 * 0.08
    assert max(done) - min(done) <= 0.1 * 1500 / 16, done


@pytest.mark.parametrize("threads", [1, 8, 64, 200])
@pytest.mark.parametrize("states_rate", [True, False], ids=["stated", "not stated"])
def test_many_threads_that_are_refused_at_once_lose_no_turns(threads: int, states_rate: bool) -> None:
    # Some answers come when others have long been refused and given new turns.
    chance, latest = Random(threads), min(0.5, threads / 20)  # noqa: S311 - no secret
    seconds, refused, done = run(
        Bucket(10, 30),
        count=300,
        threads=threads,
        states_rate=states_rate,
        late=lambda: chance.uniform(0, latest),
    )
    print(f"300 requests of {threads} threads: {seconds / 27:.3f} x the bound, {refused} refused")
    assert sum(done) == 300
    assert seconds <= 1.09 * (300 - 30) / 10
    # What was under way when the first refusal came, and 2 % more.
    assert refused <= threads + 0.02 * 300


def test_it_makes_room_for_others_of_the_account() -> None:
    # Another program takes half of the bucket: the server says 20 a second, 10 are left.
    bucket = Bucket(10, 30)
    seconds, refused, done = run(bucket, count=1500, threads=16, states_rate=True, stated_rate=20)
    assert seconds <= (1500 - 30) / 10 * 1.1
    assert refused <= 16 + 1500 * 0.05
    assert max(done) - min(done) <= 0.1 * 1500 / 16, done


def test_requests_pass_freely_until_one_is_refused() -> None:
    limiter = Limiter()
    assert {limiter.turn(now / 1000) for now in range(1000)} == {(0.0, 0)}


def test_turns_come_one_after_the_other() -> None:
    limiter = Limiter()
    limiter.refused(100.0, 0, stated(10))
    turns = [limiter.turn(100.0) for _ in range(5)]
    each = 1 / (10 * SHARE)
    assert [turn.wait for turn in turns] == pytest.approx([(REST + place) * each for place in range(5)])
    assert {turn.era for turn in turns} == {1}


def test_refusals_of_requests_that_were_under_way_cut_it_once() -> None:
    one, several = Limiter(), Limiter()
    one.refused(0.0, 0, stated(10))
    for _ in range(16):
        several.refused(0.0, 0, stated(10))
    assert one.turn(0.0).wait == several.turn(0.0).wait
    # A thread whose turn is from before the cut waits anew.
    turn = several.turn(0.0)
    assert several.holds(turn)
    several.refused(0.1, turn.era, stated(10))
    assert not several.holds(turn)
    assert several.turn(0.1).wait > one.turn(0.1).wait


def test_threads_keep_their_order_after_a_cut() -> None:
    # Else threads that ask meanwhile would come first, and a thread with a timeout too late.
    limiter = Limiter()
    limiter.refused(0.0, 0, stated(10))
    first = [limiter.turn(0.0) for _ in range(4)]
    limiter.refused(first[0].wait, first[0].era, stated(10))
    new = limiter.turn(first[0].wait)
    now, begun = first[0].wait, []
    for turn in first[1:]:
        assert not limiter.holds(turn)
        now = turn.wait
        begun.append(now + limiter.turn(now, was_void=True).wait)
    assert begun == sorted({*begun})
    assert begun[-1] < first[0].wait + new.wait
    # A turn that comes too late is not taken: no thread waits longer than it has time.
    limiter.refused(now, first[0].era + 1, stated(10))
    late = limiter.turn(now, 0.1, was_void=True)
    assert late.wait > 0.1
    assert limiter.turn(now, was_void=True).wait == late.wait


def test_it_grows_to_what_the_server_states_and_no_further() -> None:
    limiter = Limiter()
    limiter.refused(0.0, 0, stated(10))
    limiter.refused(0.0, 1, stated(10))
    now = 0.0
    while now < 1000:
        now += limiter.turn(now).wait
    first, second = limiter.turn(now), limiter.turn(now)
    assert second.wait - first.wait == pytest.approx(1 / (10 * SHARE))


def test_it_grows_by_a_share_of_the_cut_rate_each_second() -> None:
    limiter = Limiter()
    limiter.refused(0.0, 0, refusal())
    limiter.refused(0.0, 1, refusal())  # which cuts USUAL_RATE to three quarters
    waits = [turn.wait for turn in (limiter.turn(5.0) for _ in range(20)) if turn.wait > 0]
    assert len(waits) == 11  # the others are credit
    for earlier, later in pairwise(waits):
        assert later - earlier == pytest.approx(1 / (7.5 * (1 + 0.04 * (5.0 + earlier))))


def test_a_turn_that_comes_just_in_time_is_taken() -> None:
    limiter = Limiter(4.0)
    limiter.turn(0.0)
    assert limiter.turn(0.0, 0.25).wait == 0.25
    assert limiter.turn(0.0, 0.25).wait == 0.5  # and the one after that is not
    assert limiter.turn(0.0).wait == 0.5
    limiter = Limiter()
    limiter.refused(0.0, 0, refusal())
    for _ in range(2):
        limiter.turn(0.0)
    limiter.refused(0.0, 1, refusal())  # which makes both void
    in_time = limiter.turn(0.0, REST / 7.5, was_void=True)
    assert in_time.wait == REST / 7.5
    assert limiter.turn(0.0, was_void=True).wait > in_time.wait


def test_a_turn_that_has_just_come_is_not_void() -> None:
    # Its request is under way, and asks for no other turn until it is answered.
    waits = []
    for later in (0.0, 1e-9):
        limiter = Limiter()
        limiter.refused(0.0, 0, refusal())
        turns = [limiter.turn(0.0) for _ in range(3)]
        limiter.refused(turns[1].wait + later, turns[1].era, refusal())
        waits.append(limiter.turn(turns[1].wait + later).wait)
    assert waits[0] == pytest.approx(waits[1], abs=1e-6)


def test_a_void_turn_is_not_waited_for_after_a_quiet_while() -> None:
    limiter = Limiter()
    limiter.refused(0.0, 0, refusal())
    limiter.turn(0.0)
    limiter.refused(0.0, 1, refusal())
    later = 2 * QUIET_SECONDS
    assert limiter.turn(later) == Turn(0.0, 2)
    assert limiter.turn(later, was_void=True) == Turn(0.0, 2)


def test_the_rate_has_a_lower_limit() -> None:
    limiter, now = Limiter(), 0.0
    for era in range(100):
        limiter.refused(now, era, refusal())
    assert limiter.turn(now).wait <= REST / LOWEST_RATE
    limiter = Limiter()
    limiter.refused(0.0, 0, stated(0))
    assert limiter.turn(0.0).wait == pytest.approx(REST / LOWEST_RATE)


def test_it_begins_at_triton_s_default_rate_if_the_server_states_none() -> None:
    limiter = Limiter()
    limiter.refused(0.0, 0, refusal("slow down"))
    assert limiter.turn(0.0).wait == pytest.approx(REST / USUAL_RATE)


def test_after_a_quiet_while_the_burst_may_be_used_again() -> None:
    limiter = Limiter()
    limiter.refused(0.0, 0, stated(10))
    assert limiter.turn(0.0).wait > 0
    later = QUIET_SECONDS + 1
    assert [limiter.turn(later).wait for _ in range(3)] == [0.0] * 3


def test_a_fixed_rate_is_kept_whatever_the_server_says() -> None:
    limiter = Limiter(4.0)
    assert [limiter.turn(0.0).wait for _ in range(3)] == [0.0, 0.25, 0.5]
    limiter.refused(0.0, 0, stated(1))
    assert limiter.turn(0.0).wait == 0.75
    assert [limiter.turn(1000.0).wait for _ in range(3)] == [0.0, 0.25, 0.5]
    boundless = Limiter(math.inf)
    assert [boundless.turn(0.0).wait for _ in range(3)] == [0.0] * 3


def test_one_limiter_for_each_server_account_and_group() -> None:
    limiters = Limiters()
    one = limiters.get("https://a", "bob", "machines")
    assert limiters.get("https://a", "bob", "machines") is one
    for other in (
        ("https://b", "bob", "machines"),
        ("https://a", "eve", "machines"),
        ("https://a", "bob", "nics"),
    ):
        assert limiters.get(*other) is not one


def test_limiters_pickle_as_new_ones() -> None:
    limiters = Limiters(2.0)
    limiters.get("https://a", "bob", "machines").turn(0.0)
    again = pickle.loads(pickle.dumps(limiters))  # noqa: S301 - our own
    assert [again.get("https://a", "bob", "machines").turn(0.0).wait for _ in range(2)] == [0.0, 0.5]


@pytest.mark.parametrize("rate", [None, 1, 0.1, math.inf])
def test_rates(rate: float | None) -> None:
    assert Limiters(rate).rate == rate


@pytest.mark.parametrize("rate", [0, -1, float("nan"), "5", b""])
def test_rates_that_are_not_valid(rate: Any) -> None:
    with pytest.raises(ConfigurationError, match="rate must be None or a number of requests a second, not"):
        DataCenter("cloudapi.invalid", rate=rate)


@pytest.mark.parametrize(
    ("method", "path", "group"),
    [
        ("GET", "", "account"),
        ("GET", "/limits", "account"),
        ("GET", "/images/a", "datasets"),
        ("GET", "/datasets", "datasets"),
        ("GET", "/datacenters/a", "datacenter"),
        ("GET", "/foreigndatacenters", "datacenter"),
        ("GET", "/fabrics/default/vlans", "networks"),
        ("GET", "/migrations", "machines"),
        ("GET", "/volumesizes", "volumes"),
        ("POST", "/machines/a/snapshots/b", "machines"),
        ("GET", "/machines/a/nics", "nics"),
        ("GET", "/machines/nics", "machines"),
        ("PUT", "/machines/a/tags", "machines"),
        ("PUT", "/machines/a", "resources"),
        ("PUT", "", "resources"),
        ("GET", "/fwrules/a/machines", "machines"),
        ("GET", "/users/a", "users"),
        ("GET", "/users/a/keys/b", "keys"),
        ("POST", "/users/a/accesskeys", "accesskeys"),
        ("GET", "/users/keys", "users"),
        ("GET", "/networks/a/nics", "networks"),
        ("GET", "/machines/a/keys", "machines"),
        ("GET", "/keys/a", "keys"),
        ("GET", "/volumes/a", "volumes"),
        ("POST", "/networks/a", "networks"),
        ("PUT", "/users/a/ips", "resources"),
        ("PUT", "/users/a/tags", "resources"),
        ("PUT", "/networks/a/ips/10.0.0.1", "networks"),
        ("PUT", "/networks/a", "resources"),
        ("PUT", "/fabrics/default/vlans/2", "networks"),
        ("PUT", "/config", "config"),
        ("PUT", "/machines/a/metadata", "resources"),
    ],
)
def test_groups(method: str, path: str, group: str) -> None:
    # As lib/app.js of sdc-cloudapi mounts them; all routes: tests/contract.
    assert group_of(method, path) == group
