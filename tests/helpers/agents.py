"""Agents on unix sockets: the real ssh-agent, and one written for the tests."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import socketserver
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from smartdc.http_signature.agent import shared_agent
from smartdc.http_signature.keys import PublicKey
from tests.helpers.keys import run

__all__ = ["OwnAgent", "RunningAgent", "no_ssh_agent", "own_agent", "run_ssh_agent", "ssh_agent"]

FAILURE = b"\x05"
_HASHES: dict[int, tuple[bytes, hashes.HashAlgorithm]] = {
    2: (b"rsa-sha2-256", hashes.SHA256()),
    4: (b"rsa-sha2-512", hashes.SHA512()),
}


@dataclass(frozen=True)
class RunningAgent:
    """A real ssh-agent."""

    socket: Path
    pid: int

    def add(self, *paths: Path) -> None:
        """Give keys (with their certificates, if any lie beside them) to the agent."""
        run("ssh-add", "-q", *map(str, paths), env=self._env())

    def remove(self, path: Path) -> None:
        """Take one key from the agent."""
        run("ssh-add", "-q", "-d", str(path), env=self._env())

    def lock(self, directory: Path) -> None:
        """Lock the agent with a passphrase."""
        self._with_passphrase(directory, "-x")

    def unlock(self, directory: Path) -> None:
        """Undo `lock`."""
        self._with_passphrase(directory, "-X")

    def _with_passphrase(self, directory: Path, option: str) -> None:
        askpass = directory / "askpass"
        askpass.write_text("#!/bin/sh\necho locked\n")
        askpass.chmod(0o700)
        ask = {"SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"}
        run("ssh-add", option, env=self._env() | ask)

    def stop(self) -> None:
        """End the agent, and return when it is gone, with its socket."""
        with socket.socket(socket.AF_UNIX) as line, suppress(OSError):
            line.connect(str(self.socket))  # fails if it was stopped before
            os.kill(self.pid, signal.SIGTERM)
            line.recv(1)  # ends when the agent does

    def _env(self) -> dict[str, str]:
        return {**os.environ, "SSH_AUTH_SOCK": str(self.socket)}


@contextmanager
def run_ssh_agent(path: Path | None = None) -> Iterator[RunningAgent]:
    """An empty ssh-agent, stopped at the end.

    Args:
        path: Where it is to listen; in a short new directory by default (socket paths are limited).
    """
    with tempfile.TemporaryDirectory(prefix="sdc-", dir="/tmp") as directory:
        path = path or Path(directory, "agent")
        # It forks only once it listens, so that there is nothing to wait for.
        output = run("ssh-agent", "-s", "-a", str(path))
        found = re.search(r"SSH_AGENT_PID=(\d+)", output)
        assert found is not None, output
        agent = RunningAgent(path, int(found.group(1)))
        try:
            yield agent
        finally:
            agent.stop()


@pytest.fixture
def no_ssh_agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide the agent of the user who runs the tests."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    shared_agent().close()
    yield
    shared_agent().close()


@pytest.fixture
def ssh_agent(no_ssh_agent: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningAgent]:
    """An empty ssh-agent, named by SSH_AUTH_SOCK."""
    with run_ssh_agent() as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.socket))
        yield agent


class OwnAgent:
    """An agent that can do what OpenSSH's cannot: count, refuse, be slow. It can be changed while it runs.

    It speaks the agent protocol (draft-miller-ssh-agent) with keys of `cryptography`, and shares no code with
    `smartdc.http_signature.agent`.

    Attributes:
        socket: Where it listens.
        signed: What it has signed, in order.
        refused: How many requests to sign it has refused.
        strips_zeros: Whether RSA signatures lack their leading zeros, as gpg-agent's do.
        before_signing: Called with what it is asked to sign.
    """

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.signed: list[bytes] = []
        self.refused = 0
        self.strips_zeros = False
        self.before_signing: Callable[[bytes], None] = lambda data: None
        self._keys: dict[bytes, tuple[Any, str]] = {}
        self._lock = threading.Lock()

    def add(self, path: Path) -> PublicKey:
        """Hold the key of an unencrypted OpenSSH file."""
        private = serialization.load_ssh_private_key(path.read_bytes(), None)
        public = PublicKey.from_text(path.with_name(f"{path.name}.pub").read_text())
        self._keys[public.blob] = private, public.comment
        return public

    def answer(self, message: bytes) -> bytes:
        """The answer to one message."""
        if message[:1] == b"\x0b":
            listed = [_string(blob) + _string(comment.encode()) for blob, (_, comment) in self._keys.items()]
            return b"\x0c" + struct.pack(">I", len(listed)) + b"".join(listed)
        if message[:1] != b"\x0d":
            return FAILURE
        blob, rest = _take(message[1:])
        data, rest = _take(rest)
        self.before_signing(data)
        signature = self._signature(blob, data, int.from_bytes(rest, "big"))
        with self._lock:
            if signature is None:
                self.refused += 1
                return FAILURE
            self.signed.append(data)
        return b"\x0e" + _string(signature)

    def _signature(self, blob: bytes, data: bytes, flags: int) -> bytes | None:
        """None, like 1Password's agent, for RSA without the flag that asks for SHA-2."""
        private, _ = self._keys.get(blob, (None, ""))
        if isinstance(private, ed25519.Ed25519PrivateKey):
            return _string(b"ssh-ed25519") + _string(private.sign(data))
        if isinstance(private, rsa.RSAPrivateKey) and flags in _HASHES:
            name, digest = _HASHES[flags]
            signature = private.sign(data, padding.PKCS1v15(), digest)
            return _string(name) + _string(signature.lstrip(b"\0") if self.strips_zeros else signature)
        return None


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    agent: OwnAgent


class _Conversation(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        with suppress(OSError, EOFError):
            while True:
                (length,) = struct.unpack(">I", self._read(4))
                answer = self.server.agent.answer(self._read(length))
                self.request.sendall(_string(answer))

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.request.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data


@contextmanager
def _run_own_agent() -> Iterator[OwnAgent]:
    """An empty agent, in threads of this process."""
    directory = Path(tempfile.mkdtemp(prefix="sdc-", dir="/tmp"))  # socket paths are limited
    try:
        agent = OwnAgent(directory / "agent")
        with _Server(str(agent.socket), _Conversation) as server:
            server.agent = agent
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield agent
            finally:
                server.shutdown()
                thread.join()
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def own_agent(no_ssh_agent: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnAgent]:
    """An empty `OwnAgent`, named by SSH_AUTH_SOCK."""
    with _run_own_agent() as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.socket))
        yield agent


def _string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def _take(data: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack_from(">I", data)
    return data[4 : 4 + length], data[4 + length :]
