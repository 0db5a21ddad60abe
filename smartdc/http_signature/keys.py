"""Keys: public keys and their fingerprints, private keys from files, text and objects.

Here belongs what reads a key and what signs with one held in this process. Keys held by ssh-agent are in
`agent`. Every failure is a `KeyLoadError` that names the source and the remedy, and never what is in it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import os
import re
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NoReturn, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from smartdc._files import NotRegularError, TooLargeError, read_small_file
from smartdc.errors import KeyLoadError

__all__ = [
    "NeedsPassphrase",
    "Passphrase",
    "PrivateKey",
    "PublicKey",
    "Signer",
    "hint_at_mode",
    "public_half",
    "read_key_file",
    "stated_public_key",
]

Passphrase = str | bytes | Callable[[], str | bytes | None] | None
"""Text, bytes, or a function that is called only if the key turns out to be encrypted."""

log = logging.getLogger("smartdc")

_HINTED: set[str] = set()
_MAX_FILE = 128 * 1024
_ACCEPTED = "CloudAPI takes RSA, ECDSA (P-256, P-384, P-521) and Ed25519 keys"
_MAKE_ONE = "make one with ssh-keygen -t ed25519"

# The server knows no SHA-384, so P-384 is signed with SHA-512.
_ECDSA: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    "secp256r1": ("ecdsa-sha256", hashes.SHA256()),
    "secp384r1": ("ecdsa-sha512", hashes.SHA512()),
    "secp521r1": ("ecdsa-sha512", hashes.SHA512()),
}

_KINDS = {
    "ssh-rsa",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
}

# What people give instead of a private key: how it begins, what it is, what to do.
_LOOKALIKES = (
    (rb"PuTTY-User-Key-File-", "a PuTTY key", "convert it: puttygen FILE -O private-openssh"),
    (
        rb"\S+-cert-v01@openssh\.com |-----BEGIN CERTIFICATE|-----BEGIN X509 CERT",
        "a certificate",
        "give the private key that belongs to it",
    ),
    (
        rb"(ssh|ecdsa|sk)-\S+ |-----BEGIN (RSA )?PUBLIC KEY|---- BEGIN SSH2 PUBLIC KEY",
        "a public key",
        "give the private key, the file without .pub",
    ),
    (rb"-----BEGIN DSA PRIVATE KEY", "a DSA key", f"{_ACCEPTED}: {_MAKE_ONE}"),
)


class NeedsPassphrase(KeyLoadError):
    """The key is encrypted, and no passphrase was given."""


@dataclass(frozen=True)
class PublicKey:
    """A public key as ssh knows it.

    Attributes:
        blob: The key in ssh's wire encoding.
        comment: Whatever its owner wrote behind it.
    """

    blob: bytes
    comment: str = field(default="", compare=False)

    @classmethod
    def from_text(cls, text: str) -> PublicKey:
        """Read one line of a ``.pub`` file.

        Raises:
            ValueError: It is not one.
        """
        parts = text.split(None, 2)
        if len(parts) < 2:
            raise ValueError("not an OpenSSH public key: expected TYPE BASE64 COMMENT")
        try:
            key = cls(base64.b64decode(parts[1], validate=True), "".join(parts[2:]).strip())
        except binascii.Error as error:
            raise ValueError(f"not an OpenSSH public key: {error}") from None
        if key.kind != parts[0]:
            raise ValueError(f"not an OpenSSH public key: it says {parts[0]!r} but is {key.kind!r}")
        return key

    @property
    def kind(self) -> str:
        """The type that the key itself states, ``ssh-rsa``, ``ecdsa-sha2-nistp256``, ..."""
        name = _ssh_string(self.blob, 0)[0].decode("ascii", "replace")
        return name if name and name.isprintable() else "unknown"

    @property
    def supported(self) -> bool:
        """Whether CloudAPI verifies signatures of such a key."""
        return self.kind in _KINDS

    @cached_property
    def md5(self) -> str:
        """The fingerprint that CloudAPI uses, ``aa:bb:...``."""
        return hashlib.md5(self.blob, usedforsecurity=False).digest().hex(":")

    @cached_property
    def sha256(self) -> str:
        """The fingerprint that ssh prints today, ``SHA256:...``."""
        digest = hashlib.sha256(self.blob).digest()
        return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")

    @property
    def openssh(self) -> str:
        """The key as a line of a ``.pub`` file, the form that CloudAPI's add_key takes."""
        return f"{self.kind} {base64.b64encode(self.blob).decode('ascii')} {self.comment}".rstrip()

    def __str__(self) -> str:
        # Whoever made the key wrote the comment: no control character of it reaches a terminal.
        shown = "".join(char if char.isprintable() else "?" for char in self.comment)
        comment = f" ({shown})" if shown else ""
        return f"{self.kind} {self.md5} {self.sha256}{comment}"

    def __repr__(self) -> str:
        return f"<PublicKey {self}>"


