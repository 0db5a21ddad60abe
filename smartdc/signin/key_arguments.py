"""The arguments that say with which key to sign, on their way to where it is loaded."""

from __future__ import annotations

from smartdc._secrets import Concealed
from smartdc.http_signature import Passphrase, Secret

__all__ = ["DEFAULT_SECRET", "KeyArguments"]

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
