"""Keys: public keys and their fingerprints, private keys from files, text and objects.

This module reads keys, and signs with keys held in this process. Keys held by ssh-agent are in `agent`. Every
failure is a `KeyLoadError` that names the source and the remedy, and never what is in it.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import stat
from functools import cached_property
from typing import NoReturn, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from smartdc._files import NotRegularError, TooLargeError, expanded, read_small_file
from smartdc._secrets import Concealed, shown
from smartdc.errors import KeyFileMissing, KeyLoadError
from smartdc.http_signature.key_text import (
    MAKE_ONE,
    UNDAMAGED,
    NeedsPassphrase,
    Passphrase,
    decoded,
    refuse,
    stated_blob,
)
from smartdc.http_signature.key_types import ACCEPTED, KEY_TYPES, PrivateKeyObject, check, key_type_of, sign
from smartdc.http_signature.ssh_encoding import read_string

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

log: logging.Logger = logging.getLogger("smartdc")

_HINTED: set[str] = set()
_MAX_FILE = 128 * 1024


class PublicKey:
    """A public key in ssh's form; two keys of the same blob are equal.

    Args:
        blob: The key in ssh's wire encoding.
        comment: The comment after the key.
    """

    def __init__(self, blob: bytes, comment: str = "") -> None:
        self.blob = blob
        self.comment = comment

    @classmethod
    def from_text(cls, text: str) -> PublicKey:
        """Read one line of a ``.pub`` file.

        Raises:
            ValueError: The text is not such a line.
        """
        parts = Concealed(text.split(None, 2))  # the text may be a private key
        del text
        if len(parts.value) < 2:
            raise ValueError("not an OpenSSH public key: expected TYPE BASE64 COMMENT")
        try:
            key = cls(base64.b64decode(parts.value[1], validate=True), "".join(parts.value[2:]).strip())
        except ValueError as error:  # not base64, or not ASCII
            raise ValueError(f"not an OpenSSH public key: {error}") from None
        if key.kind != parts.value[0]:
            raise ValueError(
                f"not an OpenSSH public key: it says {shown(parts.value[0])!r} but is {key.kind!r}"
            )
        return key

    @property
    def kind(self) -> str:
        """The type that the key itself states, ``ssh-rsa``, ``ecdsa-sha2-nistp256``, ..."""
        name = read_string(self.blob, 0)[0].decode("ascii", "replace")
        return name if name and name.isprintable() else "unknown"

    @property
    def supported(self) -> bool:
        """Whether CloudAPI verifies signatures by keys of this type."""
        return self.kind in KEY_TYPES

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
        """The key as a line of a ``.pub`` file, the form that CloudAPI's add_key accepts."""
        return f"{self.kind} {base64.b64encode(self.blob).decode('ascii')} {self.comment}".rstrip()

    def __eq__(self, other: object) -> bool:
        return self.blob == other.blob if isinstance(other, PublicKey) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.blob)

    def __str__(self) -> str:
        # The comment is text of unknown origin: its control characters must not reach a terminal.
        printable = "".join(char if char.isprintable() else "?" for char in self.comment)
        comment = f" ({printable})" if printable else ""
        return f"{self.kind} {self.md5} {self.sha256}{comment}"

    def __repr__(self) -> str:
        return f"<PublicKey {self}>"


class Signer(Protocol):
    """A private key, wherever it is held. Safe to use from many threads."""

    @property
    def public_key(self) -> PublicKey:
        """The public half of the key."""

    @property
    def source(self) -> str:
        """Where the key is, for messages."""

    def sign(self, data: bytes) -> tuple[str, bytes]:
        """Return the algorithm, by its name in the http-signature scheme, and the signature of `data`."""

    def sign_ssh(self, data: bytes, algorithm: str) -> tuple[str, bytes]:
        """Return the algorithm, by its name in ssh, and the signature of `data` in ssh's encoding.

        Args:
            data: What to sign.
            algorithm: The one that client and server agreed on; for RSA ``rsa-sha2-256`` or ``rsa-sha2-512``.
        """


