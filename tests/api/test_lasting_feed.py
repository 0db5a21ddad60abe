"""`changefeed(reconnect=True)` reports changes made while it was disconnected, and none of them twice."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from smartdc import ConnectionFailed, DataCenter, Machine, NotAuthorizedError, WaitTimeout
from smartdc.change_feeds import ReconnectingFeed
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Status
from smartdc.emulator.state.site import Site
from smartdc.streams import Conversation
from smartdc.types import Change


@pytest.fixture
def machines(sdc: DataCenter, site: Site) -> list[Machine]:
    for number in range(6):
        site.add_machine(f"web-{number}", networks=())
    return sdc.machines()


def cut(feed: Conversation[Change]) -> None:
    """Break the connection, as a network does."""
    assert isinstance(feed, ReconnectingFeed)
    feed._feed._websocket._connection.socket.shutdown(socket.SHUT_RDWR)


def received(feed: Conversation[Change]) -> Iterator[tuple[str, str]]:
    while True:
        try:
            change = feed.receive(0.3)
        except WaitTimeout:
            return
        if change is None:
            return
        yield change["changedResourceId"], change["resourceState"]


def test_each_state_is_received_once_although_the_connection_is_cut(
    cloud: Emulator, sdc: DataCenter, machines: list[Machine]
) -> None:
    seen: list[tuple[str, str]] = []
    with sdc.changefeed(subresources=["state", "destroyed"], reconnect=True) as feed:
        for machine in machines[:5]:
            machine.stop()
            cloud.clock.advance(2)
            seen += received(feed)
            cut(feed)
            cloud.clock.advance(10)
            seen += received(feed)
    assert sorted(seen) == sorted(
        (machine.id, state) for machine in machines[:5] for state in ("stopping", "stopped")
    )
    opened = [call for call in cloud.calls if call.operation == "changefeed"]
    assert len(opened) == 6


def test_changes_while_disconnected(cloud: Emulator, sdc: DataCenter, machines: list[Machine]) -> None:
    with sdc.changefeed(machines[:2], reconnect=True) as feed:
        cut(feed)
        machines[0].delete()
        machines[2].delete()  # the feed does not include this machine
        machines[1].add_tags(role="db")
        cloud.clock.advance(60)
        changes = [change for change in (feed.receive(5), feed.receive(5)) if change]
        assert [*received(feed)] == []
    by_id = {change["changedResourceId"]: change for change in changes}
    deleted, tagged = by_id[machines[0].id], by_id[machines[1].id]
    assert deleted["resourceState"] == "destroyed"
    assert {"state", "destroyed"} <= {*deleted["changeKind"]["subResources"]}
    assert tagged["changeKind"] == {"resource": "vm", "subResources": ["tags"]}
    assert tagged["resourceObject"]["tags"] == {"role": "db"}


def test_a_server_that_ends_the_feed_is_asked_again(
    cloud: Emulator, sdc: DataCenter, site: Site, machines: list[Machine]
) -> None:
    with sdc.changefeed(reconnect=True) as feed:
        site.changes.end()
        cloud.faults.add("changefeed", Status(503), times=2)
        machines[0].stop()
        cloud.clock.advance(10)
        assert [*received(feed)] == [(machines[0].id, "stopped")]


def test_a_permanent_refusal_is_an_error(cloud: Emulator, sdc: DataCenter, machines: list[Machine]) -> None:
    with sdc.changefeed(reconnect=True) as feed:
        cut(feed)
        cloud.faults.add("changefeed", Status(403))
        with pytest.raises(NotAuthorizedError):
            feed.receive(5)
    assert feed.closed


def test_without_reconnect_a_broken_connection_is_an_error(sdc: DataCenter, machines: list[Machine]) -> None:
    with sdc.changefeed() as feed:
        feed._websocket._connection.socket.shutdown(socket.SHUT_RDWR)
        with pytest.raises(ConnectionFailed):
            feed.receive(5)


def test_short_timeouts_of_receive_do_not_prevent_reconnection(
    cloud: Emulator, sdc: DataCenter, site: Site, machines: list[Machine]
) -> None:
    # The pauses between the attempts are longer than what each call waits.
    with sdc.changefeed(reconnect=True) as feed:
        site.changes.end()
        cloud.faults.add("changefeed", Status(503), times=12)
        machines[0].stop()
        cloud.clock.advance(10)
        for _ in range(200):
            try:
                change = feed.receive(0.1)
                break
            except WaitTimeout:
                pass
        assert change is not None
        assert change["changedResourceId"] == machines[0].id
