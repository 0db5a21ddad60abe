"""Changes that a change feed and its lists can miss, and when a wait notices them nevertheless.

The server, its clock and its feed are those of `tests.helpers.timelines`; `tests.fuzz.test_fleet_waits` found
these cases.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import pytest

from smartdc import DataCenter, Machine, RetryPolicy, fleet
from tests.helpers.live_feeds import STEP, live_clock
from tests.helpers.timelines import Scene, Timeline, TimelineServer

ID = "10000000-8b2f-4c42-9d3f-0123456789ab"


@pytest.fixture(scope="module")
def server() -> Iterator[TimelineServer]:
    with TimelineServer() as serving:
        yield serving


def seconds_until_stopped(
    server: TimelineServer,
    line: Timeline,
    *,
    fails: tuple[float, float] = (0, 0),
    silent: tuple[float, float] = (0, 0),
    cuts: Sequence[float] = (),
    interval: float = 2,
) -> float:
    """How long `fleet.wait` with push takes."""
    known = {"id": ID, "state": "running", "created": "2013-01-01T00:00:00.000Z"}
    with live_clock(server) as clock:
        server.scene = Scene(clock.monotonic, {ID: line}, fails=fails, silent=silent, cuts=cuts)
        policy = RetryPolicy(attempts=1, throttled=1)
        with DataCenter(server.url, login="bob", clock=clock, retry=policy) as sdc:
            fleet.wait([Machine(sdc, data=known)], "stopped", 100, interval, push=True)
            return clock.now


def test_changes_are_handled_as_the_feed_sends_them(server: TimelineServer) -> None:
    line = Timeline([(0, "running"), (7, "stopped")])
    assert 7 <= seconds_until_stopped(server, line, interval=50) <= 7 + STEP


def test_a_short_state_is_not_missed(server: TimelineServer) -> None:
    # The clock takes steps of a second, in which it is stopped and running again.
    line = Timeline([(0, "running"), (7.2, "stopped"), (7.4, "running")])
    assert 7 <= seconds_until_stopped(server, line, interval=50) <= 7.2 + STEP


def test_a_change_as_the_feed_is_cut_is_noticed_at_once(server: TimelineServer) -> None:
    line = Timeline([(0, "running"), (7, "stopped")])
    assert 7 <= seconds_until_stopped(server, line, cuts=[7.0], interval=50) <= 7 + STEP


def test_machines_hidden_in_the_first_list_and_as_the_feed_is_cut(server: TimelineServer) -> None:
    # It stops as the feed is cut, and neither list has it: nothing announces the change.
    line = Timeline([(0, "running"), (3, "stopped")], hidden=(0, 12))
    assert 3 <= seconds_until_stopped(server, line, cuts=[3.0], interval=2) <= 3 + 2 + STEP


def test_lists_that_are_refused_when_the_feed_is_connected_again(
    server: TimelineServer, caplog: pytest.LogCaptureFixture
) -> None:
    # Without a list it is unknown what was missed: the machine is looked at from then on.
    line = Timeline([(0, "running"), (7, "stopped")])
    with caplog.at_level(logging.INFO, "smartdc"):
        assert 7 <= seconds_until_stopped(server, line, cuts=[5.0], fails=(4, 100)) <= 7 + 2 + STEP
    broke, ended = [message for message in caplog.messages if "feed" in message]
    assert broke.startswith(
        "the change feed broke, and reconnects: GET /bob/changefeed: the stream broke off "
    )
    assert ended == (
        "the change feed ended, so machines are polled: GET /bob/machines: 403 NotAuthorized: no lists"
    )


def test_a_server_that_is_silent_when_the_feed_is_connected_again(server: TimelineServer) -> None:
    line = Timeline([(0, "running"), (7, "stopped")])
    # Connecting is tried again after 0.5, 1, 2, 4 and 8 seconds.
    seconds = seconds_until_stopped(server, line, cuts=[5.0], silent=(4, 10))
    assert 10 <= seconds <= 5 + 15.5 + STEP
