from __future__ import annotations

import gc
import itertools
import json
from typing import Any

import pytest

from smartdc import (
    AuthenticationError,
    ConfigurationError,
    DataCenter,
    Machine,
    WaitTimeout,
)
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.streams import Stream
from smartdc.types import Change
from tests.helpers.recorded import call, sent

# The messages of a feed and their order are those of changefeed.js. All tests use real sockets.


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine("web").uuid, lazy=True)


def listening(sdc: DataCenter, site: Site) -> int:
    """The number of open feeds, once the server has handled everything that was sent before."""
    sdc.account()
    return len(site.changes)


def states(changes: list[Change]) -> list[str]:
    return [change["resourceState"] for change in changes]


def test_changefeed(cloud: Emulator, sdc: DataCenter, machine: Machine) -> None:
    with sdc.changefeed() as feed:
        assert sent(cloud) == [call("GET", "/my/changefeed")]
        assert (cloud.calls[0].operation, cloud.calls[0].status) == ("changefeed", 101)
        machine.stop()
        cloud.clock.advance(5)
        stopping, stopped = itertools.islice(feed, 2)
    assert states([stopping, stopped]) == ["stopping", "stopped"]
    assert stopping["changeKind"]["resource"] == "vm"
    assert {"state", "zone_state"} <= {*stopping["changeKind"]["subResources"]}
    assert stopped["changedResourceId"] == machine.id
    assert int(stopped["published"]) - int(stopping["published"]) == 4000
    shown = stopped["resourceObject"]
    assert (shown["id"], shown["name"], shown["state"]) == (machine.id, "web", "stopped")
    assert shown["package"] == ""  # the feed does not look packages up


