"""Many threads against a server that permits ten requests a second: all are answered, about at that rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from multiprocessing.pool import ThreadPool
from threading import Barrier

import pytest

from smartdc import DataCenter, Machine, RetryPolicy, ThrottledError
from smartdc._http.throttle import REST
from smartdc.emulator import Emulator
from smartdc.emulator.http.calls import Call
from smartdc.emulator.http.fault_kinds import Status
from tests.helpers.sizes import in_two_sizes

pytestmark = pytest.mark.stress

THREADS = 16
RATE, BURST = 10, 30


@pytest.fixture
def fast() -> Iterator[Emulator]:
    """A cloud whose time runs five times as fast as real time, and that throttles as servers do."""
    with Emulator(rate=5) as cloud:
        cloud.throttle()
        yield cloud


def refused(calls: list[Call]) -> list[Call]:
    return [call for call in calls if call.status == 429]


def ask(sdc: DataCenter, requests: int, threads: int = THREADS) -> list[int]:
    """Make requests of the machines' group on several threads; return how many each thread made."""
    machine = sdc.machine(sdc.machines()[0], lazy=True)
    kinds: list[Callable[[], object]] = [machine.status, machine.get_tags, sdc.machines, sdc.num_machines]
    with ThreadPool(threads) as pool:
        # A fixed share for each thread, so that a thread that is starved ends much later.
        shares = [range(thread, requests, threads) for thread in range(threads)]
        done = pool.map(lambda share: [kinds[number % 4]() for number in share], shares, chunksize=1)
    return [len(each) for each in done]


@in_two_sizes(sample=600, whole=3000)
def test_requests_of_16_threads(fast: Emulator, note: Callable[[str], None], size: int) -> None:
    fast.site().add_machine("web")
    with fast.datacenter() as sdc:
        began = fast.clock.monotonic()
        assert sum(ask(sdc, size)) == size
        seconds = fast.clock.monotonic() - began
    answered = len(fast.calls) - len(refused(fast.calls))
    bound = (answered - BURST) / RATE
    share = len(refused(fast.calls)) / len(fast.calls)
    note(
        f"throttled to {RATE}/s, burst {BURST}: {answered} requests of {THREADS} threads in {seconds:.1f} s, "
        f"{seconds / bound:.3f} x the bound of {bound:.1f} s; "
        f"{len(refused(fast.calls))} answered 429, {100 * share:.1f} %"
    )
    assert seconds <= 1.1 * bound
    assert share <= 0.03
    assert fast.violations == []


@pytest.mark.parametrize(
    "threads",
    [
        pytest.param(1, marks=pytest.mark.soak),
        pytest.param(8, marks=pytest.mark.soak),
        64,
        pytest.param(200, marks=pytest.mark.soak),
    ],
)
def test_300_stops(note: Callable[[str], None], threads: int) -> None:
    with Emulator(rate=3) as cloud, cloud.datacenter(pool_size=threads) as sdc:
        machines = [
            sdc.machine(cloud.site().add_machine(f"web{number}").uuid, lazy=True, look_first=False)
            for number in range(300)
        ]
        cloud.throttle()
        with ThreadPool(threads) as pool:
            # Each opens its connection first, with a request of another group.
            together = Barrier(threads)
            pool.map(lambda _: (together.wait(), sdc.networks()), range(threads), chunksize=1)
            before, began = len(cloud.calls), cloud.clock.monotonic()
            pool.map(Machine.stop, machines, chunksize=1)
        seconds = cloud.clock.monotonic() - began
        calls = cloud.calls[before:]
    bound = (300 - BURST) / RATE
    note(
        f"300 stops by {threads} threads: {seconds:.1f} s, {seconds / bound:.2f} x the bound of "
        f"{bound:.1f} s; {len(refused(calls))} answered 429"
    )
    assert len(calls) - len(refused(calls)) == 300
    assert seconds <= 1.09 * bound
    assert len(refused(calls)) <= threads + 0.02 * 300


def test_requests_do_not_wait_before_the_first_refusal(cloud: Emulator, sdc: DataCenter) -> None:
    cloud.throttle()
    began = cloud.clock.monotonic()
    for _ in range(BURST):
        sdc.machines()
    assert cloud.clock.monotonic() == began
    assert refused(cloud.calls) == []
    sdc.machines()
    assert len(refused(cloud.calls)) == 1
    assert cloud.clock.monotonic() - began == pytest.approx(REST / RATE, abs=0.05)


