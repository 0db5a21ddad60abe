"""The initial state of an emulator, which its start and each reset make."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from smartdc.emulator import seed
from smartdc.emulator.contents.file import Contents
from smartdc.emulator.saving.saved_state import SavedState
from smartdc.emulator.state.chance import Chance
from smartdc.emulator.state.clock import Clock
from smartdc.emulator.state.directory import Directory, KeyOwner
from smartdc.emulator.state.site import Shared, Site

#: The name of the emulator's own key.
KEY_NAME = "test_key"


class InitialState:
    """Makes the state of a new emulator.

    Args:
        account: Login of the account.
        datacenters: Names of the data centers.
        file: The file of contents, or None.
        random_seed: Makes ids the same each time.
        schema_only: Whether operations that only the OpenAPI description has are served.
        on_loopback: Whether public addresses are loopback addresses of this computer.

    Attributes:
        key_seed: The seed of the emulator's own key; None if the key is random.
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

    def make_or_resume(self, clock: Clock, saved: SavedState | None) -> tuple[Shared, list[KeyOwner]]:
        """Restore the saved state; if there is none, `make` a new one.

        Raises:
            ValueError: The contents are invalid, or the saved state is inconsistent.
        """
        shared = saved.restore(clock, schema_only=self._schema_only) if saved is not None else None
        return self.make(clock) if shared is None else (shared, [shared.account])

    def make(
        self, clock: Clock, lock: threading.RLock | None = None, more: Contents | None = None
    ) -> tuple[Shared, list[KeyOwner]]:
        """Make the state.

        Args:
            clock: The emulated clock.
            lock: The lock that guards the state; by default a new one.
            more: A file of further contents.

        Returns:
            The state, and the accounts and sub-users that get the emulator's key, its account first.

        Raises:
            ValueError: The contents are invalid; the message says where.
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
        # A reset draws it as well, although the key stays, so that later ids are the same as after a start.
        self.key_seed = None if self._random_seed is None else shared.chance.bytes(32)
        return shared, owners


def new_owners(owners: Sequence[KeyOwner], known: Sequence[KeyOwner]) -> list[KeyOwner]:
    """Return the owners that are not in `known`."""
    return [owner for owner in owners if not any(owner is other for other in known)]


def replace(shared: Shared, fresh: Shared) -> None:
    """Replace a state by a new one. Both have the same lock, which the caller holds.

    Feeds of the old data centers see all machines destroyed, and then end. Logins to machines end as well.
    """
    listeners = list(shared.on_change)
    for site in shared.sites.values():
        gone = list(site.machines.values())
        for vm in gone:
            vm.state = "destroyed"
        site.changes.publish(shared.clock.now())
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
