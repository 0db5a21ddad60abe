"""SSH logins by paramiko, which is imported with this module: import it only to log in.

Here belongs what paramiko is told, and what becomes of its errors. Where a machine is logged in to, and as
whom, is in `ssh`.
"""

from __future__ import annotations

import inspect
import math
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import paramiko

from smartdc._secrets import Concealed
from smartdc.arguments.ids import escaped, near_word, shown
from smartdc.errors import ConfigurationError, LoginFailed
from smartdc.http_signature.keys import PublicKey, Signer
from smartdc.machine.host_keys import HostKeys

__all__ = ["SSH_PORT", "KeyRefused", "NotYet", "Options", "Place", "log_in"]

SSH_PORT = 22
SECONDS = 30.0
"""What connecting, and the handshake, may take each."""
AUTH_SECONDS = 60.0
"""What the login itself may take: somebody may have to confirm the use of a key."""

_LOG = "smartdc.paramiko"
_OURS = {
    "hostname": "the address is the machine's: give the tag tritoncli.ssh.ip to use another of its addresses",
    "username": "give user",
}
_OTHER_KEYS = ("pkey", "key_filename", "password", "auth_strategy")
_RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")
_CONNECT_FAILED = 2
_MOST_TEXT = 200


class NotYet(LoginFailed):
    """A machine that may let one in a moment later.

    Attributes:
        reason: Why not now, in few words.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class KeyRefused(NotYet):
    """The machine does not know the user, or not the key: a new machine may not have the key yet."""


@dataclass(frozen=True)
class Place:
    """Where to log in, and as whom.

    Attributes:
        machine: The machine's uuid.
        label: What the machine is, for messages.
        address: IPv4 or IPv6.
        port: Of its SSH server.
        user: The login.
    """

    machine: str
    label: str
    address: str
    port: int
    user: str

    @property
    def where(self) -> str:
        """The address with its port, for messages."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.port}"


class Options:
    """What the caller says to paramiko.

    Args:
        given: Arguments of `paramiko.SSHClient.connect`.

    Attributes:
        port: The port of the target, if it is given.
        brings_key: Whether they say with what to log in, so that the account's key is not needed.

    Raises:
        ConfigurationError: paramiko has no such argument, or it is not the caller's to give.
    """

    def __init__(self, given: Concealed[dict[str, Any]]) -> None:
        known = list(inspect.signature(paramiko.SSHClient.connect).parameters)[1:]
        for name in given.value:
            if name in _OURS:
                raise ConfigurationError(f"connect_ssh takes no {name}: {_OURS[name]}")
            if name not in known:
                near = near_word(name, known)
                meant = f"did you mean {near}?" if near else "its arguments are those of SSHClient.connect"
                raise ConfigurationError(f"paramiko takes no {name[:40]} for a connection: {meant}")
        self._given = given
        self.brings_key = any(given.value.get(name) for name in _OTHER_KEYS)
        self.port = given.value.get("port")
        if self.port is not None and not is_port(self.port):
            raise ConfigurationError(f"port must be a number from 1 to 65535, not {shown(self.port)}")

    def of_target(self, signer: Signer | None, most: float | None) -> Concealed[dict[str, Any]]:
        """The arguments for the machine itself.

        Args:
            signer: The account's key, unless another one is given.
            most: Seconds that are left.
        """
        arguments = self.of_bastion(signer, most).value | self._given.value
        return Concealed({name: value for name, value in arguments.items() if name != "port"})

    def of_bastion(self, signer: Signer | None, most: float | None) -> Concealed[dict[str, Any]]:
        """The arguments for what stands before it: the same, but for the way there."""
        most = math.inf if most is None else most
        arguments: dict[str, Any] = {
            "timeout": min(SECONDS, most),
            "banner_timeout": min(SECONDS, most),
            "auth_timeout": min(AUTH_SECONDS, most),
            "allow_agent": False,
            "look_for_keys": False,
        }
        if "auth_strategy" in self._given.value:  # which goes with no other
            del arguments["allow_agent"], arguments["look_for_keys"]
        elif signer is not None and not self.brings_key:
            arguments["pkey"] = _Key(signer)
        own = {name: value for name, value in self._given.value.items() if name not in ("port", "sock")}
        return Concealed(arguments | own)


