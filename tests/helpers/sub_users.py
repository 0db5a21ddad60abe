"""Bob, a sub-user with a key, and what gives him roles."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from smartdc import DataCenter, NotAuthorizedError
from smartdc.http_signature import PrivateKey

SECRET = ed25519.Ed25519PrivateKey.generate()
PUBLIC = PrivateKey(SECRET).public_key.openssh


def give(sdc: DataCenter, name: str, *rules: str, by_default: bool = True, members: Any = ("bob",)) -> None:
    """Give bob a new role with a new policy."""
    sdc.create_policy(name, rules)
    who = {"default_members": members} if by_default else {"members": members}
    sdc.create_role(name, policies=[name], **who)


def refused(what: str) -> Any:
    return pytest.raises(
        NotAuthorizedError, match=f"^[A-Z]+ [^:]*: 403 NotAuthorized: You do not .* access {what}"
    )
