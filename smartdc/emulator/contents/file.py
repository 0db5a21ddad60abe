"""A file of contents: the accounts and data centers with which an emulator starts, as TOML.

::

    [[accounts]]
    login = "acme"

    [[datacenters]]
    name = "us-east-1"
    services = {docker = "tcp://docker.example:2376"}

    [[datacenters.machines]]
    name = "web0"
    image = "base-64"
    package = "g4-highcpu-1G"
    tags = {role = "web"}
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from smartdc.emulator.contents.accounts import ACCOUNT, fill_account
from smartdc.emulator.contents.toml_file import Table, TomlFile
from smartdc.emulator.state.directory import KeyOwner
from smartdc.emulator.state.fields import (
    DATACENTER_NAME,
    IMAGE,
    LOGIN,
    MACHINE,
    NETWORK,
    PACKAGE,
    QUOTA,
    VOLUME,
)
from smartdc.emulator.state.kinds import FLAG, TABLE, TABLES, TEXT, TEXTS, Kind, WrongField
from smartdc.emulator.state.resources import SubnetFull
from smartdc.emulator.state.site import Shared, Site

_TOP = {"account": LOGIN, "defaults": FLAG, "accounts": TABLES, "datacenters": TABLES}
_SWITCHES = ("fabrics_enabled", "volumes_enabled", "automount_volumes", "migrations_allowed")
_DATACENTER = {
    "name": DATACENTER_NAME,
    **dict.fromkeys(_SWITCHES, FLAG),
    "services": TABLE,
    "packages": TABLES,
    "images": TABLES,
    "networks": TABLES,
    "volumes": TABLES,
    "machines": TABLES,
    "quotas": TABLES,
}
_MACHINE = MACHINE | {"deletion_protection": FLAG, "role_tags": TEXTS}


class Contents:
    """A file of contents; this checks its structure, and `fill` checks the rest.

    Args:
        path: The file's path, or its table; paths of keys in a table are relative to the current directory.

    Attributes:
        account: Login of the emulator's account: the field `account`, else the first account; None without
            accounts.
        datacenters: Names of the data centers; empty for the default ones.
        defaults: Whether to add the default images and packages.

    Raises:
        ValueError: The file cannot be read, or it has an error; the message has line and field.
    """

    def __init__(self, path: str | os.PathLike[str] | Table) -> None:
        if not isinstance(path, str | os.PathLike | Table):
            raise ValueError(f"contents is the path of a TOML file, not {type(path).__name__}")
        if not isinstance(path, Table) and not os.fspath(path):
            raise ValueError("contents is the path of a TOML file; it cannot be empty")
        self._directory = Path.cwd() if isinstance(path, Table) else Path(path).absolute().parent
        top = path if isinstance(path, Table) else TomlFile(path).table
        settings = top.fields(_TOP)
        self._accounts = top.tables("accounts")
        self._sites = top.tables("datacenters")
        logins = _names(self._accounts, "login", ACCOUNT)
        self.account: str | None = settings.get("account", logins[0] if logins else None)
        if "account" in settings and logins and self.account not in logins:
            top.refuse("account", f"is {self.account!r}, which is not one of the accounts")
        self.datacenters: list[str] = _names(self._sites, "name", _DATACENTER)
        self.defaults: bool = settings.get("defaults", True)

    def fill(self, shared: Shared) -> list[KeyOwner]:
        """Put the contents into an emulator.

        Args:
            shared: The state that all its data centers share.

        Returns:
            Accounts and sub-users without the field `keys`, which get the emulator's own key.

        Raises:
            ValueError: The file has an error; the message has line and field.
        """
        unkeyed = []
        for table in self._accounts:
            unkeyed += fill_account(shared, table, self._directory)
        for table in self._sites:
            if table.get("name") not in shared.sites:
                table.refuse("name", f"is not one of the data centers: {', '.join(shared.sites)}")
            _fill_site(shared.sites[table.get("name")], table)
        return unkeyed


def _fill_site(site: Site, table: Table) -> None:
    for switch in _SWITCHES:
        if table.get(switch) is not None:
            setattr(site, switch, table.get(switch))
    for name, url in (table.get("services") or {}).items():
        if not TEXT.fits(url):
            table.refuse("services", f"must have texts as values, but {name} is {type(url).__name__}")
        site.add_service(name, url)
    _add_all(table, "packages", PACKAGE, ("name",), site.add_package)
    _add_all(table, "images", IMAGE, ("name",), site.add_image)
    _add_all(table, "networks", NETWORK, ("name",), site.add_network)
    _add_all(table, "volumes", VOLUME, (), site.add_volume)
    names = {(vm.owner_uuid, vm.alias) for vm in site.machines.values() if vm.active}
    for machine in table.tables("machines"):
        _add_machine(site, machine, names)
    _add_all(table, "quotas", QUOTA, ("value",), site.add_quota)


def _add_all(
    table: Table, name: str, kinds: Mapping[str, Kind], required: Sequence[str], add: Callable[..., Any]
) -> None:
    for entry in table.tables(name):
        _add(entry, add, entry.fields(kinds, required))


def _add_machine(site: Site, table: Table, names: set[tuple[str, str]]) -> None:
    fields = table.fields(_MACHINE)
    fields["indestructible_zoneroot"] = fields.pop("deletion_protection", False)
    role_tags = fields.pop("role_tags", [])
    vm = _add(table, site.add_machine, fields)
    access = site.owner(vm.owner_uuid).access
    for name in role_tags:
        role = access.role(name)
        if role is None:
            table.refuse("role_tags", f"has {name!r}, which is not one of the account's roles")
        vm.role_tags = [*vm.role_tags, role.uuid]
    if vm.active and (vm.owner_uuid, vm.alias) in names:
        table.refuse("name", f"is {vm.alias!r}, which another machine of the account has")
    if vm.active:
        names.add((vm.owner_uuid, vm.alias))


def _add(table: Table, add: Callable[..., Any], fields: dict[str, Any]) -> Any:
    try:
        return add(**fields)
    except WrongField as error:
        begin, _, problem = str(error).partition(" ")
        table.refuse(error.field, problem if begin == error.field else f"cannot be used: {error}")
    except SubnetFull as error:
        table.refuse("networks", f"cannot be used: {error}")


def _names(tables: Sequence[Table], field: str, kinds: Mapping[str, Kind]) -> list[str]:
    """Check the fields of the tables, and return their names, which must be unique."""
    names: list[str] = []
    for table in tables:
        name = table.fields(kinds, (field,))[field]
        if name in names:
            table.refuse(field, f"is {name!r}, which is there twice")
        names.append(name)
    return names
