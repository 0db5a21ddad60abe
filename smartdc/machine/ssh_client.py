"""SSH logins by paramiko, which is imported with this module: import it only to log in.

It calls paramiko, and turns paramiko's errors into smartdc's. `ssh` finds the address and the user.
"""

from __future__ import annotations

import logging
import math
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

import paramiko

from smartdc._secrets import Concealed
from smartdc.arguments.ids import escaped, shown
from smartdc.errors import LoginFailed
from smartdc.http_signature.keys import PublicKey, Signer
from smartdc.machine.host_keys import HostKeys
from smartdc.machine.ssh_options import Left, Options, credential

__all__ = [
    "KeyRefused",
    "Options",
    "Place",
    "TemporaryLoginFailure",
    "log_in",
    "refuse_test_address",
]

_LOG = "smartdc.paramiko"
_LOGIN_LOG = f"{_LOG}.login"
_TEST_NET = ip_network("198.18.0.0/15")  # RFC 2544, C.2.2; RFC 5735, section 4
_EMULATED = f"{_TEST_NET} is reserved for tests: an emulator accepts logins with ssh_port=0"
_RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")
_CONNECT_FAILED = 2
_MOST_TEXT = 200


class TemporaryLoginFailure(LoginFailed):
    """A login failed that may succeed a moment later.

    Attributes:
        remedy: What to do about it, if that is known.
        reason: Why it failed, in a few words.
    """

    def __init__(self, message: str, remedy: str = "", reason: str = "") -> None:
        super().__init__(f"{message}\n{remedy}" if remedy else message)
        self.remedy = remedy
        self.reason = reason


class KeyRefused(TemporaryLoginFailure):
    """The machine refuses the user or the key: a new machine may not have the key yet."""


