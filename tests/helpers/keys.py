"""Keys made by the real ssh-keygen and a real ssh-agent, for every test directory that needs them.

Import what you use into the directory's conftest: ``from tests.helpers.keys import ssh_agent, ssh_keys``.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from smartdc.http_signature.agent import shared_agent
from smartdc.http_signature.keys import PublicKey

__all__ = [
    "ALL_KINDS",
    "PASSPHRASE",
    "KeyRing",
    "RunningAgent",
    "no_ssh_agent",
    "run_ssh_agent",
    "ssh_agent",
    "ssh_keys",
]

PASSPHRASE = "correct horse"

_ARGUMENTS = {
    "rsa2048": ("rsa", "2048"),
    "rsa3072": ("rsa", "3072"),
    "rsa4096": ("rsa", "4096"),
    "p256": ("ecdsa", "256"),
    "p384": ("ecdsa", "384"),
    "p521": ("ecdsa", "521"),
    "ed25519": ("ed25519", "256"),
    "dsa": ("dsa", "1024"),
}

ALL_KINDS = tuple(kind for kind in _ARGUMENTS if kind != "dsa")
"""The kinds that CloudAPI takes."""


class KeyRing:
    """Makes each key once, on demand, and keeps it for the session."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, kind: str, form: str = "openssh", passphrase: str = "") -> Path:
        """A private key file. Only the plain OpenSSH form has a .pub beside it.

        Args:
            kind: One of `ALL_KINDS`, or ``dsa``.
            form: ``openssh``, ``PEM`` or ``PKCS8``.
            passphrase: Encrypts the file, unless empty.
        """
        plain = self._directory / kind
        if not plain.exists():
            name, bits = _ARGUMENTS[kind]
            comment = f"{kind} of the tests"
            try:
                _run("ssh-keygen", "-q", "-t", name, "-b", bits, "-N", "", "-C", comment, "-f", str(plain))
            except AssertionError:
                if kind == "dsa":
                    pytest.skip("not tested: refusal of DSA keys (OpenSSH 10 does not make them any more)")
                raise
        if form == "openssh" and not passphrase:
            return plain
        path = self._directory / f"{kind}.{form}{'.encrypted' if passphrase else ''}"
        if not path.exists():
            shutil.copy(plain, path)
            if kind == "ed25519" and form == "PKCS8":  # ssh-keygen writes its own form instead
                path.write_bytes(_pkcs8(plain.read_bytes(), passphrase))
            else:
                form_option = () if form == "openssh" else ("-m", form)
                _run(
                    "ssh-keygen", "-q", "-p", "-a", "1", *form_option,
                    *("-P", "", "-N", passphrase, "-f", str(path)),
                )  # fmt: skip
        return path

    def public(self, kind: str) -> PublicKey:
        """The public half."""
        return PublicKey.from_text(self.public_path(kind).read_text())

    def public_path(self, kind: str) -> Path:
        """The .pub file."""
        return self.path(kind).with_name(f"{kind}.pub")

    def alone(self, kind: str, directory: Path, form: str = "openssh", passphrase: str = "") -> Path:
        """A copy of a private key in a directory of its own, without a .pub."""
        lone = directory / f"lone_{kind}"
        shutil.copy(self.path(kind, form, passphrase), lone)
        return lone


_RING = pytest.StashKey[KeyRing]()


@dataclass(frozen=True)
class RunningAgent:
    """A real ssh-agent."""

    socket: Path
    pid: int

    def add(self, *paths: Path) -> None:
        """Give keys (with their certificates, if any lie beside them) to the agent."""
        _run("ssh-add", "-q", *map(str, paths), env=self._env())

    def remove(self, path: Path) -> None:
        """Take one key from the agent."""
        _run("ssh-add", "-q", "-d", str(path), env=self._env())

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
        _run("ssh-add", option, env=self._env() | ask)

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
        output = _run("ssh-agent", "-s", "-a", str(path))
        found = re.search(r"SSH_AGENT_PID=(\d+)", output)
        assert found is not None, output
        agent = RunningAgent(path, int(found.group(1)))
        try:
            yield agent
        finally:
            agent.stop()


@pytest.fixture(scope="session")
def ssh_keys(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    """Keys of every kind, made once for all directories that import this."""
    if _RING not in pytestconfig.stash:
        pytestconfig.stash[_RING] = KeyRing(tmp_path_factory.mktemp("ssh-keys"))
    return pytestconfig.stash[_RING]


@pytest.fixture
def no_ssh_agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The agent of whoever runs the tests is out of sight."""
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


def _run(*command: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"
    return done.stdout


def _pkcs8(openssh: bytes, passphrase: str) -> bytes:
    encryption = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    return serialization.load_ssh_private_key(openssh, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
