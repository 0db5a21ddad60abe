"""Encrypted keys: every cipher that ssh-keygen and openssl offer, and every kind of wrong passphrase.

Every error is a `KeyLoadError` with the reason and the remedy.
"""

from __future__ import annotations

import base64
import functools
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smartdc.errors import KeyLoadError
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature.keys import PrivateKey
from smartdc.http_signature.search import find_key
from tests.helpers.keys import PASSPHRASE, KeyRing, run
from tests.http_signature.checks import signs

# The ciphers of OpenSSH's format that `cryptography` reads.
READABLE = {"aes256-ctr", "aes256-cbc", "aes256-gcm@openssh.com"}
REENCRYPT = "ssh-keygen -p -Z aes256-ctr -f FILE"
ODD_PASSPHRASES: list[Any] = [123456, 1.5, True, ["x"], {"x": 1}, object(), lambda: 7, lambda: ["x"]]
WRONG: list[Any] = ["wrong", b"wrong", b"\xff\xfe", "\0", "x" * 5000, "ö", "\udcff", lambda: "wrong", "\n"]


@functools.cache
def ciphers() -> list[str]:
    return run("ssh", "-Q", "cipher").split()


def encrypted(ssh_keys: KeyRing, directory: Path, cipher: str) -> Path:
    path = directory / "id"
    shutil.copy(ssh_keys.path("ed25519"), path)
    run("ssh-keygen", "-q", "-p", "-a", "1", "-Z", cipher, "-P", "", "-N", PASSPHRASE, "-f", str(path))
    return path


def refusal(load: Callable[[], Any]) -> str:
    with pytest.raises(KeyLoadError) as caught:
        load()
    message = str(caught.value)
    assert re.fullmatch(r"[^;\n]+; .+", message)  # the problem; the remedy
    assert len(message) < 350
    assert PASSPHRASE not in message
    return message


@pytest.mark.parametrize("cipher", ciphers())
def test_every_cipher_of_ssh_keygen(cipher: str, ssh_keys: KeyRing, tmp_path: Path) -> None:
    path = encrypted(ssh_keys, tmp_path, cipher)
    if cipher in READABLE:
        assert signs(PrivateKey.load(path, PASSPHRASE)) == "ed25519-sha512"
        for wrong in WRONG:
            assert "the passphrase is wrong; give the right" in refusal(lambda: PrivateKey.load(path, wrong))  # noqa: B023
        return
    for passphrase in (PASSPHRASE, None, *WRONG, *ODD_PASSPHRASES):
        message = refusal(lambda: PrivateKey.load(path, passphrase))  # noqa: B023
        assert f"is encrypted with {cipher}, which cannot be read here; " in message
        assert REENCRYPT in message
    # The remedy works.
    new = ("-N", PASSPHRASE, "-f", str(path))
    run("ssh-keygen", "-q", "-p", "-a", "1", "-Z", "aes256-ctr", "-P", PASSPHRASE, *new)
    assert signs(PrivateKey.load(path, PASSPHRASE)) == "ed25519-sha512"


def test_an_unsupported_cipher_is_reported_before_a_passphrase_is_asked_for(
    ssh_keys: KeyRing, tmp_path: Path
) -> None:
    path = encrypted(ssh_keys, tmp_path, "chacha20-poly1305@openssh.com")
    asked: list[int] = []
    refusal(lambda: PrivateKey.load(path, lambda: asked.append(1)))
    assert asked == []
    # The search for a key reports it as well.
    with pytest.raises(KeyLoadError, match="is encrypted with chacha20-poly1305"):
        find_key(ssh_keys.public("ed25519").md5, file=path, home=tmp_path, allow_agent=False)


@pytest.mark.parametrize("form", ["openssh", "PEM", "PKCS8"])
@pytest.mark.parametrize("passphrase", ODD_PASSPHRASES, ids=lambda value: type(value).__name__)
def test_a_passphrase_of_another_type(form: str, passphrase: Any, ssh_keys: KeyRing) -> None:
    path = ssh_keys.path("rsa2048", form, PASSPHRASE)
    message = refusal(lambda: HTTPSignatureAuth("/bob/keys/x", path, passphrase=passphrase))
    assert re.search(r"its passphrase is of the type \w+; give text, bytes or a function", message)
    # A key that is not encrypted ignores the passphrase.
    PrivateKey.load(ssh_keys.path("rsa2048", form), passphrase)


@pytest.mark.parametrize("form", ["openssh", "PEM", "PKCS8"])
def test_wrong_passphrases_of_every_form(form: str, ssh_keys: KeyRing) -> None:
    for kind in ("rsa2048", "p256"):
        path = ssh_keys.path(kind, form, PASSPHRASE)
        for wrong in WRONG:
            assert "the passphrase is wrong" in refusal(lambda: PrivateKey.load(path, wrong))  # noqa: B023


def test_a_damaged_number_of_rounds_does_not_hang(ssh_keys: KeyRing) -> None:
    lines = ssh_keys.path("ed25519", "openssh", PASSPHRASE).read_text().splitlines()
    body = bytearray(base64.b64decode("".join(lines[1:-1])))
    where = body.index(b"bcrypt") + 6 + 4 + 4 + 16  # name, lengths of options and salt, salt
    body[where] = 0x7F
    text = "\n".join([lines[0], base64.b64encode(body).decode(), lines[-1]])
    assert "rounds of hashing its passphrase, so it is damaged" in refusal(
        lambda: PrivateKey.from_bytes(text.encode(), PASSPHRASE)
    )


