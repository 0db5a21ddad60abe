"""Ages when clocks are wrong or are set: the server's times are compared with each other."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest

from smartdc import DataCenter, NotFoundError, OutcomeUnknown, RetryPolicy, ValidationFailedError
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Drop
from smartdc.emulator.state.clock import timestamp
from smartdc.emulator.state.site import Site
from smartdc.errors import SmartDCError
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer

PACKAGE = "g3-standard-0.25-smartos"
UNKNOWN = "00000000-dead-4bad-8bad-000000000000"
BEFORE, AFTER = Drop(after_commit=False), Drop(after_commit=True)
OFFSETS = [8, 60, 280, 86400, -8, -60, -280, -86400]
TAKEN = Reply(
    {
        "code": "ValidationFailed",
        "message": "VM alias taken",
        "errors": [{"field": "name", "code": "Duplicate", "message": "is already taken"}],
    },
    409,
)
GONE = Reply({"code": "ResourceNotFound", "message": "VM not found"}, 404)


class Off:
    """A clock that differs from another one by a constant."""

    def __init__(self, clock: Any, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds

    def monotonic(self) -> float:
        return float(self._clock.monotonic())

    def time(self) -> float:
        return float(self._clock.time()) + self._seconds

    def sleep(self, seconds: float, /) -> None:
        self._clock.sleep(seconds)


@pytest.fixture
def image(site: Site) -> str:
    return next(image.uuid for image in site.images.values() if image.name == "base64")


def made(at: float | None) -> dict[str, Any]:
    """A machine as a list shows it."""
    machine = {"id": UNKNOWN, "name": "web", "package": PACKAGE, "image": UNKNOWN, "tags": {}}
    return machine | {"state": "provisioning", "created": None if at is None else timestamp(at)}


def create(stub: StubServer) -> None:
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        sdc.create_machine("web", PACKAGE, image=UNKNOWN)


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_constant_offset_does_not_hide_what_was_created(
    cloud: Emulator, site: Site, image: str, offset: float
) -> None:
    cloud.clock.advance(3600)  # the server goes by the emulated time
    with cloud.datacenter(clock=Off(cloud.clock, offset)) as sdc:
        cloud.faults.add("CreateMachine", AFTER, times=1)
        machine = sdc.create_machine("web", PACKAGE, image=image)
        assert list(site.machines) == [machine.id]
        cloud.faults.add("CreateVolume", AFTER, times=1)
        assert sdc.create_volume("data")["name"] == "data"
        machine.poll_until("running")
        cloud.faults.add("CreateMachineSnapshot", AFTER, times=1)
        assert machine.create_snapshot("before").name == "before"


@pytest.mark.parametrize("offset", OFFSETS)
def test_with_a_constant_offset_nothing_older_is_taken(
    cloud: Emulator, site: Site, image: str, offset: float
) -> None:
    site.add_machine("web", image=image, package=PACKAGE)
    with cloud.datacenter(clock=Off(cloud.clock, offset)) as sdc:
        machine = sdc.create_machine("other", PACKAGE, image=image)
        machine.poll_until("running")
        machine.create_snapshot("before").poll_until("created")
        sdc.create_volume("data")
        cloud.clock.advance(120)
        for operation in ("CreateMachine", "CreateVolume", "CreateMachineSnapshot"):
            cloud.faults.add(operation, BEFORE, times=1)
        with pytest.raises(SmartDCError):
            sdc.create_machine("web", PACKAGE, image=image)
        with pytest.raises(SmartDCError):
            sdc.create_volume("data")
        if offset < -100:  # it may be the new one or an older one; otherwise it is created again
            with pytest.raises(OutcomeUnknown, match="differs in created"):
                machine.create_snapshot("before")


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_404_just_after_the_create_is_not_settled_by_a_clock_that_is_off(
    stub: StubServer, offset: float
) -> None:
    """A DELETE that was lost before it was done, at a server whose gets lag for a moment."""
    stub.answer(Reply(made(time.time())), Reply(None, 504), GONE, GONE, Reply(None, 204))
    with DataCenter(stub.url, login="bob", clock=Off(Instant(), offset)) as sdc:
        sdc.machine(UNKNOWN).delete()
    assert [each.method for each in stub.asked] == ["GET", *["DELETE"] * 4]


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_404_long_after_the_create_is_settled_at_once(stub: StubServer, offset: float) -> None:
    stub.answer(Reply(made(time.time() - 3600)), GONE)
    clock = Instant()
    with DataCenter(stub.url, login="bob", clock=Off(clock, offset)) as sdc:
        sdc.machine(UNKNOWN).poll_until("deleted")
    assert clock.slept == []


def test_answers_are_dated_by_emulated_time(cloud: Emulator, sdc: DataCenter) -> None:
    """A 404 for something created long ago in emulated time is settled at once."""
    machine = sdc.create_machine(package=PACKAGE, image=sdc.images()[0]["id"])
    cloud.clock.advance(3600)
    cloud.faults.add("DeleteMachine", AFTER, times=1)
    before = cloud.clock.monotonic()
    machine.delete()
    assert cloud.clock.monotonic() - before < 5


@pytest.mark.parametrize(("age", "step"), [(100, -3600), (100, -200), (3500, -3600), (20, -86400)])
def test_a_foreign_machine_while_the_servers_clock_is_set_back(
    stub: StubServer, age: float, step: float
) -> None:
    """By the new clock it was created in the future: it may be older than the request."""
    stub.answer(Reply(None, 504))
    date = formatdate(time.time() + step, usegmt=True)
    stub.otherwise = Reply([made(time.time() - age)], dates=(date,))
    with pytest.raises(OutcomeUnknown, match="differs in created") as caught:
        create(stub)
    assert [each["id"] for each in caught.value.candidates] == [UNKNOWN]


@pytest.mark.parametrize("seconds", [600, 86400])
def test_a_machine_created_in_the_future_is_not_certain(stub: StubServer, seconds: float) -> None:
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply([made(time.time() + seconds)])
    with pytest.raises(OutcomeUnknown, match="differs in created"):
        create(stub)


def test_a_machine_without_a_time_of_creation(stub: StubServer) -> None:
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply([made(None)])
    with pytest.raises(OutcomeUnknown, match="differs in created") as caught:
        create(stub)
    assert len(caught.value.candidates) == 1


def test_a_machine_whose_time_is_a_little_off_is_named_when_its_name_is_in_use(stub: StubServer) -> None:
    """The server's clock may be slow: then the name is taken by the machine of the lost create."""
    mine = Reply([made(time.time() - 200)])
    stub.answer(Reply(None, 504), *[mine] * 6, TAKEN)
    stub.otherwise = mine
    with pytest.raises(OutcomeUnknown, match="one is found that is a little older") as caught:
        create(stub)
    assert [each["id"] for each in caught.value.candidates] == [UNKNOWN]


@pytest.mark.parametrize(
    "other", [{"created": timestamp(time.time() - 4000)}, {"image": PACKAGE}], ids=["older", "another image"]
)
def test_a_machine_that_certainly_differs_is_not_a_candidate(stub: StubServer, other: dict[str, Any]) -> None:
    theirs = Reply([made(time.time() - 200) | other])
    stub.answer(Reply(None, 504), *[theirs] * 6, TAKEN)
    stub.otherwise = theirs
    with pytest.raises(ValidationFailedError):
        create(stub)


def test_a_404_without_a_date_goes_by_the_connections_clock(stub: StubServer) -> None:
    gone = Reply(GONE.body, 404, dates=())
    stub.answer(Reply(made(time.time())), Reply(None, 504), gone, gone, Reply(None, 204))
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        machine = sdc.machine(UNKNOWN)
        machine.delete()
        stub.otherwise = GONE
        with pytest.raises(NotFoundError):
            machine.refresh()
    assert RetryPolicy().settling == 30.0
