"""Threads that wait for machines share lists; the rules are those of `smartdc._http.looks`."""

from __future__ import annotations

import pickle
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from multiprocessing.pool import ThreadPool
from typing import Any

import pytest

from smartdc import (
    ConnectionFailed,
    DataCenter,
    GoneError,
    Machine,
    RequestTimeout,
    WaitFailed,
    WaitTimeout,
)
from smartdc._http.looks import Actions, Looks, actions
from smartdc._http.paging import PAGE
from smartdc._http.waiting import Deadline
from smartdc.emulator import Emulator
from smartdc.emulator.http.fault_kinds import Status
from smartdc.emulator.state.site import Site
from tests.helpers.clock import Instant


def asked(cloud: Emulator, since: int = 0) -> Counter[str]:
    """How often each operation was called."""
    return Counter(call.operation or "?" for call in cloud.calls[since:])


def others(machine: Machine, waiting: int = 1) -> ExitStack:
    """Pretend that threads wait for this many other machines, and sleep between two looks."""
    stack = ExitStack()
    stack.enter_context(machine.datacenter._looks.waiting(waiting))
    return stack


@pytest.fixture
def web(sdc: DataCenter, site: Site) -> list[Machine]:
    """Five machines that run."""
    return [sdc.machine(site.add_machine(f"web{number}").uuid) for number in range(5)]


def test_one_list_serves_all_that_wait() -> None:
    # On a clock that runs, as sleeps of threads overlap there.
    with Emulator(rate=20) as running, running.datacenter() as there:
        machines = [there.machine(running.site().add_machine().uuid, lazy=True) for _ in range(24)]
        for machine in machines:
            machine.stop()
        before = len(running.calls)
        with ThreadPool(24) as pool:
            pool.map(lambda machine: machine.poll_until("stopped"), machines, chunksize=1)
        calls = asked(running, before)
    assert [machine.state for machine in machines] == ["stopped"] * 24
    # Single looks would make 24 requests in each round of 2 s.
    assert calls.total() <= 24, calls
    assert calls["ListMachines"] >= 1


def test_a_thread_alone_makes_single_looks(cloud: Emulator, web: list[Machine]) -> None:
    before = len(cloud.calls)
    web[0].poll_until("running")
    web[0].status()
    assert asked(cloud, before) == {"GetMachine": 2}


def test_a_list_that_is_young_enough_serves_the_next(cloud: Emulator, web: list[Machine]) -> None:
    with others(web[0]):
        before = len(cloud.calls)
        for machine in web:
            machine.poll_until("running", 2)
        assert asked(cloud, before) == {"ListMachines": 1}
        cloud.clock.advance(2)
        web[1].poll_until("running", 2)
        assert asked(cloud, before) == {"ListMachines": 1}
        cloud.clock.advance(0.1)
        web[2].poll_until("running", 2)
        assert asked(cloud, before) == {"ListMachines": 2}
        web[3].poll_until("running", 0.1)
        assert asked(cloud, before) == {"ListMachines": 2}


def test_a_look_of_the_same_wait_wants_a_newer_list(cloud: Emulator, web: list[Machine]) -> None:
    with others(web[0]), pytest.raises(WaitTimeout):
        web[0].poll_until("stopped", 2, timeout=10)
    assert asked(cloud)["ListMachines"] == 6  # at 0, 2, 4, 6, 8 and 10 s


@pytest.mark.parametrize(
    "act",
    [
        lambda machine: machine.stop(),
        lambda machine: machine.datacenter.machine(machine.id, lazy=True, look_first=False).stop(),
        lambda machine: machine.datacenter.request("POST", machine.path, params={"action": "stop"}),
        lambda machine: machine.datacenter.as_role().machine(machine.id).stop(),
    ],
    ids=["stop", "another object", "request", "another view"],
)
def test_a_list_from_before_an_action_is_too_old(
    cloud: Emulator, web: list[Machine], act: Callable[[Machine], object]
) -> None:
    with others(web[0]):
        web[0].poll_until("running")
        act(web[1])
        cloud.clock.advance(10)  # it has stopped
        with others(web[0]):
            # Its list of 10 s ago, which says "running", is young enough for this interval.
            web[1].poll_until("stopped", interval=60, timeout=0)
    assert asked(cloud)["ListMachines"] == 2


def test_an_action_that_fails_counts(cloud: Emulator, web: list[Machine]) -> None:
    cloud.faults.add("UpdateMachine", Status(409, {"code": "InvalidArgument", "message": "no"}), times=1)
    with others(web[0]):
        web[0].poll_until("running")
        with pytest.raises(Exception, match="InvalidArgument"):
            web[1].stop()
        web[1].poll_until("running")
    assert asked(cloud)["ListMachines"] == 2


