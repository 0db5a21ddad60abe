"""Each type of key, made here: its signatures for requests and for logins, and what an agent's become."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from smartdc import KeyLoadError
from smartdc.http_signature.agent import AgentSigner, find_signers, shared_agent
from smartdc.http_signature.keys import PrivateKey
from smartdc.http_signature.ssh_encoding import read_number, written_number
from tests.http_signature.test_agent import FakeAgent, fake_agent, short_path
from tests.http_signature.test_agent_messages import listing, signed

__all__ = ["fake_agent", "short_path"]

# By the name of the curve: ssh's name, the algorithm of requests and its hash, the hash of logins.
CURVES: dict[str, tuple[ec.EllipticCurve, str, hashes.HashAlgorithm, hashes.HashAlgorithm]] = {
    "ecdsa-sha2-nistp256": (ec.SECP256R1(), "ecdsa-sha256", hashes.SHA256(), hashes.SHA256()),
    "ecdsa-sha2-nistp384": (ec.SECP384R1(), "ecdsa-sha512", hashes.SHA512(), hashes.SHA384()),
    "ecdsa-sha2-nistp521": (ec.SECP521R1(), "ecdsa-sha512", hashes.SHA512(), hashes.SHA512()),
}


@pytest.mark.parametrize("name", CURVES)
def test_the_signatures_of_a_curve(name: str) -> None:
    curve, algorithm, digest, by_ssh = CURVES[name]
    private = ec.generate_private_key(curve)
    key = PrivateKey(private)
    assert (key.public_key.kind, key.public_key.supported) == (name, True)
    made, signature = key.sign(b"data")
    assert made == algorithm
    private.public_key().verify(signature, b"data", ec.ECDSA(digest))
    login, encoded = key.sign_ssh(b"data", name)
    r, position = read_number(encoded, 0)
    s, end = read_number(encoded, position)
    assert (login, end) == (name, len(encoded))
    private.public_key().verify(encode_dss_signature(r, s), b"data", ec.ECDSA(by_ssh))


@pytest.mark.parametrize("name", ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp521"])
def test_an_agent_s_signature_of_a_curve(fake_agent: FakeAgent, name: str) -> None:
    curve, algorithm, _, by_ssh = CURVES[name]
    private = ec.generate_private_key(curve)
    numbers = decode_dss_signature(private.sign(b"data", ec.ECDSA(by_ssh)))
    raw = b"".join(map(written_number, numbers))
    with fake_agent([signed(name.encode(), raw)]):
        made, signature = AgentSigner(shared_agent(), PrivateKey(private).public_key).sign(b"data")
    assert made == algorithm
    assert decode_dss_signature(signature) == numbers
    private.public_key().verify(signature, b"data", ec.ECDSA(by_ssh))


def test_an_agent_s_p384_signs_logins_only(fake_agent: FakeAgent) -> None:
    name = "ecdsa-sha2-nistp384"
    key = PrivateKey(ec.generate_private_key(ec.SECP384R1())).public_key
    why = (
        "ssh-agent signs P-384 only with SHA-384, which CloudAPI does not verify: give the key's file as "
        "secret without allow_agent, or use another key"
    )
    with fake_agent([signed(name.encode(), b"x"), listing(key)]):
        with pytest.raises(KeyLoadError) as caught:
            AgentSigner(shared_agent(), key).sign(b"data")
        assert str(caught.value) == (
            f"the ssh-agent's key {name} signed as '{name}', which CloudAPI does not verify: {why}"
        )
        with pytest.raises(KeyLoadError) as caught:
            find_signers(shared_agent(), "the key x", lambda key: True)
        assert str(caught.value) == f"the ssh-agent has the key x, but {why}. The agent holds: {key}"


@pytest.mark.parametrize("curve", [None, ec.SECP256R1(), ec.SECP521R1()], ids=["ed25519", "P-256", "P-521"])
def test_a_usable_key_of_an_agent(fake_agent: FakeAgent, curve: ec.EllipticCurve | None) -> None:
    private = ec.generate_private_key(curve) if curve else ed25519.Ed25519PrivateKey.generate()
    key = PrivateKey(private).public_key
    with fake_agent([listing(key)]):
        (signer,) = find_signers(shared_agent(), "the key x", lambda key: True)
    assert signer.public_key == key


def test_ed25519() -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    key = PrivateKey(private)
    signature = private.sign(b"data")
    assert key.sign(b"data") == ("ed25519-sha512", signature)
    assert key.sign_ssh(b"data", "any") == ("ssh-ed25519", signature)
