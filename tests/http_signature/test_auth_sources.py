"""Which keys are tried if both an agent and a secret may have the right one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from smartdc import KeyLoadError
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature.keys import PrivateKey, PublicKey
from tests.helpers.agents import OwnAgent

KEYS = Path(__file__).parents[1] / "data" / "keys"


@pytest.fixture
def held(own_agent: OwnAgent) -> PublicKey:
    """The key that the agent has."""
    return own_agent.add(KEYS / "TEST_ONLY_rsa")


@pytest.fixture
def own() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def tried(secret: Any, **arguments: Any) -> list[PublicKey]:
    """The keys in the order in which they are tried."""
    auth = HTTPSignatureAuth("/bob/keys/laptop", secret, allow_agent=True, **arguments)
    keys = [auth.signer.public_key]
    while auth.try_next_key():
        keys.append(auth.signer.public_key)
    return keys


def test_the_key_of_the_secret_comes_last_if_no_public_half_is_beside_it(
    held: PublicKey, own: ed25519.Ed25519PrivateKey, tmp_path: Path
) -> None:
    text = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (tmp_path / "id").write_bytes(text)
    assert tried(tmp_path / "id", passphrase="secret") == [held, PrivateKey(own).public_key]


def test_a_passphrase_is_not_asked_for_while_the_agent_has_a_key(
    held: PublicKey, own: ed25519.Ed25519PrivateKey, tmp_path: Path
) -> None:
    text = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (tmp_path / "id").write_bytes(text)
    asked: list[int] = []
    assert tried(tmp_path / "id", passphrase=lambda: asked.append(1)) == [held]
    assert asked == []


def test_the_key_of_the_secret_comes_first_if_its_public_half_is_known(
    held: PublicKey, own: ed25519.Ed25519PrivateKey
) -> None:
    public = PrivateKey(own).public_key
    assert tried(own) == [public, held]
    text = own.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    assert tried(text) == tried(text.decode()) == [public, held]


def test_a_key_that_the_agent_has_as_well_is_tried_once(held: PublicKey, own_agent: OwnAgent) -> None:
    other = own_agent.add(KEYS / "TEST_ONLY_ed25519")
    assert tried(KEYS / "TEST_ONLY_rsa") == [held, other]
    assert tried(KEYS / "TEST_ONLY_ed25519") == [other, held]


def test_a_fingerprint_names_one_key(held: PublicKey) -> None:
    for fingerprint in (held.md5, held.sha256):
        auth = HTTPSignatureAuth(f"/bob/keys/{fingerprint}", None, allow_agent=True)
        assert auth.signer.public_key == held
        assert auth.is_undecided is False


def test_the_turn_of_several_keys(held: PublicKey, own: ed25519.Ed25519PrivateKey) -> None:
    auth = HTTPSignatureAuth("/bob/keys/laptop", own, allow_agent=True)
    first = auth.signer
    assert auth.is_undecided
    assert auth.try_next_key(first)
    # Another thread has moved on from it already.
    assert auth.try_next_key(first)
    assert auth.signer.public_key == held
    auth.decide()
    assert not auth.is_undecided
    assert not auth.try_next_key(auth.signer)
    assert (auth.signer, auth.is_undecided) == (first, True)


def test_neither_the_agent_nor_the_secret_has_a_key(no_ssh_agent: None) -> None:
    with pytest.raises(KeyLoadError) as caught:
        HTTPSignatureAuth("/bob/keys/laptop", "/nonexistent", allow_agent=True)
    assert str(caught.value) == (
        "there is no ssh-agent (SSH_AUTH_SOCK is not set): start one (eval $(ssh-agent); ssh-add), or give "
        "the path of a key file as secret without allow_agent. And the key file /nonexistent does not exist; "
        "give the path of your private key as secret"
    )


def test_a_name_does_not_tell_what_to_search_for() -> None:
    with pytest.raises(KeyLoadError) as caught:
        HTTPSignatureAuth("/bob/keys/laptop", None)
    assert str(caught.value) == (
        "key_id '/bob/keys/laptop' has a name in it, which does not tell which private key to search for: "
        "give the fingerprint instead (ssh-keygen -l -f FILE), or secret=, or allow_agent=True"
    )
