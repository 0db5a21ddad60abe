"""HTTPSignatureAuth with ssh-agent: which key it uses, and the error if there is none."""

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from smartdc.http_signature import HTTPSignatureAuth
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.http_signature.checks import accepted, load_error, prepared

pytestmark = pytest.mark.usefixtures("fixed_clock")


def test_agent_by_fingerprint(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(*(ssh_keys.path(kind) for kind in ("rsa2048", "p256", "ed25519")))
    for kind in ("rsa2048", "p256", "ed25519"):
        public = ssh_keys.public(kind)
        for form in (public.md5, public.md5.upper(), f"MD5:{public.md5}", public.sha256):
            auth = HTTPSignatureAuth(f"/b/keys/{form}", "/nonexistent", allow_agent=True)
            assert auth.signer.public_key == public
            assert auth.key_id == f"/b/keys/{public.md5}"
            assert accepted(auth)
            assert not auth.try_next_key()


@pytest.mark.parametrize("form", ["pub beside", "plain", "encrypted OpenSSH"])
def test_agent_by_the_public_half_of_secret(
    form: str, ssh_keys: KeyRing, ssh_agent: RunningAgent, tmp_path: Path
) -> None:
    ssh_agent.add(ssh_keys.path("p256"), ssh_keys.path("rsa2048"))
    encrypted = {"pub beside": "PEM", "encrypted OpenSSH": "openssh"}.get(form)
    path = ssh_keys.alone("rsa2048", tmp_path, encrypted or "PEM", PASSPHRASE if encrypted else "")
    if form == "pub beside":
        shutil.copy(ssh_keys.public_path("rsa2048"), f"{path}.pub")
    auth = HTTPSignatureAuth("/b/keys/k", path, allow_agent=True)  # no passphrase is needed
    assert auth.signer.source.startswith("the ssh-agent's key")
    assert auth.signer.public_key == ssh_keys.public("rsa2048")
    assert accepted(auth)


def test_agent_by_the_public_half_of_text_or_object(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("p256"), ssh_keys.path("rsa2048"))
    text = ssh_keys.path("rsa2048").read_text()
    key = serialization.load_ssh_private_key(text.encode(), None)
    for secret in (text, key):
        auth = HTTPSignatureAuth("/b/keys/k", secret, allow_agent=True)
        assert auth.signer.source.startswith("the ssh-agent's key")
        assert auth.signer.public_key == ssh_keys.public("rsa2048")


def test_agent_keys_if_the_text_does_not_contain_its_public_half(
    ssh_keys: KeyRing, ssh_agent: RunningAgent
) -> None:
    ssh_agent.add(ssh_keys.path("p256"))
    text = ssh_keys.path("rsa2048", "PEM", PASSPHRASE).read_text()
    auth = HTTPSignatureAuth("/b/keys/k", text, allow_agent=True)
    assert auth.signer.public_key == ssh_keys.public("p256")


def test_agent_keys_one_after_another(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    kinds = ("p256", "ed25519", "p384", "rsa2048")  # P-384 is not usable from an agent
    ssh_agent.add(*(ssh_keys.path(kind) for kind in kinds))
    auth = HTTPSignatureAuth("/b/keys/k", "/nonexistent", allow_agent=True)
    expected = [ssh_keys.public(kind) for kind in ("p256", "ed25519", "rsa2048")]
    for _ in range(2):
        tried = [auth.signer.public_key]
        while auth.try_next_key():
            assert accepted(auth)
            tried.append(auth.signer.public_key)
        assert tried == expected
        assert auth.signer.public_key == expected[0]


def test_no_key_is_skipped_when_several_threads_are_refused(
    ssh_keys: KeyRing, ssh_agent: RunningAgent
) -> None:
    ssh_agent.add(*(ssh_keys.path(kind) for kind in ("p256", "ed25519", "rsa2048")))
    auth = HTTPSignatureAuth("/b/keys/k", "/nonexistent", allow_agent=True)
    refused = auth.signer
    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(lambda _: auth.try_next_key(refused), range(16)))
    assert auth.signer.public_key == ssh_keys.public("ed25519")


def test_a_single_key_has_no_next_one(ssh_keys: KeyRing) -> None:
    auth = HTTPSignatureAuth("/b/keys/k", ssh_keys.path("ed25519"))
    assert not auth.try_next_key()
    assert not auth.try_next_key(auth.signer)
    assert accepted(auth)


def test_the_file_is_used_if_the_agent_lacks_the_key(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    path = ssh_keys.path("rsa2048")
    for _ in ("empty agent", "agent with another key"):
        for key_id in ("/b/keys/k", f"/b/keys/{ssh_keys.public('rsa2048').sha256}"):
            auth = HTTPSignatureAuth(key_id, path, allow_agent=True)
            assert auth.signer.source == f"the private key {path}"
            assert accepted(auth)
        ssh_agent.add(ssh_keys.path("p256"))


def test_the_file_is_used_without_an_agent(ssh_keys: KeyRing) -> None:
    assert accepted(HTTPSignatureAuth("/b/keys/k", ssh_keys.path("p256"), allow_agent=True))


def test_the_file_is_used_for_a_p384_key_that_the_agent_holds(
    ssh_keys: KeyRing, ssh_agent: RunningAgent
) -> None:
    ssh_agent.add(ssh_keys.path("p384"))
    assert accepted(HTTPSignatureAuth("/b/keys/k", ssh_keys.path("p384"), allow_agent=True))


def test_the_error_names_both_problems(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    fingerprint = ssh_keys.public("ed25519").md5
    ssh_agent.add(ssh_keys.path("p256"))
    message = load_error(f"/b/keys/{fingerprint}", "/nonexistent", allow_agent=True)
    assert f"the ssh-agent does not have the key {fingerprint}" in message
    assert ssh_keys.public("p256").sha256 in message
    assert "And the key file /nonexistent does not exist" in message
    message = load_error(f"/b/keys/{fingerprint}", ssh_keys.path("rsa2048"), allow_agent=True)
    assert f"the ssh-agent does not have the key {fingerprint}" in message
    assert f"And key_id names the key {fingerprint}, but the private key" in message


def test_both_problems_without_an_agent() -> None:
    message = load_error("/b/keys/k", "/nonexistent", allow_agent=True)
    assert "there is no ssh-agent" in message
    assert "And the key file /nonexistent does not exist" in message


def test_threads_sign_with_one_agent(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("rsa2048"))
    auth = HTTPSignatureAuth("/b/keys/k", ssh_keys.path("rsa2048"), allow_agent=True)
    together = threading.Barrier(32)

    def work(number: int) -> bool:
        together.wait()
        return all(accepted(auth, prepared(auth, f"https://h/{number}/{n}")) for n in range(4))

    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(work, range(32)))


def test_forked_child_signs_with_the_agent(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("rsa2048"))
    auth = HTTPSignatureAuth("/b/keys/k", "/nonexistent", allow_agent=True)
    assert accepted(auth)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if all(accepted(auth) for _ in range(20)) else 2
        finally:
            os._exit(status)
    assert all(accepted(auth) for _ in range(20))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
