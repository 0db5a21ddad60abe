"""The server-sent events of the status page: their content, and listeners that are slow or leave."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.remote import feed
from tests.helpers.emulator_http import PATH, Control, Event, events


@contextmanager
def listening(control: Control) -> Iterator[Iterator[Event]]:
    connection = control.connection()
    connection.request("GET", f"{PATH}events", headers={"Authorization": f"Bearer {control.cloud.token}"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
    try:
        yield events(answer)
    finally:
        answer.close()
        connection.close()


def until(told: Iterator[Event], name: str, found: Callable[[Any], bool] = lambda data: True) -> Any:
    """The data of the first event with this name for which `found` holds."""
    return next(event.data for event in told if event.name == name and found(event.data))


@pytest.fixture
def control(cloud: Emulator) -> Control:
    return Control(cloud)


def listeners(cloud: Emulator) -> int:
    return len(cloud._remote._feed)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_events_send_the_state_and_then_the_changes(control: Control) -> None:
    cloud = control.cloud
    vm = cloud.site().add_machine("web0")
    with listening(control) as told, cloud.datacenter() as sdc:
        assert until(told, "begin") == {"machines": 1}
        assert [row["name"] for row in until(told, "machines")] == ["web0"]
        assert until(told, "status")["violations"]["count"] == 0
        machine = sdc.machine(vm.uuid)
        machine.stop()
        calls = until(told, "calls")
        calls += until(told, "calls") if len(calls) == 1 else []
        assert [call["operation"] for call in calls] == ["GetMachine", "UpdateMachine"]
        cloud.clock.advance(60)
        until(told, "machines", lambda rows: rows[0]["state"] == "stopped")
        assert until(told, "time", lambda now: now == cloud.clock.now())
        control.ask("POST", "throttle", {"rate": 3})
        cloud.violations.append("harm")
        until(told, "status", lambda status: status["throttle"] == {"rate": 3, "burst": 30})
        cloud.site("us-east-1").add_machine("web1")
        assert [row["name"] for row in until(told, "machines")] == ["web1"]
        cloud.reset()
        assert until(told, "begin") == {"machines": 0}
        cloud.site().add_machine("web2")
        assert [row["name"] for row in until(told, "machines")] == ["web2"]
    wait_for(lambda: listeners(cloud) == 0)


def test_many_machines_are_sent_in_several_events(control: Control) -> None:
    site = control.cloud.site()
    names = {f"web{number}" for number in range(2 * feed.MOST_MACHINES + 1)}
    for name in sorted(names):
        site.add_machine(name, networks=[])
    with listening(control) as told:
        pieces = [until(told, "machines") for _ in range(3)]
        assert [len(piece) for piece in pieces] == [feed.MOST_MACHINES, feed.MOST_MACHINES, 1]
        assert {row["name"] for piece in pieces for row in piece} == names


@pytest.mark.stress
def test_a_listener_that_reads_nothing_does_not_block_others(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server drops it when its socket is full, and answers other requests meanwhile."""
    monkeypatch.setattr(feed, "SLOW_SECONDS", 0.3)
    monkeypatch.setattr(feed, "GATHER_SECONDS", 0.0)
    cloud = control.cloud
    vms = [cloud.site().add_machine(f"web{number}", networks=[]) for number in range(500)]
    connection = control.connection()
    connection.connect()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.request("GET", f"{PATH}events", headers={"Authorization": f"Bearer {cloud.token}"})
    wait_for(lambda: listeners(cloud) == 1)
    end, longest = time.monotonic() + 30, 0.0
    while listeners(cloud):
        for vm in vms:
            vm.alias = f"{vm.alias}x"[:60]
        started = time.monotonic()
        assert control.ask("GET", "clock").status == 200
        longest = max(longest, time.monotonic() - started)
        assert time.monotonic() < end, "the server has not dropped the listener"
    connection.close()
    assert longest < 5  # generous: no request waits for the timeout of a send, 30 seconds


def test_listeners_that_leave_are_forgotten(control: Control) -> None:
    for _ in range(20):
        with listening(control) as told:
            until(told, "begin")
    wait_for(lambda: listeners(control.cloud) == 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_sends_no_events(control: Control) -> None:
    with listening(control) as told:
        until(told, "begin")
        with control.cloud.lock:  # otherwise another thread might hold it for ever in the child
            child = os.fork()
            if child == 0:
                control.cloud.site().add_machine("child")
                os._exit(listeners(control.cloud))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        control.cloud.site().add_machine("parent")
        assert [row["name"] for row in until(told, "machines")] == ["parent"]


def test_the_number_of_listeners_is_limited(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_LISTENERS", 1)
    with listening(control) as told:
        until(told, "begin")
        control.ask("GET", "events").refused(503, "there are already 1 listeners")


@pytest.mark.usefixtures("nothing_left")
def test_stopping_does_not_wait_for_listeners() -> None:
    with Emulator() as cloud:
        control = Control(cloud)
        with listening(control) as told:
            until(told, "begin")
            started = time.monotonic()
            cloud.stop()
            assert time.monotonic() - started < 1.5  # the server's grace for requests is two seconds
            with suppress(ConnectionError, http.client.IncompleteRead):
                for _ in told:
                    pass


def test_half_characters_and_line_ends_stay_in_their_event(control: Control) -> None:
    name = "a\ud800\r\n\nevent: begin\ndata: {}\u2028b"
    control.cloud.site().add_machine("web0", tags={"odd": name}, networks=[])
    with listening(control) as told:
        (row,) = until(told, "machines")
        assert row["tags"]["odd"] == name.replace("\ud800", "\ufffd")
        assert json.dumps(until(told, "status"))