def test_the_request_has_the_usual_headers(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.changefeed().close()
    headers = cloud.calls[0].headers
    assert headers["accept-version"] == "~9||~8"
    assert headers["user-agent"].startswith("smartdc/")
    assert "sec-websocket-extensions" not in headers


def test_a_feed_reports_all_kinds_of_changes(cloud: Emulator, sdc: DataCenter, machine: Machine) -> None:
    with sdc.changefeed() as feed:
        machine.add_tags(role="db")
        machine.update_metadata(note="x")
        machine.rename("db")
        machine.delete()
        cloud.clock.advance(60)
        image = sdc.images(name="base-64-lts")[0]
        new = sdc.create_machine("new", package="g4-highcpu-1G", image=image)
        changes = [feed.receive(5) for _ in range(5)]
    kinds = [set(change["changeKind"]["subResources"]) for change in changes if change]
    assert "tags" in kinds[0]
    assert "customer_metadata" in kinds[1]
    assert "alias" in kinds[2]
    assert {"state", "destroyed"} <= kinds[3]
    assert {"alias", "state", "tags", "nics"} <= kinds[4]  # everything is new
    assert changes[4] is not None
    assert changes[4]["changedResourceId"] == new.id


def test_a_feed_of_some_changes_of_some_machines(
    cloud: Emulator, sdc: DataCenter, site: Site, machine: Machine
) -> None:
    other = sdc.machine(site.add_machine("other").uuid, lazy=True)
    with sdc.changefeed([machine], subresources=["tags"]) as feed:
        other.add_tags(a="b")
        machine.stop()
        machine.add_tags(a="b")
        cloud.clock.advance(10)
        change = next(feed)
        assert (change["changedResourceId"], change["changeKind"]["subResources"]) == (
            machine.id,
            ["last_modified", "tags"],
        )
        with pytest.raises(WaitTimeout, match=r"within 0\.01 s"):
            feed.receive(0.01)
        machine.add_tags(a="c")  # the stream goes on
        cloud.clock.advance(2)
        assert next(feed)["resourceObject"]["tags"] == {"a": "c"}


def test_a_feed_does_not_report_other_accounts(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    cloud.add_account("neighbour")
    with sdc.changefeed() as feed:
        site.add_machine("theirs", account="neighbour")
        site.add_machine("ours")
        assert next(feed)["resourceObject"]["name"] == "ours"


def test_two_feeds(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    with sdc.changefeed() as one, sdc.changefeed() as other:
        site.add_machine("web")
        assert next(one) == next(other)
        one.close()
        site.add_machine("web2")
        assert next(other)["resourceObject"]["name"] == "web2"


def test_leaving_a_feed_early_closes_it(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    with sdc.changefeed() as feed:
        for name in ("one", "two", "three"):
            site.add_machine(name)
        for _ in feed:
            break
    assert feed.closed
    assert list(feed) == []
    assert feed.receive() is None
    assert repr(feed) == "<ChangeFeed closed>"
    assert listening(sdc, site) == 0
    feed.close()


def test_an_unreferenced_feed_is_closed(sdc: DataCenter, site: Site) -> None:
    feed = sdc.changefeed()
    assert repr(feed) == "<ChangeFeed open>"
    assert listening(sdc, site) == 1
    del feed
    gc.collect()
    assert listening(sdc, site) == 0


class Numbers(Stream[int]):
    """A stream of ones."""

    def _receive(self, timeout: float | None) -> int:
        return 1


def test_a_stream_closes_its_connection_once() -> None:
    closed: list[int] = []
    numbers = Numbers(lambda: closed.append(1))
    assert (next(numbers), numbers.closed) == (1, False)
    numbers.close()
    numbers.close()
    assert (list(numbers), numbers.closed) == ([], True)
    del numbers
    gc.collect()
    assert closed == [1]


def test_in_a_forked_child_a_stream_is_closed_and_its_connection_is_left_to_the_parent() -> None:
    closed: list[int] = []
    numbers = Numbers(lambda: closed.append(1))
    numbers.renew()
    assert (list(numbers), numbers.closed) == ([], True)
    numbers.close()
    del numbers
    gc.collect()
    assert closed == []


def test_an_error_in_the_loop_closes_the_feed(sdc: DataCenter, site: Site) -> None:
    def fail() -> None:
        with sdc.changefeed() as feed:
            site.add_machine("web")
            for _ in feed:
                raise RuntimeError("in the loop")

    with pytest.raises(RuntimeError, match="in the loop"):
        fail()
    assert listening(sdc, site) == 0


def test_the_server_ends_a_feed(sdc: DataCenter, site: Site) -> None:
    with sdc.changefeed() as feed:
        site.add_machine("web")
        site.changes.end()  # as when its own connection to VMAPI ends
        assert len(list(feed)) == 1
        assert feed.closed


def test_a_feed_with_an_unknown_key(cloud: Emulator, site: Site) -> None:
    for stranger in (cloud.datacenter(key_id="/test/keys/nobody"), cloud.datacenter(key_id=None)):
        # A refused upgrade has a status and nothing more: restify 4.3.3, lib/upgrade.js.
        with stranger, pytest.raises(AuthenticationError, match="401 Unauthorized"):
            stranger.changefeed()
    assert len(site.changes) == 0


def test_opening_a_stream_with_a_wrong_clock(cloud: Emulator, sdc: DataCenter) -> None:
    cloud.clock.skew = 400
    sdc.changefeed().close()
    # The answers to a refused upgrade and a refused HEAD have no body, only the server's time.
    assert [(got.method, got.path, got.status) for got in cloud.calls] == [
        ("GET", "/my/changefeed", 400),
        ("HEAD", "/my", 400),
        ("HEAD", "/my", 200),
        ("GET", "/my/changefeed", 101),
    ]


@pytest.mark.parametrize(
    ("machines", "subresources", "message"),
    [
        (None, [], "subresources are some of alias"),
        (None, ["memory"], r"not \['memory'\]"),
        ([{"id": "web"}], ["state"], "'web' is not the UUID"),
    ],
)
def test_invalid_arguments_of_a_feed(
    cloud: Emulator, sdc: DataCenter, machines: Any, subresources: Any, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        sdc.changefeed(machines, subresources=subresources)
    assert sent(cloud) == []


def test_changefeed_without_an_upgrade(sdc: DataCenter) -> None:
    with pytest.raises(Exception, match=r"500.*Connection Must Upgrade For WebSockets"):
        sdc.request("GET", "/changefeed")


@pytest.mark.parametrize(
    "subscription",
    [
        "nonsense",
        "null",
        {"resource": "image", "subResources": ["state"]},
        {"resource": "vm", "subResources": "state"},
        {"resource": "vm", "subResources": ["state", "memory"]},
        {"resource": "vm", "subResources": ["state"], "vms": "all"},
        {"resource": "vm", "subResources": ["state"], "vms": ["web"]},
        {"resource": "vm", "subResources": ["state"], "vms": []},
    ],
    ids=str,
)
def test_an_invalid_subscription_is_not_answered(sdc: DataCenter, site: Site, subscription: Any) -> None:
    websocket = sdc._open_websocket(("changefeed",))
    try:
        websocket.send(subscription if isinstance(subscription, str) else json.dumps(subscription))
        websocket.settle(5)
        site.add_machine("web")
        with pytest.raises(TimeoutError):
            websocket.receive(0.01)
    finally:
        websocket.close()
