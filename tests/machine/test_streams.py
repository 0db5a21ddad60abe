"""The streams of one machine: its console, and the events of its migration. All over real sockets."""

from __future__ import annotations

import pytest

from smartdc import (
    BadRequestError,
    ConfigurationError,
    DataCenter,
    InvalidStateError,
    Machine,
    NotFoundError,
    VersionError,
    WaitTimeout,
)
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent

# What VNC refuses: endpoints/vnc.js.


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine("web").uuid, lazy=True)


@pytest.fixture
def console(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine(brand="bhyve").uuid, lazy=True)


def test_connect_vnc(cloud: Emulator, console: Machine) -> None:
    with console.connect_vnc() as vnc:
        assert sent(cloud) == [call("GET", f"/my/{console.path}/vnc")]
        assert cloud.calls[0].headers["sec-websocket-protocol"] == "binary, rfb"
        assert vnc.subprotocol == "binary"
        assert next(vnc) == b"RFB 003.008\n"
        vnc.send(b"RFB 003.008\n")
        with pytest.raises(WaitTimeout):
            vnc.receive(0.01)


def test_the_console_goes_when_the_machine_stops(cloud: Emulator, console: Machine) -> None:
    with console.connect_vnc() as vnc:
        console.stop()
        cloud.clock.advance(5)
        assert list(vnc) == [b"RFB 003.008\n"]
        assert vnc.closed


def test_the_console_of_a_machine_that_is_stopped(cloud: Emulator, console: Machine) -> None:
    console.stop()
    cloud.clock.advance(5)
    cloud.calls.clear()
    with pytest.raises(InvalidStateError, match=r"MachineStopped.*Cannot connect to a stopped machine"):
        console.connect_vnc()
    # Asked twice: the refused upgrade does not say why.
    assert sent(cloud) == [call("GET", f"/my/{console.path}/vnc")] * 2
    assert [(got.status, "upgrade" in got.headers) for got in cloud.calls] == [(400, True), (400, False)]


def test_the_console_of_a_container(machine: Machine) -> None:
    with pytest.raises(BadRequestError, match=r"MachineHasNoVNC.*joyent does not support VNC"):
        machine.connect_vnc()


def test_the_console_of_an_unknown_machine(sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError):
        sdc.machine("00000000-dead-4bad-8bad-000000000000", lazy=True).connect_vnc()


def test_the_console_of_a_server_that_is_too_old(cloud: Emulator, console: Machine) -> None:
    with cloud.datacenter(api_version="~9") as strict, pytest.raises(VersionError):
        # endpoints/vnc.js: of version 8.4.0 only.
        strict.machine(console, lazy=True).connect_vnc()


def test_vnc_without_an_upgrade(console: Machine) -> None:
    with pytest.raises(BadRequestError, match="UpgradeRequired"):
        console.datacenter.request("GET", f"{console.path}/vnc")


@pytest.mark.usefixtures("schema_only")
@pytest.mark.parametrize("websocket", [False, True])
def test_watch_migration(cloud: Emulator, sdc: DataCenter, machine: Machine, websocket: bool) -> None:
    machine.migrate("begin")
    cloud.clock.advance(12)
    machine.migrate("sync")
    cloud.calls.clear()
    events = list(machine.watch_migration(websocket=websocket))
    if websocket:
        asked = call("GET", f"/my/migrations/{machine.id}/watch")
    else:
        asked = call("POST", f"/my/{machine.path}/migrate", {"action": "watch"})
    assert sent(cloud) == [call("GET", f"/my/migrations/{machine.id}"), asked]
    *running, done, end = events
    assert end == {"type": "end", "phase": "sync", "state": "paused"}
    assert done["state"] == "successful"
    assert {event["state"] for event in running} == {"running"}
    assert running[0]["message"] == "syncing data"
    assert running[0]["transfer_bytes_second"] > 0
    sizes = [event["current_progress"] for event in events[:-1]]
    assert sizes == sorted(sizes)
    assert sizes[-1] == done["total_progress"]


def test_watch_a_migration_that_is_paused(cloud: Emulator, machine: Machine) -> None:
    machine.migrate("begin")
    cloud.clock.advance(12)
    assert list(machine.watch_migration()) == [{"type": "end", "phase": "begin", "state": "paused"}]


def test_watch_a_migration_that_fails(site: Site, machine: Machine) -> None:
    site.fail_next_migration = True
    machine.migrate("begin")
    assert list(machine.watch_migration())[-1] == {
        "type": "end",
        "phase": "begin",
        "state": "failed",
        "message": "reserving instance failed",
    }


@pytest.mark.usefixtures("schema_only")
@pytest.mark.parametrize("websocket", [False, True])
def test_a_watch_is_left_in_the_middle(machine: Machine, websocket: bool) -> None:
    machine.migrate("automatic")
    with machine.watch_migration(websocket=websocket) as watch:
        assert next(watch)["phase"] == "begin"
    assert list(watch) == []
    assert machine.datacenter.migration(machine)["automatic"] is True  # the server still answers


def test_a_watch_by_websocket_is_asked_for_by_a_boolean(cloud: Emulator, machine: Machine) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^websocket must be True or False, not 'yes': leave it out to set neither$"
    ):
        machine.watch_migration(websocket="yes")  # type: ignore[arg-type]
    assert sent(cloud) == []


def test_watch_without_a_migration(cloud: Emulator, machine: Machine) -> None:
    # The server has begun its answer when it learns of that (migrations.js), so it is not asked.
    with pytest.raises(NotFoundError, match="migration not found"):
        machine.watch_migration()
    assert sent(cloud) == [call("GET", f"/my/migrations/{machine.id}")]
    with pytest.raises(NotFoundError):
        machine.datacenter.request("POST", f"{machine.path}/migrate", params={"action": "watch"})
    assert len(cloud.violations) == 1
    cloud.violations.clear()
