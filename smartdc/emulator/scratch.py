"""The directory of a running emulator, and its private key in it; what killed ones left is removed."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

_PREFIX = "smartdc-emulator-"
_PID_FILE = "pid"


def make_directory() -> Path:
    """Make a directory that says whose it is, after removing those of processes that are gone."""
    remove_leftovers(Path(tempfile.gettempdir()))
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
    (directory / _PID_FILE).write_text(str(os.getpid()))
    return directory


def account_key(
    path: Path, private: ed25519.Ed25519PrivateKey | None, comment: str
) -> tuple[ed25519.Ed25519PrivateKey, str]:
    """The key in this file; where there is none, `private` or a new one is written there.

    Returns:
        The private key and the public one as OpenSSH's line, which is written beside it.
    """
    if path.exists():
        loaded = serialization.load_ssh_private_key(path.read_bytes(), None)
        if not isinstance(loaded, ed25519.Ed25519PrivateKey):
            raise ValueError(f"{path} is no Ed25519 key")
        private = loaded
    else:
        private = private or ed25519.Ed25519PrivateKey.generate()
        path.touch(mode=0o600)
        path.write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.OpenSSH,
                serialization.NoEncryption(),
            )
        )
    line = private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    public = f"{line.decode()} {comment}"
    path.with_suffix(".pub").write_text(f"{public}\n")
    return private, public


def remove_leftovers(place: Path) -> None:
    """Remove the directories of this user's emulators that were killed; others are left alone."""
    if sys.platform == "win32":
        return  # there, asking whether a process lives would end it
    for directory in place.glob(f"{_PREFIX}*"):
        with suppress(OSError, ValueError, OverflowError):
            if directory.lstat().st_uid == os.getuid() and _is_dead(int((directory / _PID_FILE).read_text())):
                shutil.rmtree(directory)


def _is_dead(pid: int) -> bool:
    if pid <= 0:
        return False  # not the id of one process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
