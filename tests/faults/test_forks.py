"""Processes that are forked or spawned while a DataCenter is in use by many threads."""

from __future__ import annotations

import multiprocessing
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from smartdc import DataCenter, Machine
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import KeyRing
from tests.helpers.relays import Relay
from tests.helpers.sizes import in_two_sizes
from tests.http.test_processes import in_child

pytestmark = pytest.mark.stress

THREADS = 8
CHILDREN = 4
CALLS = 10


@contextmanager
def in_use(sdc: DataCenter, machine: Machine) -> Iterator[list[str]]:
    """Run threads that make requests meanwhile; yield the errors in them."""
    ending, wrong = threading.Event(), list[str]()
    all_threads = threading.Barrier(THREADS + 1)

    def work() -> None:
        begun = False
        while not ending.is_set():
            try:
                assert machine.status() == "running"
                assert len(sdc.keys()) >= 1
            except Exception as error:
                wrong.append(repr(error))
            if not begun:
                all_threads.wait(30)
                begun = True

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    all_threads.wait(30)
    try:
        yield wrong
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def sockets() -> set[str]:
    """The sockets that this process has open, as the kernel names them."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except OSError:  # the one that lists them
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def from_a_child(machine: Machine) -> list[str]:
    """The states of a machine that a child gets on several threads."""
    with ThreadPool(4) as pool:
        return pool.map(lambda _: machine.status(), range(CALLS))


@in_two_sizes(sample=4, whole=24)
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_of_processes(
    cloud: Emulator, relay: Relay, site: Site, method: str, note: Callable[[str], None], size: int
) -> None:
    context: BaseContext = multiprocessing.get_context(method)
    with cloud.datacenter(location=relay.url) as sdc:
        machine = sdc.machine(site.add_machine("web").uuid)
        with in_use(sdc, machine) as wrong:
            opened = relay.opened
            with warnings.catch_warnings():
                # Python 3.12 warns of forks while threads run: exactly that is tested here.
                warnings.simplefilter("ignore", DeprecationWarning)
                pool = context.Pool(size)
            with pool:
                seen = pool.map(from_a_child, [machine] * size, chunksize=1)
                pool.close()
                pool.join()
            theirs = relay.opened - opened
        assert wrong == []
    assert seen == [["running"] * CALLS] * size
    assert theirs >= 1
    note(f"{method}: {size} processes, {theirs} connections of their own, none of their parent's")


def test_a_forked_child_shares_no_connection(cloud: Emulator, relay: Relay, site: Site) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("not tested: whose sockets a child uses, as there is no /proc here")
    with cloud.datacenter(location=relay.url) as sdc:
        machine = sdc.machine(site.add_machine("web").uuid)
        with in_use(sdc, machine) as wrong:

            def child() -> list[object]:
                inherited = sockets()
                states = from_a_child(machine)
                return [states, len(sockets() - inherited)]

            for _ in range(CHILDREN):
                opened = relay.opened
                states, own = in_child(child)
                assert states == ["running"] * CALLS
                # It used only connections that were opened after the fork; the parent may have opened some,
                # too.
                assert 1 <= own <= relay.opened - opened
        assert wrong == []


@in_two_sizes(sample=40, whole=1000)
def test_forks_in_the_middle_of_everything_do_not_hang(
    cloud: Emulator, sdc: DataCenter, site: Site, size: int
) -> None:
    """Locks that a thread holds at the moment of the fork are not waited for in the child."""
    cloud.throttle(rate=1e6, burst=1e6)
    machine = sdc.machine(site.add_machine("web").uuid)
    with in_use(sdc, machine) as wrong:
        assert [in_child(machine.status) for _ in range(size)] == ["running"] * size
    assert wrong == []


def test_a_limiter_that_a_thread_holds_at_the_fork(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine("web").uuid)
    machine.status()
    limiters = list(sdc._limiters._known.values())
    assert limiters
    for limiter in limiters:
        limiter._lock.acquire()
    try:
        assert in_child(machine.status) == "running"
    finally:
        for limiter in limiters:
            limiter._lock.release()


def test_children_sign_for_themselves_with_the_agent(
    cloud: Emulator, sdc: DataCenter, site: Site, ssh_agent: RunningAgent, ssh_keys: KeyRing
) -> None:
    ssh_agent.add(ssh_keys.path("ed25519"))
    public = ssh_keys.public("ed25519")
    sdc.add_key("agent's", public.openssh)
    machine_uuid = site.add_machine("web").uuid
    with cloud.datacenter(key_id=f"/test/keys/{public.md5}", secret=None, allow_agent=True) as by_agent:
        machine = by_agent.machine(machine_uuid)
        with in_use(by_agent, machine) as wrong:
            children = [in_child(lambda: from_a_child(machine)) for _ in range(CHILDREN)]
        assert wrong == []
    assert children == [["running"] * CALLS] * CHILDREN
    # A kept signature is valid for its text only: any other would have been refused.
    assert {got.status for got in cloud.calls} <= {200, 201}
