"""One DataCenter and many: threads, forked and spawned processes, pickles."""

from __future__ import annotations

import copy
import json
import multiprocessing
import os
import pickle
import threading
import warnings
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from smartdc import ConfigurationError, DataCenter, KeyLoadError, Machine, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent
from tests.helpers.relays import Relay
from tests.helpers.sizes import in_two_sizes


def in_child(work: Callable[[], Any]) -> Any:
    """What `work` returns in a forked child."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of forks while threads run: exactly that is tested here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            result = work()
        except BaseException as error:
            result = repr(error)
        os.write(writing, json.dumps(result).encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:  # noqa: PTH123 - a pipe
        answer = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return json.loads(answer)


def material(cloud: Emulator) -> list[bytes]:
    """The private key in the forms in which it could leak."""
    text = Path(cloud.key_file).read_bytes()
    key = serialization.load_ssh_private_key(text, None)
    raw = key.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    return [*text.splitlines()[1:-1], raw]


@pytest.mark.stress
@in_two_sizes(sample=200, whole=4000)
@pytest.mark.parametrize(("threads", "connections"), [(64, 64), (64, 8), (4, 1)])
def test_a_pool_of_threads_shares_one_data_center(
    cloud: Emulator, relay: Relay, site: Site, threads: int, connections: int, size: int
) -> None:
    for number in range(20):
        site.add_machine(f"web{number}", tags={"role": "web"})
    # Each call is one request: none is answered by a list that threads share.
    with cloud.datacenter(location=relay.url, pool_size=connections, share_polls=False) as sdc:
        machines = sdc.machines()
        one = machines[0]
        kinds: list[Callable[[int], Any]] = [
            lambda number: sdc.account()["login"] == "test",
            lambda number: len(sdc.machines(tags={"role": "web"})) == 20,
            lambda number: sdc.num_machines() == 20,
            lambda number: sdc.machine(machines[number % 20]).name == machines[number % 20].name,
            lambda number: machines[number % 20].status() == "running",
            lambda number: one.add_tags({f"t{number}": number})[f"t{number}"] == number,
            lambda number: one.get_tags()["role"] == "web",
            lambda number: sdc.images(name="base64")[0]["name"] == "base64",
            lambda number: sdc.package("sample-512M")["memory"] == 512,
            lambda number: sdc.request("HEAD", "/machines", params={"state": "stopped"})[0] is None,
        ]
        with ThreadPool(threads) as pool:
            right = pool.map(lambda number: kinds[number % len(kinds)](number), range(size), chunksize=1)
        assert all(right)
        assert len(right) == size
    assert 1 < relay.opened <= connections or relay.opened == connections == 1
    assert len(cloud.calls) == size + 1
    assert {got.status for got in cloud.calls} == {200}


def test_a_forked_child_opens_its_own_connection(cloud: Emulator, relay: Relay) -> None:
    with cloud.datacenter(location=relay.url) as sdc:
        sdc.keys()
        assert relay.opened == 1
        is_over = threading.Event()
        parent_calls: list[int] = []

        def keep_calling() -> None:
            while not is_over.is_set():
                parent_calls.append(len(sdc.keys()))

        thread = threading.Thread(target=keep_calling)
        thread.start()
        child = in_child(lambda: [sdc.account()["login"], len(sdc.keys())])
        is_over.set()
        thread.join()
        assert child == ["test", 1]
        assert set(parent_calls) <= {1}
        assert sdc.account()["login"] == "test"
        # The parent still uses its first connection; the second is the child's.
        assert relay.opened == 2


def test_a_fork_renews_both_of_two_equal_data_centers(cloud: Emulator, relay: Relay) -> None:
    with (
        cloud.datacenter(location=relay.url, login="test") as one,
        cloud.datacenter(location=relay.url, login="test") as other,
    ):
        assert one == other
        one.keys()
        other.keys()
        assert relay.opened == 2
        assert in_child(lambda: [len(one.keys()), len(other.keys())]) == [1, 1]
        assert relay.opened == 4
        one.keys()
        other.keys()
        assert relay.opened == 4


def test_a_data_center_survives_pickling(cloud: Emulator, relay: Relay) -> None:
    with cloud.datacenter(
        location=relay.url, headers={"X-Mine": "1"}, timeout=(3.0, 4.0), pool_size=7, verbose=False
    ) as sdc:
        sdc.keys()
        data = pickle.dumps(sdc)
        with pickle.loads(data) as again:  # noqa: S301 - our own
            assert type(again) is DataCenter
            assert again == sdc
            assert again.clock is not sdc.clock
            for name in ("location", "known_locations", "login", "verify", "timeout", "default_headers"):
                assert getattr(again, name) == getattr(sdc, name), name
            assert again.account()["login"] == "test"
        assert relay.opened == 2
    for secret in material(cloud):
        assert secret not in data
    assert cloud.calls[-1].headers["x-mine"] == "1"


def test_a_data_center_survives_copying(cloud: Emulator, relay: Relay) -> None:
    with cloud.datacenter(location=relay.url) as sdc:
        sdc.keys()
        for way in (copy.copy, copy.deepcopy):
            with way(sdc) as again:
                assert again.account()["login"] == "test"
            # Closing the copy closed its own connection.
            sdc.keys()
        assert relay.opened == 3


def test_a_key_given_as_text_is_not_pickled(cloud: Emulator) -> None:
    text = Path(cloud.key_file).read_text()
    with cloud.datacenter(secret=text) as sdc:
        assert sdc.account()["login"] == "test"
        data = pickle.dumps(sdc)
    for secret in material(cloud):
        assert secret not in data
    with pickle.loads(data) as again, pytest.raises(KeyLoadError, match="which is never pickled"):  # noqa: S301
        again.account()


def test_a_machine_survives_pickling_without_its_passwords(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    vm = site.add_machine("web", tags={"role": "web"}, internal_metadata={"root_pw": "secret77"})
    machine = sdc.machine(vm.uuid, credentials=True)
    data = pickle.dumps(machine)
    again = pickle.loads(data)  # noqa: S301 - our own
    assert isinstance(again, Machine)
    assert again == machine
    assert (again.name, again.tags) == ("web", {"role": "web"})
    assert b"secret77" not in data
    start = len(cloud.calls)
    with again.datacenter:
        assert again.credentials() == {"root": "secret77"}
        again.stop()
    assert sent(cloud, start)[1] == call("POST", f"/my/{machine.path}", {"action": "stop"})
    lazy = pickle.loads(pickle.dumps(sdc.machine(vm.uuid, lazy=True)))  # noqa: S301 - our own
    with lazy.datacenter:
        assert lazy.name == "web"


def login_and_state(machine: Machine) -> tuple[str, str]:
    """Runs in another process."""
    with machine.datacenter as sdc:
        return sdc.account()["login"], machine.status()


def test_a_machine_goes_to_a_spawned_process(sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine("web").uuid)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(login_and_state, (machine,)) == ("test", "running")


def test_a_wait_in_a_child_is_refused_where_only_the_parent_moves_the_time(cloud: Emulator) -> None:
    # The emulator's time stands still at rate 0 until a wait in its own process moves it.
    with cloud.datacenter() as sdc:
        machine = sdc.create_machine("web0", package="sample-512M", image=sdc.images()[0])
        refusal = "ConfigurationError(\"the emulator's time stands still (rate 0), and only waiting in"
        waits: list[Callable[[], Any]] = [
            lambda: machine.poll_until("running", timeout=60),
            lambda: fleet.wait([machine], "running", timeout=60),
        ]
        for wait in waits:
            assert in_child(wait).startswith(refusal)
        for again in (pickle.loads(pickle.dumps(machine)), copy.deepcopy(machine)):  # noqa: S301 - our own
            with pytest.raises(ConfigurationError, match=r"Emulator\(rate=40\), or use activate\(\)"):
                again.poll_until("running", timeout=60)
            again = pickle.loads(pickle.dumps(again))  # noqa: S301 - our own
            with pytest.raises(ConfigurationError, match=r"^the emulator's time stands still \(rate 0\)"):
                fleet.run([again], fleet.until("running", timeout=60))
        machine.poll_until("running")
        assert in_child(lambda: machine.poll_until("running")) is None
