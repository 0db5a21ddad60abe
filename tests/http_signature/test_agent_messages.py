"""Errors about an ssh-agent: the whole messages, with an agent whose answers the test sets."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Any

import pytest

from smartdc import DataCenter, KeyLoadError
from smartdc.http_signature.agent import AgentSigner, find_signers, shared_agent
from smartdc.http_signature.keys import PublicKey
from tests.helpers.agents import OwnAgent
from tests.http_signature.test_agent import FakeAgent, fake_agent, packet, short_path, string

__all__ = ["fake_agent", "short_path"]

KEYS = Path(__file__).parents[1] / "data" / "keys"
OR_A_FILE = "or give the path of a key file as secret without allow_agent"
START = f"start one (eval $(ssh-agent); ssh-add), {OR_A_FILE}"
REFUSED = b"\x05"


@pytest.fixture
def key() -> PublicKey:
    return PublicKey.from_text((KEYS / "TEST_ONLY_ed25519.pub").read_text())


@pytest.fixture
def p384() -> PublicKey:
    return PublicKey(string(b"ecdsa-sha2-nistp384") + string(b"nistp384") + string(b"point"), "laptop")


def listing(*keys: PublicKey) -> bytes:
    entries = [string(part) for key in keys for part in (key.blob, key.comment.encode())]
    return packet(b"\x0c", struct.pack(">I", len(keys)), *entries)


def find_error() -> str:
    with pytest.raises(KeyLoadError) as caught:
        find_signers(shared_agent(), "the key x", lambda key: key.comment != "other")
    return str(caught.value)


def sign_error(key: PublicKey) -> str:
    with pytest.raises(KeyLoadError) as caught:
        AgentSigner(shared_agent(), key).sign(b"data")
    return str(caught.value)


def test_no_agent() -> None:
    assert find_error() == f"there is no ssh-agent (SSH_AUTH_SOCK is not set): {START}"


def test_no_unix_sockets(monkeypatch: pytest.MonkeyPatch, short_path: Path) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(short_path))
    monkeypatch.delattr(socket, "AF_UNIX")
    assert find_error() == (
        "there is no ssh-agent: Python has no unix sockets on this system; "
        "give the path of a key file as secret without allow_agent"
    )


def test_an_agent_that_is_gone(monkeypatch: pytest.MonkeyPatch, short_path: Path) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(short_path))
    assert find_error() == (
        f"the ssh-agent at {short_path} (SSH_AUTH_SOCK) cannot be reached "
        f"(No such file or directory): {START}"
    )


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", "it closed the connection"),
        (struct.pack(">I", 0), "the answer is not one of an ssh-agent"),
        # OpenSSH's own limit.
        (struct.pack(">I", 256 * 1024), "it closed the connection"),
        (struct.pack(">I", 256 * 1024 + 1), "the answer is not one of an ssh-agent"),
    ],
    ids=["nothing", "empty", "longest", "too long"],
)
def test_an_answer_that_breaks_off(
    fake_agent: FakeAgent, short_path: Path, answer: bytes, problem: str
) -> None:
    with fake_agent([answer]):
        assert find_error() == (
            f"the ssh-agent at {short_path} (SSH_AUTH_SOCK) broke off the conversation ({problem}): {START}"
        )


def test_a_refusal_to_list(fake_agent: FakeAgent, short_path: Path) -> None:
    with fake_agent([packet(REFUSED)]):
        assert find_error() == (
            f"the ssh-agent at {short_path} refuses to list its keys; if it is locked, unlock it (ssh-add "
            f"-X), {OR_A_FILE}"
        )


def test_no_keys(fake_agent: FakeAgent) -> None:
    with fake_agent([listing()]):
        assert find_error() == (
            "the ssh-agent holds no keys, or is locked: add one (ssh-add FILE), unlock it (ssh-add -X), "
            f"{OR_A_FILE}"
        )


def test_other_keys(fake_agent: FakeAgent, key: PublicKey) -> None:
    other, another = PublicKey(key.blob, "other"), PublicKey(string(b"ssh-new"), "other")
    with fake_agent([listing(other, another)]):
        assert find_error() == (
            f"the ssh-agent does not have the key x: ssh-add its file, {OR_A_FILE}. "
            f"The agent holds: {other}; {another}"
        )


@pytest.mark.parametrize("kind", [b"ssh-new", b"sk-ssh-ed25519@openssh.com"])
def test_a_key_of_another_kind(fake_agent: FakeAgent, kind: bytes) -> None:
    key = PublicKey(string(kind), "laptop")
    with fake_agent([listing(key)]):
        assert find_error() == (
            "the ssh-agent has the key x, but of a kind that CloudAPI does not take: use another key, "
            f"{OR_A_FILE}. The agent holds: {key}"
        )


@pytest.mark.parametrize("kind", [b"ssh-dss", b"sk-ssh-ed25519@openssh.com"])
def test_only_keys_of_other_kinds_for_the_name_of_a_key(fake_agent: FakeAgent, kind: bytes) -> None:
    key = PublicKey(string(kind), "laptop")
    with fake_agent([listing(key)]), pytest.raises(KeyLoadError) as caught:
        DataCenter("https://a.example", "/bob/keys/laptop", None, allow_agent=True).keys()
    assert str(caught.value).startswith(
        "the ssh-agent has a key, but of a kind that CloudAPI does not take: use another key, "
        f"{OR_A_FILE}. The agent holds: {key}"
    )


def test_a_key_that_only_an_agent_cannot_use(fake_agent: FakeAgent, p384: PublicKey) -> None:
    with fake_agent([listing(p384)]):
        message = find_error()
    assert message.startswith("the ssh-agent has the key x, but ")
    assert message.endswith(f". The agent holds: {p384}")
    assert "SHA-384" in message


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        (
            [],
            "it is locked (ssh-add -X unlocks it), or its keys were removed (ssh-add FILE)",
        ),
        (["other"], "it was removed, or its time ran out; ssh-add its file again"),
        (
            ["other", "own"],
            "it has the key, so a confirmation was denied or cannot be asked for (ssh-add -c), the key is "
            "restricted to certain hosts (ssh-add -h), or its device is not there; put it right",
        ),
    ],
    ids=["none", "another", "the key"],
)
def test_a_refusal_to_sign(
    fake_agent: FakeAgent, short_path: Path, key: PublicKey, p384: PublicKey, listed: list[str], why: str
) -> None:
    held = [{"own": key, "other": p384}[name] for name in listed]
    with fake_agent([packet(REFUSED), listing(*held)]):
        assert sign_error(key) == (
            f"the ssh-agent at {short_path} refuses to sign with {key}: {why}, {OR_A_FILE}"
        )


def test_a_refusal_to_sign_and_to_list(fake_agent: FakeAgent, key: PublicKey) -> None:
    with fake_agent([packet(REFUSED), packet(REFUSED)]):
        assert "it is locked (ssh-add -X unlocks it)" in sign_error(key)


def signed(name: bytes, raw: bytes) -> bytes:
    return packet(b"\x0e", string(string(name) + string(raw)))


@pytest.mark.parametrize("comment", ["laptop", ""])
def test_a_signature_that_is_not_verified(fake_agent: FakeAgent, comment: str) -> None:
    key = PublicKey(string(b"ssh-new"), comment)
    with fake_agent([signed(b"ssh-\xff", b"x")]):
        assert sign_error(key) == (
            f"the ssh-agent's key {comment or 'ssh-new'} signed as 'ssh-\ufffd', which CloudAPI does not "
            f"verify: choose another key, {OR_A_FILE}"
        )


@pytest.mark.parametrize(("name", "raw"), [("ssh-new", b"x"), ("ssh-ed25519", b"s" * 64)])
def test_a_signature_for_a_login(fake_agent: FakeAgent, key: PublicKey, name: str, raw: bytes) -> None:
    with fake_agent([signed(name.encode(), raw)]):
        assert AgentSigner(shared_agent(), key).sign_ssh(b"data", "ssh-ed25519") == (name, raw)


def test_an_rsa_signature_gets_back_its_leading_zeros(fake_agent: FakeAgent) -> None:
    # gpg-agent leaves them out.
    rsa = PublicKey.from_text((KEYS / "TEST_ONLY_rsa.pub").read_text())
    with fake_agent([signed(b"rsa-sha2-256", b"s" * 254)]):
        assert AgentSigner(shared_agent(), rsa).sign(b"data") == ("rsa-sha256", b"\0\0" + b"s" * 254)


def test_the_name_of_a_signer(key: PublicKey) -> None:
    signer: Any = AgentSigner(shared_agent(), key)
    assert repr(signer) == f"<AgentSigner {key}>"
    assert repr(object.__new__(AgentSigner)) == "<AgentSigner >"
    with pytest.raises(TypeError, match=r"^a connection to ssh-agent is not pickled: look the key up again$"):
        signer.__reduce__()


def test_the_flags_ask_for_an_algorithm_of_rsa_only(
    own_agent: OwnAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    # draft-miller-ssh-agent: 2 is SHA-256, 4 is SHA-512.
    flags = []
    answer = own_agent.answer

    def recorded(message: bytes) -> bytes:
        flags.append(int.from_bytes(message[-4:], "big"))
        return answer(message)

    monkeypatch.setattr(own_agent, "answer", recorded)
    rsa, ed25519 = (
        AgentSigner(shared_agent(), own_agent.add(KEYS / f"TEST_ONLY_{kind}")) for kind in ("rsa", "ed25519")
    )
    assert rsa.sign(b"data")[0] == "rsa-sha256"
    assert [rsa.sign_ssh(b"data", f"rsa-sha2-{size}")[0] for size in (256, 512)] == [
        "rsa-sha2-256",
        "rsa-sha2-512",
    ]
    assert ed25519.sign(b"data")[0] == "ed25519-sha512"
    assert ed25519.sign_ssh(b"data", "ssh-ed25519")[0] == "ssh-ed25519"
    assert flags == [2, 2, 4, 0, 0]