class PrivateKey:
    """A private key held in this process; a `Signer`.

    Args:
        key: A private key of the `cryptography` package.
        source: Where it came from, for messages.

    Raises:
        KeyLoadError: CloudAPI does not accept keys of this type.
    """

    def __init__(self, key: object, source: str = "the key given") -> None:
        row = key_type_of(key)
        if row is None and isinstance(key, ec.EllipticCurvePrivateKey):
            refuse(source, f"is on the curve {key.curve.name}", f"{ACCEPTED}: {MAKE_ONE}")
        if row is None or not isinstance(key, PrivateKeyObject):
            name = type(key).__name__.removesuffix("PrivateKey")
            refuse(source, f"is of the type {name}", f"{ACCEPTED}: {MAKE_ONE}")
        self._key = key
        self._type = row
        self._is_proven = False
        self.source = source
        line = key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        self.public_key: PublicKey = PublicKey.from_text(line.decode("ascii"))

    @classmethod
    def load(cls, path: str | os.PathLike[str], passphrase: Passphrase = None) -> PrivateKey:
        """Read a private key from a file: OpenSSH, PEM (PKCS#1, SEC1) or PKCS#8, encrypted or not.

        Args:
            path: The file; ``~`` is expanded.
            passphrase: See `Passphrase`. Ignored if the key is not encrypted.

        Raises:
            KeyLoadError: There is no usable key; the message says why and what to do.
        """
        concealed = Concealed(passphrase)
        del passphrase
        text = Concealed(read_key_file(path))
        source = f"the private key {shown(os.fsdecode(path))}"
        return cls(decoded(text, concealed, source), source)

    @classmethod
    def from_bytes(
        cls, data: bytes, passphrase: Passphrase = None, source: str = "the private key given as text"
    ) -> PrivateKey:
        """Read a private key from the contents of a file; otherwise like `load`."""
        text, concealed = Concealed(data), Concealed(passphrase)
        del data, passphrase
        if not isinstance(text.value, bytes):
            refuse(source, f"is {type(text.value).__name__}", "give bytes")
        return cls(decoded(text, concealed, source), source)

    def sign(self, data: bytes) -> tuple[str, bytes]:
        """Sign `data`: RSA as PKCS#1 v1.5, ECDSA as DER, Ed25519 as its bare 64 bytes.

        Raises:
            KeyLoadError: The key is damaged: its public half does not verify the first signature.
        """
        signature = sign(self._key, data, self._type.digest)
        if not self._is_proven:
            self._prove(data, signature)
        return self._type.algorithm, signature

    def _prove(self, data: bytes, signature: bytes) -> None:
        try:
            check(self._key.public_key(), signature, data, self._type.digest)
        except InvalidSignature:
            refuse(self.source, "is damaged: its public half does not verify its signatures", UNDAMAGED)
        self._is_proven = True

    def sign_ssh(self, data: bytes, algorithm: str) -> tuple[str, bytes]:
        """Sign `data` for a login.

        Raises:
            KeyLoadError: The server accepts only a kind of RSA signature that is not made here, or the key is
                damaged.
        """
        if not self._is_proven:
            self.sign(data)
        formats = self._type.ssh_formats
        name = algorithm if len(formats) > 1 else self._type.name
        digest = formats[name].digest if name in formats else None
        if digest is None:
            raise KeyLoadError(
                f"{self.source} is {self._type.family} and does not sign as {algorithm}: use another key"
            )
        return name, self._type.to_ssh(sign(self._key, data, digest))

    def __repr__(self) -> str:
        return f"<PrivateKey {vars(self).get('public_key', '')}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("private keys are not pickled: pickle the path and load it again")


def read_key_file(
    path: str | os.PathLike[str],
    limit: int = _MAX_FILE,
    *,
    remedy: str = "give the path of your private key as secret",
) -> bytes:
    """Return the contents of a key file, which must be a regular file of at most `limit` bytes.

    Args:
        path: The file; ``~`` is expanded.
        limit: The largest size in bytes.
        remedy: What to do when there is no such file.

    Raises:
        KeyLoadError: The file cannot be read, is not a regular file, or is larger.
    """
    if not isinstance(path, str | os.PathLike):
        raise KeyLoadError(f"the path of a key is text, not {type(path).__name__}; give the path of its file")
    if not os.fspath(path):
        raise KeyLoadError(f"the path of the key is empty; {remedy}")
    source = f"the key file {shown(os.fsdecode(path))}"
    try:
        return read_small_file(expanded(os.fsdecode(path)), limit)
    except NotRegularError as error:
        refuse(source, str(error), "give the path of the private key itself")
    except TooLargeError:
        refuse(source, f"is larger than {limit // 1024} KiB, no key is", "give the path of the key itself")
    except FileNotFoundError:
        raise KeyFileMissing(f"{source} does not exist; {remedy}", os.fsdecode(path)) from None
    except PermissionError:
        refuse(source, "is not readable by you", "check its owner and mode (chmod 600)")
    except OSError as error:  # a name that is too long, no home directory
        refuse(source, f"cannot be read ({error.strerror})", remedy)
    except ValueError:  # no file has a NUL in its name
        refuse(source, "cannot be read", remedy)


def hint_at_mode(path: str | os.PathLike[str]) -> None:
    """Log a warning, once per file, if other users can read the file of a private key that is in use."""
    if os.name != "posix":
        return
    try:
        file = expanded(path)
        mode = file.stat().st_mode
    except OSError:  # gone again
        return
    if mode & (stat.S_IRGRP | stat.S_IROTH) and str(file) not in _HINTED:
        _HINTED.add(str(file))
        log.warning("others can read the private key %s; make it yours alone: chmod 600 %s", path, path)


def public_half(path: str | os.PathLike[str]) -> PublicKey | None:
    """Return the public key of a private key file, without decrypting the file; None if unknown.

    It is looked for in the ``.pub`` beside it, then in the file (OpenSSH's form holds it unencrypted).
    """
    try:
        return PublicKey.from_text(read_key_file(f"{os.fspath(path)}.pub").decode("utf-8", "replace"))
    except ValueError:  # KeyLoadError is one
        pass
    try:
        text = Concealed(read_key_file(path))
        return stated_public_key(text.value) or PrivateKey.from_bytes(text.value).public_key
    except KeyLoadError:
        return None


def stated_public_key(data: bytes) -> PublicKey | None:
    """Return the public key that an OpenSSH private key file holds unencrypted."""
    blob = stated_blob(data)
    return PublicKey(blob) if blob else None