def is_port(value: Any) -> bool:
    """Whether it is the number of a port."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536


class _Key(paramiko.PKey):
    """A key of ours, wherever it is held, as paramiko wants one."""

    def __init__(self, signer: Signer) -> None:
        self.public_blob = None
        self._signer = signer

    def asbytes(self) -> bytes:
        return self._signer.public_key.blob

    def get_name(self) -> str:
        return self._signer.public_key.kind

    def can_sign(self) -> bool:
        return True

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> paramiko.Message:
        name, signature = self._signer.sign_ssh(data, algorithm or self.get_name())
        message = paramiko.Message()
        message.add_string(name)
        message.add_string(signature)
        return message

    def __repr__(self) -> str:
        signer: Signer | None = vars(self).get("_signer")
        return f"<Key {signer.public_key if signer else ''}>"


class _Client(paramiko.SSHClient):
    """A client that closes with itself what it goes through, and returns when its thread has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.set_log_channel(_LOG)  # paramiko's own prints errors where no logging is set up
        self.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # the key is looked at after the login
        self.through: list[Any] = []

    def close(self) -> None:
        transport = self.get_transport()
        super().close()
        for thing in self.through:
            with suppress(OSError):
                thing.close()
        if transport is not None and transport.is_alive():
            transport.join(1)


def log_in(
    place: Place,
    bastion: Place | None,
    signer: Signer | None,
    keys: HostKeys | None,
    options: Options,
    most: float | None,
) -> paramiko.SSHClient:
    """Log in to a machine.

    Args:
        place: Where.
        bastion: Where to go through.
        signer: The account's key.
        keys: The host keys that are known; None checks none.
        options: What the caller says.
        most: Seconds that are left; None: as many as it takes by itself.

    Returns:
        The client, connected. To close it closes also the connection to the bastion.

    Raises:
        LoginFailed: It was not let in; `NotYet` where it may be a moment later.
        KeyLoadError: The key cannot sign.
    """
    client = _Client()
    arguments = options.of_target(signer, most)
    try:
        if arguments.value.get("sock") is None:
            arguments.value["sock"] = _way(client, place, bastion, signer, keys, options, most)
        _connect(client, place, keys, arguments)
    except BaseException:
        client.close()
        raise
    return client


def _way(
    client: _Client,
    place: Place,
    bastion: Place | None,
    signer: Signer | None,
    keys: HostKeys | None,
    options: Options,
    most: float | None,
) -> Any:
    """What leads to the machine: a socket, or a channel of the bastion. The client closes it."""
    if bastion is None:
        client.through.append(_tcp(place, options.of_bastion(None, most).value["timeout"]))
        return client.through[-1]
    before = _Client()
    client.through.append(before)
    arguments = options.of_bastion(signer, most)
    seconds = arguments.value["timeout"]
    arguments.value["sock"] = _tcp(bastion, seconds)
    before.through.append(arguments.value["sock"])
    _connect(before, bastion, keys, arguments)
    transport = before.get_transport()
    assert transport is not None  # noqa: S101 - it is connected
    try:
        return transport.open_channel(
            "direct-tcpip", (place.address, place.port), ("127.0.0.1", 0), timeout=seconds
        )
    except paramiko.ChannelException as error:
        message = f"{bastion.label} does not lead on to {place.label} at {place.where}: {_text(error.text)}"
        if error.code == _CONNECT_FAILED:
            raise NotYet(message, f"not reached from the bastion at {place.where}") from error
        raise LoginFailed(f"{message}\nlet its SSH server forward (AllowTcpForwarding yes)") from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        message = f"{bastion.label} does not lead on to {place.label} at {place.where}: {_text(error)}"
        raise NotYet(message, f"not reached from the bastion at {place.where}") from error


def _tcp(place: Place, seconds: float) -> socket.socket:
    try:
        return socket.create_connection((place.address, place.port), timeout=seconds)
    except OSError as error:
        problem = "no answer" if isinstance(error, TimeoutError) else error.strerror or _text(error)
        raise NotYet(
            f"{place.label} cannot be reached at {place.where}: {problem}\n"
            "check that SSH runs in it, that its firewall lets you in, and that you are on its network",
            f"cannot be reached at {place.where}: {problem}",
        ) from error


