"""The account's SSH keys: those that may sign its requests, and that its machines let in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from smartdc.connection import Connection
from smartdc.endpoint import entity_id, given
from smartdc.errors import ConfigurationError
from smartdc.types import Key

_ID_KEYS = ("fingerprint", "name")


class KeyOperations(Connection):
    """Operations on the account's public SSH keys."""

    def keys(self) -> list[Key]:
        """List the account's public keys.

        ``GET /:login/keys``

        Returns:
            List of dicts with ``name``, ``fingerprint`` (colon-separated MD5) and ``key``.
        """
        return cast(list[Key], self._get("keys"))

    def key(self, key_id: str | Mapping[str, Any]) -> Key:
        """Get one key.

        ``GET /:login/keys/:key``

        Args:
            key_id: Its name, its MD5 fingerprint, or a dict from `keys`.
        """
        return cast(Key, self._get("keys", entity_id(key_id, "key", *_ID_KEYS)))

    def add_key(self, key_id: str | None, key: str) -> Key:
        """Add a public key to the account.

        ``POST /:login/keys``

        Args:
            key_id: Name for it; None lets the server take the fingerprint.
            key: The public key, one OpenSSH line: the content of ``id_ed25519.pub``.

        Raises:
            ConfigurationError: A private key was given; it was not sent.
            InvalidArgumentError: ``InvalidArgument``: no key, or one that the account has already.
        """
        if "PRIVATE KEY" in key:
            raise ConfigurationError(
                "this is a private key: give the public one (the file that ends in .pub)"
            )
        return cast(Key, self._post("keys", json=given(name=key_id, key=key)))

    def delete_key(self, key_id: str | Mapping[str, Any]) -> None:
        """Delete a key from the account.

        ``DELETE /:login/keys/:key``

        Args:
            key_id: Its name, its MD5 fingerprint, or a dict from `keys`.
        """
        self._delete("keys", entity_id(key_id, "key", *_ID_KEYS))
