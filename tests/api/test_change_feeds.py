"""The rules of the feed that reconnects, with scripted connections on a clock that only waiting moves.

With an emulated cloud: `test_lasting_feed.py`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from smartdc import ConnectionFailed, GoneError, InvalidResponse, NotFoundError, WaitTimeout
from smartdc.change_feeds import ReconnectingFeed
from smartdc.streams import ChangeFeed
from smartdc.types import Change, MachineData
from tests.helpers.answers import answer
from tests.helpers.clock import Instant

A, B, C = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")
NAMES = ("alias", "customer_metadata", "destroyed", "nics", "server_uuid", "state", "tags")
BROKEN = ConnectionFailed("it broke")
Item = Change | BaseException | None


def machine(ident: str = A, **fields: Any) -> MachineData:
    return cast(MachineData, {"id": ident, "state": "running", "name": "web", **fields})


def change(data: MachineData | None, *names: str, ident: str = A, state: str = "running") -> Change:
    """A change as the server reports it, or as the feed reports what a list shows."""
    event = {
        "changeKind": {"resource": "vm", "subResources": list(names)},
        "changedResourceId": ident if data is None else data["id"],
        "resourceState": state,
    }
    return cast(Change, event if data is None else event | {"resourceObject": data})


class Connection:
    """One connection of a feed: what it receives, and then nothing. A TimeoutError is a while without any."""

    def __init__(self, *items: Item) -> None:
        self.items = list(items)
        self.timeouts: list[float | None] = []
        self.is_closed = False

    def receive(self, timeout: float | None = None) -> Change | None:
        self.timeouts.append(timeout)
        if self.is_closed:
            return None
        if not self.items:
            raise TimeoutError
        item = self.items.pop(0)
        if isinstance(item, BaseException):
            raise item
        return item

    def close(self) -> None:
        self.is_closed = True


class Script:
    """The connections and lists that a feed gets, one after the other; the last list stays."""

    def __init__(
        self,
        connections: list[Connection | Exception],
        lists: list[list[MachineData] | Exception],
        get: Callable[[str], MachineData] = lambda ident: machine(ident),
        names: tuple[str, ...] = NAMES,
        **options: Any,
    ) -> None:
        self.clock = Instant()
        self.on_connect: Callable[[], object] = lambda: None
        self._connections, self._lists = connections, lists
        self.feed = ReconnectingFeed(self._connect, self._list, get, names, self.clock, **options)

    def _connect(self) -> ChangeFeed:
        connection = self._connections.pop(0)
        if isinstance(connection, Exception):
            raise connection
        self.on_connect()
        return cast(ChangeFeed, connection)

    def _list(self) -> list[MachineData]:
        self.clock.now += 3  # the request takes a while
        found = self._lists.pop(0) if len(self._lists) > 1 else self._lists[0]
        if isinstance(found, Exception):
            raise found
        return found

    def received(self) -> list[Change]:
        """All that comes until nothing comes any more."""
        found: list[Change] = []
        while True:
            try:
                item = self.feed.receive(10)
            except WaitTimeout:
                return found
            if item is None:
                return found
            found.append(item)


def test_what_is_there_at_the_beginning_is_known_and_not_reported() -> None:
    script = Script([Connection()], [[machine(), machine(B)]])
    assert script.feed.known == {A, B}
    assert script.received() == []
    assert script.feed.as_of == 0


def test_everything_can_be_reported_at_the_beginning() -> None:
    data = machine(tags={"a": "b"})
    script = Script([Connection()], [[data]], report_all=True)
    assert script.feed.known == {A}
    # What the list does not have is no change.
    assert script.received() == [change(data, "alias", "destroyed", "state", "tags")]
    assert script.feed.as_of == 0  # when the list was asked for


def test_a_change_from_the_server_is_reported_as_it_came() -> None:
    stopped = change(machine(state="stopped"), "state", "zone_state", state="stopped")
    script = Script([Connection(stopped)], [[machine()]])
    script.clock.now = 100
    assert script.received() == [stopped]
    assert script.feed.as_of == 100


def test_a_change_that_was_reported_already_is_not_reported_again() -> None:
    same = change(machine(), "state")
    of_other_fields = change(machine(), "quota", "ram")
    without_data = change(None, "state")
    script = Script([Connection(same, of_other_fields, without_data, same)], [[machine()]])
    assert script.received() == [of_other_fields, without_data]


def test_only_the_fields_that_are_watched_count() -> None:
    tagged = change(machine(tags={"a": "b"}), "state", "tags")
    script = Script([Connection(tagged), Connection()], [[machine()]], names=("state", "quota"))
    assert script.received() == []


FIELDS = {
    "alias": {"name": "db"},
    "customer_metadata": {"metadata": {"a": "b"}},
    "nics": {"nics": [{"mac": "02:08:20:00:00:01"}]},
    "server_uuid": {"compute_node": B},
    "state": {"state": "stopped"},
    "tags": {"tags": {"a": "b"}},
}


@pytest.mark.parametrize(("name", "fields"), FIELDS.items(), ids=list(FIELDS))
def test_what_changed_during_a_gap_is_reported_from_a_list(name: str, fields: dict[str, Any]) -> None:
    now = machine(**fields)
    first, second = Connection(BROKEN), Connection()
    script = Script([first, second], [[machine(), machine(B)], [now, machine(B)]])
    assert script.received() == [change(now, name, state=now["state"])]
    assert (first.is_closed, second.is_closed) == (True, False)
    assert script.feed.as_of == 3  # when the second list was asked for
    assert script.clock.slept == []


def test_a_new_machine_is_reported_from_a_list() -> None:
    script = Script([Connection(BROKEN), Connection()], [[], [machine()]])
    assert script.received() == [change(machine(), "alias", "destroyed", "state")]
    assert script.feed.known == {A}


def gone(_: str) -> MachineData:
    body = b'{"id": "%s", "state": "deleted", "name": "web", "memory": 7}' % A.encode()
    raise GoneError(answer(410, body))


def gone_without_data(_: str) -> MachineData:
    raise GoneError(answer(410))


def unknown(_: str) -> MachineData:
    raise NotFoundError(answer(404, b'{"code": "ResourceNotFound"}'))


DELETED = {"id": A, "state": "deleted"}
GETS: dict[str, tuple[Callable[[str], MachineData], dict[str, Any]]] = {
    "gone": (gone, {**DELETED, "name": "web", "memory": 7}),
    "gone without data": (gone_without_data, DELETED),
    "unknown": (unknown, DELETED),
    "another": (lambda _: machine(B), DELETED),
    "found": (lambda ident: machine(ident, state="deleted"), {**DELETED, "name": "web"}),
}


@pytest.mark.parametrize(("get", "data"), GETS.values(), ids=GETS)
def test_a_machine_that_is_no_longer_listed_is_asked_for(
    get: Callable[[str], MachineData], data: dict[str, Any]
) -> None:
    script = Script(
        [Connection(BROKEN), Connection()],
        [[machine(), machine(B)], [machine(B)]],
        get,
        ("state", "destroyed"),
    )
    assert script.received() == [change(cast(MachineData, data), "state", "destroyed", state="destroyed")]


def test_what_the_list_and_the_new_connection_report_is_reported_once() -> None:
    stopped, tagged = machine(state="stopped"), machine(B, tags={"a": "b"})
    live = change(stopped, "state", state="stopped")
    other = change(None, "state", ident=C)
    new = Connection(live, other, live)
    script = Script([Connection(BROKEN), new], [[machine(), machine(B)], [stopped, tagged]])
    assert script.received() == [change(tagged, "tags"), live, other]
    assert script.feed.as_of == 6  # when the list had come
    assert new.timeouts[:4] == [0, 0, 0, 0]  # nothing was waited for


def test_a_list_that_is_behind_the_new_connection_is_not_the_last_word() -> None:
    stopping, stopped = machine(state="stopping"), machine(state="stopped")
    live = change(stopped, "state", state="stopped")
    script = Script([Connection(BROKEN), Connection(live)], [[machine()], [stopping]])
    assert script.received() == [change(stopping, "state", state="stopping"), live]


def test_the_server_s_end_of_the_feed_is_like_a_break() -> None:
    first = Connection(None)
    script = Script([first, Connection()], [[machine()], [machine(state="stopped")]])
    assert [found["resourceState"] for found in script.received()] == ["stopped"]
    assert first.is_closed


def test_the_pauses_between_attempts_double_up_to_a_limit() -> None:
    failures: list[Connection | Exception] = [BROKEN] * 9
    script = Script([Connection(BROKEN), *failures, Connection()], [[machine()], [machine(state="stopped")]])
    assert script.feed.receive() == change(machine(state="stopped"), "state", state="stopped")
    assert script.clock.slept == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_report_ends_the_pauses() -> None:
    renamed = machine(name="db")
    script = Script(
        [
            Connection(BROKEN),
            BROKEN,
            Connection(TimeoutError(), change(renamed, "alias"), BROKEN),
            BROKEN,
            Connection(),
        ],
        [[machine()], [machine()], [machine(state="stopped")]],
    )
    assert script.feed.receive() == change(renamed, "alias")
    assert script.feed.receive() == change(machine(state="stopped"), "alias", "state", state="stopped")
    # At once, and after the first pause; from the beginning once more.
    assert script.clock.slept == [0.5, 0.5]


def test_a_report_from_a_list_ends_the_pauses_too() -> None:
    stopped = machine(state="stopped")
    failures: list[Connection | Exception] = [BROKEN] * 4
    script = Script(
        [Connection(BROKEN), *failures, Connection(TimeoutError(), BROKEN), Connection()],
        [[machine()], [stopped], [machine(C)]],
    )
    assert script.feed.receive() == change(stopped, "state", state="stopped")
    assert script.feed.receive() == change(machine(C), "alias", "destroyed", "state")
    assert script.clock.slept == [0.5, 1, 2, 4]


def test_a_list_that_fails_is_an_attempt_that_failed() -> None:
    new = Connection()
    script = Script([Connection(BROKEN), new, Connection()], [[machine()], BROKEN, [machine(C)]])
    assert script.feed.receive() is not None
    assert new.is_closed


def test_the_log_says_why_it_reconnects(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "smartdc")
    refused = ConnectionFailed("refused")
    script = Script([Connection(BROKEN), refused, Connection()], [[machine()], [machine(C)]])
    script.feed.receive()
    assert caplog.messages == [
        "the change feed broke, and reconnects: it broke",
        "the change feed cannot reconnect, and tries again: refused",
    ]


def test_a_feed_that_breaks_again_and_again_without_a_report_is_not_reopened_at_once() -> None:
    broken: list[Connection | Exception] = [Connection(BROKEN) for _ in range(4)]
    script = Script(
        [*broken, Connection()], [[machine()], [machine()], [machine()], [machine()], [machine(C)]]
    )
    assert script.feed.receive() is not None
    assert script.clock.slept == []  # each list took 3 s, longer than each of these pauses


@pytest.mark.parametrize("error", [ConnectionFailed("no", lasting=True), InvalidResponse("no", lasting=True)])
def test_an_error_that_will_not_pass_ends_the_feed(error: Exception) -> None:
    first = Connection(BROKEN)
    script = Script([first, error], [[machine()]])
    with pytest.raises(type(error)) as caught:
        script.feed.receive()
    assert caught.value is error
    assert (script.feed.closed, first.is_closed) == (True, True)


def test_an_error_of_the_connection_that_is_no_break_ends_the_feed() -> None:
    script = Script([Connection(InvalidResponse("not JSON"))], [[machine()]])
    with pytest.raises(InvalidResponse, match=r"^not JSON$"):
        script.feed.receive()
    assert script.feed.closed


def test_a_timeout_bounds_the_pauses_and_the_feed_goes_on() -> None:
    script = Script([Connection(BROKEN), BROKEN, Connection()], [[machine()], [machine(C)]])
    while len(script.clock.slept) < 2:  # after the first attempt, which nothing was waited for
        with pytest.raises(WaitTimeout):
            script.feed.receive(0)
    assert script.clock.slept == [0, 0]
    assert not script.feed.closed
    script.clock.now += 0.5
    assert script.received() != []


def test_the_timeout_is_that_of_the_connection() -> None:
    connection = Connection(change(None), change(None), change(None))
    script = Script([connection], [[machine()]])
    for timeout in (None, 0, 1000):
        script.feed.receive(timeout)
    assert connection.timeouts[:2] == [None, 0]
    assert connection.timeouts[2] == pytest.approx(1000, abs=30)


def test_closing_it_closes_its_connection() -> None:
    connection = Connection(change(None))
    script = Script([connection], [[machine()]])
    script.feed.close()
    assert connection.is_closed
    assert script.feed.receive() is None
    assert connection.timeouts == []


def test_closing_it_while_it_reconnects_closes_the_new_connection() -> None:
    new = Connection()
    script = Script([Connection(BROKEN), new], [[machine()]])
    script.on_connect = script.feed.close  # as another thread does, which closes the old connection
    assert script.feed.receive() is None
    end = time.monotonic() + 10
    while not new.is_closed:  # by the thread that reconnects
        assert time.monotonic() < end
        time.sleep(0.001)


def test_a_feed_that_cannot_list_at_the_beginning_is_closed() -> None:
    connection = Connection()
    for report_all in (False, True):
        with pytest.raises(ConnectionFailed, match=r"^it broke$"):
            Script([connection], [BROKEN], report_all=report_all)
        assert connection.is_closed
