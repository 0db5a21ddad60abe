"""The file of host keys: which lines count for a machine, and the whole messages about the others."""

from __future__ import annotations

import base64
import hmac
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from smartdc import LoginFailed
from smartdc.http_signature.keys import PublicKey
from smartdc.http_signature.ssh_encoding import written_string
from smartdc.machine.host_keys import HostKeys

ID, OTHER = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
OWN, NEW = (PublicKey(written_string(kind) + b"x") for kind in (b"ssh-ed25519", b"ssh-rsa"))
ELSE = "give known_hosts=FILE for another file, or known_hosts=False to check no host key"


@pytest.fixture
def keys(tmp_path: Path) -> HostKeys:
    return HostKeys(tmp_path / "hosts")


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(LoginFailed) as caught:
        call()
    return str(caught.value)


def hashed(name: str) -> str:
    """A name as ``ssh-keygen -H`` writes it."""
    salt = b"salt"
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("names", "counts"),
    [
        (ID, True),
        (ID.upper(), True),
        (f"web,{ID}", True),
        (f"{ID},web", True),
        ("*", True),
        (ID[:-1] + "?", True),
        (f"{ID[:8]}*", True),
        (f"*,!{OTHER}", True),
        (hashed(ID), True),
        (OTHER, False),
        (ID[:-1], False),
        (ID + "?", False),
        (f"!{ID},*", False),
        (f"*,!{ID}", False),
        (f"*,!{ID[:8]}*", False),
        (f"{ID[:-1]}[a]", False),
        (f"*{ID[1:-1]}[a]", False),
        (hashed(OTHER), False),
        (hashed(ID).replace("|1|", "|2|"), False),
        ("|1|salt", False),
        ("|1|%%%|x", False),
        (f"#{ID}", False),
    ],
    ids=str,
)
def test_the_names_of_a_line(keys: HostKeys, names: str, counts: bool) -> None:
    keys.path.write_text(f"\n# a comment\n{names} {OWN.openssh}\n")
    assert keys.keys_of(ID) == [OWN] * counts


def test_the_keys_of_a_machine(keys: HostKeys) -> None:
    assert keys.keys_of(ID) == []
    keys.path.write_text(
        f"{ID} {OWN.openssh}\n@cert-authority {ID} {NEW.openssh}\n{OTHER} damaged\n{ID}\t {NEW.openssh}"
    )
    assert keys.keys_of(ID) == [OWN, NEW]
    assert keys.pin(ID, NEW) == [OWN, NEW]


def test_the_first_key_is_pinned(tmp_path: Path) -> None:
    keys = HostKeys(tmp_path / "new" / "hosts")
    assert keys.pin(ID, OWN) == [OWN]
    assert keys.pin(ID, NEW) == [OWN]
    assert keys.path.read_text() == f"{ID} {OWN.openssh}\n"
    keys.path.write_text("# no line end")
    keys.pin(OTHER, NEW)
    assert keys.path.read_text() == f"# no line end\n{OTHER} {NEW.openssh}\n"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (keys.path.parent, keys.path)] == [0o700, 0o600]
    assert {path.name for path in keys.path.parent.iterdir()} == {"hosts", "hosts.lock"}
    assert stat.S_IMODE((keys.path.parent / "hosts.lock").stat().st_mode) == 0o600


def test_a_revoked_key(keys: HostKeys) -> None:
    keys.path.write_text(f"\n@revoked * {OWN.openssh}\n{ID} {OWN.openssh}\n")
    revoked = (
        f"the host key of machine {ID}, {OWN.sha256}, is revoked in {keys.path}, line 2: something else may "
        "answer in its place\n"
    )
    assert refusal(lambda: keys.keys_of(ID)) == (
        f"{revoked}if the machine has a new key, remove the old one: ssh-keygen -R {ID} -f {keys.path}"
    )
    assert (
        refusal(lambda: keys.refuse_revoked(ID, OWN))
        == f"{revoked}log in when the machine has a new host key"
    )
    keys.refuse_revoked(ID, NEW)
    keys.path.write_text(f"\n@revoked\t*\t{OWN.openssh}\n")
    assert refusal(lambda: keys.pin(ID, OWN)) == f"{revoked}log in when the machine has a new host key"
    assert keys.pin(ID, NEW) == [NEW]
    keys.path.write_text(f"@revoked * {OWN.openssh}\n{ID} {OWN.openssh}\n{ID} {NEW.openssh}\n")
    assert keys.keys_of(ID) == [NEW]


def test_lines_that_cannot_be_read(keys: HostKeys) -> None:
    keys.path.write_text(f"@authority {ID} {OWN.openssh}\n")
    assert refusal(lambda: keys.keys_of(ID)) == (
        f"{keys.path}, line 1, has the marker '@authority', which is not known: OpenSSH knows @revoked and "
        "@cert-authority"
    )
    for key in ("", "ssh-rsa", f"ssh-dss {OWN.openssh.split()[1]}"):
        keys.path.write_text(f"\n{ID} {key}\n")
        assert refusal(lambda: keys.keys_of(ID)) == (
            f"{keys.path}, line 2, is not a host key of machine {ID}: remove the line if you trust the "
            "machine's key of today"
        )


def test_a_file_that_cannot_be_used(keys: HostKeys, tmp_path: Path) -> None:
    file = f"the file of host keys {tmp_path}"
    directory = HostKeys(tmp_path)
    assert refusal(lambda: directory.keys_of(ID)) == f"{file} is a directory: {ELSE}"
    (tmp_path / "text").write_text("x")
    below = HostKeys(tmp_path / "text" / "hosts")
    assert refusal(lambda: below.keys_of(ID)) == f"{file}/text/hosts cannot be read (Not a directory): {ELSE}"
    assert refusal(lambda: below.pin(ID, OWN)) == f"{file}/text/hosts cannot be written (File exists): {ELSE}"
    with keys.path.open("wb") as sparse:
        sparse.truncate(64 * 1024 * 1024 + 1)
    assert refusal(lambda: keys.keys_of(ID)) == f"{file}/hosts is larger than 64 MiB: {ELSE}"


def test_where_the_file_is(monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path) -> None:
    assert HostKeys().path == home / ".local" / "state" / "smartdc" / "known_hosts"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert HostKeys().path == home / ".local" / "state" / "smartdc" / "known_hosts"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert HostKeys().path == tmp_path / "state" / "smartdc" / "known_hosts"
    monkeypatch.setenv("SMARTDC_KNOWN_HOSTS", "~/hosts")
    assert HostKeys().path == home / "hosts"
    assert HostKeys("~/other").path == home / "other"
    (tmp_path / "link").symlink_to(home / "target")
    assert HostKeys(tmp_path / "link").path == home / "target"


def test_no_home_for_the_file() -> None:
    assert refusal(lambda: HostKeys("~nobody-of-that-name/hosts")).endswith(f"; {ELSE}")


def test_lines_that_are_not_utf_8_are_passed_over(keys: HostKeys) -> None:
    keys.path.write_bytes(b"# J\xf6rg\n\xff\xfe x\n" + f"{ID} {OWN.openssh}\n".encode())
    assert keys.keys_of(ID) == [OWN]


def test_the_command_that_removes_a_key(tmp_path: Path) -> None:
    keys = HostKeys(tmp_path / "my hosts")
    assert keys.removal_command(ID) == f"ssh-keygen -R {ID} -f '{tmp_path}/my hosts'"
    assert str(keys) == f"{tmp_path}/my hosts"
    assert str(object.__new__(HostKeys)) == "known_hosts"
