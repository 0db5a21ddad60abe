"""What the text of a private key is taken for: the whole message, and the bounds of what is accepted.

The keys are made by `cryptography`; test_keys and test_ciphers have those of ssh-keygen.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
)

from smartdc import KeyLoadError
from smartdc.http_signature.keys import PrivateKey
from tests.http_signature.checks import signs
from tests.http_signature.test_damaged_keys import der

ACCEPTED = (
    "CloudAPI takes RSA, ECDSA (P-256, P-384, P-521) and Ed25519 keys: make one with ssh-keygen -t ed25519"
)
LINES = "give the text as it is in the file, or the path of the file"
NO_KEY = "is not a private key in OpenSSH, PEM or PKCS#8 form, or is damaged"
WRONG = "cannot be decrypted: the passphrase is wrong; give the right passphrase"
NEEDS = (
    "is encrypted and there is no passphrase; give passphrase=, or ssh-add the key and give allow_agent=True"
)
UNREADABLE = (
    "is encrypted with {}, which cannot be read here; encrypt it anew: ssh-keygen -p -Z aes256-ctr -f FILE"
)
PASSPHRASE = b"correct horse"
KEYS = Path(__file__).parents[1] / "data" / "keys"


def refusal(text: Any, passphrase: Any = None) -> str:
    with pytest.raises(KeyLoadError) as caught:
        PrivateKey.from_bytes(text, passphrase, source="it")
    assert caught.value.__cause__ is None
    return str(caught.value)


def rsa_key() -> rsa.RSAPrivateKey:
    key = load_ssh_private_key((KEYS / "TEST_ONLY_rsa").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@pytest.fixture(scope="module")
def ed25519_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def encrypted(ed25519_key: ed25519.Ed25519PrivateKey) -> bytes:
    """An OpenSSH key, encrypted with aes256-ctr."""
    cipher = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(1).build(PASSPHRASE)
    return ed25519_key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, cipher)


def changed(text: bytes, old: bytes, new: bytes) -> bytes:
    """An OpenSSH key with other bytes in its body."""
    first, body, last = re.fullmatch(rb"(-.*?-\n)(.*)(-----END.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    data = base64.b64decode(body)
    assert old in data
    return first + base64.encodebytes(data.replace(old, new, 1)) + last


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"PuTTY-User-Key-File-3: x", "is a PuTTY key; convert it: puttygen FILE -O private-openssh"),
        *(
            (text, "is a certificate; give the private key that belongs to it")
            for text in (
                b"ssh-rsa-cert-v01@openssh.com AAAA",
                b"-----BEGIN CERTIFICATE-----\nMII",
                b"-----BEGIN X509 CERTIFICATE-----\nMII",
            )
        ),
        *(
            (text, "is a public key; give the private key, the file without .pub")
            for text in (
                b"ssh-rsa AAAA",
                b"ecdsa-sha2-nistp256 AAAA",
                b"sk-ssh-ed25519@openssh.com AAAA",
                b"-----BEGIN PUBLIC KEY-----\nMII",
                b"-----BEGIN RSA PUBLIC KEY-----\nMII",
                b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA",
            )
        ),
        (b"-----BEGIN DSA PRIVATE KEY-----\nMII", f"is a DSA key; {ACCEPTED}"),
        (rb"-----BEGIN RSA PRIVATE KEY-----\nMII", f"is a key with '\\n' in place of its line ends; {LINES}"),
        (
            b"-----BEGIN RSA PRIVATE KEY----- MII -----END RSA PRIVATE KEY-----",
            f"is a key without its line ends; {LINES}",
        ),
        (b"0aF" * 22, "is hexadecimal; decode it first: bytes.fromhex(text)"),
        (
            base64.b64encode(b"-----BEGIN OPENSSH PRIVATE KEY-----\n"),
            "is a key file in base64; decode it first: base64.b64decode(text)",
        ),
        *(
            (text, f"is the base64 of a key without its first and last line; {LINES}")
            for text in (
                b"b3BlbnNzaC1rZXktdjEA",
                *(begin + b"A" * 40 for begin in (b"MIG", b"MIH", b"MII", b"MIJ", b"MHcC", b"MC4C")),
            )
        ),
        *(
            (text, f"{NO_KEY}; give the path of your private key, or make one with ssh-keygen -t ed25519")
            for text in (
                b"",
                b"x",
                b"0aF" * 21,
                b"MII" + b"A" * 39,
                b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n",
            )
        ),
        ("text", "is str; give bytes"),
    ],
    ids=lambda value: value[:20].decode() if isinstance(value, bytes) else None,
)
def test_what_is_no_private_key(text: Any, problem: str) -> None:
    assert refusal(text) == f"it {problem}"
    if isinstance(text, bytes) and text:
        assert refusal(b" \n" + text) == f"it {problem}"


@pytest.mark.parametrize("missing", [None, "", b"", lambda: None, lambda: ""])
def test_an_encrypted_key_without_a_passphrase(encrypted: bytes, missing: Any) -> None:
    assert refusal(encrypted, missing) == f"it {NEEDS}"


@pytest.mark.parametrize("passphrase", [5, ["x"], lambda: 5.0])
def test_a_passphrase_of_another_kind(encrypted: bytes, passphrase: Any) -> None:
    kind = type(passphrase() if callable(passphrase) else passphrase).__name__
    assert refusal(encrypted, passphrase) == (
        f"it is encrypted and its passphrase is of the type {kind}; give text, bytes or a function"
    )


@pytest.mark.parametrize("cipher", [b"aes256-ctr", b"aes256-cbc"])
def test_a_wrong_passphrase(encrypted: bytes, cipher: bytes) -> None:
    assert refusal(changed(encrypted, b"aes256-ctr", cipher), "wrong") == f"it {WRONG}"


@pytest.mark.parametrize("cipher", ["aes192-ctr", "aes128-xyz", "3des-cbcxx"])
def test_a_cipher_that_cannot_be_read(encrypted: bytes, cipher: str) -> None:
    text = changed(encrypted, b"aes256-ctr", cipher.encode())
    assert refusal(text, PASSPHRASE) == refusal(text) == f"it {UNREADABLE.format(cipher)}"


def test_a_cipher_whose_name_is_not_shown(encrypted: bytes) -> None:
    text = changed(encrypted, b"aes256-ctr", b"aes256\x1b\xff\0\n")
    assert refusal(text) == f"it {UNREADABLE.format('unknown')}"


@pytest.mark.parametrize(
    ("cipher", "problem"),
    [
        ("AES-256-CBC", WRONG),
        ("AES-192-CBC", UNREADABLE.format("AES-192-CBC")),
        ("CAMELLIA-256-CBC", UNREADABLE.format("CAMELLIA-256-CBC")),
    ],
)
def test_the_cipher_of_a_pem_file(cipher: str, problem: str) -> None:
    text = rsa_key().private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(PASSPHRASE)
    )
    assert refusal(text.replace(b"AES-256-CBC", cipher.encode()), "wrong") == f"it {problem}"


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (b"\0\0\0\x07ssh-dss\0\0\0\0", f"is a DSA key; {ACCEPTED}"),
        (b"\0\0\0\x0bsk-ed25519@", f"is a security key (sk-ed25519@); {ACCEPTED}"),
        (b"\0\0\0\x0bsk-\xff\0d25519", f"is a security key (unknown); {ACCEPTED}"),
        (b"\0\0\0\x0b\xff\xfeh-ed25519", f"is damaged, or of a kind that cannot be read; {ACCEPTED}"),
    ],
)
def test_the_kind_of_an_openssh_file(encrypted: bytes, kind: bytes, problem: str) -> None:
    assert refusal(changed(encrypted, b"\0\0\0\x0bssh-ed25519", kind)) == f"it {problem}"


@pytest.mark.parametrize(("rounds", "is_refused"), [(5000, False), (5001, True)])
def test_rounds_of_hashing_the_passphrase(encrypted: bytes, rounds: int, is_refused: bool) -> None:
    # The options end in the number of rounds, before the number of keys.
    text = changed(encrypted, b"\0\0\0\x01\0\0\0\x01", rounds.to_bytes(4, "big") + b"\0\0\0\x01")
    assert refusal(text) == (
        f"it would take {rounds} rounds of hashing its passphrase, so it is damaged; give an undamaged copy, "
        "with at most 5000 rounds (ssh-keygen -p -a)"
        if is_refused
        else f"it {NEEDS}"
    )


def test_an_rsa_key_whose_numbers_do_not_fit() -> None:
    own = rsa_key().private_numbers()
    public = own.public_numbers
    numbers = [public.n, public.e, own.d, own.p, own.q, own.dmp1, own.dmq1, own.iqmp]
    assert signs(PrivateKey.from_bytes(der(*numbers))) == "rsa-sha256"
    for place in range(len(numbers)):
        for wrong in (numbers[place] + 2, 1, 0):
            text = der(*numbers[:place], wrong, *numbers[place + 1 :])
            assert refusal(text) == (
                "it is damaged: its parts do not match; give an undamaged copy, or make one with "
                "ssh-keygen -t ed25519"
            )


def test_every_form_is_loaded(ed25519_key: ed25519.Ed25519PrivateKey, encrypted: bytes) -> None:
    blob = PrivateKey(ed25519_key).public_key
    for encoding, form in ((Encoding.PEM, PrivateFormat.OpenSSH), (Encoding.DER, PrivateFormat.PKCS8)):
        text = ed25519_key.private_bytes(encoding, form, NoEncryption())
        assert PrivateKey.from_bytes(text).public_key == blob
    for right in (PASSPHRASE, PASSPHRASE.decode(), lambda: PASSPHRASE):
        assert PrivateKey.from_bytes(encrypted, right).public_key == blob
