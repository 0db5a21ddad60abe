"""Logins that fail: their messages, when they end, and that nothing is left of them."""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import paramiko
import pytest

from smartdc import DataCenter, LoginFailed, Machine, WaitTimeout
from smartdc.emulator import Emulator
from smartdc.emulator.state.vm import VM
from tests.helpers.openssh import StartSSHD, start_sshd

__all__ = ["start_sshd"]

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8"),
    pytest.mark.smartdc(ssh_port=0),
    pytest.mark.usefixtures("home"),
]

Habit = Callable[[socket.socket], None]


class Listener:
    """A server that handles each connection with a function, in a thread."""

    def __init__(self, address: str, habit: Habit) -> None:
        self.socket = socket.create_server((address, 0))
        self.port: int = self.socket.getsockname()[1]
        self.accepted: list[socket.socket] = []
        self._habit = habit
        self._threads: list[threading.Thread] = []
        self._threads.append(threading.Thread(target=self._serve))
        self._threads[0].start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.accepted.append(connection)
                self._threads.append(threading.Thread(target=self._handle, args=(connection,)))
                self._threads[-1].start()

    def _handle(self, connection: socket.socket) -> None:
        with suppress(OSError):
            self._habit(connection)

    def ended(self) -> bool:
        """Whether the other side has closed each connection."""
        for connection in self.accepted:
            connection.settimeout(5)
            with suppress(ConnectionError):
                while connection.recv(65536):
                    pass
        return True

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.accepted:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for connection in self.accepted:
            connection.close()


@pytest.fixture
def listen(vm: VM) -> Iterator[Callable[[Habit], Listener]]:
    """Put a server in place of the machine's SSH server."""
    listeners: list[Listener] = []

    def start(habit: Habit) -> Listener:
        listeners.append(Listener(vm.nics[0].ip, habit))
        vm.tags = {**vm.tags, "tritoncli.ssh.port": listeners[-1].port}
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


def sockets_to(*ports: int) -> list[socket.socket]:
    """The open sockets of this process that are connected to these ports."""
    found = []
    for thing in gc.get_objects():
        # type() instead of isinstance, which fails for a weak proxy of an object that is gone.
        if issubclass(type(thing), socket.socket) and thing.family == socket.AF_INET and thing.fileno() >= 0:
            with suppress(OSError):
                if thing.getpeername()[1] in ports:
                    found.append(thing)
    return found


@pytest.fixture(autouse=True)
def _nothing_is_left(vm: VM) -> Iterator[None]:
    yield
    port = vm.tags["tritoncli.ssh.port"]
    assert not [thread for thread in threading.enumerate() if isinstance(thread, paramiko.Transport)]
    assert sockets_to(int(port)) == []


def silent(connection: socket.socket) -> None:
    pass


