"""The file of host keys by itself: which lines are about a machine, and how the file is replaced."""

from __future__ import annotations

import base64
import errno
import fcntl
import hmac
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from smartdc import LoginFailed
from smartdc.http_signature.keys import PublicKey
from smartdc.machine.host_keys import HostKeys
from tests.helpers.refusals import refusal

UUID = "3b6ef3d0-8f6b-4d9f-9a58-0c2f3a1c0001"
REMEDY = "give known_hosts=FILE for another file, or known_hosts=False to check no host key"


def key(number: int) -> PublicKey:
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes([number]) * 32
    return PublicKey.from_text(f"ssh-ed25519 {base64.b64encode(blob).decode()}")


ONE, TWO = key(1), key(2)


def hashed(name: str, salt: bytes = b"salt" * 5) -> str:
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


# sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"; test_host_key_lines asks ssh-keygen about such lines.
@pytest.mark.parametrize(
    "line",
    [
        "{uuid} {key}",
        "\t {uuid}\t {key} a comment",
        "{UUID} {key}",
        "web,{uuid} {key}",
        "{uuid},web {key}",
        "* {key}",
        "3b6ef3d0-* {key}",
        "3B6EF3D0-*-0C2F3A1C0001 {key}",
        "3b6ef3d0?8f6b?4d9f?9a58?0c2f3a1c0001 {key}",
        "3b6ef3d?-* {key}",
        "*,!web* {key}",
        "{hash} {key}",
    ],
)
def test_a_line_that_is_about_the_machine(file: Path, line: str) -> None:
    file.write_text(line.format(uuid=UUID, UUID=UUID.upper(), hash=hashed(UUID), key=ONE.openssh))
    assert HostKeys(file).keys_of(UUID) == [ONE]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "#",
        "# {uuid} {key}",
        "#{uuid} {key}",
        "web {key} {uuid}",
        "{uuid}0 {key}",
        "[{uuid}]:22 {key}",
        "? {key}",
        "*[0-9] {key}",  # OpenSSH has no sets of characters
        "[3]* {key}",
        "*,!{uuid} {key}",
        "!{uuid} {key}",
        "!*,{uuid} {key}",
        "*,!3B6EF3D0* {key}",
        "{hash}= {key}",
        "|2{hash} {key}",
        "|1|c2FsdA== {key}",
        "|1|%|x {key}",
        "{other} {key}",
        "@cert-authority * {key}",
        "@other web {key}",
    ],
)
def test_a_line_that_is_not_about_the_machine(file: Path, line: str) -> None:
    file.write_text(line.format(uuid=UUID, hash=hashed(UUID), other=hashed("web"), key=ONE.openssh))
    assert HostKeys(file).keys_of(UUID) == []


def test_a_bracket_in_a_pattern_is_that_sign(file: Path) -> None:
    file.write_text(f"we[b* {ONE.openssh}\n")
    assert HostKeys(file).keys_of("we[b1]") == [ONE]
    assert HostKeys(file).keys_of("web1") == []


def test_keys_are_in_the_order_of_the_lines(file: Path) -> None:
    file.write_text(f"{UUID} {TWO.openssh}\n* {ONE.openssh}\n@revoked * {key(3).openssh}\n* {key(3).openssh}")
    assert HostKeys(file).keys_of(UUID) == [TWO, ONE]


def test_an_unknown_marker_is_refused(file: Path) -> None:
    file.write_text(f"\n@{'x' * 50} {UUID} {ONE.openssh}\n")
    assert refusal(lambda: HostKeys(file).keys_of(UUID), LoginFailed) == (
        f"{file}, line 2, has the marker '@{'x' * 39}', which is not known: "
        "OpenSSH knows @revoked and @cert-authority"
    )


def test_a_damaged_key_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\n" + f"{UUID} ssh-ed25519 AAAA".encode())
    assert refusal(lambda: HostKeys(file).keys_of(UUID), LoginFailed) == (
        f"{file}, line 2, is not a host key of machine {UUID}: "
        "remove the line if you trust the machine's key of today"
    )


def test_revoked_keys_are_refused(file: Path) -> None:
    file.write_text(text := f"# mine\n{UUID} {ONE.openssh}\n@revoked * {ONE.openssh}\n")
    revoked = (
        f"the host key of machine {UUID}, {ONE.sha256}, is revoked in {file}, line 3: "
        "something else may answer in its place\n"
    )
    keys = HostKeys(file)
    asking: list[Callable[[], object]] = [lambda: keys.keys_of(UUID), lambda: keys.pin(UUID, TWO)]
    for ask in asking:
        assert refusal(ask, LoginFailed) == (
            f"{revoked}if the machine has a new key, remove the old one: ssh-keygen -R {UUID} -f {file}"
        )
    other = UUID[::-1]
    refusing: list[Callable[[], object]] = [
        lambda: keys.refuse_revoked(other, ONE),
        lambda: keys.pin(other, ONE),
    ]
    for refuse in refusing:
        assert refusal(refuse, LoginFailed) == (
            f"{revoked.replace(UUID, other)}log in when the machine has a new host key"
        )
    assert file.read_text() == text
    keys.refuse_revoked(UUID, TWO)
    assert keys.pin(other, TWO) == [TWO]