def test_a_list_that_is_older_than_what_the_machine_shows_is_not_used(
    cloud: Emulator, web: list[Machine], site: Site
) -> None:
    with others(web[0]):
        web[0].poll_until("running", 60)
        site.machines[web[1].id].state = "stopped"  # by another client
        web[1].refresh()
        # The older list has "running", which would end the wait.
        with pytest.raises(WaitTimeout):
            web[1].poll_while("stopped", 60, timeout=0)
        assert web[1].state == "stopped"
        listed = {machine.id: machine for machine in web[0].datacenter.machines()}
        with pytest.raises(WaitTimeout):
            listed[web[1].id].poll_while("stopped", 60, timeout=0)


def test_a_machine_that_is_not_listed_is_looked_at_by_itself(
    cloud: Emulator, web: list[Machine], site: Site
) -> None:
    gone, failed, hidden = web[1:4]
    gone.delete()
    site.machines[failed.id].state = "failed"  # lists have those only with tombstone
    with others(web[0]):
        gone.poll_until("deleted")
        with pytest.raises(WaitFailed):
            failed.poll_until("stopped")
        assert asked(cloud)["GetMachine"] == 5 + 2  # five by the fixture
        hidden.poll_until("running")
        assert asked(cloud)["GetMachine"] == 5 + 2


def test_a_machine_that_is_known_to_be_deleted_stays_so(cloud: Emulator, web: list[Machine]) -> None:
    web[1].delete()
    with others(web[0]):
        web[1].poll_until("deleted")
        # A list that lags may still have it; an action on it would take a server's process down.
        looks = web[1].datacenter._looks
        assert looks._newest is not None
        looks._newest.machines = {web[1].id: {**web[1].raw, "state": "running"}}
        looks._newest.order = actions.next()
        web[1].poll_until("deleted")
        assert web[1].state == "deleted"


