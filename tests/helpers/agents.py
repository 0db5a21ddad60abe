"""An ssh-agent of our own on a unix socket, for what OpenSSH's does not do: count, refuse, be slow.

It speaks the agent protocol (draft-miller-ssh-agent) with keys of `cryptography`, and shares no code with
`smartdc.http_signature.agent`.
"""

from __future__ import annotations

import shutil
import socketserver
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from smartdc.http_signature.keys import PublicKey

__all__ = ["OwnAgent", "run_own_agent"]

FAILURE = b"\x05"
_HASHES: dict[int, tuple[bytes, hashes.HashAlgorithm]] = {
    2: (b"rsa-sha2-256", hashes.SHA256()),
    4: (b"rsa-sha2-512", hashes.SHA512()),
}


class OwnAgent:
    """The keys and the habits of an agent; change them while it runs.

    Attributes:
        socket: Where it listens.
        signed: What it was asked to sign, and did, in order.
        refused: How many requests to sign it has refused.
        before_signing: Called with what it is asked to sign.
    """

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.signed: list[bytes] = []
        self.refused = 0
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
        """What it says to one message."""
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
            return _string(name) + _string(private.sign(data, padding.PKCS1v15(), digest))
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
def run_own_agent() -> Iterator[OwnAgent]:
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


def _string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def _take(data: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack_from(">I", data)
    return data[4 : 4 + length], data[4 + length :]
