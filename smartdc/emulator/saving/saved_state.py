"""The saved state of an emulator: reading it at the start, and saving it until the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import trustme

from smartdc.emulator.saving.authority import KEY_FILE, check_files, load_authority, remove_authority
from smartdc.emulator.saving.folder import StateFolder, StateRefused
from smartdc.emulator.saving.records import fill_site, read_account
from smartdc.emulator.saving.saver import Saver
from smartdc.emulator.state.chance import Chance
from smartdc.emulator.state.clock import Clock
from smartdc.emulator.state.directory import Directory
from smartdc.emulator.state.site import Shared, Site

_Value = TypeVar("_Value")


class SavedState:
    """The state in a state directory.

    Args:
        path: The directory.

    Attributes:
        path: The directory.
        state: The state as it was read; None if the directory is new.

    Raises:
        StateRefused: Another emulator uses the directory, or the state in it cannot be read.
        OSError: The directory cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._folder = StateFolder(path)
        self._saver: Saver | None = None
        self._is_begun = False  # whether the directory has files of a state that was never saved
        try:
            self.state: dict[str, Any] | None = self._folder.read()
        except BaseException:
            self._folder.close()
            raise

    def close(self) -> None:
        """Release the directory for other emulators."""
        if self._is_begun and self._folder.is_locked:
            remove_authority(self.path)
        self._is_begun = False
        self._folder.close()

    @property
    def now(self) -> float | None:
        """The emulated time at which the state was saved."""
        return None if self.state is None else self.state["now"]

    def fixed_setting(self, name: str, argument: _Value | None, what: str) -> _Value | None:
        """Return a setting that cannot change: the saved one, or the argument if nothing was saved.

        Args:
            name: Its name in the state.
            argument: The emulator's argument; None if it is not set.
            what: The words for it in the message.

        Raises:
            StateRefused: The argument differs from the saved setting.
        """
        if self.state is None:
            return argument
        saved: _Value = self.state["emulator"][name]
        if argument is not None and argument != saved:
            raise StateRefused(
                f"the state in {self.path} has {what} {_listed(saved)}, not {_listed(argument)}:"
                " leave it out, or name another directory"
            )
        return saved

    def setting(self, name: str) -> Any:
        """Return a saved setting of the emulator; None if nothing was saved."""
        return None if self.state is None else self.state["emulator"][name]

    def restore(self, clock: Clock, *, schema_only: bool) -> Shared | None:
        """Make the saved accounts and data centers; return None if nothing was saved.

        Raises:
            StateRefused: The state is inconsistent.
        """
        if self.state is None:
            return None
        try:
            return _restore(self.state, clock, schema_only=schema_only)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._folder.damaged(f"{type(error).__name__}: {error!s:.100}") from error

    @property
    def host_keys(self) -> dict[str, str]:
        """The host keys of machines, by their uuid."""
        return {} if self.state is None else dict(self.state["emulator"]["host_keys"])

    def open(self, fresh: Callable[[], trustme.CA], key_file: Path) -> trustme.CA:
        """Lock the directory, check its files, and load its certificate authority.

        Args:
            fresh: Makes a new authority.
            key_file: The account's private key.

        Returns:
            The directory's certificate authority; a new one if it has none yet.

        Raises:
            StateRefused: Another emulator uses the directory or has changed it, or a file is missing.
            OSError: The directory cannot be written.
        """
        self._folder.lock()
        check_files(self.path, key_file)
        self._is_begun = not (self.path / KEY_FILE).exists()
        return load_authority(self.path, fresh)

    def start(
        self, shared: Shared, key_kind: str, ssh_port: int | None, host_keys: Mapping[str, str]
    ) -> None:
        """Save from now on: the state that the data centers share, and these settings of the emulator.

        Raises:
            OSError: The directory cannot be written.
        """

        def settings() -> dict[str, Any]:
            return {
                "account": shared.account.login,
                "datacenters": list(shared.sites),
                "key_kind": key_kind,
                "ports": [int(url.rpartition(":")[2]) for url in shared.urls.values()],
                "ssh_port": ssh_port,
                "host_keys": dict(host_keys),
            }

        self._saver = Saver(self._folder, shared, settings)
        self._saver.start()
        self._is_begun = False

    def stop(self) -> None:
        """Save for the last time, and release the directory for other emulators.

        Raises:
            OSError: The directory cannot be written.
        """
        saver, self._saver = self._saver, None
        try:
            if saver is not None:
                saver.stop()
        finally:
            self.close()


def _restore(state: Mapping[str, Any], clock: Clock, *, schema_only: bool) -> Shared:
    directory = Directory(clock.now)
    accounts = [read_account(account) for account in state["accounts"]]
    for account in accounts:
        directory.restore(account)
    own = next(account for account in accounts if account.login == state["emulator"]["account"])
    shared = Shared(
        clock,
        directory,
        own,
        chance=Chance.restored(state["chance"]),
        request_ids=Chance.restored(state["request_ids"]),
        schema_only=schema_only,
    )
    for site in state["datacenters"]:
        fill_site(Site(site["name"], shared), site)
    return shared


def _listed(value: Any) -> str:
    return ", ".join(value) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
