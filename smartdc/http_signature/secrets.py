"""Reads the argument `secret`: the private key's path, its text, or the key as an object.

The repr of a `KeySource` shows only a path.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

from smartdc._secrets import Concealed, is_key_text, may_be_secret
from smartdc.errors import KeyLoadError
from smartdc.http_signature.key_text import Passphrase
from smartdc.http_signature.keys import PrivateKey, PublicKey, public_half

__all__ = ["KeyObject", "KeySource", "Secret"]


class KeyObject(Protocol):
    """A private key of the package `cryptography`: RSA, ECDSA or Ed25519.

    A protocol in place of their thirteen classes, which an editor would list in each signature.
    """

    def private_bytes(self, encoding: Any, format: Any, encryption_algorithm: Any) -> bytes:
        """The key in the form of a file."""
        ...

    def public_key(self) -> Any:
        """Its public half."""
        ...


Secret = str | os.PathLike[str] | bytes | KeyObject
"""The path of a private key, its text, or the key as an object of `cryptography`."""


class KeySource:
    """Where the private key comes from, and its passphrase.

    Args:
        secret: A path, a text, or a key; None for neither.
        passphrase: See `Passphrase`.
        was_pickled: Whether the object that it is for was pickled, which loses a key that is no path.

    Attributes:
        path: The path; None for a key's text, which no message repeats.
        passphrase: The argument, unchanged.
    """

    def __init__(
        self,
        secret: Concealed[Secret | None],
        passphrase: Concealed[Passphrase],
        *,
        was_pickled: bool = False,
    ) -> None:
        self.path: str | None = _path_or_none(secret)
        self._was_pickled = was_pickled
        self._secret = secret
        self.passphrase = passphrase

    @property
    def is_given(self) -> bool:
        """Whether there is a path, a text or a key to load from."""
        return self._secret.value is not None

    def load(self) -> PrivateKey:
        """Load the key.

        Raises:
            KeyLoadError: There is no key, or it cannot be used.
        """
        if self.path is not None:
            return PrivateKey.load(self.path, self.passphrase.value)
        if self._secret.value is None and not self._was_pickled:
            raise KeyLoadError("no secret was given: secret= takes the path of the private key")
        if self._secret.value is None:
            raise KeyLoadError(
                "no secret was given, or the key itself as text or as an object, which is never pickled: "
                "give its path, or make a new HTTPSignatureAuth in this process"
            )
        if isinstance(self._secret.value, str | os.PathLike):
            text = Concealed(os.fsdecode(self._secret.value).encode("utf-8", "replace"))
            return PrivateKey.from_bytes(text.value, self.passphrase.value)
        if isinstance(self._secret.value, bytes):
            return PrivateKey.from_bytes(self._secret.value, self.passphrase.value)
        return PrivateKey(self._secret.value)

    def public_half(self) -> PublicKey | None:
        """Return the public key; None if it is not known without a passphrase."""
        if self.path is not None:
            return public_half(self.path)
        try:
            return KeySource(self._secret, Concealed(None)).load().public_key
        except KeyLoadError:
            return None

    def __repr__(self) -> str:
        return f"<KeySource {vars(self).get('path') or '<concealed>'}>"


def _path_or_none(secret: Concealed[Secret | None]) -> str | None:
    """The path that `secret` is. What may be a key is a path only where there is such a file."""
    if not isinstance(secret.value, str | os.PathLike):
        return None
    path = Concealed(os.fsdecode(secret.value))
    if is_key_text(path.value) or (may_be_secret(path.value) and not _is_there(path)):
        return None
    return path.value


def _is_there(path: Concealed[str]) -> bool:
    try:
        return Path(path.value).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # no file can have that name
        return False
