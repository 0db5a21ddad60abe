"""Logins to emulated machines with a real SSH client; each machine has its own address."""

from __future__ import annotations

import errno
import gc
import io
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paramiko
import pytest

from smartdc import DataCenter, Machine
from smartdc.emulator import Emulator

PORTS_FROM = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8")


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    with Emulator(ssh_port=0) as cloud:
        yield cloud
        assert cloud.violations == []


@pytest.fixture
def sdc(cloud: Emulator) -> Iterator[DataCenter]:
    with cloud.datacenter() as sdc:
        yield sdc


def create(sdc: DataCenter, **options: object) -> Machine:
    package, image = "g3-highcpu-1-smartos", sdc.images(name="base64")[0]
    machine = sdc.create_machine(package=package, image=image, **options)  # type: ignore[arg-type]
    machine.poll_until("running")
    return machine


@contextmanager
def login(
    cloud: Emulator, address: str, user: str = "admin", key: paramiko.PKey | None = None
) -> Iterator[paramiko.SSHClient]:
    """Log in with the account's key, or with another."""
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(
            address,
            port=cloud.ssh_port or 22,
            username=user,
            pkey=key,
            key_filename=None if key else str(cloud.key_file),
            allow_agent=False,
            look_for_keys=False,
            timeout=10,
        )
        yield client


def run(client: paramiko.SSHClient, command: str) -> tuple[str, str, int]:
    """Standard output, standard error and exit status."""
    stdin, stdout, stderr = client.exec_command(command, timeout=10)
    stdin.close()
    return stdout.read().decode(), stderr.read().decode(), stdout.channel.recv_exit_status()


def test_commands(cloud: Emulator, sdc: DataCenter) -> None:
    machine = create(sdc, name="web0", metadata={"role": "web"})
    with login(cloud, machine.public_ips[0]) as client:
        assert run(client, "hostname; whoami; pwd") == ("web0\nadmin\n/home/admin\n", "", 0)
        assert run(client, "nonsense") == ("", "-bash: nonsense: command not found\n", 127)
        out, errors, status = run(client, "echo on; cat gone")
        assert (out, errors, status) == ("on\n", "cat: gone: No such file or directory\n", 1)
        assert run(client, "echo caf\u00e9 > note") == ("", "", 0)
        assert run(client, "cat note; mdata-get role") == ("caf\u00e9\nweb\n", "", 0)
    with login(cloud, machine.public_ips[0], "root") as client:
        assert run(client, "whoami; ls /home/admin") == ("root\nnote\n", "", 0)


def test_the_boot_script_has_run(cloud: Emulator, sdc: DataCenter, tmp_path: Path) -> None:
    script = tmp_path / "boot.sh"
    script.write_text("#!/usr/bin/sh\n\ntouch /home/admin/FTW\nwhoami\n")
    machine = create(sdc, boot_script=str(script))
    with login(cloud, machine.public_ips[0]) as client:
        assert run(client, "ls; cat /var/log/user-script.log") == ("FTW\nroot\n", "", 0)


def test_each_machine_has_its_own_address_and_files(cloud: Emulator, sdc: DataCenter) -> None:
    addresses = [create(sdc, name=name).public_ips[0] for name in ("web0", "web1")]
    assert len(set(addresses)) == 2
    assert all(address.startswith("127.") for address in addresses)
    for name, address in zip(("web0", "web1"), addresses, strict=True):
        with login(cloud, address) as client:
            assert run(client, f"ls; hostname; touch {name}") == (f"{name}\n", "", 0)


def test_a_shell(cloud: Emulator, sdc: DataCenter) -> None:
    machine = create(sdc, name="web0")
    prompt = b"[admin@web0]$ "
    with login(cloud, machine.public_ips[0]) as client, client.invoke_shell() as channel:
        channel.settimeout(10)

        def until(end: bytes) -> bytes:
            seen = b""
            while not seen.endswith(end):
                piece = channel.recv(1024)
                assert piece, seen
                seen += piece
            return seen

        assert until(prompt) == prompt
        for typed, shown in ((b"hostname", b"web0"), (b"cd /tmp && pwd", b"/tmp"), (b"pwd", b"/tmp")):
            channel.sendall(typed + b"\n")
            assert shown + b"\r\n" in until(prompt)
        channel.resize_pty(width=132, height=50)
        channel.sendall(b"\x03")  # Ctrl-C
        until(prompt)
        channel.sendall(b"cat gone\n")
        assert b"cat: gone: No such file" in until(prompt)
        channel.sendall(b"exit\n")
        assert channel.recv_exit_status() == 1


