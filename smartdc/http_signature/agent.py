"""Keys that ssh-agent holds: finding them, and having it sign.

All communication with the agent is in this module. paramiko encodes and decodes the messages, and is imported
only when an agent is used. Its own `paramiko.Agent` is not used: it has no time limit, reads the list of keys
only once, cannot tell a refusal from a broken connection, and fails to read the whole list if one comment is
not UTF-8.
"""

from __future__ import annotations

import atexit
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from smartdc._forks import importing, renew_in_children
from smartdc._secrets import shown
from smartdc.errors import KeyLoadError
from smartdc.http_signature.key_types import KEY_TYPES, SSH_FORMATS
from smartdc.http_signature.keys import PublicKey

if TYPE_CHECKING:
    from paramiko import Message

__all__ = [
    "Agent",
    "AgentSigner",
    "find_signers",
    "keys_passed_over",
    "reason_against_agents",
    "shared_agent",
]

# Numbers of the agent protocol (draft-miller-ssh-agent).
_LIST, _LIST_REPLY = 11, 12
_SIGN, _SIGN_REPLY = 13, 14

_LIST_SECONDS = 15.0
_SIGN_SECONDS = 120.0  # the user may have to touch a button or confirm
_MAX_REPLY = 256 * 1024  # OpenSSH's own limit

_GIVE_A_FILE = "give the path of a key file as secret without allow_agent"
_USE_A_FILE = f"or {_GIVE_A_FILE}"


