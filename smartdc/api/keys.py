"""SSH keys, which sign requests and log in to machines, of the account and of its sub-users."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from smartdc._http import shapes
from smartdc._http.connection import Connection
from smartdc._http.lost_answers import Lookup, create_once
from smartdc._secrets import is_key
from smartdc.arguments.ids import ID_KEYS, entity_id, plain
from smartdc.arguments.kinds import texts
from smartdc.arguments.refs import KeyRef, UserRef
from smartdc.arguments.role_tags import RoleRef, role_tag_header
from smartdc.errors import ConfigurationError

if TYPE_CHECKING:
    from smartdc.types import Key


_LINE = r"\s*(ssh|ecdsa|sk)-\S{2,60}\s+[A-Za-z0-9+/]+={0,3}(\s[^\n]*)?\s*"
"""A line of OpenSSH, as far as the client checks it; the server checks the rest."""
_PEM = r"(?s)\s*-----BEGIN (RSA )?PUBLIC KEY-----(?!.*PRIVATE)"
_ID_KEYS = ID_KEYS["keys"]
_USER_KEYS = ID_KEYS["users"]


class KeyOperations(Connection):
    """Operations on the public SSH keys of the account and of its sub-users."""

    def keys(self) -> list[Key]:
        """List the account's public keys.

        ``GET /:login/keys``

        Returns:
            List of dicts with ``name``, ``fingerprint`` (colon-separated MD5) and ``key``.
        """
        return self._list("keys", shape=shapes.KEY)

    def key(self, key_id: KeyRef) -> Key:
        """Get one key.

        ``GET /:login/keys/:key``

        Args:
            key_id: Its name, its MD5 fingerprint, or a dict from `keys`.
        """
        return self._get("keys", entity_id(key_id, "key", *_ID_KEYS), shape=shapes.KEY)

    def add_key(
        self,
        key_id: str | None,
        key: str,
        *,
        role_tags: Iterable[RoleRef] | RoleRef | None = None,
    ) -> Key:
        """Add a public key to the account.

        ``POST /:login/keys``

        Args:
            key_id: Its name; None lets the server use the fingerprint.
            key: The public key, one OpenSSH line: the content of ``id_ed25519.pub``.
            role_tags: Roles whose members may act on the new key.

        Raises:
            ConfigurationError: It does not have the form of a public key; it was not sent.
            InvalidArgumentError: ``InvalidArgument``: it is not a key, or one that the account has already.
        """
        return self._add_key(("keys",), key_id, key, role_tags)

    def delete_key(self, key_id: KeyRef) -> None:
        """Delete a key from the account.

        ``DELETE /:login/keys/:key``

        Args:
            key_id: Its name, its MD5 fingerprint, or a dict from `keys`.
        """
        self._delete("keys", entity_id(key_id, "key", *_ID_KEYS))

    def user_keys(self, user: UserRef) -> list[Key]:
        """List a sub-user's public keys.

        ``GET /:login/users/:user/keys``

        Since API 7.2.

        Args:
            user: UUID, login, or dict from `users`.

        Returns:
            List of dicts as from `keys`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        return self._list(*_collection_of(user), shape=shapes.KEY)

    def user_key(self, user: UserRef, key_id: KeyRef) -> Key:
        """Get one key of a sub-user.

        ``GET /:login/users/:user/keys/:key``

        Since API 7.2.

        Args:
            user: UUID, login, or dict from `users`.
            key_id: Its name, its MD5 fingerprint, or a dict from `user_keys`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        return self._get(*_collection_of(user), entity_id(key_id, "key", *_ID_KEYS), shape=shapes.KEY)

    def add_user_key(
        self,
        user: UserRef,
        key_id: str | None,
        key: str,
        *,
        role_tags: Iterable[RoleRef] | RoleRef | None = None,
    ) -> Key:
        """Add a public key to a sub-user, who signs in with it as ``/ACCOUNT/users/LOGIN/keys/NAME``.

        ``POST /:login/users/:user/keys``

        Since API 7.2.

        Args:
            user: UUID, login, or dict from `users`.
            key_id: Its name; None lets the server use the fingerprint.
            key: The public key, one OpenSSH line: the content of ``id_ed25519.pub``.
            role_tags: Roles whose members may act on the new key.

        Raises:
            ConfigurationError: It does not have the form of a public key; it was not sent.
            InvalidArgumentError: ``InvalidArgument``: it is not a key, or one that the user has already.
            NotFoundError: ``ResourceNotFound``.
        """
        return self._add_key(_collection_of(user), key_id, key, role_tags)

    def delete_user_key(self, user: UserRef, key_id: KeyRef) -> None:
        """Delete a key of a sub-user.

        ``DELETE /:login/users/:user/keys/:key``

        Since API 7.2.

        Args:
            user: UUID, login, or dict from `users`.
            key_id: Its name, its MD5 fingerprint, or a dict from `user_keys`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        self._delete(*_collection_of(user), entity_id(key_id, "key", *_ID_KEYS))

    def _add_key(
        self,
        collection: tuple[str, ...],
        name: str | None,
        key: str,
        role_tags: Iterable[RoleRef] | RoleRef | None,
    ) -> Key:
        body = texts(name=name, key=_checked_key(key))
        create = partial(
            self._post, *collection, shape=shapes.KEY, json=body, headers=role_tag_header(role_tags)
        )

        def find() -> list[Key]:
            material = key.split()[:2]  # without the comment
            same_keys = self._list(*collection, shape=shapes.KEY)
            same = [each for each in same_keys if str(each.get("key")).split()[:2] == material]
            return [each for each in same if name in (None, each.get("name"))]

        return create_once(self, create, Lookup("key", body, find, key="fingerprint"))


def _collection_of(user: UserRef) -> tuple[str, str, str]:
    return "users", entity_id(user, "user", *_USER_KEYS), "keys"


def _checked_key(key: str) -> str:
    key = plain(key)
    if isinstance(key, str) and (is_key(key) or any(map(is_key, key.split()))) and not re.match(_PEM, key):
        raise ConfigurationError("this is a private key: give the public one (the file that ends in .pub)")
    if not isinstance(key, str) or not re.fullmatch(_LINE, key):
        # The message does not show the text: it may be a private key in some form.
        raise ConfigurationError(
            "key must be text, a line such as 'ssh-ed25519 AAAA... comment': the content of a file that ends "
            "in .pub"
        )
    return key
