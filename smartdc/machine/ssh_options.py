"""The arguments of paramiko's `SSHClient.connect`, checked before any connection."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

import paramiko

from smartdc._files import expanded
from smartdc._http.waiting import is_seconds
from smartdc._secrets import Concealed
from smartdc._secrets import shown as shown_path
from smartdc.arguments.ids import closest_word, shown
from smartdc.errors import ConfigurationError, KeyLoadError
from smartdc.http_signature.keys import PrivateKey, PublicKey, Signer, public_half, read_key_file

__all__ = ["Left", "Options", "credential"]

Left = Callable[[], float | None]
"""Returns the seconds that are left; None for no limit."""

_SECONDS = {"timeout": 30.0, "banner_timeout": 30.0, "auth_timeout": 60.0}
"""Limits of connecting, banner and login, in which the user may have to confirm the use of a key."""
_SET_BY_SMARTDC = {
    "hostname": "the address is the machine's: give the tag tritoncli.ssh.ip to use another of its addresses",
    "username": "give user",
}
_OTHER_KEYS = ("pkey", "key_filename", "password", "auth_strategy")
_SOCKET_METHODS = ("send", "recv", "close")
_CERTIFICATE = "-cert.pub"
_REMEDY = "give the path of a private key as key_filename"


class Options:
    """The caller's arguments for paramiko.

    Args:
        arguments: Arguments of `paramiko.SSHClient.connect`.

    Attributes:
        port: The port of the machine; None if it is not set.
        sock: The socket to the machine; None if it is not set.
        brings_key: Whether the arguments have a key or password, so that the account's key is not needed.

    Raises:
        ConfigurationError: paramiko has no such argument, or smartdc sets it; or a value is not valid.
        KeyLoadError: A key file is missing, or cannot be used.
    """

    def __init__(self, arguments: Concealed[dict[str, Any]]) -> None:
        known = list(inspect.signature(paramiko.SSHClient.connect).parameters)[1:]
        for name in arguments.value:
            if name in _SET_BY_SMARTDC:
                raise ConfigurationError(f"connect_ssh takes no {name}: {_SET_BY_SMARTDC[name]}")
            if name not in known:
                near = closest_word(name, known)
                meant = f"did you mean {near}?" if near else "its arguments are those of SSHClient.connect"
                raise ConfigurationError(f"paramiko takes no {name[:40]} for a connection: {meant}")
        self._arguments = Concealed(dict(arguments.value))
        self.brings_key: bool = any(arguments.value.get(name) for name in _OTHER_KEYS)
        self.sock: Any = arguments.value.get("sock")
        self.port: Any = arguments.value.get("port")
        if self.port is not None and not _is_port(self.port):
            raise ConfigurationError(f"port must be a number from 1 to 65535, not {shown(self.port)}")
        for name in (*_SECONDS, "channel_timeout"):
            seconds = arguments.value.get(name)
            if seconds is not None and not (is_seconds(seconds) and seconds > 0):
                raise ConfigurationError(
                    f"{name} must be None or a number of seconds above 0, not {shown(seconds)}"
                )
        if self.sock is not None and not all(hasattr(self.sock, name) for name in _SOCKET_METHODS):
            raise ConfigurationError(f"sock must be a socket or a channel, not {shown(self.sock)}")
        pkey = arguments.value.get("pkey")
        if pkey is not None and not isinstance(pkey, paramiko.PKey):
            raise ConfigurationError(f"pkey must be a paramiko.PKey, not {type(pkey).__name__}: {_REMEDY}")
        if files := arguments.value.get("key_filename"):
            # paramiko takes text only, and expands no ~.
            self._arguments.value["key_filename"] = _checked_files(files, arguments)

    def of_login(self, signer: Signer | None, left: Left) -> Concealed[dict[str, Any]]:
        """Return the arguments for a login over an open connection, to the machine or to its bastion.

        Args:
            signer: The account's key, unless another one is given.
            left: The seconds that are left; no timeout is longer.
        """
        arguments: dict[str, Any] = {"allow_agent": False, "look_for_keys": False}
        if "auth_strategy" in self._arguments.value:  # it excludes other arguments
            arguments = {}
        elif signer is not None and not self.brings_key:
            arguments["pkey"] = _Key(signer)
        own = {name: value for name, value in self._arguments.value.items() if name not in ("port", "sock")}
        timeouts = {name: self._timeout(name, left()) for name in _SECONDS}
        return Concealed(arguments | own | timeouts)

    def connect_timeout(self, left: Left) -> float | None:
        """Return the seconds that a TCP connection may take."""
        return self._timeout("timeout", left())

    def _timeout(self, name: str, left: float | None) -> float | None:
        arguments = self._arguments.value.get(name, _SECONDS[name])
        return min((seconds for seconds in (arguments, left) if seconds is not None), default=None)


def credential(arguments: dict[str, Any]) -> tuple[str, str]:
    """Return the refused credential, and what to check about it, for messages."""
    if isinstance(key := arguments.get("pkey"), _Key):
        return f" with the key {key.sha256}", "that the account had this key when it made the machine"
    known = "that the machine knows this key"
    if isinstance(key, paramiko.PKey):
        return f" with the key {PublicKey(key.asbytes()).sha256}", known
    if files := arguments.get("key_filename"):
        return f" with the key {' or '.join(map(_named, files))}", known
    if arguments.get("password"):
        return " with this password", "the password"
    return "", "with what you log in"


def _named(path: str) -> str:
    public = public_half(path.removesuffix(_CERTIFICATE))
    return f"{public.sha256} ({shown_path(path)})" if public else shown_path(path)


def _checked_files(files: Any, arguments: Concealed[dict[str, Any]]) -> list[str]:
    """Check that paramiko can use the key files, and return their paths."""
    paths = files if isinstance(files, list | tuple) else [files]
    for path in paths:
        _check_file(path, arguments)
    return [str(expanded(path)) for path in paths]


def _check_file(path: Any, arguments: Concealed[dict[str, Any]]) -> None:
    if isinstance(path, str | os.PathLike):
        path = os.fsdecode(path).removesuffix(_CERTIFICATE)
    text = Concealed(read_key_file(path, remedy=_REMEDY))
    passphrase = Concealed(arguments.value.get("passphrase"))
    if arguments.value.get("password") and passphrase.value is None:
        return  # the password may be the key's passphrase, or be enough without the key
    source = f"the private key {shown_path(path)}"
    key = PrivateKey.from_bytes(text.value, passphrase.value, source)
    kind = next(kind for kind in paramiko.key_classes if key.public_key.kind in kind.identifiers())
    try:
        kind.from_private_key_file(str(expanded(path)), passphrase.value)
    except (paramiko.SSHException, ValueError):
        problem = f"{source} is in a form that paramiko does not read"
        raise KeyLoadError(f"{problem}; convert a copy of it: ssh-keygen -p -f FILE") from None


def _is_port(value: Any) -> bool:
    """Whether a value is a port number."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536


class _Key(paramiko.PKey):
    """Makes a `Signer` usable as a key of paramiko."""

    def __init__(self, signer: Signer) -> None:
        self.public_blob = None
        self._signer = signer

    @property
    def sha256(self) -> str:
        return self._signer.public_key.sha256

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
