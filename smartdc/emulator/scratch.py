"""The directory of a running emulator, and its private key in it; what killed ones left is removed."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from smartdc.emulator.saving.folder import StateRefused, write_whole
from smartdc.emulator.state.directory import Key, read_key

OwnKey = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

_PREFIX = "smartdc-emulator-"
_PID_FILE = "pid"


def make_directory() -> Path:
    """Make a directory that says whose it is, after removing those of processes that are gone."""
    remove_leftovers(Path(tempfile.gettempdir()))
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
    (directory / _PID_FILE).write_text(str(os.getpid()))
    return directory


def account_key(
    path: Path, private: OwnKey, comment: str, kind: str, known: Key | None = None
) -> tuple[OwnKey, str]:
    """The key in this file; where there is none, `private` is written there.

    Args:
        path: The file.
        private: What to write where there is no file yet.
        comment: Goes with the public key.
        kind: ``ed25519`` or ``rsa``: what the one in the file must be.
        known: Which one it must be; None where nobody knows.

    Returns:
        The private key and the public one as OpenSSH's line, which is written beside it.

    Raises:
        StateRefused: What is in the file is no such key, or another one.
    """
    if path.exists():
        private = _loaded(path, kind)
    else:
        write_whole(path, _written(private))
    line = private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    public = f"{line.decode()} {comment}"
    if known is not None and read_key(None, public).fingerprint != known.fingerprint:
        raise StateRefused(
            f"{path} is not the account's key in the state ({known.fingerprint}): put a copy of it back, or"
            " begin with another directory"
        )
    path.with_suffix(".pub").write_text(f"{public}\n")
    return private, public


def new_key(kind: str, seed: bytes | None = None) -> OwnKey:
    """Make a private key: Ed25519, of this seed where there is one, or RSA."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if seed is not None:
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    return ed25519.Ed25519PrivateKey.generate()


def _written(private: OwnKey) -> bytes:
    # Clients that know RSA only know only this form of it.
    is_rsa = isinstance(private, rsa.RSAPrivateKey)
    form = serialization.PrivateFormat.TraditionalOpenSSL if is_rsa else serialization.PrivateFormat.OpenSSH
    return private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _loaded(path: Path, kind: str) -> OwnKey:
    data = path.read_bytes()
    is_openssh = b"OPENSSH PRIVATE KEY" in data
    load = serialization.load_ssh_private_key if is_openssh else serialization.load_pem_private_key
    private = None
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a passphrase
        private = load(data, None)
    if kind == "rsa" and isinstance(private, rsa.RSAPrivateKey):
        return private
    if kind == "ed25519" and isinstance(private, ed25519.Ed25519PrivateKey):
        return private
    raise StateRefused(
        f"{path} is no {'RSA' if kind == 'rsa' else 'Ed25519'} key without a passphrase: put a copy of the"
        " right one back, or name another directory"
    )


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
