"""Logins by `Machine.connect_ssh` to OpenSSH's own server, as target and as bastion."""

from __future__ import annotations

import sys

import paramiko
import pytest

from smartdc import DataCenter, LoginFailed, Machine
from smartdc.emulator import Emulator
from smartdc.emulator.state.vm import VM
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.helpers.openssh import StartSSHD, start_sshd

__all__ = ["start_sshd"]

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8"),
    pytest.mark.smartdc(ssh_port=0),
    pytest.mark.usefixtures("home"),
]


def account_key(cloud: Emulator) -> str:
    return cloud.account.keys[0].openssh


def output(client: paramiko.SSHClient, command: str = "echo $SSH_CONNECTION") -> str:
    return client.exec_command(command, timeout=10)[1].read().decode()


KEYS = [
    (kind, held)
    for kind in ("ed25519", "rsa2048", "p384")
    for held in ("file", "encrypted", "agent")
    if (kind, held) != ("p384", "agent")  # CloudAPI does not verify what agents sign with P-384
]


@pytest.mark.parametrize(("kind", "held"), KEYS)
def test_keys(
    cloud: Emulator,
    vm: VM,
    ssh_keys: KeyRing,
    ssh_agent: RunningAgent,
    start_sshd: StartSSHD,
    kind: str,
    held: str,
) -> None:
    public = ssh_keys.public(kind)
    sshd = start_sshd(public.openssh, address=vm.nics[0].ip)
    cloud.account.add_key("mine", public.openssh)
    vm.tags = {**vm.tags, "tritoncli.ssh.port": sshd.port}
    if held == "agent":
        ssh_agent.add(ssh_keys.path(kind))
    path = (
        None if held == "agent" else str(ssh_keys.path(kind, passphrase=PASSPHRASE * (held == "encrypted")))
    )
    with (
        cloud.datacenter(
            key_id=f"/test/keys/{public.md5}", secret=path, passphrase=PASSPHRASE, allow_agent=held == "agent"
        ) as sdc,
        sdc.machine(vm.uuid).connect_ssh(sshd.user) as ssh,
    ):
        assert output(ssh).split()[-2:] == [vm.nics[0].ip, str(sshd.port)]


def test_sshd_as_a_bastion_and_behind_one(
    cloud: Emulator, sdc: DataCenter, vm: VM, start_sshd: StartSSHD
) -> None:
    bastion = cloud.site().add_machine("bastion")
    before = start_sshd(account_key(cloud), address=bastion.nics[0].ip)
    behind = start_sshd(account_key(cloud), address=vm.nics[0].ip)
    bastion.tags = {**bastion.tags, "tritoncli.ssh.port": before.port, "tritoncli.ssh.proxyuser": before.user}
    vm.tags = {**vm.tags, "tritoncli.ssh.port": behind.port, "tritoncli.ssh.proxy": "bastion"}
    machine = sdc.machine(vm.uuid)
    with machine.connect_ssh(behind.user) as ssh:
        # The connection comes from the bastion.
        assert output(ssh).split()[2:] == [vm.nics[0].ip, str(behind.port)]
        assert f"Accepted publickey for {before.user}" in (before.directory / "log").read_text()
    # From sshd to a machine of the emulator.
    vm.tags = {**vm.tags, "tritoncli.ssh.port": cloud.ssh_port or 0}
    with machine.connect_ssh(known_hosts=False) as ssh:
        assert output(ssh, "hostname") == "web0\n"


def test_a_bastion_that_leads_nowhere(
    cloud: Emulator, sdc: DataCenter, vm: VM, start_sshd: StartSSHD
) -> None:
    bastion = cloud.site().add_machine("bastion")
    before = start_sshd(account_key(cloud), address=bastion.nics[0].ip)
    bastion.tags = {**bastion.tags, "tritoncli.ssh.port": before.port, "tritoncli.ssh.proxyuser": before.user}
    vm.tags = {**vm.tags, "tritoncli.ssh.port": 1, "tritoncli.ssh.proxy": "bastion"}
    with pytest.raises(LoginFailed, match=r"does not forward to machine .*:1: Conn") as caught:
        sdc.machine(vm.uuid).connect_ssh()
    assert len(str(caught.value).splitlines()) <= 2
    closed = start_sshd(account_key(cloud), address=bastion.nics[0].ip, options="AllowTcpForwarding no")
    bastion.tags = {**bastion.tags, "tritoncli.ssh.port": closed.port}
    with pytest.raises(LoginFailed, match="the host key of machine"):
        sdc.machine(vm.uuid).connect_ssh()
    with pytest.raises(LoginFailed, match="let its SSH server forward"):
        sdc.machine(vm.uuid).connect_ssh(known_hosts=False)


def test_a_server_that_gets_another_kind_of_host_key(
    cloud: Emulator, vm: VM, machine: Machine, start_sshd: StartSSHD
) -> None:
    # The client asks for the known kind of key, even if the server has others now.
    rsa = start_sshd(account_key(cloud), address=vm.nics[0].ip, host_key="rsa")
    vm.tags = {**vm.tags, "tritoncli.ssh.port": rsa.port}
    with machine.connect_ssh(rsa.user) as ssh:
        assert output(ssh, "echo 1") == "1\n"
    both = start_sshd(
        account_key(cloud),
        address=vm.nics[0].ip,
        host_key="ed25519 ecdsa",
        options=f"HostKey {rsa.directory / 'host_key_rsa'}",
    )
    vm.tags = {**vm.tags, "tritoncli.ssh.port": both.port}
    with machine.connect_ssh(rsa.user) as ssh:
        assert output(ssh, "echo 2") == "2\n"
    other = start_sshd(account_key(cloud), address=vm.nics[0].ip, host_key="ecdsa ed25519")
    vm.tags = {**vm.tags, "tritoncli.ssh.port": other.port}
    with pytest.raises(LoginFailed, match="the host key of machine"):
        machine.connect_ssh(rsa.user)


def test_an_ipv6_address_and_port_22(
    cloud: Emulator, vm: VM, machine: Machine, start_sshd: StartSSHD
) -> None:
    sshd = start_sshd(account_key(cloud), address="::1")
    vm.nics[0].ip = "::1"
    vm.tags = {**vm.tags, "tritoncli.ssh.port": sshd.port}
    for _ in range(2):
        with machine.connect_ssh(sshd.user) as ssh:
            assert output(ssh).split()[-2:] == ["::1", str(sshd.port)]
    with pytest.raises(LoginFailed, match=rf"at \[::1\]:{sshd.port} does not let 'nobody-here' in"):
        machine.connect_ssh("nobody-here")


def test_a_key_that_the_server_does_not_know(
    vm: VM, machine: Machine, ssh_keys: KeyRing, start_sshd: StartSSHD
) -> None:
    sshd = start_sshd(ssh_keys.public("p521").openssh, address=vm.nics[0].ip)
    vm.tags = {**vm.tags, "tritoncli.ssh.port": sshd.port}
    with pytest.raises(LoginFailed, match=r"does not let .* in with the key SHA256:.*\ncheck the user"):
        machine.connect_ssh(sshd.user)
    with machine.connect_ssh(sshd.user, key_filename=str(ssh_keys.path("p521"))) as ssh:
        assert output(ssh, "echo 1") == "1\n"
