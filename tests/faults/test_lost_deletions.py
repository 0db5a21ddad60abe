"""A DELETE whose answer was lost, and whose repetition is answered 404: is it done?

Right after its creation something may not be found yet; a 404 counts if it was created long enough ago, or
if the 404 has stayed for `RetryPolicy.settling`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import time

import pytest

from smartdc import DataCenter, Machine, NotFoundError, RetryPolicy, Snapshot
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Drop
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer

ID = "11111111-8b2f-4c42-9d3f-0123456789ab"
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
LOST: list[bytes | None] = [b""]
DONE = Reply(None, 204)
GONE = Reply({"id": ID, "name": "web", "state": "deleted"}, 410)
ABSENT = Reply({"code": "ResourceNotFound", "message": "not found"}, 404)
PROXY_404 = Reply(b"<h1>404 page not found</h1>", 404, "text/html")


def _machine(sdc: DataCenter, age: float | None) -> Machine:
    data = {"id": ID, "name": "web", "state": "running"}
    if age is not None:
        data["created"] = datetime.fromtimestamp(time() - age, UTC).isoformat()
    return Machine(sdc, data=data)


@pytest.fixture
def clock() -> Instant:
    return Instant()


@pytest.fixture
def sdc(stub: StubServer, clock: Instant) -> DataCenter:
    return DataCenter(stub.url, login="bob", clock=clock)


def test_a_new_machine_that_is_not_found_yet_is_deleted_when_it_is(stub: StubServer, sdc: DataCenter) -> None:
    # The first attempt did not reach the server; the machine still exists.
    stub.answer(LOST, ABSENT, ABSENT, DONE)
    _machine(sdc, age=1).delete()
    assert [asked.method for asked in stub.asked] == ["DELETE"] * 4


def test_an_older_machine_that_is_not_found_is_deleted(
    stub: StubServer, sdc: DataCenter, clock: Instant
) -> None:
    stub.answer(LOST, ABSENT)
    _machine(sdc, age=60).delete()
    assert (len(stub.asked), len(clock.slept)) == (2, 1)


def test_a_machine_that_is_answered_410_is_deleted(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(LOST, GONE)
    _machine(sdc, age=1).delete()
    assert len(stub.asked) == 2


@pytest.mark.parametrize(
    "delete",
    [
        lambda sdc: _machine(sdc, None).delete(),
        lambda sdc: sdc.machine(ID, lazy=True).delete(),
        lambda sdc: sdc.delete_key("laptop"),
        lambda sdc: sdc.delete_volume(ID),
        lambda sdc: _machine(sdc, 9999).delete_tag("role"),
        lambda sdc: Snapshot(_machine(sdc, 9999), data={"name": "s", "state": "queued"}).delete(),
    ],
)
def test_a_404_that_stays_means_deleted(
    stub: StubServer, sdc: DataCenter, clock: Instant, delete: Callable[[DataCenter], None]
) -> None:
    stub.answer(LOST)
    stub.otherwise = ABSENT
    delete(sdc)
    assert 30 <= clock.now < 60
    assert len(stub.asked) < 12


def test_a_404_of_a_proxy_does_not_mean_deleted(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(LOST, PROXY_404, PROXY_404, DONE)
    _machine(sdc, age=9999).delete()
    assert len(stub.asked) == 4


def test_another_error_in_between_is_raised(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(LOST, ABSENT, Reply({"code": "NotAuthorized", "message": "no"}, 403))
    with pytest.raises(Exception, match="403 NotAuthorized"):
        _machine(sdc, age=1).delete()


@pytest.mark.parametrize(
    "answers", [[ABSENT], [Reply({"code": "TooManyRequestsError", "message": "slow"}, 429), ABSENT]]
)
def test_a_404_without_a_loss_is_an_error_at_once(
    stub: StubServer, sdc: DataCenter, answers: list[Reply]
) -> None:
    stub.answer(*answers)
    with pytest.raises(NotFoundError):
        _machine(sdc, age=1).delete()
    assert len(stub.asked) == len(answers)


def test_a_policy_that_ends_before_raises_the_404(stub: StubServer, clock: Instant) -> None:
    stub.answer(LOST)
    stub.otherwise = ABSENT
    policy = RetryPolicy(deadline=10)
    with DataCenter(stub.url, login="bob", clock=clock, retry=policy) as sdc, pytest.raises(NotFoundError):
        sdc.delete_key("laptop")
    assert clock.now <= 10


@pytest.mark.parametrize("pause", [0, 1000])
def test_pauses_are_neither_too_short_nor_too_long(stub: StubServer, clock: Instant, pause: float) -> None:
    stub.answer(LOST)
    stub.otherwise = ABSENT
    policy = RetryPolicy(first_pause=pause, longest_pause=pause, deadline=5000)
    with DataCenter(stub.url, login="bob", clock=clock, retry=policy) as sdc:
        sdc.delete_key("laptop")
    assert len(stub.asked) < 100


def test_a_key_of_the_emulator(cloud: Emulator) -> None:
    with cloud.datacenter() as real:
        key = real.add_key("spare", PUBLIC)
        cloud.faults.add("DeleteKey", Drop(after_commit=True), times=1)
        begun = cloud.clock.monotonic()
        real.delete_key(key)
        assert 30 <= cloud.clock.monotonic() - begun < 60
        names = [each["name"] for each in real.keys()]  # noqa: SIM118 - not a dict
        assert "spare" not in names