def http(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" * 200)
    connection.shutdown(socket.SHUT_WR)


def hanging_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def banner_only(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")


def old_version(connection: socket.socket) -> None:
    connection.sendall(b"SSH-1.5\x1b[2J-OpenSSH_2.1\r\n")


def two_lines(error: BaseException) -> bool:
    return 1 <= len(str(error).splitlines()) <= 2


def test_a_port_without_a_listener(vm: VM, machine: Machine) -> None:
    with socket.create_server((vm.nics[0].ip, 0)) as server:
        port = server.getsockname()[1]
    vm.tags = {**vm.tags, "tritoncli.ssh.port": port}
    with pytest.raises(
        LoginFailed, match=rf"cannot be reached at .*:{port}: Connection refused\ncheck"
    ) as no:
        machine.connect_ssh()
    assert isinstance(no.value.__cause__, ConnectionRefusedError)
    with pytest.raises(
        WaitTimeout,
        match=r"gave up after 60 s: machine .* does not accept the login, now .*refused'\ncheck that",
    ) as late:
        machine.connect_ssh(wait=60)
    assert two_lines(no.value)
    assert two_lines(late.value)


@pytest.mark.parametrize("habit", [silent, banner_only])
def test_a_server_that_never_speaks(
    machine: Machine, listen: Callable[[Habit], Listener], habit: Habit
) -> None:
    server = listen(habit)
    begun = time.monotonic()
    with pytest.raises(
        LoginFailed, match=r"did not accept the login: the SSH login got no answer for .* s\ncheck"
    ) as no:
        machine.connect_ssh(timeout=0.3, banner_timeout=0.3)
    assert time.monotonic() - begun < 10
    assert two_lines(no.value)
    assert server.ended()


@pytest.mark.parametrize("habit", [http, hanging_up])
def test_a_server_that_does_not_speak_ssh(
    machine: Machine, listen: Callable[[Habit], Listener], habit: Habit
) -> None:
    server = listen(habit)
    with pytest.raises(
        LoginFailed, match=r"did not accept the login: .*\ncheck that an SSH server runs there"
    ) as no:
        machine.connect_ssh(timeout=None, banner_timeout=None, auth_timeout=None)
    assert two_lines(no.value)
    assert server.ended()


def test_a_wait_ends_in_time_whatever_the_server_does(
    cloud: Emulator, vm: VM, listen: Callable[[Habit], Listener]
) -> None:
    server = listen(silent)
    with cloud.datacenter(clock=None) as sdc:  # real time
        machine = sdc.machine(vm.uuid)
        begun = time.monotonic()
        with pytest.raises(WaitTimeout, match="the SSH login got no answer"):
            machine.connect_ssh(wait=0.5)
    assert 0.4 < time.monotonic() - begun < 10
    assert server.ended()


@pytest.mark.parametrize("habit", [silent, banner_only])
@pytest.mark.parametrize("options", [{}, {"timeout": 60, "banner_timeout": None, "auth_timeout": None}])
def test_a_wait_ends_in_real_time_where_the_clock_stands_still(
    machine: Machine, listen: Callable[[Habit], Listener], habit: Habit, options: dict[str, Any]
) -> None:
    server = listen(habit)
    begun = time.monotonic()
    with pytest.raises(
        WaitTimeout, match=r"gave up after 0\.5 s: .*got no answer.*\ncheck that an SSH server runs there"
    ):
        machine.connect_ssh(wait=0.5, **options)
    assert 0.4 < time.monotonic() - begun < 10
    assert server.ended()
    assert len(server.accepted) == 1


def test_a_bastion_that_never_speaks_in_a_wait(
    cloud: Emulator, sdc: DataCenter, vm: VM, listen: Callable[[Habit], Listener]
) -> None:
    listen(silent)
    inner = cloud.site().add_machine("inner", tags={"tritoncli.ssh.proxy": vm.alias})
    begun = time.monotonic()
    with pytest.raises(WaitTimeout, match="got no answer"):
        sdc.machine(inner.uuid).connect_ssh(wait=0.5)
    assert time.monotonic() - begun < 10


def test_an_address_for_tests_is_explained(vm: VM, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `ssh_port` machines have addresses of 198.18.0.0/15 (RFC 2544, C.2.2), where none answers."""

    def unreachable(address: tuple[str, int], timeout: float | None) -> socket.socket:
        assert address[0] == "198.19.0.5"
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", unreachable)  # a test does not leave the loopback
    monkeypatch.setattr("smartdc.machine.ssh.is_this_machine", lambda _: False)  # an emulator elsewhere
    vm.nics[0].ip = "198.19.0.5"
    remedy = r"\n198\.18\.0\.0/15 is reserved for tests: an emulator accepts logins with ssh_port=0$"
    with pytest.raises(LoginFailed, match=f"unreachable{remedy}"):
        machine.connect_ssh()
    with pytest.raises(WaitTimeout, match=f"unreachable'{remedy}"):
        machine.connect_ssh(wait=60)


@pytest.mark.parametrize("wait", [None, 60])
def test_an_emulated_machine_without_ssh_is_told_by_its_address_alone(
    vm: VM, machine: Machine, monkeypatch: pytest.MonkeyPatch, wait: float | None
) -> None:
    """Something else, such as a proxy of the network, may accept every connection and then say nothing."""
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("a connection was opened"))
    vm.nics[0].ip = "198.19.0.5"
    remedy = r"198\.18\.0\.0/15 is reserved for tests: an emulator accepts logins with ssh_port=0"
    with pytest.raises(LoginFailed, match=rf"cannot be reached at 198\.19\.0\.5:\d+\n{remedy}$"):
        machine.connect_ssh(wait=wait)


def test_a_banner_that_comes_late(
    cloud: Emulator, vm: VM, machine: Machine, listen: Callable[[Habit], Listener]
) -> None:
    door = (vm.nics[0].ip, int(cloud.ssh_port or 0))

    def late(connection: socket.socket) -> None:
        time.sleep(0.5)
        with socket.create_connection(door) as inner:
            back = threading.Thread(target=pump, args=(inner, connection))
            back.start()
            pump(connection, inner)
            back.join()

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    listen(late)
    with machine.connect_ssh() as ssh:
        assert ssh.exec_command("hostname", timeout=10)[1].read() == b"web0\n"


def test_an_interrupt_while_it_waits(
    cloud: Emulator, vm: VM, machine: Machine, listen: Callable[[Habit], Listener]
) -> None:
    server = listen(silent)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        machine.connect_ssh(wait=300)
    timer.join()
    assert server.ended()


def test_a_bastion_that_never_speaks(
    cloud: Emulator, sdc: DataCenter, vm: VM, listen: Callable[[Habit], Listener]
) -> None:
    server = listen(silent)
    inner = cloud.site().add_machine("inner", tags={"tritoncli.ssh.proxy": vm.alias})
    with pytest.raises(LoginFailed, match=f"machine {vm.uuid} .* did not accept the login") as no:
        sdc.machine(inner.uuid).connect_ssh(timeout=0.3, banner_timeout=0.3)
    assert two_lines(no.value)
    assert server.ended()


def test_the_connection_to_the_bastion_ends_with_the_client(cloud: Emulator, sdc: DataCenter, vm: VM) -> None:
    site = cloud.site()
    fabric = [net.uuid for net in site.networks.values() if net.name == "My-Fabric-Network"]
    inner = site.add_machine("inner", networks=fabric, tags={"tritoncli.ssh.proxy": vm.alias})
    vm.tags = {**vm.tags, "tritoncli.ssh.proxyuser": "root"}
    machine = sdc.machine(inner.uuid)
    port = int(cloud.ssh_port or 0)
    ssh = machine.connect_ssh()
    assert len(sockets_to(port)) == 1
    ssh.close()
    ssh.close()
    assert sockets_to(port) == []
    with pytest.raises(LoginFailed, match=f"machine {inner.uuid} .* does not let 'bob' in"):
        machine.connect_ssh("bob")
    assert sockets_to(port) == []


def test_servers_without_an_algorithm_in_common(
    cloud: Emulator, vm: VM, machine: Machine, start_sshd: StartSSHD, listen: Callable[[Habit], Listener]
) -> None:
    ciphers = ["aes128-gcm@openssh.com"]
    public = cloud.account.keys[0].openssh
    sshd = start_sshd(public, address=vm.nics[0].ip, options=f"Ciphers {ciphers[0]}")
    vm.tags = {**vm.tags, "tritoncli.ssh.port": sshd.port}
    with pytest.raises(LoginFailed, match="speaks another SSH: ") as no:
        machine.connect_ssh(sshd.user, disabled_algorithms={"ciphers": ciphers}, wait=300)
    assert two_lines(no.value)
    listen(old_version)
    with pytest.raises(LoginFailed, match=r"speaks another SSH: .*1\.5") as old:
        machine.connect_ssh(wait=300)
    assert str(old.value).isprintable()


def test_nothing_is_printed_without_logging(
    machine: Machine, listen: Callable[[Habit], Listener], capfd: pytest.CaptureFixture[str]
) -> None:
    listen(http)
    handlers, logging.root.handlers[:] = logging.root.handlers[:], []
    try:
        with pytest.raises(LoginFailed):
            machine.connect_ssh()
    finally:
        logging.root.handlers[:] = handlers
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("habit", [http, hanging_up, banner_only])
def test_attempts_that_fail_are_details_in_the_log(
    machine: Machine,
    listen: Callable[[Habit], Listener],
    habit: Habit,
    caplog: pytest.LogCaptureFixture,
) -> None:
    listen(habit)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(WaitTimeout):
        machine.connect_ssh(wait=10, timeout=0.1)
    records = [record for record in caplog.records if "paramiko" in record.name]
    assert {record.levelname for record in records} == {"DEBUG"}
    caplog.set_level(logging.INFO)
    caplog.clear()
    with pytest.raises(LoginFailed):
        machine.connect_ssh(timeout=0.1)
    assert [record for record in caplog.records if "paramiko" in record.name] == []


def test_what_is_logged_after_the_login_keeps_its_level(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    with machine.connect_ssh() as ssh, caplog.at_level(logging.INFO):
        with ssh.open_sftp():
            pass
        transport = ssh.get_transport()
        assert transport is not None
        assert transport.logger.name == "smartdc.paramiko"
        assert [record for record in caplog.records if record.levelno >= logging.INFO] != []
