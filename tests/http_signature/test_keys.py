import base64
import os
import pickle
import shutil
import subprocess
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, x25519

from smartdc.errors import KeyLoadError
from smartdc.http_signature.key_types import KEY_TYPES
from smartdc.http_signature.keys import PrivateKey, PublicKey, public_half
from smartdc.http_signature.verify import load_public_key
from tests.helpers.keys import ALGORITHMS, ALL_KINDS, PASSPHRASE, KeyRing
from tests.http_signature.checks import certify, signs


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("form", ["openssh", "PEM", "PKCS8"])
@pytest.mark.parametrize("kind", ALL_KINDS)
def test_loads_every_kind_in_every_form(kind: str, form: str, encrypted: bool, ssh_keys: KeyRing) -> None:
    passphrase = PASSPHRASE if encrypted else ""
    path = ssh_keys.path(kind, form, passphrase)
    key = PrivateKey.load(path, passphrase or None)
    assert key.public_key == ssh_keys.public(kind)
    assert signs(key) == ALGORITHMS[kind]


def test_every_type_of_key_is_tested(ssh_keys: KeyRing) -> None:
    assert {ssh_keys.public(kind).kind for kind in ALL_KINDS} == set(KEY_TYPES)


def test_the_key_files_have_the_expected_formats(ssh_keys: KeyRing) -> None:
    starts = {
        ("rsa2048", "openssh"): "OPENSSH",
        ("rsa2048", "PEM"): "RSA",
        ("p256", "PEM"): "EC",
        ("p256", "PKCS8"): "PRIVATE",
        ("ed25519", "PKCS8"): "PRIVATE",
    }
    for (kind, form), word in starts.items():
        assert ssh_keys.path(kind, form).read_text().split()[1] == word
    assert "ENCRYPTED" in ssh_keys.path("p256", "PKCS8", PASSPHRASE).read_text().split()[1]


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_fingerprints_are_those_of_ssh_keygen(kind: str, ssh_keys: KeyRing) -> None:
    public = ssh_keys.public(kind)
    for name, ours in (("md5", f"MD5:{public.md5}"), ("sha256", public.sha256)):
        command = ["ssh-keygen", "-l", "-E", name, "-f", str(ssh_keys.public_path(kind))]
        assert subprocess.check_output(command, text=True).split()[1] == ours
    assert public.openssh == ssh_keys.public_path(kind).read_text().strip()
    assert public.comment == f"{kind} of the tests"


