"""The table of key types: what CloudAPI and ssh call each of them, and how signatures are converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519

from smartdc.http_signature.key_types import (
    ACCEPTED,
    KEY_TYPES,
    SSH_FORMATS,
    KeyType,
    SSHFormat,
    check,
    key_type_of,
    sign,
)
from smartdc.http_signature.keys import PrivateKey
from smartdc.http_signature.ssh_encoding import read_number, written_number, written_string

ECDSA = {"ecdsa-sha256", "ecdsa-sha512"}
# docs/cloudapi/signing.md#algorithms-that-are-accepted; ssh's names and hashes: RFC 5656, 8332 and 8709.
TABLE: dict[str, tuple[str, str, str, str, str, set[str]]] = {
    "ssh-rsa": ("RSA", "", "", "rsa-sha256", "sha256", {"rsa-sha1", "rsa-sha256", "rsa-sha512"}),
    "ecdsa-sha2-nistp256": ("ECDSA", "P-256", "secp256r1", "ecdsa-sha256", "sha256", ECDSA),
    "ecdsa-sha2-nistp384": ("ECDSA", "P-384", "secp384r1", "ecdsa-sha512", "sha512", ECDSA),
    "ecdsa-sha2-nistp521": ("ECDSA", "P-521", "secp521r1", "ecdsa-sha512", "sha512", ECDSA),
    "ssh-ed25519": ("Ed25519", "", "", "ed25519-sha512", "sha512", {"ed25519-sha512"}),
}
FORMATS: dict[str, tuple[str, str | None, str | None, int]] = {
    "rsa-sha2-256": ("ssh-rsa", "sha256", "rsa-sha256", 2),
    "rsa-sha2-512": ("ssh-rsa", "sha512", "rsa-sha512", 4),
    "ssh-rsa": ("ssh-rsa", None, "rsa-sha1", 0),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256", "sha256", "ecdsa-sha256", 0),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384", "sha384", None, 0),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521", "sha512", "ecdsa-sha512", 0),
    "ssh-ed25519": ("ssh-ed25519", "sha512", "ed25519-sha512", 0),
}
KEYS: dict[str, Any] = {
    "ssh-rsa": PrivateKey.load(Path(__file__).parents[1] / "data" / "keys" / "TEST_ONLY_rsa")._key,
    "ecdsa-sha2-nistp256": ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-sha2-nistp384": ec.generate_private_key(ec.SECP384R1()),
    "ecdsa-sha2-nistp521": ec.generate_private_key(ec.SECP521R1()),
    "ssh-ed25519": ed25519.Ed25519PrivateKey.generate(),
}
EACH = pytest.mark.parametrize("name", list(KEYS))


def facts(row: KeyType) -> tuple[str, str, str, str, str, set[str]]:
    return row.family, row.label, row.curve, row.algorithm, row.digest.name, set(row.verified)


def test_the_table() -> None:
    assert {name: facts(row) for name, row in KEY_TYPES.items()} == TABLE
    assert [row.name for row in KEY_TYPES.values()] == list(TABLE)
    assert ACCEPTED == "CloudAPI takes RSA, ECDSA (P-256, P-384, P-521) and Ed25519 keys"


def test_the_formats_of_ssh() -> None:
    def facts_of(row: KeyType, form: SSHFormat) -> tuple[str, str | None, str | None, int]:
        digest = None if form.digest is None else form.digest.name
        return row.name, digest, form.algorithm, form.agent_flag

    assert {name: facts_of(*found) for name, found in SSH_FORMATS.items()} == FORMATS
    assert {name: row.not_by_agent for name, row in KEY_TYPES.items() if row.not_by_agent} == {
        "ecdsa-sha2-nistp384": "ssh-agent signs P-384 only with SHA-384, which CloudAPI does not verify: "
        "give the key's file as secret without allow_agent, or use another key"
    }


@EACH
def test_the_type_of_a_key(name: str) -> None:
    assert key_type_of(KEYS[name]) is key_type_of(KEYS[name].public_key()) is KEY_TYPES[name]


def test_keys_without_a_type() -> None:
    others: list[object] = [
        ec.generate_private_key(ec.SECP256K1()),
        ed448.Ed448PrivateKey.generate(),
        5,
        None,
    ]
    assert [key_type_of(key) for key in others] == [None] * 4


@EACH
def test_signatures_verify_with_the_key_and_the_data(name: str) -> None:
    row, key = KEY_TYPES[name], KEYS[name]
    signature = sign(key, b"data", row.digest)
    check(key.public_key(), signature, b"data", row.digest)
    for wrong in ((signature[::-1], b"data"), (signature, b"other")):
        with pytest.raises(InvalidSignature):
            check(key.public_key(), *wrong, row.digest)


@EACH
def test_signatures_in_the_encoding_of_ssh(name: str) -> None:
    row = KEY_TYPES[name]
    signature = sign(KEYS[name], b"data", row.digest)
    encoded = row.to_ssh(signature)
    assert row.from_ssh(encoded) == signature
    if row.family != "ECDSA":
        assert encoded == signature
        return
    first, position = read_number(encoded, 0)  # RFC 5656, section 3.1.2
    second, end = read_number(encoded, position)
    assert end == len(encoded)
    assert encoded == written_number(first) + written_number(second)


@pytest.mark.parametrize(
    ("modulus", "size"), [(2**2047 + 1, 256), (2**2047 - 1, 256), (2**2040 + 1, 256), (2**2040 - 1, 255)]
)
def test_an_rsa_signature_gets_its_leading_zeros_back(modulus: int, size: int) -> None:
    blob = written_string(b"ssh-rsa") + written_number(65537) + written_number(modulus)
    completed = KEY_TYPES["ssh-rsa"].completed
    assert completed(b"\x05", blob) == bytes(size - 1) + b"\x05"
    assert completed(b"\x05" * size, blob) == b"\x05" * size


@pytest.mark.parametrize("name", [name for name in KEYS if name != "ssh-rsa"])
def test_other_signatures_are_complete(name: str) -> None:
    assert KEY_TYPES[name].completed(b"\x05", b"the public key") == b"\x05"
