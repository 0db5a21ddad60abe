"""The keys of logins by `Machine.connect_ssh`."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from paramiko.auth_strategy import AuthSource, AuthStrategy, InMemoryPrivateKey

from smartdc import ConfigurationError, KeyFileMissing, KeyLoadError, LoginFailed, Machine, WaitTimeout
from smartdc.emulator import Emulator
from smartdc.emulator.state.vm import VM
from tests.helpers.agents import OwnAgent, RunningAgent
from tests.helpers.keys import ALL_KINDS, PASSPHRASE, KeyRing
from tests.machine.test_ssh import answer, vm

__all__ = ["vm"]

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
        with pytest.raises(ConfigurationError, match=r"^the ssh-agent at .* refuses to sign with ") as caught:
            machine.connect_ssh()
    assert len(str(caught.value).splitlines()) <= 2


def test_keys_and_sockets_of_the_caller(cloud: Emulator, vm: VM, machine: Machine, ssh_keys: KeyRing) -> None:
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


def test_a_strategy_of_the_caller(cloud: Emulator, machine: Machine) -> None:
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


def test_the_key_of_the_agent_that_the_account_has(
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


@pytest.mark.parametrize("wait", [None, 40])
def test_unusable_key_files_are_refused_before_any_connection(
    cloud: Emulator, machine: Machine, ssh_keys: KeyRing, tmp_path: Path, wait: float | None
) -> None:
    good = ssh_keys.path("ed25519")
    public = tmp_path / "id.pub"
    public.write_text(ssh_keys.public("ed25519").openssh)
    other = tmp_path / "notes"
    other.write_text("no key\n")
    locked = ssh_keys.path("rsa2048", passphrase=PASSPHRASE)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"key_filename": "/nope"}, "key file /nope does not exist; give .* as key_filename"),
        ({"key_filename": [str(good), "/nope"]}, "key file /nope does not exist"),
        ({"key_filename": "/nope", "password": "secret"}, "key file /nope does not exist"),
        ({"key_filename": "/nope-cert.pub"}, "key file /nope does not exist"),
        ({"key_filename": str(tmp_path)}, "is a directory"),
        ({"key_filename": 5}, "path of a key is text, not int"),
        ({"key_filename": [5]}, "path of a key is text, not int"),
        ({"key_filename": public}, "is a public key; give the private key, the file without .pub"),
        ({"key_filename": other}, "is not a private key"),
        ({"key_filename": locked}, "is encrypted and there is no passphrase; give passphrase="),
        ({"key_filename": locked, "passphrase": "wrong"}, "the passphrase is wrong"),
    ]
    cloud.calls.clear()
    for arguments, message in cases:
        with pytest.raises(KeyLoadError, match=message) as caught:
            machine.connect_ssh(wait=wait, **arguments)
        assert isinstance(caught.value, KeyFileMissing) == ("not exist" in message)
        assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(
        ConfigurationError, match=r"pkey must be a paramiko\.PKey, not PosixPath: give the path"
    ):
        machine.connect_ssh(wait=wait, pkey=good)
    assert cloud.calls == []


@pytest.mark.parametrize("kind", ["ed25519", "rsa2048", "p256"])
def test_a_form_of_key_that_paramiko_does_not_read(
    cloud: Emulator, machine: Machine, ssh_keys: KeyRing, tmp_path: Path, kind: str
) -> None:
    # paramiko 5 reads OpenSSH's form and PKCS#1 and SEC1; PKCS#8 is what `openssl genpkey` writes.
    path = tmp_path / "key"
    path.write_bytes(pkcs8(ssh_keys.path(kind)))
    with pytest.raises(KeyLoadError, match="in a form that paramiko does not read; convert a copy of it"):
        machine.connect_ssh(key_filename=path)


def pkcs8(path: Path) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    data = path.read_bytes()
    load = serialization.load_ssh_private_key if b"OPENSSH" in data else serialization.load_pem_private_key
    key: Any = load(data, None)
    return bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def test_key_files_as_paths_with_a_home_and_a_passphrase(
    cloud: Emulator, machine: Machine, ssh_keys: KeyRing, home: Path
) -> None:
    cloud.account.add_key("other", ssh_keys.public("p256").openssh)
    shutil.copy(ssh_keys.path("p256", passphrase=PASSPHRASE), home / "id")
    for arguments in (
        {"key_filename": "~/id", "passphrase": PASSPHRASE},
        {"key_filename": (home / "id",), "password": PASSPHRASE},  # paramiko takes it for the passphrase, too
    ):
        with machine.connect_ssh(**arguments) as ssh:
            assert answer(ssh) == ["web0", "root"]


@pytest.mark.parametrize("kind", ["ed25519", "rsa2048", "p256"])
def test_a_key_file_that_is_refused_is_named(machine: Machine, ssh_keys: KeyRing, kind: str) -> None:
    path, public = ssh_keys.path(kind), ssh_keys.public(kind)
    refusal = rf" in with the key {re.escape(f'{public.sha256} ({path})')}"
    remedy = re.escape(
        "check the user (connect_ssh('NAME') takes another one), and that the machine knows this key"
    )
    for files in (path, [path]):
        with pytest.raises(LoginFailed, match=f"{refusal}\n{remedy}$"):
            machine.connect_ssh(key_filename=files)
    with pytest.raises(WaitTimeout, match=f"now .*{refusal}.*\ncheck the user"):
        machine.connect_ssh(key_filename=path, wait=10)


def test_the_key_that_is_refused_is_named(machine: Machine, ssh_keys: KeyRing) -> None:
    path, public = ssh_keys.path("p256"), ssh_keys.public("p256")
    pkey = paramiko.ECDSAKey.from_private_key_file(str(path))
    for arguments, refusal in (
        ({"pkey": pkey}, (f" in with the key {public.sha256}", "that the machine knows this key")),
        ({"password": "secret"}, (" in with this password", "the password")),
    ):
        with pytest.raises(LoginFailed) as caught:
            machine.connect_ssh(**arguments)
        assert str(caught.value).endswith(
            f"{refusal[0]}\ncheck the user (connect_ssh('NAME') takes another one), and {refusal[1]}"
        )
        assert "'secret'" not in str(caught.value)
