"""An ssh-agent that holds the account's key, for programs that look for keys in an agent.

It lists keys and signs (https://datatracker.ietf.org/doc/draft-miller-ssh-agent/); it refuses all else.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding

from smartdc.emulator.scratch import PrivateKey
from smartdc.http_signature.keys import PublicKey
from smartdc.http_signature.ssh_encoding import written_string

_FAILURE = b"\x05"
_LIST, _LISTED = b"\x0b", b"\x0c"
_SIGN, _SIGNED = b"\x0d", b"\x0e"
_LONGEST_MESSAGE = 256 * 1024
#: Name and digest of RSA signatures, by the flags of the request.
_RSA: dict[int, tuple[bytes, hashes.HashAlgorithm]] = {
    0: (b"ssh-rsa", hashes.SHA1()),  # noqa: S303 - the protocol's default without flags
    2: (b"rsa-sha2-256", hashes.SHA256()),
    4: (b"rsa-sha2-512", hashes.SHA512()),
}


class Agent:
    """An agent that listens at a Unix socket, in an event loop that another thread runs.

    Args:
        key: The private key.
        public: The public key, as OpenSSH's line.
        path: Where to listen.
        loop: The event loop.

    Raises:
        OSError: It cannot listen there.
    """

    def __init__(self, key: PrivateKey, public: str, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.path = path
        self._private = key
        self._public = PublicKey.from_text(public)
        self._loop = loop
        self._clients: set[asyncio.StreamWriter] = set()
        listen = asyncio.start_unix_server(self._serve, str(path))
        self._server = asyncio.run_coroutine_threadsafe(listen, loop).result()

    def close(self) -> None:
        """Stop listening and close all connections. Call it from another thread while the loop runs."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()

    async def _close(self) -> None:
        self._server.close()
        for client in self._clients:
            client.close()
        while self._clients:
            await asyncio.sleep(0)
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while (length := int.from_bytes(await reader.readexactly(4))) <= _LONGEST_MESSAGE:
                writer.write(written_string(self._answer(await reader.readexactly(length))))
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self._clients.discard(writer)

    def _answer(self, message: bytes) -> bytes:
        if message[:1] == _LIST:
            key = written_string(self._public.blob) + written_string(self._comment)
            return _LISTED + struct.pack(">I", 1) + key
        if message[:1] != _SIGN:
            return _FAILURE
        try:
            blob, rest = _unpack(message[1:])
            data, rest = _unpack(rest)
            signature = self._signature(data, int.from_bytes(rest[:4]))
        except (struct.error, KeyError):  # the message is cut off, or has unknown flags
            return _FAILURE
        return _SIGNED + written_string(signature) if blob == self._public.blob else _FAILURE

    @property
    def _comment(self) -> bytes:
        return self._public.comment.encode()

    def _signature(self, data: bytes, flags: int) -> bytes:
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            return written_string(b"ssh-ed25519") + written_string(self._private.sign(data))
        name, digest = _RSA[flags]
        return written_string(name) + written_string(self._private.sign(data, padding.PKCS1v15(), digest))


def _unpack(data: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack_from(">I", data)
    return data[4 : 4 + length], data[4 + length :]
