"""Streams that two threads read at once, and arguments that are no timeouts or no machines."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, WaitTimeout
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.machine import MachineRef
from smartdc.streams import Conversation, Stream
from tests.helpers.recorded import sent
from tests.helpers.servers import Reply, StubServer, datacenter_at

CONVERSATIONS: dict[str, Callable[[DataCenter, Machine], Conversation[Any]]] = {
    "feed": lambda sdc, machine: sdc.changefeed(),
    "reconnecting feed": lambda sdc, machine: sdc.changefeed(reconnect=True),
    "console": lambda sdc, machine: machine.connect_vnc(),
}


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine("web", brand="bhyve").uuid, lazy=True)


@pytest.fixture(params=CONVERSATIONS)
def conversation(request: pytest.FixtureRequest, sdc: DataCenter, machine: Machine) -> Conversation[Any]:
    """A stream on which nothing comes by itself."""
    made = CONVERSATIONS[request.param](sdc, machine)
    if request.param == "console":
        next(made)  # the banner
    return made


class Reader(threading.Thread):
    """Reads a stream once, in a thread that waits for an item from the start."""

    def __init__(self, stream: Stream[Any]) -> None:
        self.found: list[object] = []
        super().__init__(target=lambda: self.found.append(next(stream, None)))
        self.start()
        end = time.monotonic() + 10
        while not stream._reading.locked():
            assert time.monotonic() < end
            time.sleep(0.001)


MESSAGE = r"^another thread reads this stream: read it in one thread, and pass on what comes$"


def test_a_second_thread_is_refused_and_the_first_goes_on(
    sdc: DataCenter, machine: Machine, cloud: Emulator, conversation: Conversation[Any]
) -> None:
    first = Reader(conversation)
    reads: list[Callable[[], object]] = [
        conversation.receive,
        lambda: conversation.receive(0),
        lambda: next(conversation),
    ]
    for read in reads:
        with pytest.raises(ConfigurationError, match=MESSAGE):
            read()
    assert (first.is_alive(), conversation.closed) == (True, False)
    if hasattr(conversation, "send"):
        conversation.close()  # the emulator's console sends nothing else
    else:
        machine.add_tags(a="b")
        cloud.clock.advance(2)
    first.join(10)
    (found,) = first.found
    assert (found is None) == conversation.closed
    conversation.close()


def test_a_second_thread_is_refused_by_a_watch(stub: StubServer) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-json-stream\r\nContent-Length: 999\r\n\r\n"
    stub.answer(Reply({"state": "running"}), [head, None])
    with datacenter_at(stub.url) as sdc:
        watch = sdc.machine("00000000-dead-4bad-8bad-000000000000", lazy=True).watch_migration()
        first = Reader(watch)
        with pytest.raises(ConfigurationError, match=MESSAGE):
            next(watch)
        assert (first.is_alive(), watch.closed) == (True, False)
        watch.close()
        first.join(10)
        assert first.found == [None]


@pytest.mark.parametrize("timeout", [-1, -0.1, math.nan, "1", b"1", [], 10**400], ids=repr)
def test_timeouts_are_checked_as_those_of_waits(conversation: Conversation[Any], timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^timeout must be None or a number of seconds"):
        conversation.receive(timeout)
    assert not conversation.closed
    with pytest.raises(WaitTimeout, match=r"^nothing came within 0 s$"):
        conversation.receive(0)
    conversation.close()


@pytest.mark.parametrize("timeout", [math.inf, threading.TIMEOUT_MAX, 1e9])
def test_a_timeout_without_an_end(conversation: Conversation[Any], timeout: float) -> None:
    later = threading.Timer(0.1, conversation.close)
    later.start()
    assert conversation.receive(timeout) is None
    later.join()


@pytest.mark.parametrize("reconnect", [False, True])
@pytest.mark.parametrize("machines", [[], (), iter(())], ids=["list", "tuple", "iterator"])
def test_a_feed_of_no_machines_is_refused(
    sdc: DataCenter, cloud: Emulator, machines: Iterable[Machine], reconnect: bool
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sdc.changefeed(machines, reconnect=reconnect)
    assert str(caught.value) == (
        "machines is empty, and the feed would report nothing: leave it out for all machines of the account"
    )
    assert sent(cloud) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"machines": {"id": "web"}}, "'web' is not the UUID of a machine"),
        ({"machines": 5}, "machines must be a list such as [machine], not 5"),
        ({"subresources": 5}, "subresources must be a list such as ('state', 'tags'), not 5"),
        *(
            (
                {"subresources": wrong},
                "subresources are some of alias, customer_metadata, destroyed, nics, owner_uuid, "
                f"server_uuid, state, tags, not {wrong}",
            )
            for wrong in ([], ["name"], ["state", "name"])
        ),
    ],
    ids=str,
)
def test_what_a_feed_cannot_report_is_refused(
    sdc: DataCenter, cloud: Emulator, arguments: Any, message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sdc.changefeed(**arguments)
    assert str(caught.value) == message
    assert sent(cloud) == []


def test_a_feed_of_one_machine_needs_no_list(
    cloud: Emulator, sdc: DataCenter, site: Site, machine: Machine
) -> None:
    other = sdc.machine(site.add_machine("other").uuid, lazy=True)
    refs: list[MachineRef] = [machine, machine.id, "web", {"id": machine.id}]
    for number, ref in enumerate(refs):
        with sdc.changefeed(ref) as feed:
            other.add_tags(a="b")
            machine.add_tags(number=number)
            cloud.clock.advance(2)
            change = feed.receive(5)
            assert change is not None
            assert change["changedResourceId"] == machine.id