def test_groups_wait_separately(cloud: Emulator, sdc: DataCenter) -> None:
    cloud.throttle(burst=1)
    for _ in range(5):
        sdc.machines()
    waited = cloud.clock.monotonic()
    sdc.networks()
    sdc.packages()
    assert cloud.clock.monotonic() == waited
    assert {call.operation for call in refused(cloud.calls)} == {"ListMachines"}


def test_a_sister_at_the_same_server_and_a_role_share_the_rate(cloud: Emulator, sdc: DataCenter) -> None:
    cloud.throttle(burst=1)
    for _ in range(5):
        sdc.machines()
    twice = len(refused(cloud.calls))
    with sdc.datacenter("us-sw-1") as sister, sdc.as_role() as other:
        for _ in range(5):
            sister.machines()
            other.machines()
    assert len(refused(cloud.calls)) == twice
    # Another data center has other buckets.
    began = cloud.clock.monotonic()
    with sdc.datacenter("us-east-1") as east:
        east.machines()
    assert cloud.clock.monotonic() == began


def test_a_rate_that_is_set_is_kept_from_the_start(cloud: Emulator) -> None:
    cloud.throttle(rate=10, burst=1)
    with cloud.datacenter(rate=5) as sdc, sdc.datacenter("us-sw-1") as sister:
        began = cloud.clock.monotonic()
        for _ in range(10):
            sdc.machines()
            sister.machines()
        assert cloud.clock.monotonic() - began == pytest.approx(19 / 5)
    assert refused(cloud.calls) == []


def test_an_infinite_rate_does_not_wait_in_advance(cloud: Emulator) -> None:
    cloud.throttle(rate=10, burst=1)
    with cloud.datacenter(rate=math.inf) as sdc:
        for _ in range(5):
            sdc.machines()
    assert refused(cloud.calls)


def test_without_retries_the_first_refusal_is_an_error(cloud: Emulator) -> None:
    cloud.throttle(burst=1)
    with cloud.datacenter(retry="none") as sdc:
        sdc.machines()
        with pytest.raises(ThrottledError) as caught:
            sdc.machines()
        assert caught.value.attempts == 1
        # The rate that it stated is kept to nevertheless.
        sdc.machines()
    assert len(refused(cloud.calls)) == 1


def test_a_server_that_refuses_for_ever(cloud: Emulator) -> None:
    cloud.throttle(rate=0.001, burst=1)
    with cloud.datacenter(retry=RetryPolicy(throttled=3)) as sdc:
        sdc.machines()
        with pytest.raises(ThrottledError, match=r"request rate of 0\.001") as caught:
            sdc.machines()
    assert caught.value.attempts == 3


def test_a_create_that_is_refused_for_the_rate_is_made_once(cloud: Emulator, sdc: DataCenter) -> None:
    cloud.throttle(burst=2)
    image = sdc.images(name="base64")[0]
    made = [sdc.create_machine(package="g3-standard-0.25-smartos", image=image) for _ in range(6)]
    assert len({machine.id for machine in made}) == len(cloud.site().machines) == 6
    assert refused(cloud.calls)


@pytest.mark.parametrize(
    ("status", "code"), [(420, "RequestThrottled"), (429, "TooManyRequestsError"), (429, None)]
)
def test_every_form_of_a_throttling_answer(
    cloud: Emulator, sdc: DataCenter, status: int, code: str | None
) -> None:
    # 420 is what CloudAPI's reference says, 429 what it does (docs/cloudapi/throttle.md#reference-says-420).
    body = {"message": "slow down"} if code is None else {"code": code, "message": "slow down"}
    cloud.faults.add("ListMachines", Status(status, body), times=3)
    assert sdc.machines() == []
    assert [call.status for call in cloud.calls] == [status] * 3 + [200]
    assert cloud.clock.monotonic() > 0


def test_retry_after_of_a_429_is_kept_to(cloud: Emulator, sdc: DataCenter) -> None:
    cloud.faults.add("ListMachines", Status(429, headers={"Retry-After": "7"}), times=1)
    assert sdc.machines() == []
    assert cloud.clock.monotonic() >= 7