def _connect(
    client: _Client, place: Place, keys: HostKeys | None, arguments: Concealed[dict[str, Any]]
) -> None:
    """Log in over a connection that is there, and pin the host key."""
    pinned = [] if keys is None else keys.of(place.machine)
    if keys is not None and pinned:
        _expect(client, place, keys, pinned, arguments)
    begun = time.monotonic()
    try:
        client.connect(place.address, place.port, place.user, **arguments.value)
    except paramiko.BadHostKeyException as error:
        assert keys is not None  # noqa: S101 - without them there is none that could be wrong
        raise _changed(place, keys, pinned, PublicKey(error.key.asbytes())) from error
    except paramiko.AuthenticationException as error:
        raise _refused(client, place, arguments.value, begun, error) from error
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise LoginFailed(f"{place.label} at {place.where} speaks another SSH: {_text(error)}") from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise _broken(place, begun, arguments.value, error) from error
    if keys is None:
        return
    transport = client.get_transport()
    assert transport is not None  # noqa: S101 - it is connected
    key = PublicKey(transport.get_remote_server_key().asbytes())
    # Pinned only now: the address may have led to a machine that does not know the account.
    known = pinned or keys.pin(place.machine, key)
    if key not in known:
        raise _changed(place, keys, known, key)


def _expect(
    client: _Client,
    place: Place,
    keys: HostKeys,
    pinned: list[PublicKey],
    arguments: Concealed[dict[str, Any]],
) -> None:
    """Have the server show the host key that is known, of all that it has."""
    # The name that paramiko looks the keys up by.
    name = place.address if place.port == SSH_PORT else f"[{place.address}]:{place.port}"
    for key in pinned:
        try:
            known = paramiko.PKey.from_type_string(key.kind, key.blob)
        except Exception as error:  # paramiko's own, or whatever its parts raise at a damaged key
            raise LoginFailed(
                f"the host key that {keys} has of {place.label} cannot be used: "
                f"{_text(error)}\nif you trust its key of today, forget it: {keys.forgetting(place.machine)}"
            ) from error
        client.get_host_keys().add(name, key.kind, known)
    kinds = {kind for key in pinned for kind in (_RSA if key.kind == "ssh-rsa" else (key.kind,))}
    make = arguments.value.get("transport_factory") or paramiko.Transport

    def transport(*args: Any, **more: Any) -> paramiko.Transport:
        made: paramiko.Transport = make(*args, **more)
        options = made.get_security_options()
        options.key_types = sorted(options.key_types, key=lambda kind: kind not in kinds)
        return made

    arguments.value["transport_factory"] = transport


def _changed(place: Place, keys: HostKeys, known: list[PublicKey], now: PublicKey) -> LoginFailed:
    was = ", ".join(key.sha256 for key in known)
    return LoginFailed(
        f"the host key of {place.label} at {place.where} is {now.sha256}, and it was {was}: "
        "something else may answer in its place\n"
        f"if you know that it has a new one, forget the old one: {keys.forgetting(place.machine)}"
    )


def _refused(
    client: _Client,
    place: Place,
    arguments: Mapping[str, Any],
    begun: float,
    error: paramiko.AuthenticationException,
) -> LoginFailed:
    transport = client.get_transport()
    if transport is None or not transport.is_active() or "timeout" in str(error).lower():
        return _broken(place, begun, arguments, error)
    key = arguments.get("pkey")
    with_what = f" with the key {PublicKey(key.asbytes()).sha256}" if isinstance(key, paramiko.PKey) else ""
    return KeyRefused(
        f"{place.label} at {place.where} does not let {shown(place.user)} in{with_what}\n"
        "check the user (connect_ssh('ubuntu')), and that the account had this key when it made the machine",
        f"does not let {shown(place.user)} in{with_what}",
    )


def _broken(place: Place, begun: float, arguments: Mapping[str, Any], error: Exception) -> NotYet:
    """What became of the connection. That time ran out, paramiko says in many ways, or not at all."""
    took = time.monotonic() - begun
    limits = [arguments[name] for name in ("timeout", "banner_timeout", "auth_timeout")]
    if took >= min((limit for limit in limits if limit is not None), default=math.inf):
        text = f"the SSH login stood still, for {took:.1f} s"
    else:
        text = _text(error)
    return NotYet(
        f"{place.label} at {place.where} let nobody in: {text}\ncheck that it is SSH that runs there",
        f"{text}, at {place.where}",
    )


def _text(error: object) -> str:
    return escaped(" ".join(str(error).split())[:_MOST_TEXT]) or type(error).__name__
