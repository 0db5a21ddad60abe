from __future__ import annotations

import math
import time
from operator import methodcaller
from typing import Any

import pytest

from smartdc import (
    ConfigurationError,
    DataCenter,
    GoneError,
    Machine,
    NotFoundError,
    SmartDCError,
    WaitError,
    WaitFailed,
    WaitTimeout,
)
from smartdc._http.waiting import poll
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.clock import Instant
from tests.helpers.recorded import call, sent
from tests.helpers.servers import Reply, StubServer


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    """A machine that runs."""
    return sdc.machine(site.add_machine("web").uuid, lazy=True)


@pytest.fixture
def new(sdc: DataCenter) -> Machine:
    """A machine that was just asked for; it runs 20 s later."""
    return sdc.create_machine("new", "sample-512M", image=sdc.images(name="base64")[0])


def test_poll_until(cloud: Emulator, new: Machine) -> None:
    start, begun = len(cloud.calls), cloud.clock.monotonic()
    assert new.poll_until("running") is None  # type: ignore[func-returns-value]
    assert new.state == "running"
    # Every 2 s, the first look at once: the clock is the emulator's, so nothing waits for real.
    assert cloud.clock.monotonic() - begun == 20
    assert sent(cloud, start) == [call("GET", f"/my/{new.path}")] * 11


def test_poll_while(cloud: Emulator, new: Machine) -> None:
    start, begun = len(cloud.calls), cloud.clock.monotonic()
    new.poll_while("provisioning", 3)
    assert new.state == "running"
    assert cloud.clock.monotonic() - begun == 21
    assert len(sent(cloud, start)) == 8


@pytest.mark.parametrize("interval", [0.5, 1, 7.5])
def test_the_interval_is_kept(cloud: Emulator, new: Machine, interval: float) -> None:
    begun, start = cloud.clock.monotonic(), len(cloud.calls)
    new.poll_until("running", interval=interval)
    steps = math.ceil(20 / interval)
    assert cloud.clock.monotonic() - begun == steps * interval
    assert len(sent(cloud, start)) == steps + 1


def test_a_state_that_is_there_already_needs_one_look_and_no_time(cloud: Emulator, machine: Machine) -> None:
    begun = cloud.clock.monotonic()
    machine.poll_until("running", timeout=0)
    machine.poll_while("stopped", timeout=0)
    assert cloud.clock.monotonic() == begun
    assert sent(cloud) == [call("GET", f"/my/{machine.path}")] * 2


@pytest.mark.parametrize(
    ("wait", "message"),
    [
        (lambda machine: machine.poll_until("stopped", timeout=5), "is not yet 'stopped', now 'running'"),
        (lambda machine: machine.poll_while("running", timeout=5), "is still 'running', now 'running'"),
    ],
    ids=["until", "while"],
)
def test_timeout(cloud: Emulator, machine: Machine, wait: Any, message: str) -> None:
    begun = cloud.clock.monotonic()
    with pytest.raises(TimeoutError, match=f"gave up after 5 s: machine {machine.id} {message}") as caught:
        wait(machine)
    error = caught.value
    assert isinstance(error, WaitTimeout)
    assert isinstance(error, WaitError)
    assert isinstance(error, SmartDCError)
    assert error.state == "running"
    # The last look is at the deadline, not after it: at 0, 2, 4 and 5 s.
    assert cloud.clock.monotonic() - begun == 5
    assert len(sent(cloud)) == 4


def test_timeout_of_zero_looks_once(cloud: Emulator, machine: Machine) -> None:
    with pytest.raises(WaitTimeout):
        machine.poll_until("stopped", timeout=0)
    assert len(sent(cloud)) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"interval": -1}, "interval must be"),
        ({"interval": math.nan}, "interval must be"),
        ({"interval": math.inf}, "interval must be a number of seconds from 0, not inf"),
        ({"timeout": -1}, "timeout must be None or a number of seconds from 0, not -1"),
        ({"timeout": math.nan}, "timeout must be"),
        ({"timeout": "5"}, "timeout must be None or a number of seconds from 0, not '5'"),
        ({"interval": "2"}, "interval must be a number of seconds from 0, not '2'"),
    ],
    ids=str,
)
def test_waits_that_cannot_work_are_refused_before_the_first_look(
    cloud: Emulator, machine: Machine, arguments: Any, message: str
) -> None:
    for wait in (machine.poll_until, machine.poll_while):
        with pytest.raises(ConfigurationError, match=message):
            wait("stopped", **arguments)
    assert sent(cloud) == []


