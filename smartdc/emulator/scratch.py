"""The temporary directory of a running emulator, with its private key.

The directories of emulators that were killed are removed.
"""

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

PrivateKey = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

_PREFIX = "smartdc-emulator-"
_PID_FILE = "pid"


def make_directory() -> Path:
    """Make a directory that holds this process's id; first remove those of processes that have ended."""
    remove_leftovers(Path(tempfile.gettempdir()))
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
    (directory / _PID_FILE).write_text(str(os.getpid()))
    return directory


def account_key(
    path: Path,
    private: PrivateKey,
    comment: str,
    kind: str,
    known: Key | None = None,
    *,
    lasting: bool = True,
) -> tuple[PrivateKey, str]:
    """Load the private key from this file, or write `private` there if the file does not exist.

    The public key is written beside it.

    Args:
        path: The file.
        private: The key to write if there is no file yet.
        comment: The comment of the public key.
        kind: ``ed25519`` or ``rsa``: the kind that the key in the file must have.
        known: The public key that must belong to it; None if any key will do.
        lasting: Whether a new file must survive a crash.

    Returns:
        The private key, and the public key as OpenSSH's line.

    Raises:
        StateRefused: The file holds no key of this kind, or another key than `known`.
    """
    if path.exists():
        private = _load(path, kind)
    else:
        write_whole(path, _private_pem(private), lasting=lasting)
    line = private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    public = f"{line.decode()} {comment}"
    if known is not None and read_key(None, public).fingerprint != known.fingerprint:
        raise StateRefused(
            f"{path} is not the account's key in the state ({known.fingerprint}): restore that key from a"
            " copy, or use another directory"
        )
    path.with_suffix(".pub").write_text(f"{public}\n")
    return private, public


def new_key(kind: str, seed: bytes | None = None) -> PrivateKey:
    """Make a private key: RSA, or Ed25519, which is derived from `seed` if there is one."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if seed is not None:
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    return ed25519.Ed25519PrivateKey.generate()


def _private_pem(private: PrivateKey) -> bytes:
    # Clients that support only RSA cannot read OpenSSH's format.
    is_rsa = isinstance(private, rsa.RSAPrivateKey)
    form = serialization.PrivateFormat.TraditionalOpenSSL if is_rsa else serialization.PrivateFormat.OpenSSH
    return private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _load(path: Path, kind: str) -> PrivateKey:
    data = path.read_bytes()
    is_openssh = b"OPENSSH PRIVATE KEY" in data
    load = serialization.load_ssh_private_key if is_openssh else serialization.load_pem_private_key
    private = None
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: the key has a passphrase
        private = load(data, None)
    if kind == "rsa" and isinstance(private, rsa.RSAPrivateKey):
        return private
    if kind == "ed25519" and isinstance(private, ed25519.Ed25519PrivateKey):
        return private
    raise StateRefused(
        f"{path} is no {'RSA' if kind == 'rsa' else 'Ed25519'} key without a passphrase: restore that key"
        " from a copy, or use another directory"
    )


def remove_leftovers(place: Path) -> None:
    """Remove the directories of this user's emulators whose processes have ended."""
    if sys.platform == "win32":
        return  # on Windows os.kill(pid, 0) would end the process
    for directory in place.glob(f"{_PREFIX}*"):
        with suppress(OSError, ValueError, OverflowError):
            if directory.lstat().st_uid == os.getuid() and _is_dead(int((directory / _PID_FILE).read_text())):
                shutil.rmtree(directory)


def _is_dead(pid: int) -> bool:
    if pid <= 0:
        return False  # os.kill() would address a group of processes
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