@pytest.mark.parametrize(
    "text",
    ["", "ssh-rsa", "ssh-rsa !!!", "ssh-rsa AAAA", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA== wrong type"],
)
def test_invalid_public_key_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an OpenSSH public key"):
        PublicKey.from_text(text)


@pytest.mark.parametrize("passphrase", [PASSPHRASE, PASSPHRASE.encode(), lambda: PASSPHRASE])
def test_passphrase_as_text_bytes_or_function(passphrase: str, ssh_keys: KeyRing) -> None:
    path = ssh_keys.path("ed25519", passphrase=PASSPHRASE)
    assert signs(PrivateKey.load(path, passphrase)) == "ed25519-sha512"


def test_passphrase_function_is_called_once_and_only_if_needed(ssh_keys: KeyRing) -> None:
    calls: list[str] = []

    def ask() -> str:
        calls.append("asked")
        return PASSPHRASE

    PrivateKey.load(ssh_keys.path("ed25519"), ask)
    assert calls == []
    PrivateKey.load(ssh_keys.path("ed25519", passphrase=PASSPHRASE), ask)
    assert calls == ["asked"]


def test_passphrase_for_a_plain_key_is_ignored(ssh_keys: KeyRing) -> None:
    assert signs(PrivateKey.load(ssh_keys.path("p256", "PEM"), "needless")) == "ecdsa-sha256"


def test_tilde_is_expanded(ssh_keys: KeyRing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ssh_keys.path("ed25519"), tmp_path / "id")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert PrivateKey.load("~/id").public_key == ssh_keys.public("ed25519")


def load_error(path: Path | str, passphrase: str | None = None) -> str:
    with pytest.raises(KeyLoadError) as caught:
        PrivateKey.load(path, passphrase)
    message = str(caught.value)
    assert str(path) in message
    assert ";" in message  # the problem; the remedy
    return message


def test_missing_file(tmp_path: Path) -> None:
    assert "does not exist; give the path" in load_error(tmp_path / "none")


def test_directory(tmp_path: Path) -> None:
    assert "is a directory; give the path" in load_error(tmp_path)


def test_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert "is not a regular file" in load_error(tmp_path / "fifo")


def test_too_large_a_file(tmp_path: Path, ssh_keys: KeyRing) -> None:
    text = ssh_keys.path("ed25519").read_bytes()
    (tmp_path / "exact").write_bytes(text.ljust(128 * 1024))
    (tmp_path / "large").write_bytes(text.ljust(128 * 1024 + 1))
    PrivateKey.load(tmp_path / "exact")
    assert "larger than 128 KiB" in load_error(tmp_path / "large")


def test_unreadable_file(tmp_path: Path, ssh_keys: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*args: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)  # the tests may run as root, who may read any file
    assert "is not readable by you; check its owner and mode" in load_error(ssh_keys.path("p256"))


@pytest.mark.parametrize("path", ["x-" * 150, "~nosuchuser/id_rsa", "a\0b"])
def test_paths_that_no_file_can_have(path: str) -> None:
    with pytest.raises(KeyLoadError, match=r"(cannot be read|does not exist).*; give the path of") as caught:
        PrivateKey.load(path)
    assert path.replace("\0", "?")[:200] in str(caught.value)


@pytest.mark.parametrize("form", ["openssh", "PEM", "PKCS8"])
@pytest.mark.parametrize("kind", ["rsa2048", "p256", "ed25519"])
def test_wrong_passphrase(kind: str, form: str, ssh_keys: KeyRing) -> None:
    message = load_error(ssh_keys.path(kind, form, PASSPHRASE), "sesame open")
    assert "the passphrase is wrong" in message
    assert "sesame" not in message


@pytest.mark.parametrize("form", ["openssh", "PEM", "PKCS8"])
@pytest.mark.parametrize("passphrase", [None, "", lambda: None])
def test_missing_passphrase(passphrase: str | None, form: str, ssh_keys: KeyRing) -> None:
    message = load_error(ssh_keys.path("rsa2048", form, PASSPHRASE), passphrase)
    assert "is encrypted and there is no passphrase; give passphrase=, or ssh-add" in message


def test_public_key_given_as_private(ssh_keys: KeyRing, tmp_path: Path) -> None:
    assert "is a public key; give the private key" in load_error(ssh_keys.public_path("p384"))
    public = serialization.load_ssh_public_key(ssh_keys.public_path("rsa2048").read_bytes())
    for number, form in enumerate(
        (serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1)
    ):
        path = tmp_path / str(number)
        path.write_bytes(public.public_bytes(serialization.Encoding.PEM, form))
        assert "is a public key" in load_error(path)


@pytest.mark.parametrize("form", ["openssh", "PEM", "PKCS8"])
def test_dsa_key(form: str, ssh_keys: KeyRing, tmp_path: Path) -> None:
    path = ssh_keys.path("dsa", form)
    message = load_error(path)
    assert "DSA" in message
    assert "make one with ssh-keygen -t ed25519" in message


def test_certificate(ssh_keys: KeyRing, tmp_path: Path) -> None:
    certificate = certify(ssh_keys, "ed25519", tmp_path)
    assert "is a certificate; give the private key" in load_error(certificate)
    x509 = tmp_path / "x509"
    x509.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert "is a certificate" in load_error(x509)


def test_putty_key(tmp_path: Path) -> None:
    path = tmp_path / "id.ppk"
    path.write_text("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n")
    assert "is a PuTTY key; convert it: puttygen" in load_error(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        bytes(range(256)),
        b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nA\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n"
        + base64.b64encode(b"openssh-key-v1\0\xff\xff\xff\xff")
        + b"\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n",
    ],
)
def test_garbage(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "id"
    path.write_bytes(content)
    assert "is not a private key in OpenSSH, PEM or PKCS#8 form" in load_error(path)


def test_truncated_key(ssh_keys: KeyRing, tmp_path: Path) -> None:
    path = tmp_path / "id"
    for kind, form in (("rsa2048", "PEM"), ("ed25519", "openssh")):
        lines = ssh_keys.path(kind, form).read_text().splitlines()
        path.write_text("\n".join(lines[:2] + lines[3:]))
        assert "is damaged" in load_error(path)


def pem(key: serialization.PrivateFormat | object) -> bytes:
    done = key.private_bytes(  # type: ignore[union-attr]
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    assert isinstance(done, bytes)
    return done


def test_unsupported_curves_and_types(tmp_path: Path) -> None:
    path = tmp_path / "id"
    for key, word in (
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
        (ed448.Ed448PrivateKey.generate(), "Ed448"),
        (x25519.X25519PrivateKey.generate(), "X25519"),
    ):
        path.write_bytes(pem(key))
        message = load_error(path)
        assert word in message
        assert "CloudAPI takes RSA, ECDSA (P-256, " in message


def test_security_key_file(tmp_path: Path) -> None:
    blob = b"\0\0\0\x1ask-ssh-ed25519@openssh.com"
    body = b"openssh-key-v1\0" + b"\0\0\0\x04none" * 2 + b"\0\0\0\0" + b"\0\0\0\x01"
    body += len(blob).to_bytes(4) + blob
    path = tmp_path / "id"
    path.write_bytes(
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n"
        + base64.b64encode(body)
        + b"\n-----END OPENSSH PRIVATE KEY-----\n"
    )
    assert "is a security key (sk-ssh-ed25519@openssh.com)" in load_error(path)


def test_an_object_that_is_no_key() -> None:
    with pytest.raises(KeyLoadError, match=r"the key given is of the type int"):
        PrivateKey(7)


def test_comments_cannot_write_to_a_terminal() -> None:
    assert str(PublicKey(b"", "a\x1b[2Jb")).endswith("(a?[2Jb)")
    assert PublicKey(b"\0\0\0\1\0").kind == "unknown"


def test_public_half(ssh_keys: KeyRing, tmp_path: Path) -> None:
    assert public_half(ssh_keys.path("rsa2048")) == ssh_keys.public("rsa2048")
    # Without a .pub: OpenSSH files have it in clear even when encrypted, PEM only when plain.
    for form, passphrase in (("openssh", ""), ("openssh", PASSPHRASE), ("PEM", "")):
        lone = ssh_keys.alone("rsa2048", tmp_path, form, passphrase)
        assert public_half(lone) == ssh_keys.public("rsa2048")
    assert public_half(ssh_keys.alone("rsa2048", tmp_path, "PEM", PASSPHRASE)) is None
    assert public_half(tmp_path / "none") is None
    (tmp_path / "lone_rsa2048.pub").write_text("garbage")
    assert public_half(ssh_keys.alone("rsa2048", tmp_path)) == ssh_keys.public("rsa2048")


def test_nothing_secret_is_shown_or_pickled(ssh_keys: KeyRing) -> None:
    key = PrivateKey.load(ssh_keys.path("p256"))
    assert (
        repr(key)
        == f"<PrivateKey {ssh_keys.public('p256').kind} {key.public_key.md5} {key.public_key.sha256}>"
    )
    with pytest.raises(TypeError, match=r"not pickled"):
        pickle.dumps(key)


@pytest.mark.parametrize("kind", ["rsa2048", "p384", "ed25519"])
def test_threads_share_a_key(kind: str, ssh_keys: KeyRing) -> None:
    key = PrivateKey.load(ssh_keys.path(kind))
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: signs(key), range(64))) == {ALGORITHMS[kind]}


