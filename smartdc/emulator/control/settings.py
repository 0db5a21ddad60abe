"""What an emulator is made with: its arguments, or else what its contents or its saved state say."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from smartdc.emulator.contents.file import Contents
from smartdc.emulator.rules.validation import DATACENTER_RULE, datacenter_name_is_valid
from smartdc.emulator.saving.folder import StateRefused
from smartdc.emulator.saving.kept import Kept

DATACENTERS = ("us-sw-1", "us-east-1", "eu-ams-1")
_KEY_KINDS = ("ed25519", "rsa")


@dataclass
class Settings:
    """The arguments of an `Emulator` that last as long as its state; `ports` has one for each data center."""

    account: str | None
    datacenters: Sequence[str] | None
    ports: Sequence[int] | int | None
    ssh_port: int | None
    key_kind: str | None


@dataclass
class Settled:
    """The same, with nothing left open."""

    account: str
    datacenters: list[str]
    ports: list[int]
    ssh_port: int | None
    key_kind: str


def state_directory(given: str | os.PathLike[str] | None) -> Path | None:
    """The state directory as an absolute path, which a later change of directory leaves alone.

    Raises:
        ValueError: It is empty.
    """
    if given is None:
        return None
    if not os.fspath(given):
        raise ValueError("state_dir is a directory such as 'cloud'; it cannot be empty")
    return Path(given).absolute()


def check_numbers(keep_calls: int, random_seed: int | str | None) -> None:
    """Refuse what is of another kind than these arguments are.

    Raises:
        ValueError: One of them is.
    """
    if not isinstance(keep_calls, int) or isinstance(keep_calls, bool) or keep_calls < 0:
        raise ValueError(f"keep_calls must be a whole number from 0 on: {keep_calls!r:.40}")
    if random_seed is not None and (isinstance(random_seed, bool) or not isinstance(random_seed, int | str)):
        raise ValueError(f"random_seed must be a whole number or a text: {random_seed!r:.40}")


def settle(given: Settings, file: Contents | None, kept: Kept | None) -> Settled:
    """Fill in what was not given, and check everything.

    Raises:
        ValueError: Something cannot be, or the state in the directory says something else.
    """
    _check(given)
    account, datacenters, key_kind = given.account, given.datacenters, given.key_kind
    ports, ssh_port = given.ports, given.ssh_port
    if kept is not None and kept.state is not None:
        account = kept.agreed("account", account, "the account")
        datacenters = kept.agreed(
            "datacenters", None if datacenters is None else list(datacenters), "the data centers"
        )
        key_kind = kept.agreed("key_kind", key_kind, "a key of the kind")
        ports = kept.saved("ports") if ports is None else ports
        saved_port: int | None = kept.saved("ssh_port")
        if ssh_port is not None and saved_port is None:
            raise StateRefused(
                f"the machines of the state in {kept.path} have no addresses to log in at:"
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
            raise ValueError(f"{port} is no port: they go from 0 to 65535")
    chosen = [0] * len(datacenters) if ports is None else list(ports)
    return Settled(account, list(datacenters), chosen, ssh_port, key_kind or "ed25519")


def _check(given: Settings) -> None:
    account, names = given.account, given.datacenters
    if given.key_kind not in (None, *_KEY_KINDS):
        raise ValueError(f"key_kind is 'ed25519' or 'rsa', not {given.key_kind!r}")
    if account is not None and (not account or "/" in account or account == "my"):
        raise ValueError(f"{account!r} cannot be the login of an account")
    if names is not None and (not names or len(set(names)) != len(names)):
        raise ValueError(f"datacenters must be different names, at least one: {names!r}")
    for name in names or ():
        if not isinstance(name, str) or not datacenter_name_is_valid(name):
            raise ValueError(f"{name!r:.60} cannot be the name of a data center; {DATACENTER_RULE}")
