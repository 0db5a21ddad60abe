"""Objects that are unpickled one by one in one process: what they share, and what they never share."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from multiprocessing.pool import ThreadPool
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest

from smartdc import APIError, DataCenter, KeyLoadError, Machine
from smartdc._http import wires
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.http_signature import shared_signers
from tests.helpers.agents import RunningAgent
from tests.helpers.clock import Instant
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.helpers.relays import Relay
from tests.http.test_processes import in_child

STATUS = methodcaller("status")


@pytest.fixture(autouse=True)
def instant(monkeypatch: pytest.MonkeyPatch) -> Iterator[Instant]:
    """A clock that stands still, for what is kept; nothing is left for the next test."""
    clock = Instant()
    for kept in (wires._WIRES, shared_signers._KNOWN):
        monkeypatch.setattr(kept, "_clock", clock.monotonic)
        monkeypatch.setattr(kept, "_recent", {})
    yield clock
    gc.collect()


@pytest.fixture
def lone(cloud: Emulator, relay: Relay) -> Iterator[DataCenter]:
    """A data center behind the relay, on which no connection was opened."""
    with cloud.datacenter(location=relay.url) as sdc:
        yield sdc


def again(thing: Any) -> Any:
    """The object as another process gets it."""
    return pickle.loads(pickle.dumps(thing))  # noqa: S301 - our own


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it comes true in time: another thread of the relay notes what is closed."""
    until = time.monotonic() + 10
    while not condition() and time.monotonic() < until:
        time.sleep(0.005)
    return condition()


def by_pool(machines: list[Machine]) -> list[str]:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(STATUS, machines, chunksize=1)


def by_executor(machines: list[Machine]) -> list[str]:
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        return list(pool.map(STATUS, machines, chunksize=1))


@pytest.mark.stress
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("work", [by_pool, by_executor])
def test_a_process_opens_one_connection(
    work: Callable[[list[Machine]], list[str]], lone: DataCenter, relay: Relay, site: Site
) -> None:
    machines = [lone.machine(site.add_machine().uuid, lazy=True) for _ in range(20)]
    assert work(machines) == ["running"] * 20
    assert 1 <= relay.opened <= 2


def test_one_after_the_other_uses_one_connection(lone: DataCenter, relay: Relay, site: Site) -> None:
    data = pickle.dumps(lone.machine(site.add_machine().uuid, lazy=True))
    for _ in range(5):
        assert pickle.loads(data).status() == "running"  # noqa: S301 - our own
        gc.collect()
    assert relay.opened == 1
    # It is shared by those that are unpickled, not with the one that was pickled.
    lone.keys()
    assert relay.opened == 2


def test_threads_that_unpickle_at_once(cloud: Emulator, relay: Relay) -> None:
    with cloud.datacenter(location=relay.url, pool_size=1) as sdc:
        data = pickle.dumps(sdc)
    together = threading.Barrier(16)

    def work(_: int) -> int:
        together.wait()
        return len(pickle.loads(data).keys())  # noqa: S301 - our own

    with ThreadPool(16) as pool:
        assert pool.map(work, range(16), chunksize=1) == [1] * 16
    assert relay.opened == 1


def test_close_of_one_does_not_end_the_others(lone: DataCenter, relay: Relay) -> None:
    one, other = again(lone), again(lone)
    view = other.as_role()
    one.keys()
    one.close()
    one.close()
    other.keys()
    assert (relay.opened, relay.open_now) == (1, 1)
    del other  # its view goes on
    last = again(lone)
    last.close()
    view.keys()
    assert (relay.opened, relay.open_now) == (1, 1)
    # The last one closes for all, at once. What is closed opens a connection when it is used again.
    del view
    last = again(lone)
    last.close()
    assert eventually(lambda: relay.open_now == 0)
    one.keys()
    assert relay.opened == 2
    again(lone).keys()
    assert relay.opened == 3
    one.close()
    assert eventually(lambda: relay.open_now == 1)


def test_the_last_used_are_kept_a_minute(lone: DataCenter, relay: Relay, instant: Instant) -> None:
    again(lone).keys()
    instant.sleep(59)
    again(lone).keys()
    instant.sleep(59)  # since it was dropped
    again(lone).keys()
    assert (relay.opened, relay.open_now) == (1, 1)
    instant.sleep(61)
    again(lone).keys()
    assert relay.opened == 2
    assert eventually(lambda: relay.open_now == 1)
    # In use, it is not kept by time.
    used = again(lone)
    instant.sleep(1000)
    assert again(lone)._transport is used._transport
    del used
    instant.sleep(59)
    again(lone).keys()
    assert relay.opened == 2


def test_eight_unused_connections_are_kept(cloud: Emulator, relay: Relay) -> None:
    for size in range(1, 13):
        with cloud.datacenter(location=relay.url, pool_size=size) as sdc:
            again(sdc).keys()
    assert relay.opened == 12
    assert eventually(lambda: relay.open_now == 8)
    with cloud.datacenter(location=relay.url, pool_size=12) as sdc:
        again(sdc).keys()
    assert relay.opened == 12


class Special(DataCenter):
    """A subclass."""