@dataclass(frozen=True)
class Place:
    """The address to log in to, and the user.

    Attributes:
        machine: The machine's uuid.
        label: The name of the machine in messages.
        address: IPv4 or IPv6.
        port: The port of its SSH server.
        user: The login.
        check_user: What to check when the user is refused.
    """

    machine: str
    label: str
    address: str
    port: int
    user: str
    check_user: str

    @property
    def where(self) -> str:
        """The address with its port, for messages."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.port}"


class _Client(paramiko.SSHClient):
    """A client that also closes the connections that it uses, and waits for its thread to end."""

    def __init__(self) -> None:
        super().__init__()
        self.set_log_channel(_LOGIN_LOG)  # paramiko's own channel prints errors if logging is not set up
        self.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # the key is checked after the login
        self.connections: list[Any] = []

    def close(self) -> None:
        transport = self.get_transport()
        super().close()
        for thing in self.connections:
            with suppress(OSError):
                thing.close()
        if transport is not None and transport.is_alive():
            transport.join(1)


def _lower_to_debug(record: logging.LogRecord) -> bool:
    """Lower a record to DEBUG: a failed login raises an error, and a wait tries again."""
    record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return logging.getLogger(_LOGIN_LOG).isEnabledFor(logging.DEBUG)


logging.getLogger(_LOGIN_LOG).addFilter(_lower_to_debug)


class _RefuseRevokedKeys(paramiko.MissingHostKeyPolicy):
    """Accepts an unknown host key, which is checked after the login, unless it is revoked."""

    def __init__(self, keys: HostKeys, machine: str) -> None:
        self._keys = keys
        self._machine = machine

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        self._keys.refuse_revoked(self._machine, PublicKey(key.asbytes()))


class _RequireKnownKey(paramiko.MissingHostKeyPolicy):
    """Accepts any of the known keys. paramiko itself would keep one key of each kind."""

    def __init__(self, known: list[paramiko.PKey]) -> None:
        self._known = known

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        if key not in self._known:
            raise paramiko.BadHostKeyException(hostname, key, self._known[0])


def log_in(
    place: Place,
    bastion: Place | None,
    signer: Signer | None,
    keys: HostKeys | None,
    options: Options,
    left: Left,
) -> paramiko.SSHClient:
    """Log in to a machine.

    Args:
        place: The address and the user.
        bastion: The machine to go through.
        signer: The account's key.
        keys: The known host keys; None checks none.
        options: The caller's options.
        left: Returns the seconds that are left.

    Returns:
        The connected client. Closing it also closes the connection to the bastion.

    Raises:
        LoginFailed: The login failed; `TemporaryLoginFailure` if it may succeed a moment later.
        KeyLoadError: The key cannot sign.
    """
    client = _Client()
    try:
        sock = options.sock
        if sock is None:
            sock = _open_channel(client, place, bastion, signer, keys, options, left)
        arguments = options.of_login(signer, left)  # with the time that the connection has left
        arguments.value["sock"] = sock
        _connect(client, place, keys, arguments)
    except BaseException:
        client.close()
        raise
    return client


def _open_channel(
    client: _Client,
    place: Place,
    bastion: Place | None,
    signer: Signer | None,
    keys: HostKeys | None,
    options: Options,
    left: Left,
) -> Any:
    """Return a socket to the machine, or a channel through the bastion; the client closes it."""
    if bastion is None:
        client.connections.append(_open_socket(place, options.connect_timeout(left)))
        return client.connections[-1]
    bastion_client = _Client()
    client.connections.append(bastion_client)
    bastion_client.connections.append(_open_socket(bastion, options.connect_timeout(left)))
    arguments = options.of_login(signer, left)
    arguments.value["sock"] = bastion_client.connections[-1]
    _connect(bastion_client, bastion, keys, arguments)
    transport = bastion_client.get_transport()
    assert transport is not None  # noqa: S101 - it is connected
    unreached = f"not reached from the bastion at {place.where}"
    seconds: Any = options.connect_timeout(left)  # a float works, though the stubs say int
    try:
        return transport.open_channel(
            "direct-tcpip", (place.address, place.port), ("127.0.0.1", 0), timeout=seconds
        )
    except paramiko.ChannelException as error:
        message = f"{bastion.label} does not forward to {place.label} at {place.where}: {_text(error.text)}"
        if error.code == _CONNECT_FAILED:
            raise TemporaryLoginFailure(message, reason=unreached) from error
        raise LoginFailed(f"{message}\nlet its SSH server forward (AllowTcpForwarding yes)") from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        message = f"{bastion.label} does not forward to {place.label} at {place.where}: {_text(error)}"
        raise TemporaryLoginFailure(message, reason=unreached) from error


def _open_socket(place: Place, seconds: float | None) -> socket.socket:
    try:
        return socket.create_connection((place.address, place.port), timeout=seconds)
    except OSError as error:
        problem = "no answer" if isinstance(error, TimeoutError) else error.strerror or _text(error)
        raise TemporaryLoginFailure(
            f"{place.label} cannot be reached at {place.where}: {problem}",
            _unreachable_remedy(place.address),
            f"cannot be reached at {place.where}: {problem}",
        ) from error


def refuse_test_address(place: Place) -> None:
    """Refuse the address of an emulated machine that has no SSH server.

    A network may accept connections to any address, and never answer.

    Raises:
        LoginFailed: It is such an address.
    """
    if _is_for_tests(place.address):
        raise LoginFailed(f"{place.label} cannot be reached at {place.where}\n{_EMULATED}")


def _is_for_tests(address: str) -> bool:
    try:
        return ip_address(address) in _TEST_NET
    except ValueError:  # the server may send something else
        return False


def _unreachable_remedy(address: str) -> str:
    if _is_for_tests(address):
        return _EMULATED
    return "check that SSH runs in it, that its firewall lets you in, and that you are on its network"


def _connect(
    client: _Client, place: Place, keys: HostKeys | None, arguments: Concealed[dict[str, Any]]
) -> None:
    """Log in over an open connection, and pin the host key."""
    pinned = [] if keys is None else keys.keys_of(place.machine)
    if keys is not None and pinned:
        _require_known_keys(client, place, keys, pinned, arguments)
    elif keys is not None:
        client.set_missing_host_key_policy(_RefuseRevokedKeys(keys, place.machine))
    began_at = time.monotonic()
    try:
        client.connect(place.address, place.port, place.user, **arguments.value)
    except paramiko.BadHostKeyException as error:
        assert keys is not None  # noqa: S101 - without host keys, none can be wrong
        raise _changed_key_error(place, keys, pinned, PublicKey(error.key.asbytes())) from error
    except paramiko.AuthenticationException as error:
        raise _login_failure(client, place, arguments.value, began_at, error) from error
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise LoginFailed(f"{place.label} at {place.where} speaks another SSH: {_text(error)}") from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        # paramiko tries a key file as each kind of key: after a refusal, its error may be about a wrong kind.
        if isinstance(error, paramiko.SSHException) and arguments.value.get("key_filename"):
            raise _login_failure(client, place, arguments.value, began_at, error) from error
        raise _broken_connection(place, began_at, arguments.value, error) from error
    transport = client.get_transport()
    assert transport is not None  # noqa: S101 - it is connected
    transport.set_log_channel(_LOG)
    if keys is None:
        return
    key = PublicKey(transport.get_remote_server_key().asbytes())
    # Pinned only now: the address may have led to a machine that does not know the account.
    known = pinned or keys.pin(place.machine, key)
    if key not in known:
        raise _changed_key_error(place, keys, known, key)


def _require_known_keys(
    client: _Client,
    place: Place,
    keys: HostKeys,
    pinned: list[PublicKey],
    arguments: Concealed[dict[str, Any]],
) -> None:
    """Ask the server for the kind of host key that is pinned."""
    known = []
    for key in pinned:
        try:
            known.append(paramiko.PKey.from_type_string(key.kind, key.blob))
        except Exception as error:  # paramiko's errors, or any other that a damaged key causes
            raise LoginFailed(
                f"the host key that {keys} has of {place.label} cannot be used: {_text(error)}\n"
                f"if you trust its current key, remove the old one: {keys.removal_command(place.machine)}"
            ) from error
    client.set_missing_host_key_policy(_RequireKnownKey(known))
    kinds = {kind for key in pinned for kind in (_RSA if key.kind == "ssh-rsa" else (key.kind,))}
    make = arguments.value.get("transport_factory") or paramiko.Transport

    def transport(*args: Any, **more: Any) -> paramiko.Transport:
        created: paramiko.Transport = make(*args, **more)
        options = created.get_security_options()
        options.key_types = sorted(options.key_types, key=lambda kind: kind not in kinds)
        return created

    arguments.value["transport_factory"] = transport


def _changed_key_error(place: Place, keys: HostKeys, known: list[PublicKey], now: PublicKey) -> LoginFailed:
    was = ", ".join(key.sha256 for key in known)
    return LoginFailed(
        f"the host key of {place.label} at {place.where} is {now.sha256}, and it was {was}: "
        "something else may answer in its place\n"
        f"if the machine has a new key, remove the old one: {keys.removal_command(place.machine)}"
    )


def _login_failure(
    client: _Client,
    place: Place,
    arguments: dict[str, Any],
    began_at: float,
    error: paramiko.SSHException,
) -> LoginFailed:
    transport = client.get_transport()
    if transport is None or not transport.is_active() or "timeout" in str(error).lower():
        return _broken_connection(place, began_at, arguments, error)
    with_what, check = credential(arguments)
    return KeyRefused(
        f"{place.label} at {place.where} does not let {shown(place.user)} in{with_what}",
        f"{place.check_user}, and {check}",
        f"does not let {shown(place.user)} in{with_what}",
    )


def _broken_connection(
    place: Place, began_at: float, arguments: dict[str, Any], error: Exception
) -> TemporaryLoginFailure:
    """Return the error for a connection that broke; paramiko does not report timeouts in one way."""
    took = time.monotonic() - began_at
    limits = [arguments[name] for name in ("timeout", "banner_timeout", "auth_timeout")]
    if took >= min((limit for limit in limits if limit is not None), default=math.inf):
        text = f"the SSH login got no answer for {took:.1f} s"
    else:
        text = _text(error)
    return TemporaryLoginFailure(
        f"{place.label} at {place.where} did not accept the login: {text}",
        _EMULATED if _is_for_tests(place.address) else "check that an SSH server runs there",
        f"{text}, at {place.where}",
    )


def _text(error: object) -> str:
    return escaped(" ".join(str(error).split())[:_MOST_TEXT]) or type(error).__name__