def test_p384_is_signed_with_sha512(ssh_keys: KeyRing) -> None:
    _, signature = PrivateKey.load(ssh_keys.path("p384")).sign(b"data")
    public = load_public_key(ssh_keys.public("p384").openssh)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(signature, b"data", ec.ECDSA(hashes.SHA512()))


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_signs_logins_as_ssh_does(kind: str, ssh_keys: KeyRing) -> None:
    # RFC 4253, RFC 5656 and RFC 8332, as paramiko reads them. Signatures for CloudAPI differ.
    key = PrivateKey.load(ssh_keys.path(kind))
    public = paramiko.PKey.from_type_string(key.public_key.kind, key.public_key.blob)
    is_rsa = key.public_key.kind == "ssh-rsa"
    for algorithm in ("rsa-sha2-256", "rsa-sha2-512") if is_rsa else (key.public_key.kind,):
        for number in range(20):  # numbers of all lengths
            data = b"%d" % number
            name, signature = key.sign_ssh(data, algorithm)
            message = paramiko.Message()
            message.add_string(name)
            message.add_string(signature)
            assert name == algorithm
            assert public.verify_ssh_sig(data, paramiko.Message(message.asbytes()))
    if is_rsa:
        with pytest.raises(KeyLoadError, match="does not sign as ssh-rsa: use another key"):
            key.sign_ssh(b"data", "ssh-rsa")
    else:  # with a certificate of the key the algorithm has a name of its own
        agreed = f"{key.public_key.kind}-cert-v01@openssh.com"
        assert key.sign_ssh(b"data", agreed)[0] == key.public_key.kind


def test_no_deprecation_warnings(ssh_keys: KeyRing) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_error(ssh_keys.path("dsa"))


@pytest.mark.parametrize(
    ("stated", "shown"),
    [(b"", "unknown"), (b"a\nb", "unknown"), (b"ssh-\xff", "ssh-\ufffd"), (b"ssh-odd", "ssh-odd")],
)
def test_the_type_that_a_public_key_states_may_be_any_bytes(stated: bytes, shown: str) -> None:
    # RFC 4253, section 6.6: a key begins with the length of its type, and the type.
    blob = len(stated).to_bytes(4) + stated
    assert PublicKey(blob).kind == shown
    assert not PublicKey(blob).supported
    with pytest.raises(ValueError, match=r"^not an OpenSSH public key: it says 'ssh-rsa' but is ") as caught:
        PublicKey.from_text(f"ssh-rsa {base64.b64encode(blob).decode()}")
    assert str(caught.value).endswith(f"but is {shown!r}")


def test_a_pub_file_whose_comment_is_not_utf_8(ssh_keys: KeyRing, tmp_path: Path) -> None:
    path = ssh_keys.alone("rsa2048", tmp_path, "PEM", PASSPHRASE)
    public = ssh_keys.public("rsa2048")
    path.with_name(f"{path.name}.pub").write_bytes(
        f"{public.kind} ".encode() + base64.b64encode(public.blob) + b" caf\xe9"
    )
    assert public_half(path) == public
