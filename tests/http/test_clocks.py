"""Which clock a connection has that is given none: that of an emulator for its ports, else the real one."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator

import pytest

from smartdc import ConfigurationError, DataCenter
from smartdc._http.clocks import _lent, clock_of, lend, running_at, take_back
from tests.helpers.clock import Instant, Standing
from tests.helpers.servers import datacenter_at
from tests.http.test_processes import in_child

VARIABLE = "SMARTDC_EMULATOR_CLOCK"
MINE, OTHER = "http://127.0.0.1:7001", "http://127.0.0.1:7002"


@pytest.fixture
def lent() -> Iterator[Instant]:
    """A clock that is lent to the connections to one URL."""
    clock = Instant()
    loan = lend(clock, [MINE, "http://127.0.0.1"])
    yield clock
    take_back(loan)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of the real clock, which take no time and do not move it."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(time, "monotonic", lambda: 100.5)
    monkeypatch.setattr(time, "time", lambda: 1e9)
    return slept


def at_rate(rate: object, monkeypatch: pytest.MonkeyPatch) -> DataCenter:
    """A data center in a process whose environment announces a clock of this rate."""
    monkeypatch.setenv(VARIABLE, f"{rate} 7001 7003")
    return datacenter_at(MINE)


def test_a_lent_clock_is_for_its_ports_of_this_machine_while_it_is_lent(lent: Instant) -> None:
    assert datacenter_at(MINE).clock is lent
    assert datacenter_at("https://localhost:7001").clock is lent
    for url in (OTHER, "http://127.0.0.1", "https://cloud.example:7001"):
        assert clock_of(url) is time
    assert clock_of("https://cloud.example") is time


def test_a_clock_that_is_taken_back_is_not_lent_any_more() -> None:
    loan = lend(Instant(), [MINE])
    take_back(loan)
    assert datacenter_at(MINE).clock is time


def test_the_clock_that_was_lent_last_counts(lent: Instant) -> None:
    later = Instant()
    loan = lend(later, [MINE, OTHER])
    assert (clock_of(MINE), clock_of(OTHER)) == (later, later)
    take_back(loan)
    assert (clock_of(MINE), clock_of(OTHER)) == (lent, time)


def test_a_forked_child_keeps_the_lent_clock_though_a_thread_was_just_asking_for_it(lent: Instant) -> None:
    with _lent.lock:
        assert in_child(lambda: not _lent.lock.locked() and clock_of(MINE) is lent)


def test_the_environment_announces_the_rate_and_the_ports() -> None:
    assert running_at(40, [MINE, OTHER]) == "40 7001 7002"
    assert running_at(0.5, ["http://127.0.0.1:80"]) == "0.5 80"


def test_a_clock_that_is_announced_runs_at_its_rate(
    slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = at_rate(40, monkeypatch).clock
    assert (clock.monotonic(), clock.time()) == (40 * 100.5, 1e9)
    clock.sleep(10)
    assert slept == [0.25]
    assert clock_of("http://localhost:7003") is clock
    assert clock_of("https://cloud.example:7001") is time
    assert clock_of(OTHER) is time


@pytest.mark.parametrize("rate", ["0", "-1", "inf", "nan", "fast", ""])
def test_a_rate_that_no_clock_can_have_is_the_real_time(rate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert at_rate(rate, monkeypatch).clock is time


@pytest.mark.parametrize("announced", ["", " ", "40", "7001"])
def test_an_announcement_without_the_port_is_not_for_it(
    announced: str, lent: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, announced)
    assert clock_of(OTHER) is time
    assert clock_of(MINE) is lent


def test_a_lent_clock_comes_before_one_that_is_announced(
    lent: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at_rate(40, monkeypatch).clock is lent


def test_a_pickle_of_a_clock_that_stands_still_shows_the_real_time_and_waits_for_nothing(
    slept: list[float],
) -> None:
    sdc = datacenter_at(MINE, clock=Standing())
    for _ in range(2):  # a pickle of a pickle
        sdc = pickle.loads(pickle.dumps(sdc))  # noqa: S301 - our own
        assert (sdc.clock.monotonic(), sdc.clock.time()) == (100.5, 1e9)
        sdc.clock.sleep(3)
        with pytest.raises(ConfigurationError, match=r"^the emulator's time stands still \(rate 0\), and "):
            sdc.poll_image("11111111-8b2f-4c42-9d3f-0123456789ab", timeout=0)
    assert slept == [3, 3]


def test_a_pickle_has_the_clock_of_where_it_is_loaded(lent: Instant) -> None:
    pickled = pickle.dumps([datacenter_at(MINE, clock=Standing()), datacenter_at(OTHER, clock=Instant())])
    mine, other = pickle.loads(pickled)  # noqa: S301 - our own
    assert mine.clock is lent
    assert other.clock is time
