"""The arguments that say with which key to sign, on their way to where it is loaded."""

from __future__ import annotations

import re

from smartdc._secrets import Concealed, shown
from smartdc.errors import ConfigurationError
from smartdc.http_signature import Passphrase, Secret

__all__ = ["DEFAULT_SECRET", "KeyArguments", "sub_user_key_id"]

DEFAULT_SECRET = "~/.ssh/id_rsa"  # noqa: S105 - a path


class KeyArguments:
    """The arguments `secret` and `passphrase` on their way, which no traceback shows."""

    def __init__(self, secret: Secret | None, passphrase: Passphrase) -> None:
        self.secret: Concealed[Secret | None] = Concealed(secret)
        self.passphrase: Concealed[Passphrase] = Concealed(passphrase)

    @property
    def is_given(self) -> bool:
        """Whether there is any of them."""
        return self.secret.value is not None or self.passphrase.value is not None

    @property
    def is_chosen(self) -> bool:
        """Whether it is not what the constructor has by default."""
        return self.is_given and (self.secret.value, self.passphrase.value) != (DEFAULT_SECRET, None)


def sub_user_key_id(key_id: str | None, user: str) -> str:
    """The key id of a sub-user, from the one of the account or of that sub-user.

    Raises:
        ConfigurationError: There is no key id, or it is another sub-user's.
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
        return key_id  # for the error that this gives where it is used
    account, named, key = match.groups()
    if named not in (None, user):
        raise ConfigurationError(
            f"user={shown(user)!r}, but key_id {shown(key_id)!r} is of {named!r}: give one of them"
        )
    return f"{account}/users/{user}{key}"