def test_a_shell_whose_input_ends(cloud: Emulator, sdc: DataCenter) -> None:
    machine = create(sdc)
    with login(cloud, machine.public_ips[0]) as client, client.invoke_shell() as channel:
        channel.shutdown_write()
        assert channel.recv_exit_status() == 0


@pytest.mark.parametrize("user", ["nobody", ""])
def test_an_unknown_user_is_refused(cloud: Emulator, user: str) -> None:
    address = cloud.site().add_machine().nics[0].ip
    with pytest.raises(paramiko.AuthenticationException), login(cloud, address, user or "Admin"):
        pass


def test_another_key_is_refused_until_the_account_has_it(cloud: Emulator, sdc: DataCenter) -> None:
    address = cloud.site().add_machine().nics[0].ip
    other = paramiko.ECDSAKey.generate()
    with pytest.raises(paramiko.AuthenticationException), login(cloud, address, key=other):
        pass
    sdc.add_key("other", f"{other.get_name()} {other.get_base64()}")
    with login(cloud, address, key=other) as client:
        assert run(client, "whoami")[0] == "admin\n"


def test_only_the_owner_can_log_in(cloud: Emulator) -> None:
    cloud.add_account("bob")
    address = cloud.site().add_machine(account="bob").nics[0].ip
    with pytest.raises(paramiko.AuthenticationException), login(cloud, address):
        pass


def test_stop_and_start(cloud: Emulator, sdc: DataCenter) -> None:
    machine = create(sdc)
    address = machine.public_ips[0]
    with login(cloud, address) as client:
        run(client, "touch kept")
        machine.stop()
        machine.poll_until("stopped")
        with suppress(EOFError, OSError, paramiko.SSHException):  # the connection was closed
            run(client, "ls")
            pytest.fail("a stopped machine answers")
    refused(cloud, address)
    machine.start()
    machine.poll_until("running")
    with login(cloud, address) as client:
        assert run(client, "ls")[0] == "kept\n"


def test_reboot_keeps_files_and_runs_the_boot_script_again(cloud: Emulator, sdc: DataCenter) -> None:
    machine = create(sdc, metadata={"user-script": "echo boot >> /tmp/boots"})
    address = machine.public_ips[0]
    with login(cloud, address) as client:
        run(client, "touch kept")
    machine.reboot()
    for _ in range(4):  # in steps, as for a client that waits
        cloud.clock.advance(2)
    assert machine.status() == "running"
    with login(cloud, address) as client:
        assert run(client, "ls; cat /tmp/boots")[0] == "kept\nboot\nboot\n"


def test_delete(cloud: Emulator, sdc: DataCenter) -> None:
    machine = create(sdc)
    address = machine.public_ips[0]
    machine.delete()
    machine.poll_until("deleted")
    refused(cloud, address)
    # The address is free for another machine.
    network = cloud.site().networks[cloud.site().machines[machine.id].nics[0].network_uuid]
    assert network.is_free(address)


def test_a_machine_without_a_public_address(cloud: Emulator, sdc: DataCenter) -> None:
    private = next(network for network in sdc.networks() if not network["public"])
    machine = create(sdc, networks=[private["id"]])
    assert machine.public_ips == []
    assert machine.status() == "running"


def test_a_cloud_that_stops_while_logins_open(recwarn: pytest.WarningsRecorder) -> None:
    cloud = Emulator(ssh_port=0)
    vm = cloud.site().add_machine()
    for _ in range(5):
        with cloud:
            pass
    with cloud:
        vm.state = "stopped"
    gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


def test_stopping_leaves_no_connection_and_no_thread(recwarn: pytest.WarningsRecorder) -> None:
    threads = set(threading.enumerate())
    with Emulator(ssh_port=0) as cloud:
        addresses = [cloud.site().add_machine().nics[0].ip for _ in range(3)]
        silent = socket.create_connection((addresses[0], cloud.ssh_port or 0), timeout=10)
        with login(cloud, addresses[1]) as client:
            assert run(client, "pwd")[2] == 0
            client.invoke_shell()
            cloud.stop()
            transport = client.get_transport()
            assert transport is not None
            wait_for(lambda: not transport.is_active())
        with silent:
            while silent.recv(1024):  # its banner, then the end
                pass
    for address in addresses:
        refused(cloud, address)
    wait_for(lambda: set(threading.enumerate()) <= threads)
    gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


