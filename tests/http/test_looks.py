"""Threads that wait for machines share lists; the rules are those of `smartdc._http.looks`."""

from __future__ import annotations

import logging
import pickle
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.pool import ThreadPool

import pytest

from smartdc import (
    DataCenter,
    GoneError,
    Machine,
    WaitFailed,
    WaitTimeout,
)
from smartdc._http.looks import actions
from smartdc._http.paging import PAGE
from smartdc.emulator import Emulator
from smartdc.emulator.http.fault_kinds import Status
from smartdc.emulator.state.site import Site


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
    cloud: Emulator, web: list[Machine], status: int, lists: int, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.faults.add("ListMachines", Status(status, {"code": "NotAuthorized", "message": "no"}))
    before = len(cloud.calls)
    with others(web[0], 10), caplog.at_level(logging.INFO, "smartdc"):
        for machine in web:
            machine.poll_until("running")
    assert asked(cloud, before) == {"ListMachines": lists, "GetMachine": 5}
    told = f"a list of machines that threads share failed: GET /my/machines: {status} NotAuthorized: no"
    (failed,) = [message for message in caplog.messages if message.startswith(told)]
    assert failed.endswith("; each looks by itself")


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
    cloud.clock.advance(29)
    with others(machine):
        machine.poll_until("running")
    assert asked(cloud) == {"ListMachines": 1, "GetMachine": 3}
    cloud.clock.advance(1)
    with others(machine, 2):
        machine.poll_until("running")
    assert asked(cloud) == {"ListMachines": 3, "GetMachine": 3}


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
        view = sdc.as_role()
        view.auth = None
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


def test_machines_that_were_pickled_one_by_one_share(cloud: Emulator, web: list[Machine]) -> None:
    first, second = (pickle.loads(pickle.dumps(machine)) for machine in web[:2])  # noqa: S301 - our own
    assert first.datacenter is not second.datacenter
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


def test_calls_that_are_over_do_not_count(cloud: Emulator, web: list[Machine]) -> None:
    looks = web[0].datacenter._looks
    for _ in range(3):
        with looks.calling():
            pass
    before = len(cloud.calls)
    assert web[0].status() == "running"
    assert asked(cloud, before) == {"GetMachine": 1}
    with looks.calling():
        assert web[0].status() == "running"
    assert asked(cloud, before) == {"GetMachine": 1, "ListMachines": 1}
    # That list is not kept: nobody uses it any more.
    web[1].poll_until("running", 60)
    assert asked(cloud, before) == {"GetMachine": 2, "ListMachines": 1}


def test_many_threads_ask_for_the_status() -> None:
    with Emulator(rate=10) as running, running.datacenter() as sdc:
        machines = [sdc.machine(running.site().add_machine().uuid, lazy=True) for _ in range(100)]
        running.throttle(burst=1)
        with ThreadPool(8) as pool:
            assert set(pool.map(Machine.status, machines, chunksize=1)) == {"running"}
        answered = [call for call in running.calls if call.status != 429]
    # At best 13 lists; 100 by single looks.
    assert len(answered) <= 40
