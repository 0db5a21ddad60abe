"""What an emulator holds at first: made at its start, and again when it is reset."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from smartdc.emulator import seed
from smartdc.emulator.contents.file import Contents
from smartdc.emulator.saving.kept import Kept
from smartdc.emulator.state.chance import Chance
from smartdc.emulator.state.clock import Clock
from smartdc.emulator.state.directory import Directory, KeyOwner
from smartdc.emulator.state.site import Shared, Site

#: What the emulator's own key is called.
KEY_NAME = "test_key"


class Beginning:
    """Makes the state of a new emulator.

    Args:
        account: Login of the account.
        datacenters: Names of the data centers.
        file: What a file says; None: there is none.
        random_seed: Makes ids the same each time.
        schema_only: Whether there is also what only the OpenAPI description has.
        on_loopback: Whether public addresses are ones that this computer answers at.

    Attributes:
        key_seed: What the emulator's own key is made of; None where it is a new one each time.
    """

    def __init__(
        self,
        account: str,
        datacenters: Sequence[str],
        file: Contents | None,
        random_seed: int | str | None,
        *,
        schema_only: bool,
        on_loopback: bool,
    ) -> None:
        self._account = account
        self._datacenters = datacenters
        self._file = file
        self._random_seed = random_seed
        self._schema_only = schema_only
        self.key_seed: bytes | None = None
        self._on_loopback = on_loopback

    def make_or_resume(self, clock: Clock, kept: Kept | None) -> tuple[Shared, list[KeyOwner]]:
        """What `make` makes, or what a state directory has saved.

        Raises:
            ValueError: Something in the contents is wrong, or the state makes no sense.
        """
        shared = kept.shared(clock, schema_only=self._schema_only) if kept is not None else None
        return self.make(clock) if shared is None else (shared, [shared.account])

    def make(
        self, clock: Clock, lock: threading.RLock | None = None, more: Contents | None = None
    ) -> tuple[Shared, list[KeyOwner]]:
        """Make the state.

        Args:
            clock: Its time.
            lock: The one that is held by whoever looks at it; by default a new one.
            more: A file of further contents.

        Returns:
            It, and who gets the emulator's key, its account first.

        Raises:
            ValueError: Something in the contents is wrong; the text says where.
        """
        directory = Directory(clock.now)
        shared = Shared(
            clock,
            directory,
            directory.add(self._account),
            lock or threading.RLock(),
            Chance(self._random_seed),
            schema_only=self._schema_only,
            request_ids=Chance(self._random_seed),
        )
        for number, name in enumerate(self._datacenters):
            seed.fill(
                Site(name, shared),
                number,
                len(self._datacenters),
                on_loopback=self._on_loopback,
                defaults=not self._file or self._file.defaults,
            )
        owners: list[KeyOwner] = [shared.account]
        for file in (self._file, more):
            if file is not None:
                owners += new_owners(file.fill(shared), owners)
        # The first that is drawn after the contents, so that the others are the same after a reset.
        self.key_seed = None if self._random_seed is None else shared.chance.bytes(32)
        return shared, owners


def new_owners(owners: Sequence[KeyOwner], known: Sequence[KeyOwner]) -> list[KeyOwner]:
    """Those that are not among the known ones."""
    return [owner for owner in owners if not any(owner is other for other in known)]


def replace(shared: Shared, fresh: Shared) -> None:
    """Put a new state in the place of another one; its lock is held, and is that of the new one as well.

    Who follows changes of the old data centers is told that all machines are gone, and that is the end.
    Logins of their machines end as well.
    """
    listeners = list(shared.on_change)
    for site in shared.sites.values():
        gone = list(site.machines.values())
        for vm in gone:
            vm.state = "destroyed"
        site.changes.look(shared.clock.now())
        site.changes.end()
        for listener in listeners:
            listener(site, gone)
    shared.directory, shared.account = fresh.directory, fresh.account
    shared.chance, shared.request_ids = fresh.chance, fresh.request_ids
    shared.violations.clear()
    shared.unsupported.clear()
    for name, site in fresh.sites.items():
        site.shared = shared
        shared.sites[name] = site
        for listener in listeners:
            listener(site, list(site.machines.values()))
