"""The methods of a running emulator: its data centers, accounts, switches and records."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from smartdc.emulator.contents.fault_file import load_faults
from smartdc.emulator.contents.file import Contents
from smartdc.emulator.contents.public_keys import public_lines
from smartdc.emulator.contents.toml_file import Table
from smartdc.emulator.control.initial_state import KEY_NAME, InitialState, new_owners, replace
from smartdc.emulator.gate.read_only import ReadOnly
from smartdc.emulator.gate.switches import Switches
from smartdc.emulator.gate.throttle import BURST, RATE, Throttle
from smartdc.emulator.http.calls import Call, report
from smartdc.emulator.http.fault_plan import Faults
from smartdc.emulator.state.clock import Clock
from smartdc.emulator.state.directory import Account, Key, KeyOwner, SubUser
from smartdc.emulator.state.kinds import INTEGER, check
from smartdc.emulator.state.site import Shared, Site


class Controls(ABC):
    """The part of an `Emulator` that works without its server."""

    account: Account
    calls: list[Call]
    clock: Clock
    faults: Faults
    key: Key
    _initial_state: InitialState
    _key_owners: list[KeyOwner]
    _shared: Shared
    _sites: dict[str, Site]
    _switches: Switches

    @abstractmethod
    def _replaced(self) -> None:
        """Tell the server that the data centers were replaced."""

    @property
    def urls(self) -> Mapping[str, str]:
        """The URL of each data center; empty before the first start."""
        return self._shared.urls

    @property
    def lock(self) -> threading.RLock:
        """The lock to hold while reading or changing the state."""
        return self._shared.lock

    @property
    def sites(self) -> Mapping[str, Site]:
        """The data centers by name, the default first."""
        return self._sites

    @property
    def switches(self) -> Switches:
        """The faults, the throttle and the read-only mode."""
        return self._switches

    @property
    def violations(self) -> list[str]:
        """What clients did that would have harmed a real server (docs/cloudapi/hazards.md)."""
        return self._shared.violations

    @property
    def unsupported(self) -> list[str]:
        """What boot scripts and logins asked for that only a real machine can do."""
        return self._shared.unsupported

    def report(self, last: int = 30) -> str:
        """Return the last calls and all violations as text, to read after a failure.

        Args:
            last: How many calls to include.
        """
        check({"last": INTEGER}, {"last": last}, ("last",))
        return report(self.calls, self.violations, last)

    def url(self, datacenter: str | None = None) -> str:
        """Return the URL of a data center, the first by default."""
        return self.site(datacenter).url

    def site(self, name: str | None = None) -> Site:
        """Return the state of a data center, the first by default."""
        if name is None:
            name = next(iter(self._sites))
        if not isinstance(name, str) or name not in self._sites:
            raise ValueError(f"there is no data center {name!r:.60}, only {', '.join(self._sites)}")
        return self._sites[name]

    def add_account(self, login: str, *, keys: Sequence[str | Path] = (), **fields: object) -> Account:
        """Make another account.

        Args:
            login: Its login.
            keys: Public keys that it may sign with: lines as in a ``.pub`` file, or paths of such files.
            fields: ``email``, ``approved``, ``disabled``, ``triton_cns_enabled``, or optional fields of an
                account by CloudAPI's names.
        """
        lines = public_lines(keys)
        with self._shared.lock:
            account = self._shared.directory.add(login, **fields)
            for line in lines:
                account.add_key(None, line)
            return account

    def add_user(
        self,
        login: str,
        *,
        account: Account | str | None = None,
        keys: Sequence[str | Path] = (),
        allowed: bool = False,
    ) -> SubUser:
        """Make a sub-user of an account.

        Args:
            login: Its login, unique in the account.
            account: The account, by record or login; the emulator's by default.
            keys: Public keys, as for `add_account`.
            allowed: Permit it everything that the account may do; by default its roles decide.
        """
        lines = public_lines(keys)
        with self._shared.lock:
            user = self.site().owner(account).add_user(login, allowed=allowed)
            for line in lines:
                user.add_key(None, line)
            return user

    def reset(self, contents: str | os.PathLike[str] | Table | None = None) -> None:
        """Restore the initial contents. Requests that arrive during the reset wait.

        Accounts, data centers and machines are made anew, so `account` and `site` then return new objects.
        Calls, violations and faults are removed, the throttle and read-only mode are switched off. Time, key,
        ports and certificate do not change.

        Args:
            contents: The path of a file of contents to add, or its parsed TOML.

        Raises:
            ValueError: The contents are invalid; the message names line and field. Nothing was changed.
        """
        more = None if contents is None else Contents(contents)
        with self._shared.lock:
            fresh, owners = self._initial_state.make(self.clock, self._shared.lock, more)
            self._give_key(owners)
            replace(self._shared, fresh)
            self.account, self._key_owners = fresh.account, owners
            self._switches.throttle = self._switches.read_only = None
            self.faults.clear()
            self.calls.clear()
            self._replaced()

    def add_contents(self, contents: str | os.PathLike[str] | Table) -> None:
        """Add the contents of a file.

        Args:
            contents: The path of the file, or its parsed TOML.

        Raises:
            ValueError: The contents are invalid; the message names line and field. What precedes the error in
                the file has been added.
        """
        file = Contents(contents)
        with self._shared.lock:
            owners = new_owners(file.fill(self._shared), self._key_owners)
            self._give_key(owners)
            self._key_owners += owners

    def _give_key(self, owners: Sequence[KeyOwner]) -> None:
        """Add the emulator's own key to accounts and sub-users, if it has been made."""
        if hasattr(self, "key"):
            for owner in owners:
                owner.add_key(KEY_NAME, self.key.openssh)

    def load_faults(self, path: str | os.PathLike[str]) -> None:
        """Add the faults in a file.

        Args:
            path: A TOML file; `smartdc.emulator.contents.fault_file` has an example.

        Raises:
            ValueError: The file cannot be read or is invalid; the message names line and field.
        """
        load_faults(self.faults, path)

    def throttle(self, rate: float | None = RATE, burst: float = BURST) -> None:
        """Answer 429 to an account that calls a group of operations too often, as real servers do.

        Args:
            rate: Requests a second of emulated time; None switches the throttle off.
            burst: How many requests may come at once.
        """
        throttle = None if rate is None else Throttle(self.clock.monotonic, rate, burst)
        with self._shared.lock:
            self._switches.throttle = throttle

    def read_only(self, until: datetime | float | None = None) -> None:
        """Answer 503 to each request that would change something, as servers do while they are upgraded.

        Args:
            until: The end of read-only mode, which the answers give in ``Retry-After``: a time, or emulated
                seconds from now. By default it lasts until `read_write`, and answers have no ``Retry-After``.
        """
        read_only = ReadOnly(self.clock, until)
        with self._shared.lock:
            self._switches.read_only = read_only

    def read_write(self) -> None:
        """End read-only mode."""
        with self._shared.lock:
            self._switches.read_only = None
