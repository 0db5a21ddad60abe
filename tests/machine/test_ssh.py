"""Logins by `Machine.connect_ssh` to emulated machines: where, as whom, with which key, and when."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paramiko
import pytest

from smartdc import ConfigurationError, DataCenter, LoginFailed, Machine, WaitFailed, WaitTimeout
from smartdc.emulator import Emulator
from smartdc.emulator.state.vm import VM

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8"),
    pytest.mark.smartdc(ssh_port=0),
    pytest.mark.usefixtures("home"),
]


@pytest.fixture
def vm(cloud: Emulator) -> VM:
    return cloud.site().add_machine("web0", image="base-64-lts")


@pytest.fixture(autouse=True)
def _no_client_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if isinstance(thread, paramiko.Transport):
            thread.join(5)
            assert not thread.is_alive()


def answer(client: paramiko.SSHClient, command: str = "hostname; whoami") -> list[str]:
    return client.exec_command(command, timeout=10)[1].read().decode().split()


def fabric(cloud: Emulator) -> list[str]:
    site = cloud.site()
    return [net.uuid for net in site.networks.values() if net.name == "My-Fabric-Network"]


def operations(cloud: Emulator) -> list[str | None]:
    return [call.operation for call in cloud.calls]


def test_a_login(cloud: Emulator, machine: Machine) -> None:
    cloud.calls.clear()
    with machine.connect_ssh() as ssh:
        assert isinstance(ssh, paramiko.SSHClient)
        assert answer(ssh) == ["web0", "root"]
    assert operations(cloud) == ["GetMachine", "GetImage"]


def test_from_nothing_to_a_login(sdc: DataCenter) -> None:
    machine = sdc.create_machine("web0", "g3-highcpu-1-smartos", image=sdc.images(name="base64")[0])
    with machine.connect_ssh(wait=300) as ssh:
        assert answer(ssh) == ["web0", "root"]
    assert machine.state == "running"


def test_the_user_is_the_images_default_user(cloud: Emulator, sdc: DataCenter, machine: Machine) -> None:
    linux = cloud.site().add_machine("vm", image="ubuntu-certified-22.04")
    with sdc.machine(linux.uuid).connect_ssh() as ssh:
        assert answer(ssh) == ["vm", "ubuntu"]
    cloud.calls.clear()
    with machine.connect_ssh("admin") as ssh:
        assert answer(ssh) == ["web0", "admin"]
    assert operations(cloud) == ["GetMachine"]


def test_an_image_that_is_gone_has_no_default_user(cloud: Emulator, vm: VM, machine: Machine) -> None:
    del cloud.site().images[vm.image_uuid]
    with machine.connect_ssh() as ssh:
        assert answer(ssh) == ["web0", "root"]


@pytest.mark.parametrize("named", ["name", "uuid"])
@pytest.mark.parametrize("waiting", [None, 300])
def test_through_a_bastion(cloud: Emulator, sdc: DataCenter, vm: VM, named: str, waiting: int | None) -> None:
    # node-triton's lib/do_instance/do_ssh.js: the tag has the name or the uuid.
    tags = {"tritoncli.ssh.proxy": vm.alias if named == "name" else vm.uuid}
    inner = cloud.site().add_machine("inner", networks=fabric(cloud), tags=dict(tags))
    cloud.site().add_machine("web01")
    with sdc.machine(inner.uuid).connect_ssh(wait=waiting, sock=None) as ssh:
        assert answer(ssh) == ["inner", "root"]


def test_the_user_of_the_bastion(cloud: Emulator, sdc: DataCenter) -> None:
    # The same file: its proxyuser tag wins over the user, who wins over its image's default user.
    site = cloud.site()
    bastion = site.add_machine("bastion", image="ubuntu-certified-22.04")
    inner = site.add_machine("inner", networks=fabric(cloud), tags={"tritoncli.ssh.proxy": "bastion"})
    machine = sdc.machine(inner.uuid)
    with machine.connect_ssh() as ssh:  # ubuntu there, root here
        assert answer(ssh) == ["inner", "root"]
    with pytest.raises(LoginFailed, match=f"machine {inner.uuid} .* does not let 'ubuntu' in"):
        machine.connect_ssh("ubuntu")
    bastion.tags = {**bastion.tags, "tritoncli.ssh.proxyuser": "admin"}
    with machine.connect_ssh("root") as ssh:
        assert answer(ssh) == ["inner", "root"]
    bastion.tags = {**bastion.tags, "tritoncli.ssh.proxyuser": "nobody"}
    with pytest.raises(
        LoginFailed, match=rf"machine {bastion.uuid} .* does not let 'nobody' in.*\ncheck its tag "
    ):
        machine.connect_ssh("root")


def test_a_machine_that_is_its_own_bastion(vm: VM, machine: Machine) -> None:
    vm.tags = {**vm.tags, "tritoncli.ssh.proxy": vm.alias}
    with machine.connect_ssh() as ssh:
        assert answer(ssh) == ["web0", "root"]


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (
            {"tritoncli.ssh.proxy": "gone"},
            "through 'gone', as its tag .* no machine has the name or short id 'gone'",
        ),
        (
            {"tritoncli.ssh.proxy": "3b6ef3d0-0000-4000-8000-000000000000"},
            "tag tritoncli.ssh.proxy says: .*VM not found",
        ),
        ({"tritoncli.ssh.proxy": "down"}, "is stopped\nstart that machine, name another"),
        ({"tritoncli.ssh.ip": "10.9.9.9"}, "has no address '10.9.9.9', which its tag"),
        ({"tritoncli.ssh.port": "ssh"}, "has no port 'ssh', which its tag"),
        ({"tritoncli.ssh.port": 65536}, "has no port 65536, which its tag"),
    ],
)
def test_tags_that_lead_nowhere(
    cloud: Emulator, vm: VM, machine: Machine, tags: dict[str, str], message: str
) -> None:
    cloud.site().add_machine("down", state="stopped")
    vm.tags = {**vm.tags, **tags}
    with pytest.raises(LoginFailed, match=message) as caught:
        machine.connect_ssh()
    assert len(str(caught.value).splitlines()) == 2


def test_tags_of_ip_and_port(cloud: Emulator, vm: VM, machine: Machine) -> None:
    port = vm.tags["tritoncli.ssh.port"]
    vm.nics = vm.nics[::-1]  # of two addresses the other one is the primary
    vm.nics[0].primary, vm.nics[1].primary = True, False
    vm.tags = {**vm.tags, "tritoncli.ssh.ip": vm.nics[1].ip, "tritoncli.ssh.port": str(port)}
    with machine.connect_ssh() as ssh:
        assert answer(ssh) == ["web0", "root"]
    vm.tags = {name: value for name, value in vm.tags.items() if name != "tritoncli.ssh.port"}
    with machine.connect_ssh(port=cloud.ssh_port) as ssh:
        assert answer(ssh) == ["web0", "root"]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("stopped", "is stopped\nstart it, and wait for it: machine.start()"),
        ("provisioning", r"is provisioning\nwait for it: connect_ssh\(wait=300\)"),
        ("failed", "is failed\ndelete it"),
    ],
)
def test_a_machine_that_does_not_run(cloud: Emulator, sdc: DataCenter, state: str, message: str) -> None:
    machine = sdc.machine(cloud.site().add_machine("web1", state=state).uuid)
    with pytest.raises(LoginFailed, match=message):
        machine.connect_ssh()


def test_a_machine_without_an_address(vm: VM, machine: Machine) -> None:
    vm.nics = ()
    with pytest.raises(LoginFailed, match="has no address\nadd a NIC"):
        machine.connect_ssh()


def test_a_wait_for_a_machine_that_is_started(cloud: Emulator, sdc: DataCenter) -> None:
    machine = sdc.machine(cloud.site().add_machine("web1", state="stopped").uuid)
    with pytest.raises(WaitTimeout, match=r"now 'stopped'\nstart it, and wait for it: machine.start"):
        machine.connect_ssh(wait=60)
    machine.start()
    with machine.connect_ssh(wait=60) as ssh:
        assert answer(ssh) == ["web1", "root"]


def test_a_wait_ends_with_the_machine(cloud: Emulator, sdc: DataCenter) -> None:
    failed = sdc.machine(cloud.site().add_machine("web1", state="failed").uuid)
    with pytest.raises(WaitFailed, match="is failed"):
        failed.connect_ssh(wait=60)


def test_an_unknown_user(cloud: Emulator, machine: Machine) -> None:
    with pytest.raises(
        LoginFailed, match=r"does not let 'bob' in with the key SHA256:.*\ncheck the user"
    ) as no:
        machine.connect_ssh("bob")
    assert str(no.value).splitlines()[1] == (
        "check the user (connect_ssh() takes the image's default user), "
        "and that the account had this key when it made the machine"
    )
    assert isinstance(no.value.__cause__, paramiko.AuthenticationException)
    # A new machine may have the key a moment later, but not minutes later.
    begun = cloud.clock.time()
    with pytest.raises(LoginFailed, match="does not let 'bob' in"):
        machine.connect_ssh("bob", wait=300)
    assert cloud.clock.time() - begun == pytest.approx(60, abs=0.5)
    with pytest.raises(
        WaitTimeout,
        match=r"gave up after 10 s: machine .* does not accept the login, now .*'bob'.*\ncheck the user",
    ) as late:
        machine.connect_ssh("bob", wait=10)
    assert late.value.state == "running"


def test_a_wait_until_the_user_is_there(cloud: Emulator, vm: VM, machine: Machine) -> None:
    begun = cloud.clock.time()

    def make_user() -> None:
        if cloud.clock.time() - begun > 15:
            cloud.site().images[vm.image_uuid].tags["default_user"] = "bob"

    cloud.clock.on_advance(make_user)
    with machine.connect_ssh("bob", wait=300) as ssh:
        assert answer(ssh) == ["web0", "bob"]
    assert cloud.clock.time() - begun == pytest.approx(20, abs=0.5)  # it tries every 10 seconds


def test_arguments_for_paramiko_that_are_refused(cloud: Emulator, machine: Machine) -> None:
    cloud.calls.clear()
    for arguments, message in (
        ({"hostname": "web"}, "takes no hostname: the address is the machine's"),
        ({"username": "bob"}, "takes no username: give user"),
        ({"timeuot": 3}, "paramiko takes no timeuot .* did you mean timeout"),
        ({"port": "22"}, "port must be a number from 1 to 65535"),
        ({"port": True}, "port must be a number"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            machine.connect_ssh(**arguments)
    assert cloud.calls == []


def test_many_threads_at_once(cloud: Emulator, sdc: DataCenter) -> None:
    machines = [sdc.machine(cloud.site().add_machine(f"web{number}").uuid) for number in range(8)]

    def log_in(number: int) -> list[str]:
        with machines[number % 8].connect_ssh() as ssh:
            return answer(ssh, "hostname")

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(log_in, range(32)))
    assert found == [[f"web{number % 8}"] for number in range(32)]
    lines = cloud.ca_file.with_name("known_hosts").read_text().splitlines()
    assert sorted(line.split()[0] for line in lines) == sorted(machine.id for machine in machines)


def test_by_profile_only_against_an_emulator_in_another_process(home: Path) -> None:
    emulator = subprocess.Popen(
        [sys.executable, "-u", "-m", "smartdc.emulator", "--ssh-port", "0", "--rate", "100"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert emulator.stdout is not None
    try:
        exports = []
        for line in emulator.stdout:
            if line.startswith("# Ctrl-C"):
                break
            exports.append(line)
        authority = next(line.split(": ")[1].strip() for line in exports if "certificate authority" in line)
        script = f"""
from smartdc import DataCenter
with DataCenter.from_env(verify={authority!r}) as sdc:
    machine = sdc.create_machine("web0", "g3-highcpu-1-smartos", image=sdc.images(name="base64")[0])
    with machine.connect_ssh(wait=300) as ssh:
        print(ssh.exec_command("hostname")[1].read())
"""
        (home / "script.py").write_text(script)
        key = next(line for line in exports if "KEY_MATERIAL" in line).partition("=")[2].strip()
        (home / ".ssh").mkdir()
        for suffix in ("", ".pub"):
            source = Path(key if not suffix else str(Path(key).with_suffix(suffix)))
            (home / ".ssh" / f"id_ed25519{suffix}").write_text(source.read_text())
        shell = "".join(line for line in exports if line.startswith("export"))
        done = subprocess.run(
            ["sh", "-c", f'{shell}exec "$0" -W error "$1"', sys.executable, str(home / "script.py")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("b'web0\\n'\n", "")
    finally:
        emulator.terminate()
        emulator.wait(10)
        emulator.stdout.close()
