"""Sub-users, who sign with a key id of six parts; without policies, `allowed` decides what they may do."""

from __future__ import annotations

import pytest

from smartdc.emulator.state.directory import KeyRefused, SubUser
from tests.helpers.raw_requests import BAD_CREDENTIALS, Key, Raw


@pytest.fixture
def ops(fresh: Raw) -> tuple[SubUser, Key]:
    """A sub-user and its key."""
    user, key = fresh.cloud.account.add_user("ops"), Key.new("ed25519")
    user.add_key("laptop", key.openssh)
    return user, key


def test_a_sub_user_may_do_nothing_by_default(fresh: Raw, ops: tuple[SubUser, Key]) -> None:
    user, key = ops
    refused = fresh.get("/test/keys", key=key, key_id="/test/users/ops/keys/laptop")
    message = "You do not have permission to access /test/keys (listkeys)"
    refused.refused(403, "NotAuthorized", message)
    user.allowed = True
    for login in ("ops", user.uuid):
        for name in ("laptop", key.fingerprint):
            fresh.get("/my/keys", key=key, key_id=f"/test/users/{login}/keys/{name}").ok()
    user.disabled = True
    disabled = fresh.get("/my/keys", key=key, key_id="/test/users/ops/keys/laptop")
    disabled.refused(403, "NotAuthorized", "Account or user is disabled")


@pytest.mark.parametrize(
    "key_id",
    [
        "/test/users/eve/keys/laptop",
        "/eve/users/ops/keys/laptop",
        "/test/users/ops/keys/none",
        "/test/keys/laptop",
    ],
)
def test_unknown_key_ids(key_id: str, fresh: Raw, ops: tuple[SubUser, Key]) -> None:
    answer = fresh.get("/my/keys", key=ops[1], key_id=key_id)
    answer.refused(401, "InvalidCredentials", BAD_CREDENTIALS)


def test_a_sub_user_cannot_sign_with_the_accounts_key(fresh: Raw, ops: tuple[SubUser, Key]) -> None:
    ops[0].allowed = True
    answer = fresh.get("/my/keys", key_id="/test/users/ops/keys/test_key")
    answer.refused(401, "InvalidCredentials", BAD_CREDENTIALS)


def test_sub_users_came_with_7_2(fresh: Raw, ops: tuple[SubUser, Key]) -> None:
    ops[0].allowed = True
    key_id = "/test/users/ops/keys/laptop"
    old = fresh.get("/my/keys", key=ops[1], key_id=key_id, headers={"Accept-Version": "~7.1"})
    if old.status != 400:  # a server that no longer has this version refuses it first
        old.refused(401, "InvalidCredentials", f"Invalid KeyId {key_id} in authorization header")


def test_a_sub_user_and_a_key_cannot_be_added_twice(ops: tuple[SubUser, Key], fresh: Raw) -> None:
    user, key = ops
    with pytest.raises(ValueError, match="there is a sub-user 'ops' already"):
        fresh.cloud.account.add_user("ops")
    with pytest.raises(KeyRefused):
        user.add_key("again", key.openssh)
