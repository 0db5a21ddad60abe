"""The emulator starts only with the key and the certificate that its state was saved with."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from smartdc.emulator import Emulator


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The directory of a stopped emulator."""
    for name in ("state", "other"):
        Emulator(state_dir=tmp_path / name, datacenters=["one"]).start().stop()
    return tmp_path / "state"


def _refused(directory: Path, message: str) -> None:
    """Check that a start is refused twice and writes nothing."""
    before = _contents(directory)
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            Emulator(state_dir=directory).start()
    assert _contents(directory) == before


def _contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name != "lock"}


@pytest.mark.parametrize("name", ["id_ed25519", "ca.pem", "ca-key.pem"])
def test_a_damaged_foreign_or_missing_file(directory: Path, name: str) -> None:
    path = directory / name
    for content in (b"", b"nothing", b"-----BEGIN OPENSSH PRIVATE KEY-----\n", b"\xff\x00"):
        path.write_bytes(content)
        _refused(directory, rf"{name} is .*: restore ")
    shutil.copy(directory.parent / "other" / "id_ed25519", directory)
    if name == "id_ed25519":
        _refused(directory, r"id_ed25519 is not the account's key in the state \(..:")
    path.unlink()
    _refused(directory, rf"{name} is missing: put it back, or use another directory")


def test_a_missing_state(directory: Path) -> None:
    (directory / "state.json").unlink()
    _refused(directory, r"state\.json is missing, and key and certificate .* to start afresh$")


def test_files_of_another_program(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("mine")
    _refused(tmp_path, r"ca\.pem exists and belongs to something else: name another directory")
    (tmp_path / "ca.pem").unlink()
    (tmp_path / "id_ed25519").write_text("mine")
    with pytest.raises(ValueError, match=r"id_ed25519 is no Ed25519 key"):
        Emulator(state_dir=tmp_path).start()
    assert (tmp_path / "id_ed25519").read_text() == "mine"


def test_a_first_start_that_failed_can_be_repeated(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        cloud = Emulator(state_dir=tmp_path, datacenters=["one"], ports=port)
        with pytest.raises(OSError, match="cannot listen"):
            cloud.start()
    with Emulator(state_dir=tmp_path, datacenters=["one"]) as second:
        assert not second.resumed
    with Emulator(state_dir=tmp_path) as resumed:
        assert resumed.resumed
