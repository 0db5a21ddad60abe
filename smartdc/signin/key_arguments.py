"""The arguments `secret` and `passphrase`, passed on without appearing in tracebacks."""

from __future__ import annotations

import re

from smartdc._secrets import Concealed, shown
from smartdc.errors import ConfigurationError
from smartdc.http_signature import Passphrase, Secret

__all__ = ["DEFAULT_SECRET", "KeyArguments", "sub_user_key_id"]

DEFAULT_SECRET = "~/.ssh/id_rsa"  # noqa: S105 - a path


class KeyArguments:
    """Holds `secret` and `passphrase` so that no traceback shows them."""

    def __init__(self, secret: Secret | None, passphrase: Passphrase) -> None:
        self.secret: Concealed[Secret | None] = Concealed(secret)
        self.passphrase: Concealed[Passphrase] = Concealed(passphrase)

    @property
    def is_set(self) -> bool:
        """Whether `secret` or `passphrase` is set."""
        return self.secret.value is not None or self.passphrase.value is not None

    @property
    def is_not_default(self) -> bool:
        """Whether one of them is set, and they are not the constructor's defaults."""
        return self.is_set and (self.secret.value, self.passphrase.value) != (DEFAULT_SECRET, None)


def sub_user_key_id(key_id: str | None, user: str) -> str:
    """Return the key id of a sub-user, made from the account's or the sub-user's key id.

    Raises:
        ConfigurationError: There is no key id, or it belongs to another sub-user.
    """
    if not isinstance(user, str):
        raise ConfigurationError(f"user is the login of a sub-user, not {type(user).__name__}")
    if not key_id:
        raise ConfigurationError(
            f"user={shown(user)!r} needs key_id, of the form /ACCOUNT/keys/NAME_OR_FINGERPRINT"
        )
    if not user or "/" in user:
        raise ConfigurationError(f"{shown(user)!r} cannot be a sub-user: give the login, without the account")
    match = re.fullmatch(r"(/[^/]+)(?:/users/([^/]+))?(/keys/.+)", key_id)
    if match is None:
        return key_id  # not a key id: the signer raises the error
    account, named, key = match.groups()
    if named not in (None, user):
        raise ConfigurationError(
            f"user={shown(user)!r}, but key_id {shown(key_id)!r} belongs to {named!r}: give one of them"
        )
    return f"{account}/users/{user}{key}"
