"""What was created since a request, and what a little earlier, on the server's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import pytest
import requests

from smartdc._http.request_time import RequestTime
from tests.helpers.answers import answer
from tests.helpers.clock import Instant

SLACK = 5
"""Seconds by which two clocks of a data center may differ."""
ALLOWED = 300
"""Seconds by which a clock may be wrong, for the server to accept a request."""


class Whole(Instant):
    """A clock that begins with a whole second."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 70.0

    def time(self) -> float:
        return 1_000_000.0 + self.now - 70


def entry(at: float | None, field: str = "created") -> dict[str, Any]:
    return {field: None if at is None else datetime.fromtimestamp(1_000_000 + at, UTC).isoformat()}


def answer_at(server_now: float | None) -> requests.Response:
    if server_now is None:
        return answer()
    return answer(Date=formatdate(1_000_000 + server_now, usegmt=True))


def since(known: RequestTime, server_now: float | None, *times: float | None) -> list[float | None]:
    """Of entries that were created at these times, those that are new enough."""
    entries = {at: entry(at) for at in times}
    found = known.created_since(list(entries.values()), answer_at(server_now))
    return [at for at in times if entries[at] in found]


def older(known: RequestTime) -> list[dict[str, Any]]:
    return known.slightly_older


@pytest.mark.parametrize("ahead", [0, 3600])
def test_of_two_clocks_the_earlier_counts(ahead: int) -> None:
    clock = Whole()
    known = RequestTime(clock)
    clock.now += 10  # the answer comes after 10 s
    times = (-SLACK - ALLOWED - 1, -SLACK - ALLOWED, -SLACK - 1, -SLACK, 0, 10, 9999)
    assert since(known, 10 + ahead, *times) == [-SLACK, 0, 10, 9999]
    assert older(known) == [entry(-SLACK - ALLOWED), entry(-SLACK - 1)]


def test_a_server_whose_clock_is_behind() -> None:
    clock = Whole()
    known = RequestTime(clock)
    clock.now += 10
    times = (-100 - SLACK - ALLOWED - 1, -100 - SLACK - ALLOWED, -100 - SLACK - 1, -100 - SLACK, -100, 0)
    assert since(known, 10 - 100, *times) == [-100 - SLACK, -100, 0]
    assert older(known) == [entry(-100 - SLACK - ALLOWED), entry(-100 - SLACK - 1)]


def test_an_answer_without_a_date_goes_by_this_clock() -> None:
    clock = Whole()
    known = RequestTime(clock)
    clock.now += 10
    assert since(known, None, -SLACK - 1, -SLACK, 10) == [-SLACK, 10]


def test_a_clock_that_is_set_back_between_two_looks_lets_more_in() -> None:
    clock = Whole()
    known = RequestTime(clock)
    assert since(known, 0, -60, 0) == [0]
    clock.now += 10
    assert since(known, 10 - 60, -60, 0) == [-60, 0]
    assert older(known) == []
    # What is certain still goes by the first answer.
    assert known.differing_fields(entry(-60)) == ["created"]
    assert known.differing_fields(entry(0)) == []


def test_an_entry_without_a_time_may_be_new() -> None:
    known = RequestTime(Whole())
    assert since(known, 0, None) == [None]
    assert older(known) == []
    assert known.differing_fields(entry(None)) == ["created"]
    assert known.differing_fields({}) == ["created"]


def test_what_is_certain() -> None:
    clock = Whole()
    known = RequestTime(clock, "time")
    clock.now += 20
    known.created_since([], answer_at(20 + 3600))
    certain = {at: known.differing_fields(entry(3600 + at, "time")) for at in (-6, -5, 0, 20, 25, 26)}
    assert certain == {-6: ["time"], -5: [], 0: [], 20: [], 25: [], 26: ["time"]}


def test_before_any_answer_this_clock_counts() -> None:
    known = RequestTime(Whole())
    assert [known.differing_fields(entry(at)) for at in (-6, -5, 0, 9999)] == [["created"], [], [], []]
    assert known.differing_fields({}) == ["created"]
