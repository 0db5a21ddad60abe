"""Files of host keys from other programs mean the same to `Machine.connect_ssh` as to OpenSSH.

Their form is in sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT" (https://man.openbsd.org/sshd.8): patterns, negated
ones, hashed names, ``@revoked`` and ``@cert-authority``. ``ssh-keygen -F`` says which lines are about a host.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

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
NAMES = [
    UUID, UUID.upper(), f"web,{UUID}", f"{UUID},web", "web", f"{UUID}x", UUID[:-1], f"[{UUID}]:22",
    "*", "?", "3b6ef3d0-*", "3B6EF3D0-*", "*0001", "*-4d9f-*", "3b6ef3d0?8f6b*", "*[0-9]*", "[3]*", "*.*",
    "**0**1", "*" * 40, "?" * 36, "?" * 37, ",", f",{UUID}",
    f"!{UUID}", f"!{UUID},*", f"*,!{UUID}", "*,!web*", "!*,*", "*,!3B6EF3D0*", "web*,!*2",
]  # fmt: skip


@pytest.fixture
def machine(cloud: Emulator, sdc: DataCenter) -> Machine:
    return sdc.machine(cloud.site().add_machine("web0").uuid)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


def key_of(machine: Machine, file: Path) -> str:
    """The key that the machine shows, in the form of a line of a file."""
    machine.connect_ssh(known_hosts=file).close()
    key = file.read_text().split(" ", 1)[1].strip()
    file.unlink()
    return key


def test_the_same_lines_count_as_for_openssh(file: Path, ssh_keys: KeyRing) -> None:
    key = PublicKey(ssh_keys.public("ed25519").blob)
    lines = [form.format(names, key.openssh.strip()) for names in NAMES for form in ("{} {}", " {}\t{} me")]
    lines += [f"# {UUID} {key.openssh}", "", f"web {key.openssh} {UUID}"]
    file.write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        ["ssh-keygen", "-F", UUID, "-f", str(file)], capture_output=True, text=True, check=False
    )
    theirs = [int(number) for number in re.findall(r"found: line (\d+)", done.stdout)]
    ours = []
    for number, line in enumerate(lines, 1):
        file.write_text(f"{line}\n")
        ours += [number] * len(HostKeys(file).keys_of(UUID))
    assert ours == theirs
    assert 20 < len(theirs) < len(lines) - 20


def test_a_pattern_of_this_machine_is_its_key(machine: Machine, file: Path, ssh_keys: KeyRing) -> None:
    key, other = key_of(machine, file), ssh_keys.public("ed25519").openssh
    for names in ("*", machine.id.upper(), f"{machine.id[:9].upper()}*", f"web,{machine.id}"):
        file.write_text(f"{names} {other}\n")
        with pytest.raises(LoginFailed, match=r"the host key of machine .* and it was"):
            machine.connect_ssh(known_hosts=file)
        file.write_text(text := f"{names} {other}\n{names}\t{key}\n")
        machine.connect_ssh(known_hosts=file).close()
        assert file.read_text() == text


def test_a_key_that_is_revoked(machine: Machine, file: Path) -> None:
    key = key_of(machine, file)
    for names in ("*", machine.id, machine.id.upper(), f"{machine.id[:8]}*,!web", hashed(machine.id, file)):
        revoked = f"@revoked {names} {key}\n"
        for known in ("", f"{machine.id} {key}\n", f"* {key}\n"):
            for text in (known + revoked, revoked + known):
                file.write_text(text)
                with pytest.raises(
                    LoginFailed, match=r"the host key of machine .* is revoked in .*, line [12]"
                ):
                    machine.connect_ssh(known_hosts=file)
                assert file.read_text() == text
    file.write_text(f"@revoked *,!{machine.id} {key}\n")
    machine.connect_ssh(known_hosts=file).close()
    assert file.read_text().splitlines()[1] == f"{machine.id} {key}"


def hashed(name: str, file: Path) -> str:
    file.write_text(
        f"{name} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
    )
    run("ssh-keygen", "-q", "-H", "-f", str(file))
    return file.read_text().split()[0]


def test_no_login_is_begun_with_a_revoked_key(cloud: Emulator, machine: Machine, file: Path) -> None:
    """Otherwise the owner of the revoked key would get a password."""
    file.write_text(f"@revoked * {key_of(machine, file)}\n")
    asked: list[str] = []

    class Strategy:
        def authenticate(self, transport: object) -> None:
            asked.append("a password")

    with pytest.raises(LoginFailed, match="is revoked"):
        machine.connect_ssh(known_hosts=file, auth_strategy=Strategy())
    assert asked == []


def test_another_key_is_revoked(machine: Machine, file: Path, ssh_keys: KeyRing) -> None:
    key, other = key_of(machine, file), ssh_keys.public("ed25519").openssh
    file.write_text(f"@revoked * {other}\n")
    machine.connect_ssh(known_hosts=file).close()
    assert file.read_text() == f"@revoked * {other}\n{machine.id} {key}\n"
    # The only known key of the machine is revoked; its current key is not known.
    file.write_text(f"@revoked * {other}\n{machine.id} {other}\n")
    with pytest.raises(
        LoginFailed, match=r"is revoked in (?s:.*)remove the old one: ssh-keygen -R"
    ) as caught:
        machine.connect_ssh(known_hosts=file)
    run(*str(caught.value).partition("remove the old one: ")[2].split())
    machine.connect_ssh(known_hosts=file).close()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_key_of_a_machine_may_be_the_right_one(
    machine: Machine, file: Path, ssh_keys: KeyRing, place: int
) -> None:
    # OpenSSH's hostfile.c, check_key_in_hostkeys: the key is known if it is equal to that of any line.
    machine.connect_ssh(known_hosts=file).close()
    others = [f"{machine.id} {ssh_keys.public(kind).openssh}" for kind in ("ed25519", "p256")]
    lines = [*others[:place], file.read_text().strip(), *others[place:]]
    file.write_text("".join(f"{line}\n" for line in lines))
    machine.connect_ssh(known_hosts=file).close()


def test_authorities_and_other_markers(machine: Machine, file: Path, ssh_keys: KeyRing) -> None:
    """Machines do not show certificates, so that lines of authorities have no effect."""
    other = ssh_keys.public("ed25519").openssh
    file.write_text(f"@cert-authority * {other}\n")
    machine.connect_ssh(known_hosts=file).close()
    assert machine.id in file.read_text()
    file.write_text(f"@revokd * {other}\n")
    with pytest.raises(
        LoginFailed, match="known_hosts, line 1, has the marker '@revokd', which is not known"
    ):
        machine.connect_ssh(known_hosts=file)
    file.write_text(f"@revokd web {other}\n")
    machine.connect_ssh(known_hosts=file).close()


def test_a_pattern_of_many_stars_takes_no_time(file: Path, ssh_keys: KeyRing) -> None:
    file.write_text(f"{'*0' * 500} {ssh_keys.public('ed25519').openssh}\n{'*a*' * 20}x {'*' * 5000}\n")
    begun = time.process_time()
    assert HostKeys(file).keys_of(UUID) == []
    assert time.process_time() - begun < 5