class Signer(Protocol):
    """A private key, wherever it is held. Safe to use from many threads."""

    @property
    def public_key(self) -> PublicKey:
        """The public half."""

    @property
    def source(self) -> str:
        """Where the key is, for messages."""

    def sign(self, data: bytes) -> tuple[str, bytes]:
        """The algorithm, in the scheme's own words, and the signature of `data`."""


class PrivateKey:
    """A private key held in this process; a `Signer`.

    Args:
        key: A private key of the `cryptography` package.
        source: Where it came from, for messages.

    Raises:
        KeyLoadError: CloudAPI does not take such a key.
    """

    def __init__(self, key: object, source: str = "the key given") -> None:
        if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name not in _ECDSA:
            _refuse(source, f"is on the curve {key.curve.name}", f"{_ACCEPTED}: {_MAKE_ONE}")
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
            name = type(key).__name__.removesuffix("PrivateKey")
            _refuse(source, f"is of the type {name}", f"{_ACCEPTED}: {_MAKE_ONE}")
        self._key = key
        self.source = source
        line = key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        self.public_key = PublicKey.from_text(line.decode("ascii"))

    @classmethod
    def load(cls, path: str | os.PathLike[str], passphrase: Passphrase = None) -> PrivateKey:
        """Read a private key from a file: OpenSSH, PEM (PKCS#1, SEC1) or PKCS#8, encrypted or not.

        Args:
            path: The file; ``~`` is expanded.
            passphrase: See `Passphrase`. Ignored if the key is not encrypted.

        Raises:
            KeyLoadError: There is no usable key; the message says why and what to do.
        """
        return cls.from_bytes(read_key_file(path), passphrase, f"the private key {path}")

    @classmethod
    def from_bytes(
        cls, data: bytes, passphrase: Passphrase = None, source: str = "the private key given as text"
    ) -> PrivateKey:
        """Read a private key from what such a file holds; otherwise as `load`."""
        _refuse_lookalikes(data, source)
        try:
            return cls(_decode(data, None, source), source)
        except _EncryptedError:
            password = _passphrase_bytes(passphrase, source)
        try:
            return cls(_decode(data, password, source), source)
        except _DamagedError:
            _refuse(source, "cannot be decrypted: the passphrase is wrong", "give the right passphrase")

    def sign(self, data: bytes) -> tuple[str, bytes]:
        """Sign `data`: RSA as PKCS#1 v1.5, ECDSA as DER, Ed25519 as its bare 64 bytes."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return "rsa-sha256", self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return "ed25519-sha512", self._key.sign(data)
        algorithm, digest = _ECDSA[self._key.curve.name]
        return algorithm, self._key.sign(data, ec.ECDSA(digest))

    def __repr__(self) -> str:
        return f"<PrivateKey {self.public_key}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("private keys are not pickled: pickle the path and load it again")


def read_key_file(path: str | os.PathLike[str], limit: int = _MAX_FILE) -> bytes:
    """The contents of a key file, which must be a regular file of at most `limit` bytes, 128 KiB.

    Raises:
        KeyLoadError: It cannot be read, or is not such a file.
    """
    source = f"the key file {os.fspath(path)}"
    try:
        return read_small_file(Path(path).expanduser(), limit)
    except NotRegularError as error:
        _refuse(source, str(error), "give the path of the private key itself")
    except TooLargeError:
        _refuse(source, f"is larger than {limit // 1024} KiB, no key is", "give the path of the key itself")
    except FileNotFoundError:
        _refuse(source, "does not exist", "give the path of your private key as secret")
    except PermissionError:
        _refuse(source, "is not readable by you", "check its owner and mode (chmod 600)")
    except (OSError, RuntimeError, ValueError) as error:  # too long, no home directory, a NUL in it
        _refuse(source, f"cannot be read ({error})", "give the path of your private key as secret")


def hint_at_mode(path: str | os.PathLike[str]) -> None:
    """Log it, once, when others can read the file of a private key that is in use."""
    if os.name != "posix":
        return
    file = Path(path).expanduser()
    try:
        mode = file.stat().st_mode
    except OSError:  # gone again
        return
    if mode & (stat.S_IRGRP | stat.S_IROTH) and str(file) not in _HINTED:
        _HINTED.add(str(file))
        log.warning("others can read the private key %s; make it yours alone: chmod 600 %s", path, path)


def public_half(path: str | os.PathLike[str]) -> PublicKey | None:
    """The public key that belongs to a private key file, without decrypting that; None if unknown.

    It is looked for in the ``.pub`` beside it, then in the file (an OpenSSH file has it in clear).
    """
    try:
        return PublicKey.from_text(read_key_file(f"{os.fspath(path)}.pub").decode("utf-8", "replace"))
    except ValueError:  # KeyLoadError is one
        pass
    try:
        data = read_key_file(path)
        return stated_public_key(data) or PrivateKey.from_bytes(data).public_key
    except KeyLoadError:
        return None


class _EncryptedError(Exception):
    """The key needs a passphrase and none was given."""


class _DamagedError(Exception):
    """An encrypted key did not decode with the passphrase."""


def _decode(data: bytes, password: bytes | None, source: str) -> object:
    is_openssh = b"-----BEGIN OPENSSH PRIVATE KEY-----" in data
    load = serialization.load_ssh_private_key if is_openssh else serialization.load_pem_private_key
    try:
        return load(data, password)
    except TypeError:
        raise _EncryptedError from None
    except UnsupportedAlgorithm:  # its text may repeat bytes of the file
        _refuse(source, "is damaged, or of a kind that cannot be read", f"{_ACCEPTED}: {_MAKE_ONE}")
    except ValueError:
        if password is not None:
            raise _DamagedError from None
        _refuse(
            source,
            "is not a private key in OpenSSH, PEM or PKCS#8 form, or is damaged",
            f"give the path of your private key as secret, or {_MAKE_ONE}",
        )


def _passphrase_bytes(passphrase: Passphrase, source: str) -> bytes:
    given = passphrase() if callable(passphrase) else passphrase
    if not given:
        raise NeedsPassphrase(
            f"{source} is encrypted and there is no passphrase; "
            "give passphrase=, or ssh-add the key and give allow_agent=True"
        )
    return given.encode() if isinstance(given, str) else given


def _refuse_lookalikes(data: bytes, source: str) -> None:
    start = data.lstrip()[:200]
    for pattern, what, remedy in _LOOKALIKES:
        if re.match(pattern, start):
            _refuse(source, f"is {what}", remedy)
    stated = stated_public_key(data)
    if stated is not None and (stated.kind == "ssh-dss" or stated.kind.startswith("sk-")):
        what = "a DSA key" if stated.kind == "ssh-dss" else f"a security key ({stated.kind})"
        _refuse(source, f"is {what}", f"{_ACCEPTED}: {_MAKE_ONE}")


def stated_public_key(data: bytes) -> PublicKey | None:
    """The public key that an OpenSSH private key file holds in clear, even when it is encrypted."""
    match = re.search(rb"-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END", data)
    try:
        body = binascii.a2b_base64(match.group(1)) if match else b""
    except binascii.Error:
        return None
    magic = b"openssh-key-v1\0"
    if not body.startswith(magic):
        return None
    position = len(magic)
    for _ in ("cipher", "key derivation", "its options"):
        position = _ssh_string(body, position)[1]
    blob, _ = _ssh_string(body, position + 4)  # the 4 bytes are the number of keys, always 1
    return PublicKey(blob) if blob else None


def _ssh_string(data: bytes, position: int) -> tuple[bytes, int]:
    """The length-prefixed string at `position`, and where it ends; empty where there is none."""
    if len(data) < position + 4:
        return b"", len(data)
    (length,) = struct.unpack_from(">I", data, position)
    start = position + 4
    return data[start : start + length], start + length


def _refuse(source: str, problem: str, remedy: str) -> NoReturn:
    raise KeyLoadError(f"{source} {problem}; {remedy}")