def a_copy_of_the_authorities(cloud: Emulator, tmp_path: Path) -> dict[str, Any]:
    return {"verify": str(shutil.copy(cloud.ca_file, tmp_path / "ca.pem"))}


DIFFERENT: dict[str, Callable[[Emulator, Path], dict[str, Any]]] = {
    "another account": lambda cloud, path: {"login": "other"},
    "the account by its name": lambda cloud, path: {"login": "test"},
    "another key": lambda cloud, path: {"key_id": f"/test/keys/{cloud.account.keys[0].fingerprint}"},
    "other authorities": a_copy_of_the_authorities,
    "a longer timeout": lambda cloud, path: {"answer_timeout": 200.0},
    "a smaller limit": lambda cloud, path: {"max_response": 10_000_000},
    "a smaller pool": lambda cloud, path: {"pool_size": 3},
    "a rate": lambda cloud, path: {"rate": 1000.0},
}


@pytest.mark.parametrize("different", DIFFERENT.values(), ids=DIFFERENT)
def test_what_differs_is_not_shared(
    different: Callable[[Emulator, Path], dict[str, Any]], cloud: Emulator, relay: Relay, tmp_path: Path
) -> None:
    with cloud.datacenter(location=relay.url) as sdc:
        same, first = again(sdc), again(sdc)
    with cloud.datacenter(location=relay.url, **different(cloud, tmp_path)) as sdc:
        second = again(sdc)
    for one in (same, first, second):
        with suppress(APIError):  # of another account
            one.keys()
    assert relay.opened == 2


