"""Activation: clients that a program makes by itself use the emulator; stopping restores the environment."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest
import requests

from smartdc import ConfigurationError, DataCenter, LegacyDataCenter, Machine
from smartdc.emulator import Emulator
from tests.helpers.triton_home import TritonHome

PROD = {
    "TRITON_PROFILE": "prod",
    "TRITON_USER": "somebody",
    "TRITON_ROLE": "ops",
    "SDC_TLS_INSECURE": "true",
    "SDC_TESTING": "1",
    "SDC_KEY_MATERIAL": "/nonexistent",
    "SSL_CERT_DIR": "/nonexistent",
    "SSH_AUTH_SOCK": "/nonexistent/agent",
    "SSH_AGENT_PID": "1",
    "NO_PROXY": "intra.example",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "SMARTDC_CA_FILE": "",
}
"""The environment of a user of a real cloud, which the activation must override."""


@pytest.fixture
def stopped() -> Iterator[Emulator]:
    cloud = Emulator()
    yield cloud
    cloud.stop()


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TritonHome]:
    """A home directory; checks that the environment is restored at the end."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in PROD.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    yield TritonHome(tmp_path, monkeypatch)
    ours = dict(os.environ)
    for either in (before, ours):
        either.pop("PYTEST_CURRENT_TEST", None)
    assert ours == before


def make(sdc: DataCenter, name: str = "web") -> Machine:
    machine = sdc.create_machine(name, package="g4-highcpu-1G", image=sdc.images(name="base64")[0])
    machine.poll_until("running", timeout=60)
    return machine


def test_a_script_of_from_profile(stopped: Emulator) -> None:
    started = time.monotonic()
    with stopped.activate() as cloud, DataCenter.from_profile() as sdc:
        assert cloud is stopped
        make(sdc).stop()
        assert len(cloud.site().machines) == 1
    assert time.monotonic() - started < 10  # a real wait for a machine would be 20 s of emulated time
    assert not stopped.is_running
    with pytest.raises(ConfigurationError, match="prod"):
        DataCenter.from_profile()


@pytest.mark.parametrize("way", ["env", "profile", "constructor", "legacy", "named", "pickled", "localhost"])
def test_every_client_waits_by_the_emulators_clock(cloud: Emulator, way: str) -> None:
    with cloud.activate("us-east-1", rate=0, profiles=["lab"]):
        url = os.environ["TRITON_URL"]
        key = os.environ["TRITON_KEY_MATERIAL"]
        ways: dict[str, Callable[[], DataCenter]] = {
            "env": DataCenter.from_env,
            "profile": DataCenter.from_profile,
            "constructor": lambda: DataCenter(url, cloud.key_id, key),
            "legacy": LegacyDataCenter.from_env,
            "named": lambda: DataCenter.from_profile("lab"),
            "pickled": lambda: pickle.loads(pickle.dumps(DataCenter.from_env())),  # noqa: S301 - ours
            "localhost": lambda: DataCenter(url.replace("127.0.0.1", "localhost"), cloud.key_id, key),
        }
        with ways[way]() as sdc:
            assert sdc.clock is cloud.clock
            if way != "legacy":
                make(sdc)
                assert len(cloud.site("us-east-1").machines) == 1
                assert sdc.datacenter("us-sw-1").clock is cloud.clock


def test_earlier_clients_and_clients_of_other_clouds_keep_their_clocks(cloud: Emulator) -> None:
    before = DataCenter(cloud.url(), cloud.key_id, cloud.key_file, verify=cloud.ca_file)
    with cloud.activate(rate=0):
        assert DataCenter("https://cloud.example").clock is time
        assert DataCenter("https://127.0.0.1:1").clock is time
        mine = Emulator().clock
        assert DataCenter(cloud.url(), clock=mine).clock is mine
        during = DataCenter.from_env()
    assert before.clock is time
    assert during.clock is cloud.clock
    assert DataCenter(cloud.url(), cloud.key_id, cloud.key_file, verify=cloud.ca_file).clock is time


def test_nested_activations(cloud: Emulator) -> None:
    def where() -> tuple[str, str]:
        with DataCenter.from_env() as sdc:
            return sdc.base_url, next(iter(sdc.datacenters().values()))

    with Emulator(account="other") as other, cloud.activate():
        assert where() == (cloud.url(), cloud.url())
        with other.activate("eu-ams-1"):
            assert where() == (other.url("eu-ams-1"), other.url())
            with cloud.activate("us-east-1") as inner:
                assert inner is cloud
                assert where() == (cloud.url("us-east-1"), cloud.url())
            assert where() == (other.url("eu-ams-1"), other.url())
        assert where() == (cloud.url(), cloud.url())