@pytest.mark.parametrize("how", [True, "on server"])
def test_a_machine_that_fails_ends_the_wait(
    cloud: Emulator, sdc: DataCenter, site: Site, how: bool | str
) -> None:
    image = sdc.images(name="base64")[0]
    for wait in (methodcaller("poll_until", "running"), methodcaller("poll_while", "provisioning")):
        site.fail_next_provision = how
        machine = sdc.create_machine(package="sample-512M", image=image)
        with pytest.raises(WaitFailed, match=f"machine {machine.id}.* failed|'failed'") as caught:
            wait(machine)
        assert caught.value.state == machine.state == "failed"
        assert not isinstance(caught.value, TimeoutError)


def test_a_machine_that_is_deleted_ends_the_wait_for_another_state(cloud: Emulator, machine: Machine) -> None:
    machine.delete()
    with pytest.raises(WaitFailed, match=r"is deleted: it will not become 'stopped'") as caught:
        machine.poll_until("stopped")
    assert caught.value.state == "deleted"


def test_poll_until_deleted_takes_410(cloud: Emulator, machine: Machine) -> None:
    machine.delete()
    machine.poll_until("deleted")
    assert machine.state == "deleted"
    assert cloud.calls[-1].status == 410


def test_poll_until_deleted_takes_404(cloud: Emulator, machine: Machine, site: Site) -> None:
    machine.refresh()
    del site.machines[machine.id]
    machine.poll_until("deleted")
    assert (machine.state, machine.name) == ("deleted", "web")
    assert cloud.calls[-1].status == 404


def test_poll_while_ends_when_the_machine_is_deleted(machine: Machine) -> None:
    machine.delete()
    machine.poll_while("running")
    assert machine.state == "deleted"


def test_poll_while_provisioning_fails_when_the_machine_is_lost(new: Machine, site: Site) -> None:
    del site.machines[new.id]
    with pytest.raises(WaitFailed, match="went from 'provisioning' to 'deleted'"):
        new.poll_while("provisioning")


def test_poll_until_failed_is_a_success(sdc: DataCenter, site: Site) -> None:
    sdc.machine(site.add_machine(state="failed").uuid).poll_until("failed")


def test_another_error_ends_the_wait(stub: StubServer) -> None:
    stub.answer(
        Reply({"id": "a", "state": "running"}), Reply({"code": "NotAuthorized", "message": "no"}, 403)
    )
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        machine = sdc.machine({"id": "a"}, lazy=True)
        with pytest.raises(Exception, match="403 NotAuthorized: no") as caught:
            machine.poll_until("stopped")
    assert not isinstance(caught.value, NotFoundError | GoneError | WaitError)
    assert len(stub.asked) == 2


def test_poll_sleeps_between_looks_only() -> None:
    clock, looks = Instant(), iter(["a", "b", None])
    poll(lambda deadline: next(looks), interval=1.5, timeout=None, clock=clock, awaited="it")
    assert clock.slept == [1.5, 1.5]


def test_without_an_interval_a_clock_that_stands_still_is_moved() -> None:
    clock, looks = Instant(), iter(["a", "b", None])
    poll(lambda deadline: next(looks), interval=0, timeout=None, clock=clock, awaited="it")
    assert clock.slept == [0.1, 0.1]


def test_the_last_look_of_a_wait_is_left_a_second_at_most() -> None:
    clock = Instant()

    def look(_: object) -> str:
        clock.now += 5
        return "a"

    with pytest.raises(WaitTimeout):
        poll(look, interval=10, timeout=23, clock=clock, awaited="it is late")
    assert (clock.slept, clock.now) == ([10, 2], 27)


def test_poll_does_not_sleep_beyond_the_deadline() -> None:
    clock = Instant()
    with pytest.raises(WaitTimeout, match="gave up after 4 s: it is late, now 'a'"):
        poll(lambda deadline: "a", interval=3, timeout=4, clock=clock, awaited="it is late")
    assert clock.slept == [3, 1]


def test_the_clock_is_the_module_time_unless_another_is_given(stub: StubServer) -> None:
    with DataCenter(stub.url) as sdc:
        assert sdc.clock is time