class Agent:
    """The ssh-agent that ``SSH_AUTH_SOCK`` names, over one connection that threads share.

    It connects when first asked, again when the variable names another socket, and once more when the
    agent went away. A forked child has to call `renew`; `shared_agent` sees to that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._path = ""

    def list_keys(self) -> list[PublicKey]:
        """All keys that the agent offers, usable or not, in its order.

        Raises:
            KeyLoadError: There is no agent, or it does not answer.
        """
        kind, reply = self._ask(_message(_LIST), _LIST_SECONDS)
        if kind != _LIST_REPLY:
            raise KeyLoadError(
                f"the ssh-agent at {shown(self._path)} refuses to list its keys; "
                f"if it is locked, unlock it (ssh-add -X), {_USE_A_FILE}"
            )
        found = []
        for _ in range(reply.get_int()):
            blob, comment = reply.get_binary(), reply.get_binary()
            if not blob:  # a list cut short reads as empty strings
                break
            found.append(PublicKey(blob, comment.decode("utf-8", "replace")))
        return found

    def sign(self, key: PublicKey, data: bytes, algorithm: str = "rsa-sha2-256") -> tuple[str, bytes]:
        """Ask the agent to sign `data`.

        Args:
            key: The key to sign with.
            data: What to sign.
            algorithm: The algorithm for an RSA key; keys of other types have only one.

        Returns:
            The format that the agent says it signed in, and the signature in ssh's encoding.

        Raises:
            KeyLoadError: The agent is gone, does not hold the key any more, or refuses.
        """
        request = _message(_SIGN)
        request.add_string(key.blob)
        request.add_string(data)
        row = KEY_TYPES.get(key.kind)
        chosen = row.ssh_formats.get(algorithm) if row else None
        request.add_int(chosen.agent_flag if chosen else 0)
        kind, reply = self._ask(request, _SIGN_SECONDS)
        if kind != _SIGN_REPLY:
            raise KeyLoadError(
                f"the ssh-agent at {shown(self._path)} refuses to sign with {key}: {self._why_refused(key)}, "
                f"{_USE_A_FILE}"
            )
        signature = _read(reply.get_binary())
        name, raw = signature.get_binary(), signature.get_binary()
        return name.decode("ascii", "replace"), raw

    def close(self) -> None:
        """Drop the connection. The next use opens another."""
        with self._lock:
            self._drop()

    def renew(self) -> None:
        """Forget everything, in a forked child: its copy of the connection belongs to the parent.

        The lock is replaced: a thread that exists only in the parent may hold it.
        """
        self._lock = threading.Lock()
        self._drop()

    def _why_refused(self, key: PublicKey) -> str:
        """Guess the reason and name the remedy; the agent itself gives no reason."""
        try:
            held = self.list_keys()
        except KeyLoadError:
            held = []
        if not held:
            return "it is locked (ssh-add -X unlocks it), or its keys were removed (ssh-add FILE)"
        if key not in held:
            return "it was removed, or its time ran out; ssh-add its file again"
        return (
            "it has the key, so a confirmation was denied or cannot be asked for (ssh-add -c), the key is "
            "restricted to certain hosts (ssh-add -h), or its device is not there; put it right"
        )

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, request: Message, seconds: float) -> tuple[int, Message]:
        payload = request.asbytes()
        path = os.environ.get("SSH_AUTH_SOCK", "")
        lock = self._lock
        # Another thread's signature may be waiting for the user to touch a button; this wait has a limit.
        if not lock.acquire(timeout=_SIGN_SECONDS):
            _refuse_agent(path, f"was busy with another request for {_SIGN_SECONDS:.0f} seconds")
        try:
            return self._ask_alone(path, payload, seconds)
        finally:
            lock.release()

    def _ask_alone(self, path: str, payload: bytes, seconds: float) -> tuple[int, Message]:
        if path != self._path:
            self._drop()
        # An earlier connection may be dead because the agent was restarted: try a new one.
        may_retry = self._connection is not None
        while True:
            if self._connection is None:
                self._connection, self._path = _connect(path), path
            try:
                reply = _exchange(self._connection, payload, time.monotonic() + seconds)
            except (OSError, EOFError) as error:
                self._drop()
                if isinstance(error, TimeoutError):
                    _refuse_agent(path, f"did not answer within {seconds:.0f} seconds")
                if not may_retry:
                    _refuse_agent(path, f"broke off the conversation ({error})")
                may_retry = False
            else:
                return reply[0], _read(reply[1:])


class AgentSigner:
    """A private key held by ssh-agent; a `Signer`."""

    def __init__(self, agent: Agent, public_key: PublicKey) -> None:
        self._agent = agent
        self.public_key = public_key
        self.source: str = f"the ssh-agent's key {public_key.comment or public_key.kind}"

    def sign(self, data: bytes) -> tuple[str, bytes]:
        """Sign `data`; the algorithm is what the agent says it used, not what it was asked for.

        Raises:
            KeyLoadError: The agent is gone, refuses, or signed in a way that CloudAPI does not verify.
        """
        name, raw = self._agent.sign(self.public_key, data)
        row, ssh = SSH_FORMATS.get(name, (None, None))
        if row and ssh and ssh.algorithm:
            return ssh.algorithm, row.from_ssh(row.completed(raw, self.public_key.blob))
        reason = (row and row.not_by_agent) or f"choose another key, {_USE_A_FILE}"
        raise KeyLoadError(f"{self.source} signed as {name!r}, which CloudAPI does not verify: {reason}")

    def sign_ssh(self, data: bytes, algorithm: str) -> tuple[str, bytes]:
        """Sign `data` for an ssh login.

        Raises:
            KeyLoadError: The agent is gone, or refuses.
        """
        name, raw = self._agent.sign(self.public_key, data, algorithm)
        row, _ = SSH_FORMATS.get(name, (None, None))
        return name, row.completed(raw, self.public_key.blob) if row else raw

    def __repr__(self) -> str:
        return f"<AgentSigner {vars(self).get('public_key', '')}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a connection to ssh-agent is not pickled: look the key up again")


def find_signers(agent: Agent, wanted: str, matches: Callable[[PublicKey], bool]) -> list[AgentSigner]:
    """Return the keys of the agent that match and whose signatures CloudAPI verifies; at least one.

    Args:
        agent: The agent to ask.
        wanted: What is looked for, for messages.
        matches: Returns whether a key is one of those wanted.

    Raises:
        KeyLoadError: There is no such key. The message lists what the agent holds.
    """
    held = agent.list_keys()
    if not held:
        raise KeyLoadError(
            "the ssh-agent holds no keys, or is locked: add one (ssh-add FILE), unlock it (ssh-add -X), "
            f"{_USE_A_FILE}"
        )
    matching = [key for key in held if matches(key)]
    # Certificates, security keys (sk-...) and unknown kinds are skipped.
    usable = [key for key in matching if key.supported and not reason_against_agents(key)]
    if usable:
        return [AgentSigner(agent, key) for key in usable]
    reasons = [reason for key in matching if (reason := reason_against_agents(key))]
    if reasons:
        problem = f"the ssh-agent has {wanted}, but {reasons[0]}"
    elif matching:
        problem = (
            f"the ssh-agent has {wanted}, but of a kind that CloudAPI does not take: "
            f"use another key, {_USE_A_FILE}"
        )
    else:
        problem = f"the ssh-agent does not have {wanted}: ssh-add its file, {_USE_A_FILE}"
    raise KeyLoadError(f"{problem}. The agent holds: {'; '.join(str(key) for key in held)}")


def keys_passed_over() -> list[PublicKey]:
    """Return the agent's keys of kinds that CloudAPI accepts, but not with an agent's signatures."""
    try:
        return [key for key in _AGENT.list_keys() if reason_against_agents(key)]
    except KeyLoadError:
        return []


def reason_against_agents(key: PublicKey) -> str:
    """Say why CloudAPI does not verify an agent's signatures by this key; empty if it does."""
    row = KEY_TYPES.get(key.kind)
    return row.not_by_agent if row else ""