def test_activations_may_end_in_any_order(cloud: Emulator) -> None:
    with Emulator() as other:
        first, second, third = cloud.activate(), other.activate(), cloud.activate("eu-ams-1")
        for activation in (first, second, third):
            activation.start()
        first.stop()
        assert os.environ["TRITON_URL"] == cloud.url("eu-ams-1")
        third.stop()
        assert os.environ["TRITON_URL"] == other.url()
        second.stop()
        assert os.environ["TRITON_PROFILE"] == "prod"


def test_an_activation_can_be_repeated_and_nested_in_itself(cloud: Emulator) -> None:
    activation = cloud.activate()
    with activation, activation:
        assert os.environ["TRITON_URL"] == cloud.url()
    with activation:
        assert os.environ["TRITON_URL"] == cloud.url()
    with pytest.raises(RuntimeError, match="has not been started"):
        activation.stop()


def test_after_an_exception(stopped: Emulator) -> None:
    with pytest.raises(KeyError), stopped.activate():
        raise KeyError
    assert not stopped.is_running


def test_after_the_emulator_was_stopped_in_an_activation(stopped: Emulator) -> None:
    with stopped.activate():
        stopped.stop()
    with stopped.activate(), DataCenter.from_env() as sdc:
        assert sdc.account()["login"] == "test"


def test_variables_that_a_script_changes_are_restored(cloud: Emulator) -> None:
    with cloud.activate():
        os.environ["TRITON_URL"] = "https://elsewhere.example"
        del os.environ["TRITON_PROFILE"]


def test_a_start_that_fails_leaves_nothing(cloud: Emulator) -> None:
    port = int(cloud.url().rpartition(":")[2])
    taken = Emulator(datacenters=["one"], ports=[port])
    with pytest.raises(OSError, match="cannot listen"):
        taken.activate().start()
    assert os.environ["TRITON_PROFILE"] == "prod"


