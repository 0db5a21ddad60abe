"""Keys and key files: the whole messages, and the bounds of what is read."""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from smartdc import KeyLoadError
from smartdc.errors import KeyFileMissing
from smartdc.http_signature.keys import PrivateKey, PublicKey, hint_at_mode, public_half, read_key_file
from smartdc.http_signature.ssh_encoding import written_string

KEYS = Path(__file__).parents[1] / "data" / "keys"
ACCEPTED = (
    "CloudAPI takes RSA, ECDSA (P-256, P-384, P-521) and Ed25519 keys: make one with ssh-keygen -t ed25519"
)
PATH = "give the path of your private key as secret"


def refusal(read: Callable[[], Any]) -> str:
    with pytest.raises(KeyLoadError) as caught:
        read()
    return str(caught.value)


def test_a_file_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(KeyFileMissing) as caught:
        read_key_file(tmp_path / "id")
    assert str(caught.value) == f"the key file {tmp_path}/id does not exist; {PATH}"
    with pytest.raises(KeyFileMissing) as caught:
        read_key_file(str(tmp_path / "id"), remedy="look elsewhere")
    assert str(caught.value) == f"the key file {tmp_path}/id does not exist; look elsewhere"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (5, "the path of a key is text, not int; give the path of its file"),
        ("/", "the key file / is a directory; give the path of the private key itself"),
        ("a\0b", f"the key file a?b cannot be read; {PATH}"),
        ("a.b-" * 100, f"the key file {'a.b-' * 50}... cannot be read (File name too long); {PATH}"),
    ],
    ids=["number", "directory", "NUL", "long"],
)
def test_a_path_of_no_file(path: Any, message: str) -> None:
    assert refusal(lambda: read_key_file(path)) == message


def test_a_file_of_another_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refused(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("smartdc.http_signature.keys.read_small_file", refused)
    assert refusal(lambda: read_key_file(tmp_path / "id")) == (
        f"the key file {tmp_path}/id is not readable by you; check its owner and mode (chmod 600)"
    )


def test_the_largest_file(tmp_path: Path) -> None:
    path = tmp_path / "id"
    path.write_bytes(b"x" * 128 * 1024)
    assert len(read_key_file(path)) == 128 * 1024
    path.write_bytes(b"x" * (128 * 1024 + 1))
    assert refusal(lambda: read_key_file(path)) == (
        f"the key file {path} is larger than 128 KiB, no key is; give the path of the key itself"
    )
    assert refusal(lambda: read_key_file(path, 2048)) == (
        f"the key file {path} is larger than 2 KiB, no key is; give the path of the key itself"
    )


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (ec.generate_private_key(ec.SECP256K1()), "is on the curve secp256k1"),
        (ed448.Ed448PrivateKey.generate(), "is of the type Ed448"),
        (5, "is of the type int"),
    ],
    ids=["curve", "kind", "number"],
)
def test_a_key_of_another_type(key: object, problem: str) -> None:
    assert refusal(lambda: PrivateKey(key)) == f"the key given {problem}; {ACCEPTED}"
    assert refusal(lambda: PrivateKey(key, "it")) == f"it {problem}; {ACCEPTED}"


def test_the_source_of_a_key() -> None:
    path = KEYS / "TEST_ONLY_ed25519"
    assert PrivateKey.load(path).source == f"the private key {path}"
    key = PrivateKey.from_bytes(path.read_bytes())
    assert key.source == "the private key given as text"
    assert repr(key) == f"<PrivateKey {key.public_key}>"
    assert repr(object.__new__(PrivateKey)) == "<PrivateKey >"
    with pytest.raises(TypeError, match=r"^private keys are not pickled: pickle the path and load it again$"):
        key.__reduce__()


def test_an_rsa_key_signs_a_login_as_agreed() -> None:
    key = PrivateKey.load(KEYS / "TEST_ONLY_rsa")
    for name in ("rsa-sha2-256", "rsa-sha2-512"):
        made = key.sign_ssh(b"data", name)
        assert (made[0], len(made[1])) == (name, 256)
    for name in ("ssh-rsa", "ssh-ed25519"):
        assert refusal(lambda: key.sign_ssh(b"data", name)) == (  # noqa: B023
            f"{key.source} is RSA and does not sign as {name}: use another key"
        )