def shared_agent() -> Agent:
    """The one `Agent` of this process."""
    return _AGENT


_AGENT = Agent()
atexit.register(_AGENT.close)
renew_in_children(_AGENT)


def _connect(path: str) -> socket.socket:
    if not path:
        raise KeyLoadError(
            "there is no ssh-agent (SSH_AUTH_SOCK is not set): start one (eval $(ssh-agent); ssh-add), "
            f"{_USE_A_FILE}"
        )
    family = getattr(socket, "AF_UNIX", None)
    if family is None:
        raise KeyLoadError(
            f"there is no ssh-agent: Python has no unix sockets on this system; {_GIVE_A_FILE}"
        )
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(_LIST_SECONDS)
        connection.connect(path)
    except OSError as error:
        connection.close()
        _refuse_agent(path, f"cannot be reached ({error.strerror or error})")
    return connection


def _exchange(connection: socket.socket, payload: bytes, deadline: float) -> bytes:
    connection.settimeout(_time_left(deadline))
    connection.sendall(struct.pack(">I", len(payload)) + payload)
    (length,) = struct.unpack(">I", _receive(connection, 4, deadline))
    if not 1 <= length <= _MAX_REPLY:
        raise EOFError("the answer is not one of an ssh-agent")
    return _receive(connection, length, deadline)


def _receive(connection: socket.socket, count: int, deadline: float) -> bytes:
    data = b""
    while len(data) < count:
        connection.settimeout(_time_left(deadline))
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError("it closed the connection")
        data += more
    return data


def _time_left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _message(number: int) -> Message:
    return _read(b"").add_byte(bytes([number]))


def _read(content: bytes) -> Message:
    with importing:
        from paramiko import Message

    return Message(content)


def _refuse_agent(path: str, problem: str) -> NoReturn:
    raise KeyLoadError(
        f"the ssh-agent at {shown(path)} (SSH_AUTH_SOCK) {problem}: start one (eval $(ssh-agent); ssh-add), "
        f"{_USE_A_FILE}"
    )
