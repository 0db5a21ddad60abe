"""Logins by `Machine.connect_ssh`: with which key."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import paramiko
import pytest
from paramiko.auth_strategy import AuthSource, AuthStrategy, InMemoryPrivateKey

from smartdc import ConfigurationError, Machine
from smartdc.emulator import Emulator
from smartdc.emulator.state.vm import VM
from tests.helpers.agents import OwnAgent, RunningAgent
from tests.helpers.keys import ALL_KINDS, PASSPHRASE, KeyRing
from tests.machine.test_ssh import answer, machine, vm

__all__ = ["machine", "vm"]

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8"),
    pytest.mark.smartdc(ssh_port=0),
    pytest.mark.usefixtures("home"),
]


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_the_accounts_key_of_each_kind(cloud: Emulator, vm: VM, ssh_keys: KeyRing, kind: str) -> None:
    cloud.account.add_key("mine", ssh_keys.public(kind).openssh)
    with (
        cloud.datacenter(key_id="/test/keys/mine", secret=str(ssh_keys.path(kind))) as sdc,
        sdc.machine(vm.uuid).connect_ssh() as ssh,
    ):
        assert answer(ssh) == ["web0", "root"]


def test_an_encrypted_key_is_asked_for_once(cloud: Emulator, vm: VM, ssh_keys: KeyRing) -> None:
    cloud.account.add_key("mine", ssh_keys.public("rsa2048").openssh)
    asked: list[str] = []

    def passphrase() -> str:
        asked.append("passphrase")
        return PASSPHRASE

    path = str(ssh_keys.path("rsa2048", passphrase=PASSPHRASE))
    with cloud.datacenter(key_id="/test/keys/mine", secret=path, passphrase=passphrase) as sdc:
        machine = sdc.machine(vm.uuid)
        for _ in range(2):
            with machine.connect_ssh() as ssh:
                assert answer(ssh) == ["web0", "root"]
    assert len(asked) == 1


@pytest.mark.parametrize("kind", ["ed25519", "rsa2048", "p256", "p521"])
def test_a_key_in_the_agent(
    cloud: Emulator, vm: VM, ssh_keys: KeyRing, ssh_agent: RunningAgent, kind: str
) -> None:
    ssh_agent.add(ssh_keys.path(kind), ssh_keys.path("rsa3072"))
    cloud.account.add_key("mine", ssh_keys.public(kind).openssh)
    key_id = f"/test/keys/{ssh_keys.public(kind).md5}"
    with (
        cloud.datacenter(key_id=key_id, secret=None, allow_agent=True) as sdc,
        sdc.machine(vm.uuid).connect_ssh() as ssh,
    ):
        assert answer(ssh) == ["web0", "root"]


def test_an_agent_that_refuses_to_sign(
    cloud: Emulator, vm: VM, ssh_keys: KeyRing, own_agent: OwnAgent
) -> None:
    own_agent.add(ssh_keys.path("ed25519"))
    public = ssh_keys.public("ed25519")
    cloud.account.add_key("mine", public.openssh)
    with cloud.datacenter(key_id=f"/test/keys/{public.md5}", secret=None, allow_agent=True) as sdc:
        machine = sdc.machine(vm.uuid)
        own_agent.before_signing = lambda data: own_agent._keys.clear() if b"ssh-connection" in data else None
        with pytest.raises(ConfigurationError, match="refuses to sign") as caught:
            machine.connect_ssh()
    assert len(str(caught.value).splitlines()) <= 2


def test_keys_and_ways_of_the_callers_own(
    cloud: Emulator, vm: VM, machine: Machine, ssh_keys: KeyRing
) -> None:
    cloud.account.add_key("other", ssh_keys.public("p256").openssh)
    other = str(ssh_keys.path("p256"))
    cloud.account.keys[:] = [key for key in cloud.account.keys if key.name == "other"] + cloud.account.keys
    with machine.connect_ssh(key_filename=other) as ssh:
        assert answer(ssh) == ["web0", "root"]
    with machine.connect_ssh(pkey=paramiko.ECDSAKey.from_private_key_file(other)) as ssh:
        assert answer(ssh) == ["web0", "root"]
    with machine.connect_ssh() as outer:
        transport = outer.get_transport()
        assert transport is not None
        channel = transport.open_channel("direct-tcpip", (vm.nics[0].ip, 22), ("127.0.0.1", 0))
        vm.tags = {**vm.tags, "tritoncli.ssh.proxy": "gone"}  # not looked at
        with machine.connect_ssh(sock=channel) as ssh:
            assert answer(ssh) == ["web0", "root"]


def test_a_strategy_of_the_callers_own(cloud: Emulator, machine: Machine) -> None:
    key = paramiko.Ed25519Key.from_private_key_file(str(cloud.key_file))
    strategy = OwnKey(paramiko.SSHConfig(), key)
    with machine.connect_ssh("admin", auth_strategy=strategy) as ssh:
        assert answer(ssh) == ["web0", "admin"]


class OwnKey(AuthStrategy):
    def __init__(self, config: paramiko.SSHConfig, key: paramiko.PKey) -> None:
        super().__init__(config)
        self.key = key

    def get_sources(self) -> Iterator[AuthSource]:
        yield InMemoryPrivateKey("admin", self.key)


def test_of_the_agents_keys_the_one_that_the_account_knows(
    cloud: Emulator, vm: VM, ssh_keys: KeyRing, ssh_agent: RunningAgent
) -> None:
    ssh_agent.add(ssh_keys.path("rsa2048"), ssh_keys.path("ed25519"))
    cloud.account.add_key("mine", ssh_keys.public("ed25519").openssh)
    with cloud.datacenter(key_id="/test/keys/mine", secret=None, allow_agent=True) as sdc:
        machine = Machine(sdc, vm.uuid, lazy=True)
        with machine.connect_ssh() as ssh:
            assert answer(ssh) == ["web0", "root"]


def test_a_data_center_without_a_key(cloud: Emulator, vm: VM, ssh_keys: KeyRing) -> None:
    with (
        cloud.datacenter(key_id=None) as sdc,
        pytest.raises(ConfigurationError, match="has no key to log in"),
    ):
        Machine(sdc, vm.uuid, lazy=True).connect_ssh()