def test_a_damaged_key_derivation_of_pkcs8(ssh_keys: KeyRing, tmp_path: Path) -> None:
    path = tmp_path / "id"
    openssl(
        *("pkcs8", "-topk8", "-scrypt", "-passout", f"pass:{PASSPHRASE}", "-outform", "DER"),
        *("-in", str(ssh_keys.path("rsa2048", "PEM")), "-out", str(path)),
    )
    whole = path.read_bytes()
    cost = bytes.fromhex("02024000")  # 16384; scrypt takes only powers of 2
    assert cost in whole
    path.write_bytes(whole.replace(cost, bytes.fromhex("02027f00")))
    assert "is damaged, or of a kind that cannot be read" in refusal(
        lambda: PrivateKey.load(path, PASSPHRASE)
    )


def openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"not tested: openssl {' '.join(arguments[:6])} (this openssl does not support it)")


PEM_CIPHERS = [
    "AES-128-CBC",
    "AES-192-CBC",
    "AES-256-CBC",
    "DES-EDE3-CBC",
    "CAMELLIA-256-CBC",
    "ARIA-128-CBC",
]


@pytest.mark.parametrize("cipher", PEM_CIPHERS)
def test_ciphers_of_pem(cipher: str, ssh_keys: KeyRing, tmp_path: Path) -> None:
    path = tmp_path / "id.pem"
    option = {"DES-EDE3-CBC": "des3"}.get(cipher, cipher.removesuffix("-CBC").replace("-", "").lower())
    openssl(
        *("rsa", "-traditional", f"-{option}", "-passout", f"pass:{PASSPHRASE}"),
        *("-in", str(ssh_keys.path("rsa2048", "PEM")), "-out", str(path)),
    )
    assert f"DEK-Info: {cipher}," in path.read_text()
    refuses_or_reads(path, cipher)


def test_a_pem_that_is_encrypted_with_des() -> None:
    # The body cannot be decrypted, which does not matter here: openssl 3 no longer writes DES.
    head = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,0011223344556677\n\n"
    text = f"{head}{'A' * 64}\n-----END RSA PRIVATE KEY-----\n".encode()
    message = refusal(lambda: PrivateKey.from_bytes(text, PASSPHRASE))
    assert f"is encrypted with DES-CBC, which cannot be read here; encrypt it anew: {REENCRYPT}" in message


@pytest.mark.parametrize(
    "options",
    [
        *(("-v2", name) for name in ("aes128", "aes192", "aes256", "des3", "camellia256", "aria128")),
        ("-scrypt",),
        ("-v2", "aes256", "-v2prf", "hmacWithSHA512"),
        *(("-provider", "legacy", "-provider", "default", "-v1", name) for name in ("PBE-SHA1-RC4-128",)),
        *(("-provider", "legacy", "-provider", "default", "-v1", name) for name in ("PBE-SHA1-DES",)),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("outform", ["PEM", "DER"])
def test_ciphers_of_pkcs8(options: tuple[str, ...], outform: str, ssh_keys: KeyRing, tmp_path: Path) -> None:
    path = tmp_path / "id"
    openssl(
        *("pkcs8", "-topk8", *options, "-passout", f"pass:{PASSPHRASE}", "-outform", outform),
        *("-in", str(ssh_keys.path("rsa2048", "PEM")), "-out", str(path)),
    )
    refuses_or_reads(path, "a cipher")


def refuses_or_reads(path: Path, cipher: str) -> None:
    try:
        assert signs(PrivateKey.load(path, PASSPHRASE)) == "rsa-sha256"
    except KeyLoadError as error:
        assert f"is encrypted with {cipher}, which cannot be read here; " in str(error)  # noqa: PT017
        assert REENCRYPT in str(error)  # noqa: PT017
    else:
        for wrong in WRONG:
            assert "the passphrase is wrong" in refusal(lambda: PrivateKey.load(path, wrong))  # noqa: B023
    assert "is encrypted and there is no passphrase" in refusal(lambda: PrivateKey.load(path))


@pytest.mark.parametrize("encoding", ["OPENSSH", "DER"])
def test_a_putty_key(encoding: str) -> None:
    text = f"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: {encoding}\n".encode()
    assert "is a PuTTY key; convert it: puttygen" in refusal(lambda: PrivateKey.from_bytes(text))


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
@pytest.mark.parametrize("form", ["openssh", "PEM", "PKCS8"])
@pytest.mark.parametrize("kind", ["rsa2048", "p256", "ed25519"])
def test_damaged_keys(kind: str, form: str, passphrase: str, ssh_keys: KeyRing) -> None:
    good = ssh_keys.path(kind, form, passphrase).read_bytes()
    chance = random.Random(f"{kind} {form} {passphrase}")  # noqa: S311 - the same damage in each run
    for _ in range(20):
        damaged = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            where = chance.randrange(len(damaged))
            if chance.random() < 0.3:
                del damaged[where : where + chance.randint(1, 40)]
            else:
                damaged[where] = chance.choice(b"ABCabc019+/=\n\0\xff -")
        try:
            PrivateKey.from_bytes(bytes(damaged), passphrase or None)
        except KeyLoadError as error:
            assert "; " in str(error)  # noqa: PT017
