"""Irregular files in place of keys: none of them hangs, fills the memory, or is read by mistake."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from smartdc import AuthenticationError, KeyLoadError
from smartdc._files import NotRegularError, read_small_file
from smartdc.emulator import Emulator
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature.keys import PrivateKey, hint_at_mode
from smartdc.http_signature.search import find_key
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.helpers.odd_files import impatient, irregular

__all__ = ["impatient"]

pytestmark = pytest.mark.usefixtures("impatient")


@irregular
def test_an_irregular_file_as_a_private_key(
    tmp_path: Path, make: Callable[[Path], Any], problem: str
) -> None:
    path = tmp_path / "id"
    make(path)
    with pytest.raises(KeyLoadError, match=f"{path} ({problem})"):
        PrivateKey.load(path)


@irregular
def test_an_irregular_file_as_a_public_key(
    home: Path, ssh_keys: KeyRing, make: Callable[[Path], Any], problem: str
) -> None:
    directory = home / ".ssh"
    directory.mkdir()
    make(directory / "id_ed25519.pub")
    make(directory / "id_other")
    public = ssh_keys.public("p256")
    with pytest.raises(KeyLoadError, match=problem) as caught:
        find_key(public.md5, allow_agent=False)
    assert str(caught.value).count("\n") >= 2  # both files were looked at
    with pytest.raises(KeyLoadError, match=problem):
        HTTPSignatureAuth(f"/test/keys/{directory}/id_ed25519.pub", None)
    # The search still finds other keys.
    shutil.copy(ssh_keys.path("p256"), directory / "id_ecdsa")
    assert find_key(public.md5, allow_agent=False).public_key == public


def number_of_descriptors() -> int:
    """The number of open file descriptors; 0 if the system does not tell it."""
    directory = Path("/proc/self/fd")
    return len(list(directory.iterdir())) if directory.exists() else 0


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: Path(path).symlink_to("/dev/zero"), os.mkdir])
def test_a_file_that_is_swapped_while_it_is_opened(
    tmp_path: Path, ssh_keys: KeyRing, monkeypatch: pytest.MonkeyPatch, make: Callable[[str], Any]
) -> None:
    path = tmp_path / "id"
    shutil.copy(ssh_keys.path("p256"), path)
    original = os.open

    def swap(*arguments: Any) -> int:
        path.unlink()
        make(str(path))
        return original(*arguments)

    monkeypatch.setattr(os, "open", swap)
    before = number_of_descriptors()
    with pytest.raises(NotRegularError):
        read_small_file(path, 1000)
    assert number_of_descriptors() == before


def test_without_permission(ssh_keys: KeyRing) -> None:
    with TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        path = Path(directory, "id")
        shutil.copy(ssh_keys.path("p256"), path)
        path.chmod(0)
        child = os.fork()
        if child == 0:
            try:
                if os.geteuid() == 0:  # root may read any file
                    os.seteuid(65534)
                PrivateKey.load(path)
            except KeyLoadError as error:
                os._exit(0 if "is not readable by you; check its owner and mode" in str(error) else 2)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == 0


def a_copy(ssh_keys: KeyRing, path: Path, mode: int, passphrase: str = "") -> Path:
    shutil.copy(ssh_keys.path("p256", passphrase=passphrase), path)
    path.chmod(mode)
    return path


def hints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "chmod" in record.getMessage()]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o444])
def test_a_key_that_others_can_read_is_warned_about_once(
    tmp_path: Path, ssh_keys: KeyRing, caplog: pytest.LogCaptureFixture, mode: int
) -> None:
    path = a_copy(ssh_keys, tmp_path / "id", mode)
    for _ in range(2):
        auth = HTTPSignatureAuth("/test/keys/x", path)
        pickle.loads(pickle.dumps(auth)).signer.sign(b"")  # noqa: S301 - our own
    assert hints(caplog) == [f"others can read the private key {path}; make it yours alone: chmod 600 {path}"]
    locked = a_copy(ssh_keys, tmp_path / "locked", mode, PASSPHRASE)
    HTTPSignatureAuth("/test/keys/x", locked, passphrase=PASSPHRASE)
    assert len(hints(caplog)) == 2
    assert {record.levelname for record in caplog.records} == {"WARNING"}


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_key_that_only_its_owner_can_read_is_not_warned_about(
    tmp_path: Path, ssh_keys: KeyRing, caplog: pytest.LogCaptureFixture, mode: int
) -> None:
    HTTPSignatureAuth("/test/keys/x", a_copy(ssh_keys, tmp_path / "id", mode))
    assert hints(caplog) == []


def test_an_unusable_key_is_not_warned_about(
    tmp_path: Path, ssh_keys: KeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    other = ssh_keys.public("ed25519")
    with pytest.raises(KeyLoadError, match=r"^key_id names the key "):
        HTTPSignatureAuth(f"/test/keys/{other.md5}", a_copy(ssh_keys, tmp_path / "other", 0o644))
    with pytest.raises(KeyLoadError, match=r" is encrypted and there is no passphrase; "):
        HTTPSignatureAuth("/test/keys/x", a_copy(ssh_keys, tmp_path / "locked", 0o644, PASSPHRASE))
    (tmp_path / "garbage").write_text("garbage")
    with pytest.raises(KeyLoadError, match=r" is not a private key in OpenSSH, PEM or PKCS#8 form, "):
        HTTPSignatureAuth("/test/keys/x", tmp_path / "garbage")
    hint_at_mode(tmp_path / "gone")
    assert hints(caplog) == []


def test_only_the_key_in_use_is_warned_about(
    home: Path, ssh_keys: KeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    directory = home / ".ssh"
    directory.mkdir()
    path = a_copy(ssh_keys, directory / "id_ecdsa", 0o644)
    shutil.copy(ssh_keys.path("ed25519"), directory / "id_aaa")
    (directory / "id_aaa").chmod(0o644)
    HTTPSignatureAuth(f"/test/keys/{ssh_keys.public('p256').md5}", None)
    (hint,) = hints(caplog)
    assert hint.endswith(f"chmod 600 {path}")


def test_a_refused_key_is_warned_about_once(
    cloud: Emulator, tmp_path: Path, ssh_keys: KeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    path = a_copy(ssh_keys, tmp_path / "id", 0o644)
    with cloud.datacenter(key_id="/test/keys/x", secret=path) as sdc:
        for _ in range(2):
            with pytest.raises(AuthenticationError):
                sdc.account()
    assert len(hints(caplog)) == 1


def test_a_key_s_text_on_one_line_is_not_taken_for_a_path(cloud: Emulator) -> None:
    text = "".join(cloud.key_file.read_text().splitlines()[1:-1])
    for secret in (text, f" {text}", "MIIEvQIBADANBgkqhkiG9w0BAQEF" + 100 * "A"):
        with pytest.raises(
            KeyLoadError, match="is the base64 of a key without its first and last line"
        ) as caught:
            cloud.datacenter(secret=secret)
        assert secret.strip() not in str(caught.value)
