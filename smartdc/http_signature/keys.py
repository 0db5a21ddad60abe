"""Keys: public keys and their fingerprints, private keys from files, text and objects.

Here belongs what reads a key and what signs with one held in this process. Keys held by ssh-agent are in
`agent`. Every failure is a `KeyLoadError` that names the source and the remedy, and never what is in it.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import stat
from dataclasses import dataclass, field
from functools import cached_property
from typing import NoReturn, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from smartdc._files import NotRegularError, TooLargeError, expanded, read_small_file
from smartdc._secrets import Concealed, shown
from smartdc.errors import KeyFileMissing, KeyLoadError
from smartdc.http_signature.key_text import (
    ACCEPTED,
    MAKE_ONE,
    UNDAMAGED,
    NeedsPassphrase,
    Passphrase,
    decoded,
    refuse,
    ssh_string,
    stated_blob,
)

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

log = logging.getLogger("smartdc")

_HINTED: set[str] = set()
_MAX_FILE = 128 * 1024

# The server knows no SHA-384, so P-384 is signed with SHA-512.
_ECDSA: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    "secp256r1": ("ecdsa-sha256", hashes.SHA256()),
    "secp384r1": ("ecdsa-sha512", hashes.SHA512()),
    "secp521r1": ("ecdsa-sha512", hashes.SHA512()),
}

# In SSH each curve has a hash (RFC 5656, section 6.2.1), and RSA has the one that is agreed on (RFC 8332).
_SSH_ECDSA: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
_SSH_RSA: dict[str, hashes.HashAlgorithm] = {
    "rsa-sha2-256": hashes.SHA256(),
    "rsa-sha2-512": hashes.SHA512(),
}

_KINDS = {
    "ssh-rsa",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
}


@dataclass(frozen=True, repr=False)
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
        parts = Concealed(text.split(None, 2))  # it may be the text of a private key
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
        name = ssh_string(self.blob, 0)[0].decode("ascii", "replace")
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

    def sign_ssh(self, data: bytes, algorithm: str) -> tuple[str, bytes]:
        """The algorithm, in ssh's words, and the signature of `data` in ssh's encoding, for a login.

        Args:
            data: What to sign.
            algorithm: The one that is agreed on; of RSA ``rsa-sha2-256`` or ``rsa-sha2-512``.
        """


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
            refuse(source, f"is on the curve {key.curve.name}", f"{ACCEPTED}: {MAKE_ONE}")
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
            name = type(key).__name__.removesuffix("PrivateKey")
            refuse(source, f"is of the type {name}", f"{ACCEPTED}: {MAKE_ONE}")
        self._key = key
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
        """Read a private key from what such a file holds; otherwise as `load`."""
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
        algorithm, signature = self._signed(data)
        if not self._is_proven:
            self._prove(data, signature)
        return algorithm, signature

    def _signed(self, data: bytes) -> tuple[str, bytes]:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return "rsa-sha256", self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return "ed25519-sha512", self._key.sign(data)
        algorithm, digest = _ECDSA[self._key.curve.name]
        return algorithm, self._key.sign(data, ec.ECDSA(digest))

    def _prove(self, data: bytes, signature: bytes) -> None:
        public = self._key.public_key()
        try:
            if isinstance(public, rsa.RSAPublicKey):
                public.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
            elif isinstance(public, ed25519.Ed25519PublicKey):
                public.verify(signature, data)
            else:
                public.verify(signature, data, ec.ECDSA(_ECDSA[public.curve.name][1]))
        except InvalidSignature:
            refuse(self.source, "is damaged: its public half does not verify its signatures", UNDAMAGED)
        self._is_proven = True

    def sign_ssh(self, data: bytes, algorithm: str) -> tuple[str, bytes]:
        """Sign `data` for a login.

        Raises:
            KeyLoadError: The other side takes only an RSA signature that is not made here, or the key is
                damaged.
        """
        if not self._is_proven:
            self.sign(data)
        if isinstance(self._key, rsa.RSAPrivateKey):
            if algorithm not in _SSH_RSA:
                raise KeyLoadError(f"{self.source} is RSA and does not sign as {algorithm}: use another key")
            return algorithm, self._key.sign(data, padding.PKCS1v15(), _SSH_RSA[algorithm])
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self.public_key.kind, self._key.sign(data)
        signature = self._key.sign(data, ec.ECDSA(_SSH_ECDSA[self._key.curve.name]))
        return self.public_key.kind, b"".join(map(_mpint, decode_dss_signature(signature)))

    def __repr__(self) -> str:
        return f"<PrivateKey {vars(self).get('public_key', '')}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("private keys are not pickled: pickle the path and load it again")


def _mpint(number: int) -> bytes:
    """A positive number as ssh writes it (RFC 4251, section 5)."""
    written = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return len(written).to_bytes(4, "big") + written


def read_key_file(
    path: str | os.PathLike[str],
    limit: int = _MAX_FILE,
    *,
    remedy: str = "give the path of your private key as secret",
) -> bytes:
    """The contents of a key file, which must be a regular file of at most `limit` bytes, 128 KiB.

    Args:
        path: The file; ``~`` is expanded.
        limit: The most bytes.
        remedy: What to do when there is no such file.

    Raises:
        KeyLoadError: It cannot be read, or is not such a file.
    """
    if not isinstance(path, str | os.PathLike):
        raise KeyLoadError(f"the path of a key is text, not {type(path).__name__}; give the path of its file")
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
    """Log it, once, when others can read the file of a private key that is in use."""
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
    """The public key that belongs to a private key file, without decrypting that; None if unknown.

    It is looked for in the ``.pub`` beside it, then in the file (an OpenSSH file has it in clear).
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
    """The public key that an OpenSSH private key file holds in clear, even when it is encrypted."""
    blob = stated_blob(data)
    return PublicKey(blob) if blob else None