def test_other_classes_regions_and_environments_are_not_shared(
    cloud: Emulator, relay: Relay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with cloud.datacenter(location=relay.url) as sdc:
        data = pickle.dumps(sdc)
    first = pickle.loads(data)  # noqa: S301 - our own
    with cloud.datacenter("us-east-1") as east, first.datacenter(relay.url) as sister:
        assert len({id(one._transport) for one in (first, again(east), again(sister), east, sister)}) == 4
    special = Special.__new__(Special)
    special.__setstate__(first.__getstate__())
    assert special._transport is not first._transport
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none"))
    assert pickle.loads(data)._transport is first._transport  # noqa: S301 - its own authorities win
    # The file of the authorities is another one now.
    monkeypatch.setattr(first, "verify", a_copy_of_the_authorities(cloud, tmp_path)["verify"])
    data = pickle.dumps(first)
    before = pickle.loads(data)  # noqa: S301 - our own
    assert pickle.loads(data)._transport is before._transport  # noqa: S301
    os.utime(tmp_path / "ca.pem", (1, 1))
    assert pickle.loads(data)._transport is not before._transport  # noqa: S301


def test_a_changed_proxy_is_used_for_a_remote_server(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps(DataCenter("https://cloud.example.com"))
    first = pickle.loads(data)  # noqa: S301 - our own
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:8080")
    second = pickle.loads(data)  # noqa: S301
    assert second._transport is not first._transport
    assert pickle.loads(data)._transport is second._transport  # noqa: S301


def test_a_rate_is_shared(cloud: Emulator) -> None:
    with cloud.datacenter(rate=50.0) as sdc:
        data = pickle.dumps(sdc)
    started = time.monotonic()
    for _ in range(6):
        pickle.loads(data).keys()  # noqa: S301 - our own
    assert time.monotonic() - started >= 5 / 50


def test_machines_that_are_unpickled_one_by_one_share_looks() -> None:
    # On a clock that runs, as sleeps of threads overlap there.
    with Emulator(rate=20) as cloud, cloud.datacenter() as sdc:
        machines = [sdc.machine(cloud.site().add_machine().uuid, lazy=True) for _ in range(24)]
        for machine in machines:
            machine.stop()
        data = [pickle.dumps(machine) for machine in machines]
        before = len(cloud.calls)
        with ThreadPool(24) as pool:
            pool.map(lambda one: pickle.loads(one).poll_until("stopped"), data, chunksize=1)  # noqa: S301
        asked = Counter(call.operation for call in cloud.calls[before:])
    # Before the first list a few may look by themselves; afterwards one list serves all.
    assert asked["ListMachines"] >= 1
    assert asked.total() < 24


ASKED: list[str] = []


def passphrase_that_is_counted() -> str:
    ASKED.append("asked")
    return PASSPHRASE


def test_a_passphrase_is_asked_for_once(
    cloud: Emulator, sdc: DataCenter, ssh_keys: KeyRing, tmp_path: Path
) -> None:
    sdc.add_key("other", ssh_keys.public("p256").openssh)
    path = ssh_keys.alone("p256", tmp_path, passphrase=PASSPHRASE)
    options: dict[str, Any] = {"key_id": "/test/keys/other", "passphrase": passphrase_that_is_counted}
    with cloud.datacenter(secret=path, **options) as other:
        data = pickle.dumps(other)
    ASKED.clear()
    together = threading.Barrier(8)

    def work(_: int) -> int:
        together.wait()
        return len(pickle.loads(data).keys())  # noqa: S301 - our own

    with ThreadPool(8) as pool:
        assert pool.map(work, range(8), chunksize=1) == [2] * 8
    assert ASKED == ["asked"]


def test_a_key_file_that_changes(cloud: Emulator, sdc: DataCenter, ssh_keys: KeyRing, tmp_path: Path) -> None:
    path = ssh_keys.alone("p256", tmp_path)
    sdc.add_key("mine", ssh_keys.public("p256").openssh)
    with cloud.datacenter(key_id="/test/keys/mine", secret=path) as own:
        data = pickle.dumps(own)
    first = pickle.loads(data)  # noqa: S301 - our own
    assert len(first.keys()) == 2
    # The key is replaced in the file and on the server: only objects that have loaded it still use it.
    path.write_bytes(ssh_keys.path("ed25519").read_bytes())
    sdc.delete_key("mine")
    sdc.add_key("mine", ssh_keys.public("ed25519").openssh)
    second = pickle.loads(data)  # noqa: S301 - our own
    assert len(second.keys()) == 2
    assert second.auth.signer.public_key == ssh_keys.public("ed25519")
    assert first.auth.signer.public_key == ssh_keys.public("p256")
    path.unlink()
    third = pickle.loads(data)  # noqa: S301 - our own
    with pytest.raises(KeyLoadError, match="does not exist"):
        third.keys()
    # Once it is there, those that failed go on as well.
    path.write_bytes(ssh_keys.path("ed25519").read_bytes())
    assert len(third.keys()) == 2


def test_a_key_that_is_searched_for(cloud: Emulator, sdc: DataCenter, ssh_keys: KeyRing, home: Path) -> None:
    (home / ".ssh").mkdir()
    path = shutil.copy(ssh_keys.path("p256"), home / ".ssh" / "id_mine")
    key = ssh_keys.public("p256")
    sdc.add_key("mine", key.openssh)
    for key_id in (key.md5, key.sha256):
        with cloud.datacenter(key_id=f"/test/keys/{key_id}", secret=None) as own:
            data = pickle.dumps(own)
        first, second = pickle.loads(data), pickle.loads(data)  # noqa: S301 - our own
        assert first.auth.signer is second.auth.signer
    Path(path).rename(home / "elsewhere")
    with pytest.raises(KeyLoadError, match="could not be found"):
        pickle.loads(data).keys()  # noqa: S301
    assert len(second.keys()) == 2


def test_an_agent_is_asked_anew(
    cloud: Emulator, sdc: DataCenter, ssh_agent: RunningAgent, ssh_keys: KeyRing, tmp_path: Path
) -> None:
    key = ssh_keys.public("p256")
    sdc.add_key("mine", key.openssh)
    path = ssh_keys.alone("p256", tmp_path)
    ssh_agent.add(ssh_keys.path("p256"))
    with cloud.datacenter(key_id=f"/test/keys/{key.md5}", secret=path, allow_agent=True) as own:
        data = pickle.dumps(own)
    first = pickle.loads(data)  # noqa: S301 - our own
    assert len(first.keys()) == 2
    ssh_agent.remove(ssh_keys.path("p256"))
    # An object that is unpickled now uses the file; once the agent has the key again, all use the agent.
    second = pickle.loads(data)  # noqa: S301
    assert len(second.keys()) == 2
    with pytest.raises(KeyLoadError, match="ssh-agent"):
        first.account()
    ssh_agent.add(ssh_keys.path("p256"))
    third = pickle.loads(data)  # noqa: S301
    assert len(first.keys()) == len(third.keys()) == 2
    assert "ssh-agent" in third.auth.signer.source


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_while_a_thread_unpickles_or_loads(lone: DataCenter, relay: Relay) -> None:
    data = pickle.dumps(lone)
    kept = again(lone)
    kept.keys()
    holders = (wires._WIRES, shared_signers._KNOWN, kept.auth, kept.auth._hold.thing)
    with ExitStack() as held:
        for holder in holders:
            held.enter_context(holder._lock.current)
        # In the child no thread releases these.
        assert in_child(lambda: [len(pickle.loads(data).keys()), len(kept.keys())]) == [1, 1]  # noqa: S301
    # The child opened one connection for both of them, and left its parent's alone.
    assert relay.opened == 2
    again(lone).keys()
    kept.keys()
    assert relay.opened == 2


def test_nothing_is_left_at_exit(cloud: Emulator, relay: Relay, site: Site) -> None:
    with cloud.datacenter(location=relay.url) as sdc:
        machine = sdc.machine(site.add_machine().uuid, lazy=True)
    script = (
        "import pickle, sys, threading\n"
        "data = sys.stdin.buffer.read()\n"
        "print([pickle.loads(data).status() for _ in range(3)], threading.active_count())\n"
        "kept = pickle.loads(data); kept.status()\n"
        "sys.stdout.flush()\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script],
        input=pickle.dumps(machine), capture_output=True, check=False,
    )  # fmt: skip
    assert (done.stderr, done.returncode) == (b"", 0)
    assert done.stdout == b"['running', 'running', 'running'] 1\n"
    assert relay.opened == 1
    assert eventually(lambda: relay.open_now == 0)
