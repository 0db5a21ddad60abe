"""Waits for images, volumes, NICs, disks and migrations, which all work alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smartdc import (
    ConfigurationError,
    DataCenter,
    NotAuthorizedError,
    RetryPolicy,
    WaitFailed,
    WaitTimeout,
)
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import Disk
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer

ID = "00000000-0000-4000-8000-00000000000d"
BOOT, DATA = "00000000-0000-4000-8000-00000000000b", "00000000-0000-4000-8000-00000000000d"
MAC = "02:08:20:00:00:01"

Wait = Callable[..., Any]

WAITS: dict[str, Callable[[DataCenter], Wait]] = {
    "image": lambda sdc: lambda *args, **kw: sdc.poll_image(ID, *args, **kw),
    "volume": lambda sdc: lambda *args, **kw: sdc.poll_volume(ID, *args, **kw),
    "NIC": lambda sdc: lambda *args, **kw: sdc.machine(ID, lazy=True).poll_nic(MAC, *args, **kw),
    "disk": lambda sdc: lambda *args, **kw: sdc.machine(ID, lazy=True).poll_disk(ID, *args, **kw),
    "migration": lambda sdc: sdc.machine(ID, lazy=True).poll_migration,
}
# For each kind, a state in which an operation is running, and one that ends the wait.
STATES = {
    "image": ("creating", "active"),
    "volume": ("creating", "ready"),
    "NIC": ("provisioning", "running"),
    "disk": ("resizing", "stopped"),
    "migration": ("running", "paused"),
}
# For each kind, all states in which an operation is running, and the others that can be awaited.
BUSY = {
    "image": ["creating"],
    "volume": ["creating", "deleting"],
    "NIC": ["provisioning"],
    "disk": ["creating", "resizing", "deleting"],
    "migration": ["running"],
}
KNOWN = {
    "image": "active, creating, unactivated, disabled, failed",
    "volume": "creating, deleting, ready, failed, deleted",
    "NIC": "provisioning, running, stopped, deleted",
    "disk": "creating, resizing, deleting, provisioning, ready, running, stopping, stopped, offline, failed, "
    "deleted, unknown",
    "migration": "running, paused, successful, failed",
}
NAMES = {
    "image": f"image {ID}",
    "volume": f"volume {ID}",
    "NIC": "NIC 020820000001",
    "disk": f"disk {ID}",
    "migration": f"migration of machine {ID}",
}
PATHS = {
    "image": f"/bob/images/{ID}",
    "volume": f"/bob/volumes/{ID}",
    "NIC": f"/bob/machines/{ID}/nics/020820000001",
    "disk": f"/bob/machines/{ID}/disks/{ID}",
    "migration": f"/bob/migrations/{ID}",
}
EACH = pytest.mark.parametrize("what", list(WAITS))


def answer(what: str, state: str, **fields: Any) -> Reply:
    ident = {"NIC": {"mac": MAC}, "migration": {"machine": ID}}.get(what, {"id": ID})
    return Reply({**ident, "state": state, **fields})


def gone() -> Reply:
    return Reply({"code": "ResourceNotFound", "message": "not found"}, 404)


def waits(what: str, stub: StubServer, clock: Instant) -> Wait:
    policy = RetryPolicy(attempts=1, throttled=1)
    return WAITS[what](DataCenter(stub.url, login="bob", clock=clock, retry=policy))


@EACH
def test_it_waits_until_no_operation_is_running(what: str, stub: StubServer) -> None:
    clock = Instant()
    busy, over = STATES[what]
    stub.answer(answer(what, busy), answer(what, busy), Reply(status=503), answer(what, over, name="x"))
    found = waits(what, stub, clock)(interval=3, timeout=60)
    assert (found["state"], found["name"]) == (over, "x")
    assert clock.slept == [3, 3, 3]


@EACH
def test_it_looks_at_its_own_path_every_two_seconds(what: str, stub: StubServer) -> None:
    clock = Instant()
    stub.answer(*(answer(what, busy) for busy in BUSY[what]), answer(what, STATES[what][1]))
    waits(what, stub, clock)()
    assert clock.slept == [2] * len(BUSY[what])
    assert [asked.target for asked in stub.asked] == [PATHS[what]] * (len(BUSY[what]) + 1)


@EACH
def test_its_timeout_bounds_it(what: str, stub: StubServer) -> None:
    clock = Instant()
    busy, _ = STATES[what]
    stub.otherwise = answer(what, busy)
    with pytest.raises(WaitTimeout) as caught:
        waits(what, stub, clock)(timeout=5)
    state = {"image": "not yet 'active'", "volume": "not yet 'ready'"}.get(what, "still busy")
    assert str(caught.value) == f"gave up after 5 s: {NAMES[what]} is {state}, now '{busy}'"
    assert (caught.value.state, clock.now) == (busy, 5)
    with pytest.raises(WaitTimeout):
        waits(what, stub, clock)(timeout=0)
    assert clock.now == 5


@EACH
def test_a_failure_ends_it_with_the_reason(what: str, stub: StubServer) -> None:
    stub.answer(answer(what, STATES[what][0]), answer(what, "failed", error={"message": "no space left"}))
    prospect = {"image": "become 'active'", "volume": "become 'ready'"}.get(what, "recover")
    message = rf"^{what} .* is failed \(no space left\): it will not {prospect}$"
    with pytest.raises(WaitFailed, match=message) as caught:
        waits(what, stub, Instant())()
    assert caught.value.state == "failed"


@EACH
def test_a_404_ends_it_once_it_is_settled(what: str, stub: StubServer) -> None:
    clock = Instant()
    # Right after it was made it may not be found: the second 404 in a row is not 30 s old.
    stub.answer(gone(), gone(), answer(what, STATES[what][0]))
    stub.otherwise = gone()
    with pytest.raises(WaitFailed, match="is deleted: it will not") as caught:
        waits(what, stub, clock)(interval=10)
    assert (caught.value.state, clock.now) == ("deleted", 60)


@EACH
@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("no space\nleft", r" \(no space\\nleft\)"),
        ({"message": "x" * 300}, r" \(x{200}\)"),
        ({"code": "Odd"}, ""),
        ({"message": ""}, ""),
        (5, ""),
        (None, ""),
    ],
    ids=["text", "long", "without", "empty", "number", "none"],
)
def test_the_reason_is_text_of_one_line(what: str, stub: StubServer, error: Any, said: str) -> None:
    stub.answer(answer(what, "failed", error=error))
    with pytest.raises(WaitFailed, match=f"^{what} .*[^)] is failed{said}: it will not [a-z' ]+$"):
        waits(what, stub, Instant())()


@EACH
def test_something_that_was_made_long_ago_is_believed_to_be_gone_at_once(what: str, stub: StubServer) -> None:
    clock = Instant()
    stub.answer(answer(what, STATES[what][0], created="2020-01-01T00:00:00.000Z"), gone())
    with pytest.raises(WaitFailed, match="is deleted: it will not"):
        waits(what, stub, clock)(interval=10, timeout=60)
    assert clock.now == 10


@pytest.mark.parametrize(("created", "is_settled"), [("09:59:30", True), ("09:59:31", False)])
def test_an_absence_is_believed_30_seconds_after_the_creation_by_the_server_s_clock(
    stub: StubServer, created: str, is_settled: bool
) -> None:
    clock = Instant()
    absent = Reply(gone().body, 404, dates=("Mon, 23 Nov 2026 10:00:00 GMT",))
    stub.answer(answer("image", "creating", created=f"2026-11-23T{created}.000Z"), absent)
    stub.answer(answer("image", "active"))
    wait = waits("image", stub, clock)
    if is_settled:
        with pytest.raises(WaitFailed, match="is deleted: it will not"):
            wait(interval=10, timeout=60)
    else:
        assert wait(interval=10, timeout=60)["state"] == "active"


def test_without_a_date_an_absence_is_believed_by_this_machine_s_clock(stub: StubServer) -> None:
    clock = Instant()
    stub.answer(answer("image", "creating", created="2020-01-01T00:00:00.000Z"))
    stub.answer(Reply(gone().body, 404, dates=()))
    with pytest.raises(WaitFailed, match="is deleted: it will not"):
        waits("image", stub, clock)(interval=10, timeout=60)
    assert clock.now == 10


@EACH
def test_its_timeout_bounds_the_wait_for_a_turn(what: str, stub: StubServer) -> None:
    # A turn every 10 s: the second look's comes too late.
    clock = Instant()
    stub.answer(answer(what, STATES[what][0]))
    with pytest.raises(
        WaitTimeout,
        match=r"gave up after 5 s: .*too many requests wait .*comes after the end of the wait$",
    ):
        WAITS[what](DataCenter(stub.url, login="bob", clock=clock, rate=0.1))(timeout=5)
    assert (len(stub.asked), clock.now) == (1, 5)


@EACH
def test_a_state_that_is_not_said_is_waited_out(what: str, stub: StubServer) -> None:
    stub.answer(answer(what, ""), answer(what, STATES[what][1]))
    assert waits(what, stub, Instant())()["state"] == STATES[what][1]


@pytest.mark.parametrize("what", ["volume", "NIC", "disk"])
def test_it_waits_for_a_deletion(what: str, stub: StubServer) -> None:
    clock = Instant()
    stub.answer(answer(what, "running", name="x"), gone())
    found = waits(what, stub, clock)("deleted", 2)
    assert (found["state"], found["name"], clock.now) == ("deleted", "x", 2)


@EACH
def test_another_error_ends_it(what: str, stub: StubServer) -> None:
    stub.answer(Reply({"code": "NotAuthorized", "message": "no"}, 403))
    with pytest.raises(NotAuthorizedError):
        waits(what, stub, Instant())()


@EACH
@pytest.mark.parametrize("state", ["quiet", "", 5])
def test_an_unknown_state_is_refused_at_once(what: str, state: Any, stub: StubServer) -> None:
    with pytest.raises(ConfigurationError) as caught:
        waits(what, stub, Instant())(state)
    whose = "an image" if what == "image" else f"a {what}"
    assert str(caught.value) == f"{state!r} is not a state of {whose}: there are {KNOWN[what]}"
    assert stub.asked == []


@EACH
def test_a_misspelt_state_is_refused_with_the_likely_one(what: str, stub: StubServer) -> None:
    over = STATES[what][1]
    with pytest.raises(ConfigurationError, match=f"'{over[:-1]}' is not .* {what}: did you mean '{over}'.$"):
        waits(what, stub, Instant())(over[:-1])
    assert stub.asked == []


def test_an_image(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine("golden", state="stopped").uuid)
    image = sdc.create_image_from_machine(machine, "golden", "1.0.0")
    assert sdc.poll_image(image, timeout=600)["state"] == "active"


def test_a_volume(cloud: Emulator, sdc: DataCenter) -> None:
    volume = sdc.poll_volume(sdc.create_volume("data"), timeout=600)
    assert volume["filesystem_path"]
    sdc.delete_volume(volume)
    assert sdc.poll_volume(volume, "deleted", timeout=600)["name"] == "data"


def test_a_nic(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine("web").uuid)
    nic = machine.add_nic(sdc.networks("private")[0])
    assert machine.poll_nic(nic, timeout=600)["state"] == "running"
    machine.remove_nic(nic)
    assert machine.poll_nic(nic, "deleted", timeout=600)["ip"] == nic["ip"]


def test_a_disk(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    disks = [Disk(BOOT, 10240, boot=True), Disk(DATA, 10240)]
    vm = site.add_machine(
        brand="bhyve", package="g4-bhyve-4G-flex", state="stopped", disks=disks, free_space=81920
    )
    machine = sdc.machine(vm.uuid)
    machine.resize_disk(DATA, 20480)
    assert machine.poll_disk(DATA, timeout=600)["size"] == 20480
    new = machine.create_disk(1024, pci_slot="0:5:0")
    assert new is not None
    assert machine.poll_disk(new, timeout=600)["state"] == "stopped"
    machine.delete_disk(new)
    assert machine.poll_disk(new, "deleted", timeout=600)["size"] == 1024


def test_a_migration(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine("web").uuid)
    machine.migrate("begin")
    assert machine.poll_migration(timeout=600)["state"] == "paused"
    machine.migrate("sync")
    machine.poll_migration("paused", timeout=600)
    machine.migrate("switch")
    assert machine.poll_migration("successful", timeout=600)["phase"] == "switch"
