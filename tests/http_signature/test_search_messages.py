"""The search for a private key: the order of the places, and the whole messages about what was seen."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from smartdc import ConfigurationError, KeyLoadError
from smartdc.http_signature.key_text import NeedsPassphrase
from smartdc.http_signature.keys import PrivateKey, PublicKey
from smartdc.http_signature.search import find_key, named_public_key
from smartdc.http_signature.ssh_encoding import written_string

KEYS = Path(__file__).parents[1] / "data" / "keys"
OWN, OTHER = (
    PublicKey.from_text((KEYS / f"TEST_ONLY_{kind}.pub").read_text()) for kind in ("ed25519", "rsa")
)
LOCKED = "encrypted and there is no passphrase: give passphrase=, or ssh-add it"


@pytest.fixture
def ssh(tmp_path: Path) -> Path:
    """An empty ``.ssh`` of the home `tmp_path`."""
    directory = tmp_path / ".ssh"
    directory.mkdir()
    return directory


def put(kind: str, directory: Path, name: str, *, private: bool = True, public: bool = True) -> Path:
    if private:
        shutil.copy(KEYS / f"TEST_ONLY_{kind}", directory / name)
    if public:
        shutil.copy(KEYS / f"TEST_ONLY_{kind}.pub", directory / f"{name}.pub")
    return directory / name


def seen(ssh: Path, wanted: str = OWN.md5, places: str = "", **arguments: Any) -> list[str]:
    """What the error says was seen, after the rest of its message was checked."""
    with pytest.raises(KeyLoadError) as caught:
        find_key(wanted, home=ssh.parent, allow_agent=False, **arguments)
    first, *lines = str(caught.value).split("\n  ")
    label = wanted if wanted in (OWN.md5, OWN.sha256) else str(OWN)
    assert first == (
        f"the private key {label} could not be found; searched {places}{ssh}; give the path of its file as "
        "secret, or, to the profile env, as TRITON_KEY_MATERIAL. Seen:"
    )
    return lines


def found(ssh: Path, wanted: str = OWN.md5, **arguments: Any) -> str:
    """The source of the key that is found."""
    signer = find_key(wanted, home=ssh.parent, allow_agent=False, **arguments)
    assert signer.public_key == OWN
    return signer.source.removeprefix("the private key ")


@pytest.mark.parametrize("wanted", [OWN.md5, OWN.md5.replace(":", ""), OWN.sha256, f"MD5:{OWN.md5}"])
def test_a_key_is_found_by_its_fingerprint(ssh: Path, wanted: str) -> None:
    put("rsa", ssh, "id_a")
    own = put("ed25519", ssh, "id_b")
    assert found(ssh, wanted) == str(own)


@pytest.mark.parametrize(
    ("name", "is_read"),
    [("id_x", True), ("my-id_x", True), ("my_id_", True), ("myid_x", False), ("key", False), ("id", False)],
)
def test_private_files_without_a_public_one_are_read_by_their_names(
    ssh: Path, name: str, is_read: bool
) -> None:
    own = put("ed25519", ssh, name, public=False)
    if is_read:
        assert found(ssh) == str(own)
    else:
        assert seen(ssh) == []


def test_a_pair_of_any_name_is_read(ssh: Path) -> None:
    own = put("ed25519", ssh, "key")
    assert found(ssh, OWN.sha256) == str(own)
    (ssh / "key.pub").unlink()
    assert seen(ssh, OWN.sha256) == []


def test_other_keys_are_listed(ssh: Path) -> None:
    put("rsa", ssh, "id_rsa")
    put("ed25519", ssh, "id_public", private=False)
    (ssh / "id_text").write_text("x")
    (ssh / "odd.pub").write_text("ssh-rsa")
    (ssh / "new.pub").write_text(PublicKey(written_string(b"ssh-new")).openssh)
    lines = seen(ssh)
    assert lines == [
        f"{ssh}/id_public.pub: {OWN}: only the public half is here",
        f"{ssh}/id_rsa: {OTHER}",
        f"{ssh}/id_text: the private key {ssh}/id_text is not a private key in OpenSSH, PEM or PKCS#8 form, "
        "or is damaged; give the path of your private key, or make one with ssh-keygen -t ed25519",
        f"{ssh}/new.pub: {PublicKey(written_string(b'ssh-new'))}: CloudAPI does not take this kind",
        f"{ssh}/odd.pub: not an OpenSSH public key: expected TYPE BASE64 COMMENT",
    ]


def test_a_private_key_beside_another_public_one(ssh: Path) -> None:
    put("rsa", ssh, "id", public=False)
    put("ed25519", ssh, "id", private=False)
    other = PrivateKey.load(ssh / "id").public_key
    assert seen(ssh) == [
        f"{ssh}/id: {OWN}: the private key beside it is another one, {other}; "
        f"write the right .pub with ssh-keygen -y -f {ssh}/id"
    ]


def test_an_agent_is_searched_after_the_files(ssh: Path) -> None:
    with pytest.raises(KeyLoadError) as caught:
        find_key(OWN.md5, home=ssh.parent)
    assert str(caught.value) == (
        f"the private key {OWN.md5} could not be found; searched {ssh}, the ssh-agent; give the path of its "
        "file as secret, or, to the profile env, as TRITON_KEY_MATERIAL. Seen:\n  there is no ssh-agent "
        "(SSH_AUTH_SOCK is not set): start one (eval $(ssh-agent); ssh-add), or give the path of a key file "
        "as secret"
    )


def test_no_directory(tmp_path: Path) -> None:
    ssh = tmp_path / ".ssh"
    assert seen(ssh) == [f"{ssh}: No such file or directory"]


@pytest.fixture
def locked(ssh: Path) -> tuple[str, Path]:
    """An encrypted key with a public one beside it."""
    key = ed25519.Ed25519PrivateKey.generate()
    cipher = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(1).build(b"secret")
    (ssh / "id").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, cipher))
    public = PrivateKey(key).public_key
    (ssh / "id.pub").write_text(public.openssh)
    return public.md5, ssh


def test_an_encrypted_key(locked: tuple[str, Path]) -> None:
    wanted, ssh = locked
    key = find_key(wanted, home=ssh.parent, allow_agent=False, passphrase="secret")
    assert key.public_key.md5 == wanted
    for passphrase, kind, problem in (
        (None, NeedsPassphrase, LOCKED),
        ("wrong", KeyLoadError, "cannot be decrypted: the passphrase is wrong; give the right passphrase"),
    ):
        with pytest.raises(KeyLoadError) as caught:
            find_key(wanted, home=ssh.parent, allow_agent=False, passphrase=passphrase)
        assert type(caught.value) is kind
        assert str(caught.value).endswith(problem)
    (ssh / "id.pub").unlink()
    (ssh / "id").rename(ssh / "id_x")
    assert find_key(wanted, home=ssh.parent, allow_agent=False, passphrase="secret").public_key.md5 == wanted


def test_an_encrypted_key_without_a_public_half(ssh: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (ssh / "id_x").write_bytes(text)
    assert seen(ssh) == [f"{ssh}/id_x: is encrypted, and no .pub beside it tells which key it is"]


def test_an_unencrypted_key_comes_before_an_encrypted_one(locked: tuple[str, Path]) -> None:
    _, ssh = locked
    asked: list[int] = []
    put("ed25519", ssh, "z")
    assert found(ssh, passphrase=lambda: asked.append(1)) == f"{ssh}/z"
    assert asked == []


def test_a_file_comes_first_and_is_a_place(ssh: Path, tmp_path: Path) -> None:
    mine = put("ed25519", tmp_path, "mine", public=False)
    assert found(ssh, file=mine) == str(mine)
    other = put("rsa", tmp_path, "other", public=False)
    assert seen(ssh, places=f"{other}, ", file=other) == [f"{other}: {PrivateKey.load(other).public_key}"]


def test_a_key_named_by_the_path_of_its_public_key(ssh: Path, tmp_path: Path) -> None:
    mine = put("ed25519", tmp_path, "mine")
    for path in (mine, f"{mine}.pub"):
        assert found(ssh, str(path)) == str(mine)
    mine.unlink()
    assert seen(ssh, f"{mine}.pub") == []
    other = put("ed25519", tmp_path, "mine.key", public=False)
    assert found(ssh, str(other)) == str(other)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (5, "a fingerprint or the path of a public key is text, not int"),
        (
            "laptop",
            "'laptop' is neither a fingerprint (ssh-keygen -l -f FILE prints it) nor the path of a "
            "public key",
        ),
    ],
)
def test_what_names_no_key(wanted: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_key(wanted, allow_agent=False)
    assert str(caught.value) == message


def test_a_file_that_is_no_path(ssh: Path) -> None:
    wrong: Any = 5
    with pytest.raises(ConfigurationError) as caught:
        find_key(OWN.md5, file=wrong, home=ssh.parent, allow_agent=False)
    assert str(caught.value) == "the path of a key is text, not int"


def test_a_path_that_has_no_public_key(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(KeyLoadError) as caught:
        named_public_key(tmp_path / "text")
    assert str(caught.value) == (
        f"{tmp_path}/text is not a public key in ssh-keygen's form; give the path of one"
    )
    assert named_public_key(KEYS / "TEST_ONLY_rsa.pub") == OTHER
    assert named_public_key(KEYS / "TEST_ONLY_rsa") == OTHER
