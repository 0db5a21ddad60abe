"""Agents that are not OpenSSH's: gpg-agent, and one that refuses SHA-1 as 1Password's does."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartdc.errors import KeyLoadError
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature import agent as agent_module
from smartdc.http_signature.agent import AgentSigner, find_signers, shared_agent
from smartdc.http_signature.key_types import KEY_TYPES
from smartdc.http_signature.keys import PrivateKey
from tests.helpers.agents import OwnAgent
from tests.helpers.keys import KeyRing
from tests.http_signature.checks import signs


def test_an_agent_that_refuses_sha1(ssh_keys: KeyRing, own_agent: OwnAgent) -> None:
    public = own_agent.add(ssh_keys.path("rsa2048"))
    auth = HTTPSignatureAuth(f"/bob/keys/{public.md5}", "/nonexistent", allow_agent=True)
    assert signs(auth.signer) == "rsa-sha256"
    assert (len(own_agent.signed), own_agent.refused) == (1, 0)


def test_an_agent_that_refuses_although_it_has_the_key(
    ssh_keys: KeyRing, own_agent: OwnAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = own_agent.add(ssh_keys.path("rsa2048"))
    formats = KEY_TYPES["ssh-rsa"].ssh_formats
    monkeypatch.setitem(formats, "rsa-sha2-256", formats["ssh-rsa"])  # what an old client asks for
    with pytest.raises(KeyLoadError, match=r"it has the key, so a confirmation was denied .*\(ssh-add -h\)"):
        AgentSigner(shared_agent(), public).sign(b"data")
    assert own_agent.refused == 1


def test_an_agent_that_takes_too_long_to_sign(
    ssh_keys: KeyRing, own_agent: OwnAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = own_agent.add(ssh_keys.path("ed25519"))
    signer = AgentSigner(shared_agent(), public)
    never = threading.Event()

    def wait(data: bytes) -> None:
        never.wait(5)

    own_agent.before_signing = wait
    monkeypatch.setattr(agent_module, "_SIGN_SECONDS", 0.05)
    with pytest.raises(KeyLoadError, match="did not answer within"):
        signer.sign(b"data")
    with shared_agent()._lock, pytest.raises(KeyLoadError, match="was busy with another request for"):
        signer.sign(b"data")
    never.set()
    own_agent.before_signing = lambda data: None
    monkeypatch.setattr(agent_module, "_SIGN_SECONDS", 5.0)
    assert signs(signer) == "ed25519-sha512"


def test_an_agent_that_answers_a_byte_at_a_time(
    ssh_keys: KeyRing, own_agent: OwnAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The time limit applies to the whole answer, not to each piece of it.
    public = own_agent.add(ssh_keys.path("rsa2048"))
    signer = AgentSigner(shared_agent(), public)
    receive = agent_module._receive

    def slowly(connection: socket.socket, count: int, deadline: float) -> bytes:
        got = b""
        while len(got) < count:
            got += receive(connection, 1, deadline)
            time.sleep(0.02)
        return got

    monkeypatch.setattr(agent_module, "_receive", slowly)
    monkeypatch.setattr(agent_module, "_SIGN_SECONDS", 0.2)
    with pytest.raises(KeyLoadError, match="did not answer within"):
        signer.sign(b"data")


@pytest.fixture
def gpg_agent(no_ssh_agent: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A gpg-agent that serves two keys made by gpg as an ssh-agent."""
    programs = ("gpg", "gpg-agent", "gpg-connect-agent", "gpgconf")
    if not all(map(shutil.which, programs)):
        pytest.skip("not tested: keys in gpg-agent (no GnuPG here)")
    home = Path(tempfile.mkdtemp(prefix="sdc-", dir="/tmp"))
    home.chmod(0o700)
    environment = {**os.environ, "GNUPGHOME": str(home)}

    def run(*command: str) -> str:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        (home / "gpg-agent.conf").write_text("enable-ssh-support\n")
        gpg = ("gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "")
        for kind in ("ed25519", "rsa2048"):
            run(*gpg, "--quick-generate-key", f"{kind}@example.com", kind, "sign")
        keys = run(*gpg, "--list-secret-keys", "--with-keygrip", "--with-colons")
        (home / "sshcontrol").write_text(
            "".join(f"{grip}\n" for grip in re.findall(r"grp:+([0-9A-F]{40}):", keys))
        )
        monkeypatch.setenv("SSH_AUTH_SOCK", run("gpgconf", "--list-dirs", "agent-ssh-socket").strip())
        yield
    finally:
        shared_agent().close()
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=environment, check=False)
        shutil.rmtree(home, ignore_errors=True)


def test_gpg_agent(gpg_agent: None) -> None:
    held = {key.kind: key for key in shared_agent().list_keys()}
    assert held.keys() == {"ssh-ed25519", "ssh-rsa"}
    for kind, algorithm in (("ssh-ed25519", "ed25519-sha512"), ("ssh-rsa", "rsa-sha256")):
        auth = HTTPSignatureAuth(f"/bob/keys/{held[kind].sha256}", None)
        assert auth.signer.source.startswith("the ssh-agent's key")
        assert signs(auth.signer) == algorithm


def test_rsa_signatures_without_their_leading_zeros(own_agent: OwnAgent, ssh_keys: KeyRing) -> None:
    own_agent.strips_zeros = True
    own_agent.add(ssh_keys.path("rsa2048"))
    (signer,) = find_signers(shared_agent(), "any", lambda key: True)
    private = PrivateKey.load(ssh_keys.path("rsa2048"))
    texts = (str(number).encode() for number in range(5000))
    short = next(text for text in texts if private.sign(text)[1].startswith(b"\0"))
    assert signer.sign(short) == private.sign(short)
