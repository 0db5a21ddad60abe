import os
import pickle
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from paramiko import Message

from smartdc.errors import KeyLoadError
from smartdc.http_signature import agent as agent_module
from smartdc.http_signature.agent import AgentSigner, find_signers, shared_agent
from smartdc.http_signature.keys import PublicKey
from smartdc.http_signature.verify import load_public_key
from tests.helpers.agents import RunningAgent, run_ssh_agent
from tests.helpers.keys import ALGORITHMS, ALL_KINDS, KeyRing
from tests.http_signature.checks import certify, signs

USABLE = [kind for kind in ALL_KINDS if kind != "p384"]


def find(public: PublicKey | None = None) -> list[AgentSigner]:
    return find_signers(shared_agent(), "a key", lambda key: public in (None, key))


def find_error(public: PublicKey | None = None) -> str:
    with pytest.raises(KeyLoadError) as caught:
        find(public)
    message = str(caught.value)
    assert "secret" in message  # the alternative that always exists
    return message


@pytest.mark.parametrize("kind", USABLE)
def test_signs_with_every_kind(kind: str, ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path(kind))
    (signer,) = find(ssh_keys.public(kind))
    assert signs(signer) == ALGORITHMS[kind]
    assert signer.public_key.comment == f"{kind} of the tests"


