"""The file of host keys of `Machine.connect_ssh`: pinned at the first login, by the machine's uuid."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paramiko
import pytest

from smartdc import DataCenter, LoginFailed, Machine
from smartdc.emulator import Emulator
from smartdc.http_signature.keys import PublicKey
from smartdc.machine.host_keys import HostKeys
from tests.helpers.keys import KeyRing, run

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8"),
    pytest.mark.smartdc(ssh_port=0),
]
UUID = "3b6ef3d0-8f6b-4d9f-9a58-0c2f3a1c0001"


@pytest.fixture
def sdc(cloud: Emulator) -> Iterator[DataCenter]:
    """A client that the emulator did not make: host keys go into the user's own file."""
    with DataCenter(
        cloud.url("us-sw-1"),
        cloud.key_id,
        str(cloud.key_file),
        verify=str(cloud.ca_file),
        clock=cloud.clock,
    ) as sdc:
        yield sdc


@pytest.fixture
def machine(cloud: Emulator, sdc: DataCenter) -> Machine:
    return sdc.machine(cloud.site().add_machine("web0").uuid)


@pytest.fixture
def ours(home: Path) -> Path:
    return home / ".local" / "state" / "smartdc" / "known_hosts"


def hostname(machine: Machine, **arguments: object) -> str:
    with machine.connect_ssh(**arguments) as ssh:  # type: ignore[arg-type]
        return ssh.exec_command("hostname", timeout=10)[1].read().decode().strip()


