"""The message about a refused signature, with agents and keys in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature.agent import AgentSigner, shared_agent
from smartdc.http_signature.keys import PrivateKey, PublicKey, Signer
from smartdc.http_signature.refused import explained_refusal
from smartdc.http_signature.scheme import parse_key_id
from smartdc.http_signature.signature_reuse import OnceSigner
from tests.http_signature.test_agent import FakeAgent, fake_agent, short_path, string
from tests.http_signature.test_agent_messages import listing

__all__ = ["fake_agent", "short_path"]

KEYS = Path(__file__).parents[1] / "data" / "keys"
OWN, OTHER = (PrivateKey.load(KEYS / f"TEST_ONLY_{kind}") for kind in ("ed25519", "rsa"))
P384 = PublicKey(string(b"ecdsa-sha2-nistp384") + string(b"x"), "laptop")
P384_TOO = PublicKey(string(b"ecdsa-sha2-nistp384") + string(b"y"), "")


@pytest.mark.parametrize(
    ("key_id", "whose"),
    [
        ("/bob/keys/laptop", "the account 'bob'"),
        ("/bob/users/sue/keys/laptop", "the sub-user 'sue' of the account 'bob'"),
    ],
)
def test_who_signed(key_id: str, whose: str) -> None:
    assert explained_refusal(parse_key_id(key_id), [OWN]) == (
        f"signed as '{key_id}' with {OWN.public_key}: check that {whose} exists here, and that it has this "
        "key by the name 'laptop'"
    )


def test_several_keys() -> None:
    assert explained_refusal(parse_key_id("/bob/keys/laptop"), [OWN, OnceSigner(OTHER)]) == (
        f"signed as '/bob/keys/laptop' with {OWN.public_key}; {OTHER.public_key}: check that the account "
        "'bob' exists here, and that it has one of these keys by the name 'laptop'"
    )


def test_a_fingerprint() -> None:
    key_id = f"/bob/keys/{OWN.public_key.md5}"
    auth = HTTPSignatureAuth(key_id, KEYS / "TEST_ONLY_ed25519")
    expected = (
        f"signed as '{key_id}' with {OWN.public_key}: check that the account 'bob' exists here, and that it "
        "has this key"
    )
    assert auth.explain_refusal([]) == auth.explain_refusal([auth.signer]) == expected


@pytest.mark.parametrize("once", [False, True])
def test_keys_of_the_agent_that_were_not_tried(fake_agent: FakeAgent, once: bool) -> None:
    signer: Signer = AgentSigner(shared_agent(), OWN.public_key)
    signers = [OTHER, OnceSigner(signer) if once else signer]
    with fake_agent([listing(OWN.public_key, P384, P384_TOO)]):
        text = explained_refusal(parse_key_id("/bob/keys/laptop"), signers)
    assert text.endswith(
        f" by the name 'laptop'. Not tried was {P384}; {P384_TOO}: ssh-agent signs P-384 only with SHA-384, "
        "which CloudAPI does not verify: give the key's file as secret without allow_agent, or use another "
        "key"
    )


def test_the_agent_is_not_asked_needlessly(fake_agent: FakeAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = AgentSigner(shared_agent(), OWN.public_key)
    monkeypatch.setattr(shared_agent(), "list_keys", lambda: [P384])
    own_key = explained_refusal(parse_key_id("/bob/keys/laptop"), [OWN])
    by_fingerprint = explained_refusal(parse_key_id(f"/bob/keys/{OWN.public_key.md5}"), [signer])
    assert "Not tried" not in own_key + by_fingerprint
    monkeypatch.setattr(shared_agent(), "list_keys", lambda: [OWN.public_key])
    assert "Not tried" not in explained_refusal(parse_key_id("/bob/keys/laptop"), [signer])