def test_keys_come_in_the_agents_order(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    for kind in ("p521", "ed25519", "p384", "rsa2048"):
        ssh_agent.add(ssh_keys.path(kind))
    expected = [ssh_keys.public(kind) for kind in ("p521", "ed25519", "rsa2048")]
    assert [signer.public_key for signer in find()] == expected


def test_p384_in_the_agent_is_refused_with_the_reason(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("p384"))
    message = find_error(ssh_keys.public("p384"))
    assert "signs P-384 only with SHA-384, which CloudAPI does not verify" in message
    assert "or use another key" in message


def test_the_real_agent_signs_p384_only_with_sha384(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("p384"))
    public = ssh_keys.public("p384")
    name, raw = shared_agent().sign(public, b"data")
    assert name == "ecdsa-sha2-nistp384"
    numbers = Message(raw)
    der = encode_dss_signature(numbers.get_mpint(), numbers.get_mpint())
    key = load_public_key(public.openssh)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(der, b"data", ec.ECDSA(hashes.SHA384()))
    with pytest.raises(KeyLoadError, match=r"signed as 'ecdsa-sha2-nistp384'.*SHA-384"):
        AgentSigner(shared_agent(), public).sign(b"data")


def test_no_agent() -> None:
    assert "there is no ssh-agent (SSH_AUTH_SOCK is not set): start one" in find_error()


def test_socket_that_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    message = find_error()
    assert f"{tmp_path}/gone" in message
    assert "cannot be reached (No such file" in message


def test_dead_socket(monkeypatch: pytest.MonkeyPatch, short_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(short_path))
    assert "cannot be reached (Connection refused)" in find_error()


def test_too_long_a_socket_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/tmp/" + "x" * 200)
    assert "cannot be reached (AF_UNIX path too long)" in find_error()


def test_empty_agent(ssh_agent: RunningAgent) -> None:
    assert "holds no keys, or is locked: add one (ssh-add FILE)" in find_error()


def test_agent_without_the_key_lists_the_keys_it_has(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("ed25519"), ssh_keys.path("p256"))
    message = find_error(ssh_keys.public("p521"))
    assert "does not have a key: ssh-add its file" in message
    for kind in ("ed25519", "p256"):
        held = ssh_keys.public(kind)
        assert f"{held.kind} {held.md5} {held.sha256} ({kind} of the tests)" in message


def test_locked_agent(ssh_keys: KeyRing, ssh_agent: RunningAgent, tmp_path: Path) -> None:
    ssh_agent.add(ssh_keys.path("ed25519"))
    (signer,) = find()
    ssh_agent.lock(tmp_path)
    assert "is locked" in find_error()
    with pytest.raises(KeyLoadError, match=r"refuses to sign with ssh-ed25519.*locked"):
        signer.sign(b"data")


def test_key_removed_meanwhile(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("ed25519"), ssh_keys.path("p256"))
    signer = find()[0]
    ssh_agent.remove(ssh_keys.path("ed25519"))
    with pytest.raises(
        KeyLoadError, match=r"refuses to sign with ssh-ed25519.*: it was removed, or its time"
    ):
        signer.sign(b"data")
    ssh_agent.remove(ssh_keys.path("p256"))
    with pytest.raises(KeyLoadError, match=r"it is locked .*or its keys were removed"):
        signer.sign(b"data")
    ssh_agent.add(ssh_keys.path("ed25519"))
    assert signs(signer) == "ed25519-sha512"


def test_certificates_are_skipped(ssh_keys: KeyRing, ssh_agent: RunningAgent, tmp_path: Path) -> None:
    certify(ssh_keys, "ed25519", tmp_path)
    ssh_agent.add(tmp_path / "id")
    kinds = [key.kind for key in shared_agent().list_keys()]
    assert "ssh-ed25519-cert-v01@openssh.com" in kinds
    assert [signer.public_key for signer in find()] == [ssh_keys.public("ed25519")]


def test_restarted_agent_is_found_again(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("ed25519"))
    (signer,) = find()
    ssh_agent.stop()
    with pytest.raises(KeyLoadError, match=r"cannot be reached"):
        signer.sign(b"data")
    with run_ssh_agent(ssh_agent.socket) as second:
        second.add(ssh_keys.path("ed25519"))
        assert signs(signer) == "ed25519-sha512"
        shared_agent().close()
        assert signs(signer) == "ed25519-sha512"


def test_one_retry_on_a_connection_that_died_meanwhile(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("ed25519"))
    (signer,) = find()
    connection = shared_agent()._connection
    assert connection is not None
    connection.shutdown(socket.SHUT_RDWR)
    assert signs(signer) == "ed25519-sha512"


def test_another_socket_is_another_agent(
    ssh_keys: KeyRing, ssh_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh_agent.add(ssh_keys.path("ed25519"))
    assert len(find()) == 1
    with run_ssh_agent() as other:
        other.add(ssh_keys.path("p256"))
        monkeypatch.setenv("SSH_AUTH_SOCK", str(other.socket))
        assert [signer.public_key for signer in find()] == [ssh_keys.public("p256")]


def test_threads_share_one_connection(
    ssh_keys: KeyRing, ssh_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[str] = []
    connect = agent_module._connect

    def counted(path: str) -> socket.socket:
        connected.append(path)
        return connect(path)

    monkeypatch.setattr(agent_module, "_connect", counted)
    ssh_agent.add(*(ssh_keys.path(kind) for kind in ("ed25519", "rsa2048", "p256")))
    signers = find()
    together = threading.Barrier(32)

    def work(number: int) -> None:
        together.wait()
        for signer in signers:
            signs(signer)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(work, range(32)))
    assert connected == [str(ssh_agent.socket)]


def test_forked_child_has_its_own_connection(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("rsa2048"))
    (signer,) = find()
    connection = shared_agent()._connection
    with shared_agent()._lock:  # as if another thread were talking to the agent just then
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for _ in range(20):
                    signs(signer)
                status = 0 if shared_agent()._connection is not connection else 2
            finally:
                os._exit(status)
    for _ in range(20):
        signs(signer)
    assert shared_agent()._connection is connection
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_signers_of_the_agent_are_not_pickled(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("ed25519"))
    (signer,) = find()
    with pytest.raises(TypeError, match=r"not pickled"):
        pickle.dumps(signer)
    assert repr(signer) == f"<AgentSigner {ssh_keys.public('ed25519')}>"


def test_paramiko_is_imported_only_for_an_agent(ssh_keys: KeyRing) -> None:
    code = (
        "import sys; from smartdc.http_signature import HTTPSignatureAuth;"
        f"HTTPSignatureAuth('/a/keys/b', {str(ssh_keys.path('ed25519'))!r});"
        "sys.exit('paramiko' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Answers that no real agent gives on request, from an agent whose answers the test sets.


@pytest.fixture
def short_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A path short enough for a socket."""
    directory = Path("/tmp") / f"sdc-{os.getpid()}"
    directory.mkdir()
    yield directory / "agent"
    shutil.rmtree(directory)


FakeAgent = Callable[[list[bytes]], AbstractContextManager[None]]


@pytest.fixture
def fake_agent(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeAgent:
    """An agent that gives these answers, one per request, on one connection each."""

    @contextmanager
    def run(answers: list[bytes]) -> Iterator[None]:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(short_path))
        listener.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(short_path))

        def serve() -> None:
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            thread.join()
            listener.close()

    return run


def packet(*parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body)) + body


def string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def test_odd_entries_of_the_list_are_skipped(ssh_keys: KeyRing, fake_agent: FakeAgent) -> None:
    good = ssh_keys.public("ed25519")
    entries = [
        (string(b"sk-ssh-ed25519@openssh.com"), b"touch me"),
        (string(b"ssh-xmss@openssh.com"), b""),
        (b"\xff\xff\xff\xffnonsense", b"broken"),
        (string(b"ssh-dss"), b"old"),
        (good.blob, b"caf\xe9"),
    ]
    listing = [string(part) for entry in entries for part in entry]
    with fake_agent([packet(b"\x0c", struct.pack(">I", len(entries)), *listing)]):
        (signer,) = find()
    assert signer.public_key == good
    assert signer.public_key.comment == "caf\ufffd"


def test_only_odd_entries(fake_agent: FakeAgent) -> None:
    entry = string(string(b"sk-ssh-ed25519@openssh.com")) + string(b"touch me")
    with fake_agent([packet(b"\x0c", struct.pack(">I", 1), entry)]):
        message = find_error()
    assert "of a kind that CloudAPI does not take" in message
    assert "sk-ssh-ed25519@openssh.com" in message


def test_list_that_claims_more_than_it_has(ssh_keys: KeyRing, fake_agent: FakeAgent) -> None:
    entry = string(ssh_keys.public("ed25519").blob) + string(b"")
    with fake_agent([packet(b"\x0c", b"\xff\xff\xff\xff", entry)]):
        assert len(find()) == 1


def test_refusal_to_list(fake_agent: FakeAgent) -> None:
    with fake_agent([packet(b"\x05")]):
        assert "refuses to list its keys" in find_error()


@pytest.mark.parametrize("answer", [b"", b"\0\0", packet(), b"\xff\xff\xff\xff", b"\0\0\0\x09\x0c"])
def test_answers_that_break_off(answer: bytes, fake_agent: FakeAgent) -> None:
    with fake_agent([answer]):
        assert "broke off the conversation" in find_error()


def test_agent_that_does_not_answer(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_module, "_LIST_SECONDS", 0.01)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(short_path))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short_path))
        listener.listen()
        assert "did not answer within" in find_error()


@pytest.mark.parametrize(
    ("stated", "label"),
    [(b"rsa-sha2-256", "rsa-sha256"), (b"rsa-sha2-512", "rsa-sha512"), (b"ssh-rsa", "rsa-sha1")],
)
def test_rsa_label_is_the_algorithm_that_the_agent_names(
    stated: bytes, label: str, ssh_keys: KeyRing, fake_agent: FakeAgent
) -> None:
    reply = packet(b"\x0e", string(string(stated) + string(256 * b"s")))
    with fake_agent([reply]):
        signer = AgentSigner(shared_agent(), ssh_keys.public("rsa2048"))
        assert signer.sign(b"data") == (label, 256 * b"s")


def test_signature_in_an_unknown_format(ssh_keys: KeyRing, fake_agent: FakeAgent) -> None:
    reply = packet(b"\x0e", string(string(b"ssh-new") + string(b"signature")))
    with fake_agent([reply]), pytest.raises(KeyLoadError, match=r"'ssh-new'.*choose another key"):
        AgentSigner(shared_agent(), ssh_keys.public("rsa2048")).sign(b"data")