def test_the_key_is_kept_at_the_first_login(machine: Machine, ours: Path) -> None:
    assert hostname(machine) == "web0"
    kept = ours.read_text()
    assert kept.startswith(f"{machine.id} ssh-ed25519 AAAA")
    assert (ours.stat().st_mode & 0o777, ours.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert hostname(machine) == "web0"
    assert ours.read_text() == kept


def test_a_file_of_the_environment(
    machine: Machine, ours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMARTDC_KNOWN_HOSTS", str(tmp_path / "deep" / "hosts"))
    assert hostname(machine) == "web0"
    assert (tmp_path / "deep" / "hosts").read_text().startswith(machine.id)
    monkeypatch.setenv("SMARTDC_KNOWN_HOSTS", "~/hosts")
    assert hostname(machine) == "web0"
    assert (ours.parents[3] / "hosts").exists()
    assert not ours.exists()
    monkeypatch.setenv("SMARTDC_KNOWN_HOSTS", "")
    assert hostname(machine) == "web0"
    assert ours.exists()


def test_a_changed_key_is_refused_until_it_is_forgotten(
    machine: Machine, ours: Path, ssh_keys: KeyRing
) -> None:
    assert hostname(machine) == "web0"
    kept = PublicKey.from_text(ours.read_text().split(" ", 1)[1])
    others = f"# mine\n{UUID} {ssh_keys.public('p256').openssh}\n"
    for kind in ("ed25519", "rsa2048"):  # of the same kind, and of one that the machine does not have
        ours.write_text(f"{others}{machine.id} {ssh_keys.public(kind).openssh}\n")
        with pytest.raises(
            LoginFailed, match=r"the host key of machine .* is SHA256:.*, and it was"
        ) as caught:
            machine.connect_ssh()
        assert isinstance(caught.value.__cause__, paramiko.BadHostKeyException)
        first, second = str(caught.value).splitlines()
        assert kept.sha256 in first
        assert ssh_keys.public(kind).sha256 in first
    command = second.partition("remove the old one: ")[2]
    run(*command.split())
    assert hostname(machine) == "web0"
    assert ours.read_text() == f"{others}{machine.id} {kept.openssh}\n"


def test_another_machine_may_get_the_address(
    cloud: Emulator, sdc: DataCenter, machine: Machine, ours: Path
) -> None:
    assert hostname(machine) == "web0"
    address = machine.primary_ip
    network = cloud.site().networks[machine.nics[0]["network"]]
    machine.stop()
    machine.poll_until("stopped")
    machine.delete()
    machine.poll_until("deleted")
    network._next = 0  # the address is the next one again
    other = sdc.machine(cloud.site().add_machine("web1").uuid)
    assert other.primary_ip == address
    assert hostname(other) == "web1"
    assert [line.split()[0] for line in ours.read_text().splitlines()] == [machine.id, other.id]


def test_a_reboot_keeps_the_key(machine: Machine, ours: Path) -> None:
    assert hostname(machine) == "web0"
    machine.stop()
    machine.poll_until("stopped")
    machine.start()
    assert hostname(machine, wait=60) == "web0"


def test_openssh_reads_the_file(cloud: Emulator, machine: Machine, ours: Path) -> None:
    assert hostname(machine) == "web0"
    run("ssh-keygen", "-q", "-H", "-f", str(ours))  # hashes the names
    assert machine.id not in ours.read_text()
    options = [f"HostKeyAlias={machine.id}", f"UserKnownHostsFile={ours}", "StrictHostKeyChecking=yes"]
    output = run(
        *("ssh", "-F", "none", "-i", str(cloud.key_file), "-p", str(cloud.ssh_port)),
        *(part for option in options for part in ("-o", option)),
        *(f"root@{machine.primary_ip}", "hostname"),
    )
    assert output == "web0\n"
    before = ours.read_text()
    assert hostname(machine) == "web0"
    assert ours.read_text() == before


def test_other_files_and_none(
    machine: Machine, ours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "new" / "mine"
    assert hostname(machine, known_hosts=mine) == "web0"
    assert machine.id in mine.read_text()
    assert hostname(machine, known_hosts=False) == "web0"
    assert not ours.exists()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert hostname(machine) == "web0"
    assert machine.id in (tmp_path / "state" / "smartdc" / "known_hosts").read_text()
    monkeypatch.setenv("XDG_STATE_HOME", "relative")  # counts as not set, says XDG
    assert hostname(machine) == "web0"
    assert machine.id in ours.read_text()


def test_a_symlink_is_kept(machine: Machine, ours: Path, tmp_path: Path) -> None:
    ours.parent.mkdir(parents=True)
    (tmp_path / "shared").touch()
    ours.symlink_to(tmp_path / "shared")
    assert hostname(machine) == "web0"
    assert ours.is_symlink()
    assert machine.id in (tmp_path / "shared").read_text()


def test_a_line_of_this_machine_that_is_damaged(machine: Machine, ours: Path) -> None:
    ours.parent.mkdir(parents=True)
    for line in (f"{machine.id} ssh-ed25519 AAAA%%", f"{machine.id}", f"@revoked {machine.id} ssh-rsa AAAA"):
        ours.write_bytes(b"\xff\xfe garbage\n" + line.encode())
        with pytest.raises(
            LoginFailed, match=r"known_hosts, line 2, is not a host key of machine .* remove the line"
        ):
            machine.connect_ssh()
    damaged = base64.b64encode(b"\0\0\0\x07ssh-rsa\0\0\0\x03").decode()
    ours.write_text(f"{machine.id} ssh-rsa {damaged}\n")
    with pytest.raises(LoginFailed, match=r"known_hosts has of machine .* cannot be used: ") as caught:
        machine.connect_ssh()
    assert len(str(caught.value).splitlines()) == 2
    ours.write_bytes(b"\xff\xfe garbage\nweb ssh-rsa")
    assert hostname(machine) == "web0"
    assert ours.read_bytes().startswith(b"\xff\xfe garbage\nweb ssh-rsa\n" + machine.id.encode())


def test_a_file_that_cannot_be_used(machine: Machine, ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours.mkdir(parents=True)
    with pytest.raises(LoginFailed, match="known_hosts is a directory: give known_hosts=FILE"):
        machine.connect_ssh()
    ours.rmdir()
    ours.parent.rmdir()
    ours.parent.touch()
    with pytest.raises(LoginFailed, match=r"cannot be (read|written) \(Not a directory\): give known_hosts"):
        machine.connect_ssh()
    assert not any(isinstance(thread, paramiko.Transport) for thread in threading.enumerate())
    assert hostname(machine, known_hosts=False) == "web0"


@pytest.mark.skipif(
    os.getuid() != 0, reason="not tested: another user's files (only root can be another user)"
)
def test_as_a_user_without_a_home_directory_or_access(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0o600)
    script = f"""
import os
from smartdc.errors import LoginFailed
from smartdc.machine.host_keys import HostKeys
os.setuid(54321)
for path in (None, {str(tmp_path / "file")!r}):
    try:
        HostKeys(path).keys_of("{UUID}")
    except LoginFailed as error:
        print(error)
"""
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}
    first, second = run(sys.executable, "-c", script, env=environment).splitlines()
    assert first.startswith("no file for the host keys: there is no home directory")
    assert "cannot be read (Permission denied): give known_hosts=FILE" in second


def test_a_disk_that_is_full_leaves_the_file_as_it_was(tmp_path: Path, ssh_keys: KeyRing) -> None:
    (tmp_path / "file").write_text("# mine\n")
    script = """
import resource, sys
from smartdc.errors import LoginFailed
from smartdc.http_signature.keys import PublicKey
from smartdc.machine.host_keys import HostKeys
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    HostKeys(sys.argv[1]).pin(sys.argv[2], PublicKey.from_text(sys.argv[3]))
except LoginFailed as error:
    print(error)
"""
    public = ssh_keys.public("ed25519").openssh
    output = run(sys.executable, "-c", script, str(tmp_path / "file"), UUID, public)
    assert "cannot be written (File too large): give known_hosts=FILE" in output
    assert (tmp_path / "file").read_text() == "# mine\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "file.lock"]


def test_of_many_threads_the_first_pins_the_key(tmp_path: Path, ssh_keys: KeyRing) -> None:
    keys = [PublicKey(ssh_keys.public(kind).blob) for kind in ("ed25519", "p256", "p384", "rsa2048")]
    with ThreadPoolExecutor(8) as pool:
        pinned = list(
            pool.map(lambda number: HostKeys(tmp_path / "file").pin(UUID, keys[number % 4]), range(40))
        )
    assert len(pinned[0]) == 1
    assert pinned == [pinned[0]] * 40
    assert len((tmp_path / "file").read_text().splitlines()) == 1


def test_many_processes_at_once(tmp_path: Path, ssh_keys: KeyRing) -> None:
    script = """
import sys
from smartdc.http_signature.keys import PublicKey
from smartdc.machine.host_keys import HostKeys
for number in range(25):
    HostKeys(sys.argv[1]).pin(f"{sys.argv[2]}-{number}", PublicKey.from_text(sys.argv[3]))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "file")]
    public = ssh_keys.public("ed25519").openssh
    processes = [subprocess.Popen([*command, str(number), public]) for number in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    lines = (tmp_path / "file").read_text().splitlines()
    assert len({line.split()[0] for line in lines}) == len(lines) == 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "file.lock"]