def test_two_clouds_at_once() -> None:
    with Emulator(ssh_port=0) as one, Emulator(ssh_port=0) as other:
        machines = [cloud.site().add_machine(name=name) for cloud, name in ((one, "a"), (other, "b"))]
        assert machines[0].nics[0].ip == machines[1].nics[0].ip
        for cloud, name in ((one, "a"), (other, "b")):
            with login(cloud, machines[0].nics[0].ip) as client:
                assert run(client, "hostname")[0] == f"{name}\n"
        key = paramiko.Ed25519Key.from_private_key_file(str(one.key_file))
        with pytest.raises(paramiko.AuthenticationException), login(other, machines[0].nics[0].ip, key=key):
            pass


def test_machines_added_before_the_start() -> None:
    cloud = Emulator(ssh_port=0)
    address = cloud.site().add_machine(name="early").nics[0].ip
    assert cloud.ssh_port == 0
    with cloud, login(cloud, address) as client:
        assert run(client, "hostname")[0] == "early\n"


def test_without_an_ssh_port_machines_are_not_on_the_loopback() -> None:
    with Emulator() as cloud:
        assert cloud.ssh_port is None
        assert not cloud.site().add_machine().nics[0].ip.startswith("127.")


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:  # noqa: S104 - takes the port at every address
        port = taken.getsockname()[1]
        cloud = Emulator(ssh_port=port)
        with pytest.raises(OSError, match=rf"no SSH server for machines at 127\.[\d.]+:{port} \(") as caught:
            cloud.start()
    assert caught.value.errno == errno.EADDRINUSE
    assert "stopped" in repr(cloud)
    with cloud:  # now it is free
        assert cloud.ssh_port == port


WITHOUT_ROOT = """
from smartdc.emulator import Emulator
try:
    Emulator(ssh_port=22).start()
except OSError as error:
    print(error)
"""


def test_a_port_that_needs_root() -> None:
    if PORTS_FROM.is_file() and int(PORTS_FROM.read_text()) <= 22:
        pytest.skip("not tested: on this system every user may listen at port 22")
    command = [sys.executable, "-W", "error", "-c", WITHOUT_ROOT]
    if os.geteuid() == 0:
        # Root without the capability, because another user may not be able to read this Python.
        command = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service", *command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("not tested: root without the right to low ports (setpriv is not installed)")
    assert done.stderr == ""
    assert ":22 (Permission denied): ports under 1024 need root" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="not tested: port 22, which needs root")
def test_the_tutorial_as_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "boot.sh"
    script.write_text("#!/usr/bin/sh\n\ntouch /home/admin/FTW\n")
    home = tmp_path / ".ssh"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(tmp_path))
    import paramiko as ssh

    with Emulator(ssh_port=22) as cloud, cloud.datacenter() as sdc:
        (home / "id_ed25519").write_bytes(cloud.key_file.read_bytes())
        test_machine = create(sdc, name="test-machine", boot_script=str(script))

        ssh_conn = ssh.SSHClient()
        ssh_conn.set_missing_host_key_policy(ssh.AutoAddPolicy())  # noqa: S507 - a new machine
        ssh_conn.connect(test_machine.public_ips[0], username='admin')  # fmt: skip
        _, rout, _ = ssh_conn.exec_command('pkgin ls')  # fmt: skip
        packages = dict(ln.split(None, 1) for ln in rout)
        printed = io.StringIO()
        print(ssh_conn.exec_command('ls')[1].read(), file=printed)  # fmt: skip
        ssh_conn.close()
    assert packages["curl-8.4.0"] == "Client that groks URLs\n"
    assert printed.getvalue() == "b'FTW\\n'\n"


def refused(cloud: Emulator, address: str) -> None:
    """Assert that nothing listens at this address."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, cloud.ssh_port or 0), timeout=10).close()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until another thread has noticed that its connection is closed."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