@pytest.mark.parametrize(("before", "between"), [("", ""), ("# mine", "\n"), ("# mine\n", "")], ids=repr)
def test_a_key_is_saved_in_a_line_of_its_own(file: Path, before: str, between: str) -> None:
    file.write_text(before)
    assert HostKeys(file).pin(UUID, ONE) == [ONE]
    assert file.read_text() == f"{before}{between}{UUID} {ONE.openssh}\n"
    assert HostKeys(file).pin(UUID, TWO) == [ONE]
    assert file.stat().st_mode & 0o777 == 0o600


def test_folders_that_are_made_are_the_user_s_own(tmp_path: Path) -> None:
    HostKeys(tmp_path / "new" / "hosts").pin(UUID, ONE)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["hosts", "hosts.lock"]


def test_a_save_waits_for_that_of_another_process(file: Path) -> None:
    keys = HostKeys(file)
    pinned: list[PublicKey] = []
    with file.with_name("known_hosts.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        thread = threading.Thread(target=lambda: pinned.extend(keys.pin(UUID, TWO)))
        thread.start()
        thread.join(0.1)
        file.write_text(f"{UUID} {ONE.openssh}\n")
    thread.join(10)
    assert pinned == [ONE]


@pytest.mark.parametrize("cleaned_up", [False, True])
def test_a_file_that_does_not_reach_the_disk_is_not_used(
    file: Path, monkeypatch: pytest.MonkeyPatch, cleaned_up: bool
) -> None:
    """The new content is written beside the file, and removed if the disk is full."""
    file.write_text("# mine\n")
    seen: list[str] = []

    def full(descriptor: int) -> None:
        (new,) = file.parent.glob(".known_hosts-*")
        seen.append(new.read_text())
        if cleaned_up:  # by something that tidies the folder
            new.unlink()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert refusal(lambda: HostKeys(file).pin(UUID, ONE), LoginFailed) == (
        f"the file of host keys {file} cannot be written (No space left on device): {REMEDY}"
    )
    assert seen == [f"# mine\n{UUID} {ONE.openssh}\n"]
    assert file.read_text() == "# mine\n"
    assert sorted(path.name for path in file.parent.iterdir()) == ["known_hosts", "known_hosts.lock"]


def test_a_file_that_is_too_large(file: Path) -> None:
    file.touch()
    os.truncate(file, 64 * 1024 * 1024 + 1)
    assert refusal(lambda: HostKeys(file).keys_of(UUID), LoginFailed) == (
        f"the file of host keys {file} is larger than 64 MiB: {REMEDY}"
    )


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    assert refusal(lambda: HostKeys(tmp_path).keys_of(UUID), LoginFailed) == (
        f"the file of host keys {tmp_path} is a directory: {REMEDY}"
    )
    (tmp_path / "file").touch()
    assert refusal(lambda: HostKeys(tmp_path / "file" / "hosts").keys_of(UUID), LoginFailed) == (
        f"the file of host keys {tmp_path}/file/hosts cannot be read (Not a directory): {REMEDY}"
    )


def test_a_home_directory_that_is_not_known() -> None:
    assert refusal(lambda: HostKeys("~no-such-user-here/hosts"), LoginFailed) == (
        "no file for the host keys: there is no home directory: set HOME, or give the whole path; " + REMEDY
    )


def test_where_the_file_is(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = home / ".local" / "state" / "smartdc" / "known_hosts"
    assert HostKeys().path == ours
    for state, expected in (
        ("", ours),
        ("relative", ours),
        (str(tmp_path), tmp_path / "smartdc" / "known_hosts"),
    ):
        monkeypatch.setenv("XDG_STATE_HOME", state)
        assert HostKeys().path == expected
    for named, expected in (("~/hosts", home / "hosts"), (str(tmp_path / "x"), tmp_path / "x")):
        monkeypatch.setenv("SMARTDC_KNOWN_HOSTS", named)
        assert HostKeys().path == expected
    assert HostKeys("~/mine").path == home / "mine"


def test_a_command_quotes_the_path(tmp_path: Path) -> None:
    keys = HostKeys(tmp_path / "my hosts")
    assert keys.removal_command(UUID) == f"ssh-keygen -R {UUID} -f '{tmp_path}/my hosts'"
    assert str(keys) == f"{tmp_path}/my hosts"


def test_keys_whose_constructor_has_not_finished_are_shown() -> None:
    assert str(HostKeys.__new__(HostKeys)) == "known_hosts"  # as a traceback with variables shows them
