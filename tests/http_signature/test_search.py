"""Finding a key by its fingerprint; tests/interop compares it with smartdc-auth."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest

from smartdc.errors import ConfigurationError, KeyLoadError
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature.keys import NeedsPassphrase, PublicKey
from smartdc.http_signature.search import find_key
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.http_signature.checks import certify, load_error


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ~/.ssh."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    return tmp_path / ".ssh"


@pytest.fixture
def public(ssh_keys: KeyRing) -> PublicKey:
    return ssh_keys.public("ed25519")


def put(
    ssh_keys: KeyRing,
    kind: str,
    path: Path,
    *,
    pub: str | None = None,
    form: str = "openssh",
    passphrase: str = "",
) -> Path:
    """Copy a key, and the .pub of `pub` beside it."""
    shutil.copy(ssh_keys.path(kind, form, passphrase), path)
    if pub is not None:
        shutil.copy(ssh_keys.public_path(pub), f"{path}.pub")
    return path


def failure(key_id: str, **options: Any) -> str:
    with pytest.raises(KeyLoadError) as caught:
        find_key(key_id, **options)
    return str(caught.value)


def test_every_spelling_of_a_fingerprint(ssh: Path, ssh_keys: KeyRing, public: PublicKey) -> None:
    put(ssh_keys, "ed25519", ssh / "work", pub="ed25519")
    md5, sha256 = public.md5, public.sha256
    bare = md5.replace(":", "")
    for key_id in (
        *(md5, md5.upper(), f"MD5:{md5}", f"md5:{bare}", bare, bare.upper()),
        *(sha256, f"{sha256}=", sha256.replace("SHA", "sha")),
    ):
        assert find_key(key_id).public_key == public


@pytest.mark.parametrize("name", ["k.pub", "k"])
def test_the_path_of_a_public_key(
    name: str, ssh: Path, ssh_keys: KeyRing, public: PublicKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = ssh.parent / "elsewhere"
    elsewhere.mkdir()
    put(ssh_keys, "ed25519", elsewhere / "k", pub="ed25519")
    monkeypatch.chdir(elsewhere)
    for path in (str(elsewhere / name), f"~/elsewhere/{name}", name, f"./{name}"):
        signer = find_key(path, allow_agent=False)
        assert signer.public_key == public
        assert signer.source.endswith("/elsewhere/k") or signer.source == "the private key k"


def test_a_public_key_without_its_private_one_beside_it(
    ssh: Path, ssh_keys: KeyRing, public: PublicKey, ssh_agent: RunningAgent
) -> None:
    alone = ssh.parent / "alone.pub"
    shutil.copy(ssh_keys.public_path("ed25519"), alone)
    assert f"the private key {public} could not be found" in failure(str(alone))
    ssh_agent.add(ssh_keys.path("ed25519"))
    assert find_key(str(alone)).source.startswith("the ssh-agent's key")


@pytest.mark.parametrize(
    "key_id", ["laptop", "", "aa:bb", "SHA256:short", "-----BEGIN RSA PRIVATE KEY-----\nMIIE"]
)
def test_invalid_key_ids(key_id: str, ssh: Path) -> None:
    with pytest.raises(ConfigurationError, match="neither a fingerprint") as caught:
        find_key(key_id)
    assert "MIIE" not in str(caught.value)


def test_a_comment_that_is_not_utf8(
    ssh: Path, ssh_keys: KeyRing, public: PublicKey, ssh_agent: RunningAgent
) -> None:
    # What ssh-keygen writes on a machine whose users' names are in Latin-1.
    path = put(ssh_keys, "ed25519", ssh / "id_work")
    beside = Path(f"{path}.pub")
    beside.write_bytes(public.openssh.encode() + " Jörg".encode("latin-1"))
    for key_id in (public.md5, str(beside)):
        assert find_key(key_id, allow_agent=False).public_key == public
    ssh_agent.add(ssh_keys.path("p256"), ssh_keys.path("ed25519"))
    lone = ssh_keys.alone("ed25519", ssh.parent, "PKCS8")
    shutil.copy(beside, f"{lone}.pub")
    auth = HTTPSignatureAuth("/b/keys/k", lone, allow_agent=True)
    assert auth.signer.source.startswith("the ssh-agent's key")
    assert auth.signer.public_key == public


def test_a_path_without_a_valid_public_key(ssh: Path) -> None:
    assert "does not exist" in failure("~/.ssh/none.pub")
    (ssh / "odd.pub").write_text("odd")
    assert "odd.pub is not a public key in ssh-keygen's form" in failure(str(ssh / "odd.pub"))


def test_the_file_argument_is_tried_first(ssh: Path, ssh_keys: KeyRing, public: PublicKey) -> None:
    put(ssh_keys, "ed25519", ssh / "id_ed25519", pub="ed25519")
    # The file itself decides, not the .pub beside it.
    chosen = put(ssh_keys, "ed25519", ssh.parent / "chosen", pub="p256")
    assert find_key(public.md5, file=chosen).source == f"the private key {chosen}"
    assert find_key(public.md5, file="~/chosen").source == f"the private key {chosen}"
    chosen.write_text("garbage")
    assert find_key(public.md5, file=chosen).source == f"the private key {ssh / 'id_ed25519'}"


@pytest.mark.parametrize("form", ["openssh", "PEM"])
def test_an_encrypted_file_argument(form: str, ssh: Path, ssh_keys: KeyRing) -> None:
    public = ssh_keys.public("rsa2048")
    pub = None if form == "openssh" else "rsa2048"
    chosen = put(ssh_keys, "rsa2048", ssh.parent / "chosen", pub=pub, form=form, passphrase=PASSPHRASE)
    assert find_key(public.md5, file=chosen, passphrase=PASSPHRASE).public_key == public
    Path(f"{chosen}.pub").unlink(missing_ok=True)
    if form == "PEM":
        assert "no .pub beside it tells which key it is" in failure(public.md5, file=chosen)


def test_an_encrypted_file_alone_in_the_directory(ssh: Path, ssh_keys: KeyRing, public: PublicKey) -> None:
    # smartdc-auth does not find it: OpenSSH's format tells which key it is.
    put(ssh_keys, "ed25519", ssh / "id_work", passphrase=PASSPHRASE)
    assert find_key(public.md5, passphrase=PASSPHRASE).public_key == public


def test_the_passphrase_is_asked_for_only_if_no_other_source_has_the_key(
    ssh: Path, ssh_keys: KeyRing, public: PublicKey, ssh_agent: RunningAgent
) -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        return PASSPHRASE

    put(ssh_keys, "ed25519", ssh / "id_a", pub="ed25519", passphrase=PASSPHRASE)
    put(ssh_keys, "p256", ssh / "id_b", pub="p256", passphrase=PASSPHRASE)
    ssh_agent.add(ssh_keys.path("ed25519"))
    assert find_key(public.md5, passphrase=ask).source.startswith("the ssh-agent's")
    assert asked == []
    assert find_key(public.md5, passphrase=ask, allow_agent=False).source.endswith("id_a")
    assert asked == [1]
    put(ssh_keys, "ed25519", ssh / "id_c", pub="ed25519")
    assert find_key(public.md5, passphrase=ask).source.endswith("id_c")
    assert asked == [1]


def test_p384_comes_from_the_encrypted_file_although_the_agent_has_it(
    ssh: Path, ssh_keys: KeyRing, ssh_agent: RunningAgent
) -> None:
    put(ssh_keys, "p384", ssh / "id_ecdsa", pub="p384", passphrase=PASSPHRASE)
    ssh_agent.add(ssh_keys.path("p384"))
    public = ssh_keys.public("p384")
    assert find_key(public.md5, passphrase=PASSPHRASE).source.endswith("id_ecdsa")
    assert "signs P-384 only with SHA-384" in failure(public.md5)


def test_the_error_lists_all_files_and_problems(
    ssh: Path, ssh_keys: KeyRing, public: PublicKey, ssh_agent: RunningAgent, tmp_path: Path
) -> None:
    put(ssh_keys, "p256", ssh / "id_good", pub="p256")
    put(ssh_keys, "p521", ssh / "id_lone", form="PEM")
    put(ssh_keys, "ed25519", ssh / "id_locked", pub="ed25519", passphrase=PASSPHRASE)
    put(ssh_keys, "p256", ssh / "swapped", pub="ed25519")
    (ssh / "id_garbage").write_text("garbage")
    (ssh / "only.pub").write_text(public.openssh)
    (ssh / "odd\x1b[2J.pub").write_text("odd")
    (ssh / "id_directory").mkdir()
    (ssh / "id_large").write_bytes(b"x" * (128 * 1024 + 1))
    (ssh / "large.pub").write_bytes(b"x" * (64 * 1024 + 1))
    os.mkfifo(ssh / "id_pipe")
    (ssh / "known_hosts").write_text("not looked at")
    shutil.copy(certify(ssh_keys, "rsa2048", tmp_path), ssh / "k-cert.pub")
    ssh_agent.add(ssh_keys.path("rsa2048"))
    chosen = ssh / "known_hosts"
    message = failure(public.sha256, file=chosen)
    first, *lines = message.splitlines()
    assert first == (
        f"the private key {public.sha256} could not be found; searched {chosen}, {ssh}, the ssh-agent; "
        "give the path of its file as secret, or, to the profile env, as TRITON_KEY_MATERIAL. Seen:"
    )
    assert "allow_agent" not in message  # the caller did not pass it
    for name, problem in {
        "known_hosts": "is not a private key in OpenSSH, PEM or PKCS#8 form",
        "id_good": str(ssh_keys.public("p256")),
        "id_lone": f"{ssh_keys.public('p521').kind} {ssh_keys.public('p521').md5}",
        "id_locked": f"{public}: encrypted and there is no passphrase: give passphrase=, or ssh-add it",
        "swapped": f"{public}: the private key beside it is another one, ecdsa-sha2-nistp256 ",
        "id_garbage": "is not a private key",
        "only.pub": f"{public}: only the public half is here",
        "odd?[2J.pub": "not an OpenSSH public key",
        "id_directory": "is a directory",
        "id_large": "is larger than 128 KiB",
        "large.pub": "is larger than 64 KiB",
        "id_pipe": "is not a regular file",
        "k-cert.pub": "ssh-rsa-cert-v01@openssh.com",
    }.items():
        assert any(f"/{name}: " in line and problem in line for line in lines), (name, message)
    assert any(f"the ssh-agent does not have the key {public.sha256}" in line for line in lines)
    assert str(ssh_keys.public("rsa2048")) in message
    assert "\x1b" not in message
    with pytest.raises(NeedsPassphrase):
        find_key(public.sha256)


def test_a_wrong_passphrase(ssh: Path, ssh_keys: KeyRing, public: PublicKey) -> None:
    put(ssh_keys, "ed25519", ssh / "id_a", pub="ed25519", passphrase=PASSPHRASE)
    message = failure(public.md5, passphrase="wrong one")
    assert "cannot be decrypted: the passphrase is wrong" in message
    assert "wrong one" not in message


def test_no_home_no_directory_no_agent(
    tmp_path: Path, public: PublicKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"{tmp_path}/.ssh: No such file or directory" in failure(public.md5, home=tmp_path)
    assert "there is no ssh-agent (SSH_AUTH_SOCK is not set)" in failure(public.md5, home=tmp_path)

    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    assert "there is no home directory" in failure(public.md5)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    assert "cannot be reached" in failure(public.md5)


def test_a_dead_agent_does_no_harm(
    ssh: Path, ssh_keys: KeyRing, public: PublicKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ssh_keys, "ed25519", ssh / "id_a", pub="ed25519", passphrase=PASSPHRASE)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(ssh / "gone"))
    assert find_key(public.md5, passphrase=PASSPHRASE).public_key == public


# The search through HTTPSignatureAuth: secret=None


def test_no_secret_searches(ssh: Path, ssh_keys: KeyRing, public: PublicKey) -> None:
    put(ssh_keys, "ed25519", ssh / "work", pub="ed25519")
    for form in (
        public.sha256,
        public.md5,
        public.md5.replace(":", ""),
        "~/.ssh/work.pub",
        f"{ssh}/work.pub",
    ):
        for owner in ("/bob", "/bob/users/eve"):
            auth = HTTPSignatureAuth(f"{owner}/keys/{form}", None)
            assert auth.signer.source == f"the private key {ssh / 'work'}"
            assert auth.key_id == f"{owner}/keys/{public.md5}"
            again = pickle.loads(pickle.dumps(auth))  # noqa: S301 - our own
            assert again.signer.public_key == public
            assert again.key_id == auth.key_id


def test_a_path_in_key_id_names_the_key_of_a_secret(ssh: Path, ssh_keys: KeyRing, public: PublicKey) -> None:
    pub = ssh_keys.public_path("ed25519")
    auth = HTTPSignatureAuth(f"/bob/keys/{pub}", ssh_keys.path("ed25519"))
    assert auth.key_id == f"/bob/keys/{public.md5}"
    assert "but the private key" in load_error(f"/bob/keys/{pub}", ssh_keys.path("p256"))
    assert "does not exist" in load_error("/bob/keys/~/.ssh/none.pub", None)


def test_a_name_cannot_be_searched_for(ssh: Path) -> None:
    message = load_error("/bob/keys/laptop", None)
    assert "a name in it, which does not tell which private key to search for" in message
    assert "there is no ssh-agent" in load_error("/bob/keys/laptop", None, allow_agent=True)