def test_a_damaged_key_does_not_sign_a_login() -> None:
    key = PrivateKey(ed25519.Ed25519PrivateKey.generate(), "it")
    key._key = Swapped()  # type: ignore[assignment]
    for sign in (lambda: key.sign(b"data"), lambda: key.sign_ssh(b"data", "ssh-ed25519")):
        assert refusal(sign) == (
            "it is damaged: its public half does not verify its signatures; give an undamaged copy, or make "
            "one with ssh-keygen -t ed25519"
        )


class Swapped:
    """A private half beside another public half."""

    def sign(self, data: bytes) -> bytes:
        return ed25519.Ed25519PrivateKey.generate().sign(data)

    def public_key(self) -> ed25519.Ed25519PublicKey:
        return ed25519.Ed25519PrivateKey.generate().public_key()


def line(kind: bytes, *more: str) -> str:
    blob = base64.b64encode(written_string(kind) + b"rest").decode()
    return " ".join([kind.decode("latin-1"), blob, *more])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not an OpenSSH public key: expected TYPE BASE64 COMMENT"),
        ("ssh-rsa", "not an OpenSSH public key: expected TYPE BASE64 COMMENT"),
        ("ssh-rsa AA", "not an OpenSSH public key: Incorrect padding"),
        ("ssh-rsa ö", "not an OpenSSH public key: string argument should contain only ASCII characters"),
        ("ssh-rsa AAAA", "not an OpenSSH public key: it says 'ssh-rsa' but is 'unknown'"),
        (
            "ssh-rsa " + line(b"ssh-dss").split()[1],
            "not an OpenSSH public key: it says 'ssh-rsa' but is 'ssh-dss'",
        ),
    ],
)
def test_text_that_is_no_public_key(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^not an OpenSSH public key: ") as caught:
        PublicKey.from_text(text)
    assert str(caught.value) == message


def test_a_public_key() -> None:
    text = line(b"ssh-new", "a comment ", "of\tlaptop\x1b")
    key = PublicKey.from_text(text)
    assert (key.kind, key.comment, key.supported) == ("ssh-new", "a comment  of\tlaptop\x1b", False)
    assert key.openssh == text
    assert str(key) == f"ssh-new {key.md5} {key.sha256} (a comment  of?laptop?)"
    assert repr(key) == f"<PublicKey {key}>"
    bare = PublicKey(key.blob)
    assert str(bare) == f"ssh-new {key.md5} {key.sha256}"
    assert (bare == key, hash(bare) == hash(key), bare == PublicKey(b""), bare == key.blob) == (
        *(True, True), *(False, False)
    )  # fmt: skip
    assert PublicKey(b"\0\0\0\x02\xff\0rest").kind == "unknown"


def test_the_public_half_of_a_file(tmp_path: Path) -> None:
    own, other = tmp_path / "id", ed25519.Ed25519PrivateKey.generate()
    own.write_bytes((KEYS / "TEST_ONLY_ed25519").read_bytes())
    expected = PrivateKey.load(own).public_key
    assert public_half(own) == public_half(str(own)) == expected
    own.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert public_half(own) == PrivateKey(other).public_key
    # The file beside it comes first, unless it is damaged.
    (tmp_path / "id.pub").write_text((KEYS / "TEST_ONLY_ed25519.pub").read_text())
    assert public_half(own) == expected
    (tmp_path / "id.pub").write_text("damaged")
    assert public_half(own) == PrivateKey(other).public_key
    own.write_text("damaged")
    assert public_half(own) is None
    assert public_half(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("mode", "warned"), [(0o600, 0), (0o640, 1), (0o604, 1), (0o622, 0), (0o611, 0), (0o400, 0)]
)
def test_a_file_that_others_can_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, warned: int
) -> None:
    path = tmp_path / "id"
    path.write_text("x")
    path.chmod(mode)
    with caplog.at_level(logging.WARNING, "smartdc"):
        hint_at_mode(path)
        hint_at_mode(str(path))
        hint_at_mode(tmp_path / "gone")
    assert (
        caplog.messages
        == [f"others can read the private key {path}; make it yours alone: chmod 600 {path}"] * warned
    )


def test_other_systems_have_no_modes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "id").write_text("x")
    (tmp_path / "id").chmod(0o644)
    path = tmp_path / "id"
    monkeypatch.setattr(os, "name", "nt")
    hint_at_mode(path)
    assert caplog.messages == []