@pytest.mark.parametrize("name", ["", "a/b", "../x"])
def test_an_invalid_name_of_a_profile(cloud: Emulator, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a profile"):
        cloud.activate(profiles=[name])


def test_an_unknown_data_center(cloud: Emulator) -> None:
    with pytest.raises(ValueError, match="there is no data center 'mars', only"):
        cloud.activate("mars")


def test_profiles_of_the_user_are_hidden_and_untouched(home: TritonHome, cloud: Emulator) -> None:
    path = home.profile("prod", url="https://real.example")
    with cloud.activate():
        assert os.environ["HOME"] == str(home.path)
        assert set(DataCenter.profiles()) == {"env", "us-sw-1", "us-east-1", "eu-ams-1"}
        with DataCenter.from_profile("eu-ams-1") as sdc:  # the agent has its key
            assert sdc.base_url == cloud.url("eu-ams-1")
            assert sdc.account()["login"] == "test"
        with pytest.raises(ConfigurationError, match="there is no profile 'prod'"):
            DataCenter.from_profile("prod")
    assert json.loads(path.read_text())["url"] == "https://real.example"
    assert DataCenter.profiles()["prod"].url == "https://real.example"


def test_each_activation_has_only_its_own_profiles(cloud: Emulator) -> None:
    with cloud.activate(profiles=["one"]):
        with cloud.activate("us-east-1", profiles=["two"]):
            assert "one" not in DataCenter.profiles()
            assert DataCenter.profiles()["two"].url == cloud.url("us-east-1")
        assert DataCenter.profiles()["one"].url == cloud.url()
        assert "two" not in DataCenter.profiles()


def test_other_http_clients_reach_the_emulator_without_the_proxy(cloud: Emulator) -> None:
    with cloud.activate():
        assert requests.get(f"{cloud.url()}/--ping", timeout=10).json()["cloudapi"]
        assert os.environ["NO_PROXY"].startswith("intra.example,")


def test_threads_wait_together(cloud: Emulator) -> None:
    states = []

    def script(number: int) -> None:
        with DataCenter.from_env() as sdc:
            states.append(make(sdc, f"web{number}").state)

    with cloud.activate():
        threads = [threading.Thread(target=script, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert states == ["running"] * 8


def test_a_script_that_sleeps_by_itself(cloud: Emulator) -> None:
    with cloud.activate(rate=200), DataCenter.from_env() as sdc:
        image = sdc.images(name="base64")[0]
        machine = sdc.create_machine("web", package="g4-highcpu-1G", image=image)
        deadline = time.monotonic() + 30
        while machine.status() != "running":
            assert time.monotonic() < deadline
            time.sleep(0.05)
    # After the activation the clock does not run.
    first = cloud.clock.now()
    time.sleep(0.02)
    assert cloud.clock.now() == first


SCRIPT = """
from smartdc import DataCenter
with DataCenter.from_profile() as sdc:
    machine = sdc.create_machine("web", package="g4-highcpu-1G", image=sdc.images(name="base64")[0])
    machine.poll_until("running", timeout=60)
    print(sdc.base_url, machine.state)
    print(DataCenter("https://127.0.0.1:1").clock)
"""


def test_a_subprocess(cloud: Emulator) -> None:
    with cloud.activate():
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", SCRIPT],
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.stdout, done.stderr) == (f"{cloud.url()} running\n<module 'time' (built-in)>\n", "")


def _in_a_fork(queue: multiprocessing.Queue[str], sdc: DataCenter) -> None:
    make(sdc)
    with DataCenter.from_env() as own:
        queue.put(make(own, "another").state)


def test_a_forked_child_waits_for_the_clock_of_its_parent(cloud: Emulator) -> None:
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[str] = context.Queue()
    with cloud.activate(rate=100), DataCenter.from_env() as sdc:
        child = context.Process(target=_in_a_fork, args=(queue, sdc))
        child.start()
        child.join(60)
    assert child.exitcode == 0
    assert queue.get(timeout=1) == "running"


def test_the_agent_has_the_key_for_ssh() -> None:
    with Emulator(ssh_port=0).activate() as cloud, DataCenter.from_env() as sdc:
        machine = make(sdc)
        with paramiko.SSHClient() as client:
            client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            client.connect(
                machine.public_ips[0], cloud.ssh_port or 0, "admin", look_for_keys=False, allow_agent=True
            )
            assert client.exec_command("hostname")[1].read() == b"web\n"


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_the_agent_lists_the_key_and_signs_but_removes_nothing(kind: str) -> None:
    with Emulator(key_kind=kind).activate() as cloud:
        listed = subprocess.run(["ssh-add", "-L"], capture_output=True, text=True, check=True).stdout
        assert listed == cloud.key_file.with_suffix(".pub").read_text()
        proved = subprocess.run(
            ["ssh-add", "-T", str(cloud.key_file.with_suffix(".pub"))], capture_output=True, check=False
        )
        assert proved.returncode == 0, proved.stderr
        removed = subprocess.run(["ssh-add", "-D"], capture_output=True, check=False)
        assert removed.returncode != 0
        assert subprocess.run(["ssh-add", "-L"], capture_output=True, text=True, check=True).stdout == listed


def test_nothing_is_left_when_a_program_keeps_its_connection_to_the_agent(nothing_left: None) -> None:
    with Emulator().activate() as cloud:
        socket_path = Path(os.environ["SSH_AUTH_SOCK"])
        with socket.socket(socket.AF_UNIX) as line, socket.socket(socket.AF_UNIX) as cut_off:
            for each in (line, cut_off):
                each.connect(str(socket_path))
            line.sendall(b"\0\0\0\1\x0b")
            assert line.recv(5)[4:] == b"\x0c"
            cut_off.sendall(b"\0\0\0\7\x0d")
            cloud.stop()
            assert line.recv(4096)[-4:] != b""
            assert line.recv(4096) == b""
    assert not socket_path.exists()


@pytest.mark.parametrize(
    "message", [b"", b"\x0d", b"\x0d\0\0\0\1", b"\x0d" + b"\0" * 12, b"\x11", b"\x0d\xff\xff\xff\xff"]
)
def test_the_agent_refuses_what_it_cannot_read(message: bytes) -> None:
    with Emulator(key_kind="rsa").activate(), socket.socket(socket.AF_UNIX) as line:
        line.connect(os.environ["SSH_AUTH_SOCK"])
        line.sendall(len(message).to_bytes(4) + message)
        assert line.recv(100) == b"\0\0\0\1\x05"
        line.sendall(b"\xff\xff\xff\xff")
        assert line.recv(100) == b""


def test_there_is_no_agent_when_its_socket_cannot_be_created(tmp_path: Path) -> None:
    with Emulator(state_dir=tmp_path / ("long" * 40)).activate(), DataCenter.from_env() as sdc:
        assert "SSH_AUTH_SOCK" not in os.environ
        assert sdc.account()["login"] == "test"


class InACase(unittest.TestCase):
    def setUp(self) -> None:
        self.cloud = self.enterContext(Emulator().activate())

    def test_it(self) -> None:
        with DataCenter.from_profile() as sdc:
            make(sdc)


class InACaseWithCleanups(unittest.TestCase):
    def setUp(self) -> None:
        activation = Emulator().activate()
        activation.start()
        self.addCleanup(activation.stop)

    def test_it(self) -> None:
        with DataCenter.from_profile() as sdc:
            make(sdc)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8")
def test_logins_leave_nothing_in_the_users_file_of_host_keys(home: TritonHome, tmp_path: Path) -> None:
    with Emulator(ssh_port=0).activate() as cloud, DataCenter.from_profile() as sdc:
        with sdc.machine(cloud.site().add_machine("web0").uuid).connect_ssh() as ssh:
            assert ssh.exec_command("hostname", timeout=10)[1].read() == b"web0\n"
        assert len(Path(os.environ["SMARTDC_KNOWN_HOSTS"]).read_text().splitlines()) == 1
    assert not (tmp_path / ".local").exists()