def test_what_lists_never_carry_is_kept(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine("web")
    vm.dns_names = ["web.inst.cns.example"]
    machine = sdc.machine(vm.uuid)
    assert machine.dns_names == ["web.inst.cns.example"]
    with others(machine):
        machine.poll_until("running")
    assert asked(cloud)["ListMachines"] == 1
    assert machine.dns_names == ["web.inst.cns.example"]


@pytest.mark.parametrize(("status", "lists"), [(403, 1), (500, 1), (503, 5)])
def test_if_lists_fail_each_thread_looks_by_itself(
    cloud: Emulator, web: list[Machine], status: int, lists: int
) -> None:
    cloud.faults.add("ListMachines", Status(status, {"code": "NotAuthorized", "message": "no"}))
    before = len(cloud.calls)
    with others(web[0], 10):
        for machine in web:
            machine.poll_until("running")
    assert asked(cloud, before) == {"ListMachines": lists, "GetMachine": 5}


def test_pages_that_cost_more_than_single_looks(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine().uuid, lazy=True)
    for _ in range(PAGE):
        site.add_machine()
    with others(machine):
        machine.poll_until("running")
    # Two pages would cost as much as the GETs of the two threads that wait.
    assert asked(cloud) == {"ListMachines": 1, "GetMachine": 1}
    with others(machine):
        machine.poll_until("running")
    assert asked(cloud) == {"ListMachines": 1, "GetMachine": 2}
    cloud.clock.advance(31)
    with others(machine, 2):
        machine.poll_until("running")
    assert asked(cloud) == {"ListMachines": 3, "GetMachine": 2}


def test_looks_are_not_shared_across_roles_accounts_or_versions(
    cloud: Emulator, sdc: DataCenter, web: list[Machine]
) -> None:
    with others(web[0]):
        assert sdc._looks is sdc._with()._looks
        assert sdc._looks is sdc.as_role()._looks
        assert sdc._looks is not sdc.as_role("ops")._looks
        view = sdc.as_role()
        view.default_headers["Accept-Version"] = "~8"
        assert sdc._looks is not view._looks
        view = sdc.as_role()
        view.login = "other"
        assert sdc._looks is not view._looks
        with cloud.datacenter() as again:
            assert sdc._looks is not again._looks
        assert sdc._looks is not sdc.datacenter("us-east-1")._looks


def test_sharing_can_be_switched_off(cloud: Emulator) -> None:
    with cloud.datacenter(share_polls=False) as sdc:
        machine = sdc.machine(cloud.site().add_machine().uuid, lazy=True)
        with others(machine, 9), sdc._looks.calling(), sdc._looks.calling():
            machine.poll_until("running")
            assert machine.status() == "running"
        assert not sdc.datacenter("us-east-1").share_polls
    assert "ListMachines" not in asked(cloud)


def test_machines_that_were_pickled_together_share(cloud: Emulator, web: list[Machine]) -> None:
    first, second, *_ = pickle.loads(pickle.dumps(web))  # noqa: S301 - our own
    assert first.datacenter._looks is second.datacenter._looks


def test_status_is_asked_for_after_the_call(cloud: Emulator, web: list[Machine], site: Site) -> None:
    looks = web[0].datacenter._looks
    with looks.calling():
        assert web[0].status() == "running"
        site.machines[web[0].id].state = "stopped"
        assert web[0].status() == "stopped"
        assert asked(cloud)["ListMachines"] == 2
        web[1].delete()
        cloud.clock.advance(60)
        with pytest.raises(GoneError):
            web[1].status()


def test_many_threads_ask_for_the_status() -> None:
    with Emulator(rate=10) as running, running.datacenter() as sdc:
        machines = [sdc.machine(running.site().add_machine().uuid, lazy=True) for _ in range(100)]
        running.throttle(burst=1)
        with ThreadPool(8) as pool:
            assert set(pool.map(Machine.status, machines, chunksize=1)) == {"running"}
        answered = [call for call in running.calls if call.status != 429]
    # At best 13 lists; 100 by single looks.
    assert len(answered) <= 40


class Lists:
    """A way to list machines that a test controls; no lock is held while it is used.

    Attributes:
        looks: What uses it.
        sent: How many lists were asked for.
        begun: Set when a list is under way.
        goes_on: Lists are answered while it is set.
        error: What is raised instead of an answer.
    """

    def __init__(self, looks: Looks) -> None:
        self.looks = looks
        self.sent = 0
        self.begun, self.goes_on = threading.Event(), threading.Event()
        self.error: BaseException | None = None

    def __call__(self, offset: int, on_send: Callable[[], None]) -> list[Any]:
        on_send()
        self.sent += 1
        self.begun.set()
        assert self.goes_on.wait(10)
        assert self.looks._lock.acquire(timeout=5)
        self.looks._lock.release()
        if self.error is not None:
            raise self.error
        return [{"id": "a", "state": "running"}]


@pytest.fixture
def lists() -> Iterator[Lists]:
    """Lists that are not answered yet; two other threads share the looks."""
    looks = Looks(time)
    with looks.waiting(2):
        yield Lists(looks)


def test_a_thread_that_comes_while_a_list_is_under_way_waits_for_the_next(lists: Lists) -> None:
    with ThreadPool(3) as pool:
        first = pool.apply_async(lists.looks.listed, ("a", lists, 0, 0.001, None))
        assert lists.begun.wait(10)
        time.sleep(0.002)
        late = [pool.apply_async(lists.looks.listed, ("a", lists, 0, 0.001, None)) for _ in range(2)]
        lists.goes_on.set()
        found = [each.get(10) for each in (first, *late)]
    assert lists.sent == 2
    assert found[0] is not None
    assert found[1] is not None
    assert found[1] == found[2]
    assert found[1].order > found[0].order


def test_a_thread_waits_for_the_list_of_another_no_longer_than_its_deadline(lists: Lists) -> None:
    with ThreadPool(1) as pool:
        first = pool.apply_async(lists.looks.listed, ("a", lists, 0, 2, None))
        assert lists.begun.wait(10)
        began = time.monotonic()
        assert lists.looks.listed("a", lists, 0, 2, Deadline(time, 0.05)) is None
        assert 0.05 <= time.monotonic() - began < 1
        assert lists.looks.listed("a", lists, 0, 2, Deadline(Instant(), 0)) is None
        lists.goes_on.set()
        assert first.get(10) is not None
    assert lists.sent == 1


class _Stopped(BaseException):
    """Stands for KeyboardInterrupt, which would end the test."""


@pytest.mark.parametrize(
    ("error", "deadline", "sent"),
    [
        (_Stopped(), None, 2),  # one thread is interrupted: the other asks
        (RequestTimeout("late"), Deadline(time, 0), 2),  # that was the end of its own wait
        (RequestTimeout("late"), None, 1),
        (ConnectionFailed("no"), Deadline(time, 0), 1),
    ],
    ids=["interrupted", "its own end", "silence", "no connection"],
)
def test_when_the_thread_that_asks_fails(
    lists: Lists, error: BaseException, deadline: Deadline | None, sent: int
) -> None:
    with ThreadPool(2) as pool:
        lists.error = error
        first = pool.apply_async(_seen, (lists, deadline))
        assert lists.begun.wait(10)
        second = pool.apply_async(_seen, (lists, None))
        time.sleep(0.05)
        if sent == 1:
            lists.goes_on.set()
            assert first.get(10) is None
            assert second.get(10) is None
        else:
            lists.goes_on.set()
            assert first.get(10) in (None, "stopped")
            second.get(10)
    assert lists.sent == sent


def _seen(lists: Lists, deadline: Deadline | None) -> Any:
    try:
        return lists.looks.listed("a", lists, 0, 2, deadline)
    except _Stopped:
        return "stopped"


def test_actions_that_are_forgotten_count_as_the_newest_of_them() -> None:
    done = Actions(most=3)
    for name in "abcde":
        done.note_action(name)
    assert done.last("a") == done.last("b") == done.last("never acted on") == 2
    assert [done.last(name) for name in "cde"] == [3, 4, 5]
    done.note_action("c")
    done.note_action("f")
    assert done.last("d") == done.last("a") == 4
    assert done.last("c") == 6
