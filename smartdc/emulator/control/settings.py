"""The settings of an emulator: from its arguments, its saved state, its contents, or the defaults."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from smartdc.emulator.contents.file import Contents
from smartdc.emulator.rules.validation import DATACENTER_RULE, datacenter_name_is_valid
from smartdc.emulator.saving.folder import StateRefused
from smartdc.emulator.saving.saved_state import SavedState

DATACENTERS = ("us-sw-1", "us-east-1", "eu-ams-1")
_KEY_KINDS = ("ed25519", "rsa")


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
    if not os.fspath(state_dir):
        raise ValueError("state_dir is a directory such as 'cloud'; it cannot be empty")
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
    for port in (*(ports or ()), ssh_port or 0):
        if not 0 <= port <= 65535:
            raise ValueError(f"{port} is no port: ports go from 0 to 65535")
    chosen = [0] * len(datacenters) if ports is None else list(ports)
    return Settings(account, list(datacenters), chosen, ssh_port, key_kind or "ed25519")


def _check(arguments: Arguments) -> None:
    account, names = arguments.account, arguments.datacenters
    if arguments.key_kind not in (None, *_KEY_KINDS):
        raise ValueError(f"key_kind is 'ed25519' or 'rsa', not {arguments.key_kind!r}")
    if account is not None and (not account or "/" in account or account == "my"):
        raise ValueError(f"{account!r} cannot be the login of an account")
    if names is not None and (not names or len(set(names)) != len(names)):
        raise ValueError(f"datacenters must be different names, at least one: {names!r}")
    for name in names or ():
        if not isinstance(name, str) or not datacenter_name_is_valid(name):
            raise ValueError(f"{name!r:.60} cannot be the name of a data center; {DATACENTER_RULE}")
