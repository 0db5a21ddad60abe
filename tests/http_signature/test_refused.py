"""What an error says when the server refuses a signature. The whole errors are in tests/signin."""

from __future__ import annotations

import pytest

from smartdc.http_signature.agent import AgentSigner, shared_agent
from smartdc.http_signature.keys import PrivateKey, PublicKey, Signer
from smartdc.http_signature.refused import explained_refusal
from smartdc.http_signature.scheme import parse_key_id
from smartdc.http_signature.signature_reuse import OnceSigner
from tests.helpers.agents import OwnAgent
from tests.helpers.keys import KeyRing


@pytest.fixture
def keys(ssh_keys: KeyRing) -> list[PrivateKey]:
    return [PrivateKey.load(ssh_keys.path(kind)) for kind in ("ed25519", "p256")]


def test_who_signed_with_which_key(keys: list[PrivateKey]) -> None:
    one, two = (str(key.public_key) for key in keys)
    md5 = keys[0].public_key.md5
    assert explained_refusal(parse_key_id("/bob/keys/laptop"), keys[:1]) == (
        f"signed as '/bob/keys/laptop' with {one}: check that the account 'bob' exists here, "
        "and that it has this key by the name 'laptop'"
    )
    assert explained_refusal(parse_key_id(f"/bob/users/eve/keys/{md5}"), keys[:1]) == (
        f"signed as '/bob/users/eve/keys/{md5}' with {one}: "
        "check that the sub-user 'eve' of the account 'bob' exists here, and that it has this key"
    )
    assert explained_refusal(parse_key_id("/bob/keys/laptop"), keys) == (
        f"signed as '/bob/keys/laptop' with {one}; {two}: check that the account 'bob' exists here, "
        "and that it has one of these keys by the name 'laptop'"
    )


@pytest.mark.parametrize("is_cached", [False, True])
def test_keys_of_the_agent_that_were_not_tried(
    ssh_keys: KeyRing, keys: list[PrivateKey], own_agent: OwnAgent, is_cached: bool
) -> None:
    agents: Signer = AgentSigner(shared_agent(), keys[0].public_key)
    signers = [OnceSigner(agents) if is_cached else agents]
    by_name, by_fingerprint = (parse_key_id(f"/bob/keys/{key}") for key in ("laptop", keys[0].public_key.md5))
    own_agent.add(ssh_keys.path("ed25519"))
    assert explained_refusal(by_name, signers).endswith(" by the name 'laptop'")
    own_agent.add(ssh_keys.path("p384"))
    (p384,) = (key for key in shared_agent().list_keys() if key.kind == "ecdsa-sha2-nistp384")
    assert explained_refusal(by_name, [*keys[1:], *signers]).endswith(
        f" has one of these keys by the name 'laptop'. Not tried was {p384}: ssh-agent signs P-384 only with "
        "SHA-384, which CloudAPI does not verify: give the key's file as secret without allow_agent, "
        "or use another key"
    )
    # A fingerprint names the one key that was tried, and a file is no agent.
    assert explained_refusal(by_fingerprint, signers).endswith(" has this key")
    assert explained_refusal(by_name, keys[:1]).endswith(" has this key by the name 'laptop'")


def test_several_keys_that_were_not_tried(
    ssh_keys: KeyRing, keys: list[PrivateKey], own_agent: OwnAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed_over = [PublicKey(ssh_keys.public("p384").blob, comment) for comment in ("one", "two")]
    monkeypatch.setattr(shared_agent(), "list_keys", lambda: passed_over)
    told = explained_refusal(parse_key_id("/bob/keys/k"), [AgentSigner(shared_agent(), keys[0].public_key)])
    assert f". Not tried was {passed_over[0]}; {passed_over[1]}: ssh-agent signs" in told
