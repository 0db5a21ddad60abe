"""Finding accounts, networks, images and packages of a data center by name."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from smartdc.emulator.state.chance import Chance
from smartdc.emulator.state.clock import Clock
from smartdc.emulator.state.directory import Account, Directory
from smartdc.emulator.state.kinds import WrongField, shown
from smartdc.emulator.state.resources import Image, Network, Package, Vlan, Volume
from smartdc.emulator.state.suggestions import unknown_name
from smartdc.emulator.state.vm import HARDWARE_BRANDS


@dataclass
class Context:
    """What additions need besides the data center: the time, the accounts, and a source of ids.

    Attributes:
        account: The default owner of what is added.
        lock: The lock to hold while reading or changing the state.
        chance: The source of ids that the caller leaves out.
    """

    clock: Clock
    directory: Directory
    account: Account
    lock: threading.RLock = field(default_factory=threading.RLock)
    chance: Chance = field(default_factory=Chance)


class Lookups:
    """The part of a `Site` that finds things."""

    name: str
    shared: Context
    images: dict[str, Image]
    packages: dict[str, Package]
    networks: dict[str, Network]
    vlans: dict[tuple[str, int], Vlan]
    default_fabric_networks: dict[str, str]
    volumes: dict[str, Volume]
    services: dict[str, str]
    _limits: list[dict[str, Any]]

    def owner(self, account: Account | str | None, field: str = "account") -> Account:
        """Return the account with this login, or the emulator's by default; return a record unchanged.

        Raises:
            ValueError: There is no such account; `field` is the name of the argument.
        """
        if account is None:
            return self.shared.account
        if isinstance(account, Account):
            return account
        if not isinstance(account, str):
            raise WrongField(field, f"{field} must be a login or an account, not {shown(account)}")
        found = self.shared.directory.find(account)
        if found is None:
            raise WrongField(
                field,
                unknown_name("account", account, [known.login for known in self.shared.directory.accounts]),
            )
        return found

    def network(self, name: str) -> Network:
        """Return the network with this name or uuid.

        Raises:
            ValueError: There is no such network.
        """
        for network in self.networks.values():
            if name in (network.uuid, network.name):
                return network
        names = (network.name for network in self.networks.values())
        raise WrongField("networks", unknown_name("network", name, names, f" in {self.name}"))

    def find_image(self, image: Image | str | None, brand: str | None) -> Image:
        """Return the image with this name or uuid; by default one for machines of a brand.

        Raises:
            ValueError: There is no such image.
        """
        if isinstance(image, Image):
            return image
        _check_name("image", image)
        wanted = "zvol" if brand in HARDWARE_BRANDS else "lx-dataset" if brand == "lx" else "zone-dataset"
        for candidate in self.images.values():
            if image is None:
                if candidate.state == "active" and candidate.public and candidate.type == wanted:
                    return candidate
            elif image in (candidate.uuid, candidate.name):
                return candidate
        if image is None:
            problem = f"is needed: {self.name} has no image of the type {wanted}; add one, or name another"
            raise WrongField("image", f"image {problem}")
        names = (candidate.name for candidate in self.images.values())
        raise WrongField("image", unknown_name("image", image, names, f" in {self.name}"))

    def find_package(self, package: Package | str | None) -> Package:
        """Return the package with this name or uuid, the first by default.

        Raises:
            ValueError: There is no such package.
        """
        if isinstance(package, Package):
            return package
        _check_name("package", package)
        for candidate in self.packages.values():
            if package is None or package in (candidate.uuid, candidate.name):
                return candidate
        if package is None:
            raise WrongField("package", f"package is needed: {self.name} has no packages; add one")
        names = (candidate.name for candidate in self.packages.values())
        raise WrongField("package", unknown_name("package", package, names, f" in {self.name}"))

    def find_owners(self, accounts: Sequence[Account | str], field: str) -> list[str]:
        """Return the uuids of these accounts.

        Raises:
            ValueError: There is no such account, or this is no list; `field` is the name of the argument.
        """
        if not isinstance(accounts, list | tuple):
            raise WrongField(field, f"{field} must be a list of logins or accounts, not {shown(accounts)}")
        return [self.owner(each, field).uuid for each in accounts]


def _check_name(what: str, name: object) -> None:
    if name is not None and not isinstance(name, str):
        raise WrongField(what, f"{what} must be the name or uuid of one, or its record, not {shown(name)}")
