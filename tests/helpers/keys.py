"""Keys made by the real ssh-keygen."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives import serialization

from smartdc.http_signature.keys import PublicKey

__all__ = ["ALGORITHMS", "ALL_KINDS", "PASSPHRASE", "KeyRing", "run", "ssh_keys"]

PASSPHRASE = "correct horse"


class _Kind(NamedTuple):
    """A kind of key: its type and its bits for ssh-keygen, and the scheme's name of what it signs."""

    type: str
    bits: str
    algorithm: str = ""


_KINDS = {
    "rsa2048": _Kind("rsa", "2048", "rsa-sha256"),
    "rsa3072": _Kind("rsa", "3072", "rsa-sha256"),
    "rsa4096": _Kind("rsa", "4096", "rsa-sha256"),
    "p256": _Kind("ecdsa", "256", "ecdsa-sha256"),
    "p384": _Kind("ecdsa", "384", "ecdsa-sha512"),
    "p521": _Kind("ecdsa", "521", "ecdsa-sha512"),
    "ed25519": _Kind("ed25519", "256", "ed25519-sha512"),
    "dsa": _Kind("dsa", "1024"),
}

ALGORITHMS = {kind: row.algorithm for kind, row in _KINDS.items() if row.algorithm}
"""The algorithm of the signatures by each kind of key that CloudAPI accepts."""

ALL_KINDS = tuple(ALGORITHMS)
"""The kinds that CloudAPI accepts."""


class KeyRing:
    """Makes each key once, on demand, and keeps it for the session."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, kind: str, form: str = "openssh", passphrase: str = "") -> Path:
        """A private key file. Only the plain OpenSSH form has a .pub beside it.

        Args:
            kind: One of `ALL_KINDS`, or ``dsa``.
            form: ``openssh``, ``PEM`` or ``PKCS8``.
            passphrase: Encrypts the file, unless empty.
        """
        plain = self._directory / kind
        if not plain.exists():
            name, bits, _ = _KINDS[kind]
            comment = f"{kind} of the tests"
            try:
                run("ssh-keygen", "-q", "-t", name, "-b", bits, "-N", "", "-C", comment, "-f", str(plain))
            except AssertionError:
                if kind == "dsa":
                    pytest.skip("not tested: refusal of DSA keys (OpenSSH 10 does not make them any more)")
                raise
        if form == "openssh" and not passphrase:
            return plain
        path = self._directory / f"{kind}.{form}{'.encrypted' if passphrase else ''}"
        if not path.exists():
            shutil.copy(plain, path)
            if kind == "ed25519" and form == "PKCS8":  # ssh-keygen writes its own form instead
                path.write_bytes(_pkcs8(plain.read_bytes(), passphrase))
            else:
                form_option = () if form == "openssh" else ("-m", form)
                run(
                    "ssh-keygen", "-q", "-p", "-a", "1", *form_option,
                    *("-P", "", "-N", passphrase, "-f", str(path)),
                )  # fmt: skip
        return path

    def public(self, kind: str) -> PublicKey:
        """The public half."""
        return PublicKey.from_text(self.public_path(kind).read_text())

    def public_path(self, kind: str) -> Path:
        """The .pub file."""
        return self.path(kind).with_name(f"{kind}.pub")

    def alone(self, kind: str, directory: Path, form: str = "openssh", passphrase: str = "") -> Path:
        """A copy of a private key in this directory, without a .pub."""
        lone = directory / f"lone_{kind}"
        shutil.copy(self.path(kind, form, passphrase), lone)
        return lone


@pytest.fixture(scope="session")
def ssh_keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    """Keys of every kind."""
    return KeyRing(tmp_path_factory.mktemp("ssh-keys"))


def run(*command: str, env: dict[str, str] | None = None) -> str:
    """What a program prints; it must succeed."""
    done = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"
    return done.stdout


def _pkcs8(openssh: bytes, passphrase: str) -> bytes:
    encryption = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    return serialization.load_ssh_private_key(openssh, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
