"""The settings of an emulator: from its arguments, its saved state, its contents, or the defaults."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from smartdc.emulator.contents.file import Contents
from smartdc.emulator.saving.folder import StateRefused
from smartdc.emulator.saving.saved_state import SavedState
from smartdc.emulator.state.fields import DATACENTER_NAME, LOGIN
from smartdc.emulator.state.kinds import Kind, check, is_integer, words

DATACENTERS = ("us-sw-1", "us-east-1", "eu-ams-1")

_PORT = Kind("a port, from 0 to 65535", lambda value: is_integer(value) and 0 <= value <= 65535)
_KINDS = {"account": LOGIN, "ssh_port": _PORT, "key_kind": words("ed25519", "rsa")}


@dataclass
class Arguments:
    """The arguments of an `Emulator` that its saved state also has; None: not set."""

    account: str | None
    datacenters: Sequence[str] | None
    ports: Sequence[int] | int | None
    ssh_port: int | None
    key_kind: str | None


@dataclass
class Settings:
    """The resolved settings; `ports` has one port for each data center."""

    account: str
    datacenters: list[str]
    ports: list[int]
    ssh_port: int | None
    key_kind: str


def state_path(state_dir: str | os.PathLike[str] | None) -> Path | None:
    """Return the state directory as an absolute path, so that a later ``chdir`` does not change it.

    Raises:
        ValueError: It is empty.
    """
    if state_dir is None:
        return None
    if not isinstance(state_dir, str | os.PathLike) or not os.fspath(state_dir):
        raise ValueError(f"state_dir must be a directory such as 'cloud', not {state_dir!r:.60}")
    return Path(state_dir).absolute()


def check_numbers(keep_calls: int, random_seed: int | str | None) -> None:
    """Check the types of these arguments, and that `keep_calls` is not negative.

    Raises:
        ValueError: One of them has another type, or is negative.
    """
    if not isinstance(keep_calls, int) or isinstance(keep_calls, bool) or keep_calls < 0:
        raise ValueError(f"keep_calls must be a whole number, 0 or more: {keep_calls!r:.40}")
    if random_seed is not None and (isinstance(random_seed, bool) or not isinstance(random_seed, int | str)):
        raise ValueError(f"random_seed must be a whole number or a text: {random_seed!r:.40}")


def resolve(arguments: Arguments, file: Contents | None, saved: SavedState | None) -> Settings:
    """Complete the arguments from the saved state, the contents or the defaults, and check them.

    Raises:
        ValueError: An argument is invalid, or contradicts the saved state.
    """
    _check(arguments)
    account, datacenters, key_kind = arguments.account, arguments.datacenters, arguments.key_kind
    ports, ssh_port = arguments.ports, arguments.ssh_port
    if saved is not None and saved.state is not None:
        account = saved.fixed_setting("account", account, "the account")
        datacenters = saved.fixed_setting(
            "datacenters", None if datacenters is None else list(datacenters), "the data centers"
        )
        key_kind = saved.fixed_setting("key_kind", key_kind, "a key of the kind")
        ports = saved.setting("ports") if ports is None else ports
        saved_port: int | None = saved.setting("ssh_port")
        if ssh_port is not None and saved_port is None:
            raise StateRefused(
                f"the machines of the state in {saved.path} have no addresses to log in at:"
                " leave the SSH port out, or name another directory"
            )
        ssh_port = ssh_port or saved_port
    account = account or (file.account if file else None) or "test"
    datacenters = datacenters or (file.datacenters if file else None) or DATACENTERS
    if isinstance(ports, int):
        ports = range(ports, ports + len(datacenters))
    if ports is not None and len(ports) != len(datacenters):
        raise ValueError(f"{len(datacenters)} data centers need as many ports, not {len(ports)}")
    for number, port in enumerate(ports or ()):
        _check_item("ports", number, _PORT, port)
    chosen = [0] * len(datacenters) if ports is None else list(ports)
    return Settings(account, list(datacenters), chosen, ssh_port, key_kind or "ed25519")


def _check(arguments: Arguments) -> None:
    check(_KINDS, vars(arguments))
    names, ports = arguments.datacenters, arguments.ports
    if isinstance(ports, str | bool) or not isinstance(ports, int | Sequence | None):
        raise ValueError(f"ports must be a port, or a list of one for each data center, not {ports!r:.60}")
    if names is None:
        return
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise ValueError(f"datacenters must be a list of names, not {names!r:.60}")
    for number, name in enumerate(names):
        _check_item("datacenters", number, DATACENTER_NAME, name)
    if not names or len(set(names)) != len(names):
        raise ValueError(f"datacenters must be different names, at least one: {names!r}")


def _check_item(name: str, number: int, kind: Kind, value: object) -> None:
    problem = kind.problem(value)
    if problem is not None:
        raise ValueError(f"{name}[{number}] {problem}")
