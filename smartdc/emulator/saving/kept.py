"""What a state directory says when an emulator begins, and the saving until it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import trustme

from smartdc.emulator.saving.authority import KEY_FILE, check_files, kept_authority, remove_authority
from smartdc.emulator.saving.folder import StateFolder, StateRefused
from smartdc.emulator.saving.records import fill_site, read_account
from smartdc.emulator.saving.saver import Saver
from smartdc.emulator.state.chance import Chance
from smartdc.emulator.state.clock import Clock
from smartdc.emulator.state.directory import Directory
from smartdc.emulator.state.site import Shared, Site

_Value = TypeVar("_Value")


class Kept:
    """A state directory.

    Args:
        path: The directory.

    Attributes:
        path: The same.
        state: What it had when the emulator began; None where it is new.

    Raises:
        StateRefused: Another emulator has it, or what is in there cannot be read.
        OSError: Nothing can be written there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._folder = StateFolder(path)
        self._saver: Saver | None = None
        self._is_begun = False  # whether there are files of a state that was never saved
        try:
            self.state: dict[str, Any] | None = self._folder.read()
        except BaseException:
            self._folder.close()
            raise

    def close(self) -> None:
        """Let others have the directory."""
        if self._is_begun and self._folder.is_locked:
            remove_authority(self.path)
        self._is_begun = False
        self._folder.close()

    @property
    def now(self) -> float | None:
        """The emulated time at which it was saved."""
        return None if self.state is None else self.state["now"]

    def agreed(self, name: str, given: _Value | None, flag: str) -> _Value | None:
        """What the emulator uses of something that cannot change: what was given, or else what was saved.

        Raises:
            StateRefused: They are not the same.
        """
        if self.state is None:
            return given
        saved: _Value = self.state["emulator"][name]
        if given is not None and given != saved:
            raise StateRefused(
                f"the state in {self.path} has {flag} {_words(saved)}, not {_words(given)}:"
                " leave it out, or name another directory"
            )
        return saved

    def saved(self, name: str) -> Any:
        """What was saved of the emulator itself by this name; None where there was nothing."""
        return None if self.state is None else self.state["emulator"][name]

    def shared(self, clock: Clock, *, schema_only: bool) -> Shared | None:
        """What was saved; None where there was nothing.

        Raises:
            StateRefused: It makes no sense.
        """
        if self.state is None:
            return None
        try:
            return _shared(self.state, clock, schema_only=schema_only)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._folder.damaged(f"{type(error).__name__}: {error!s:.100}") from error

    @property
    def host_keys(self) -> dict[str, str]:
        """The host keys of machines, by their uuid."""
        return {} if self.state is None else dict(self.state["emulator"]["host_keys"])

    def open(self, fresh: Callable[[], trustme.CA], key_file: Path) -> trustme.CA:
        """Have the directory for oneself, and look at what must be there.

        Returns:
            Its certificate authority; a fresh one where there is none yet.

        Raises:
            StateRefused: Another emulator has it, or had it meanwhile, or something is missing.
            OSError: Nothing can be written there.
        """
        self._folder.lock()
        check_files(self.path, key_file)
        self._is_begun = not (self.path / KEY_FILE).exists()
        return kept_authority(self.path, fresh)

    def start(
        self, shared: Shared, key_kind: str, ssh_port: int | None, host_keys: Mapping[str, str]
    ) -> None:
        """Save from now on: what is shared, and this of the emulator itself.

        Raises:
            OSError: Nothing can be written there.
        """

        def own() -> dict[str, Any]:
            return {
                "account": shared.account.login,
                "datacenters": list(shared.sites),
                "key_kind": key_kind,
                "ports": [int(url.rpartition(":")[2]) for url in shared.urls.values()],
                "ssh_port": ssh_port,
                "host_keys": dict(host_keys),
            }

        self._saver = Saver(self._folder, shared, own)
        self._saver.start()
        self._is_begun = False

    def stop(self) -> None:
        """Save for the last time, and let others have the directory.

        Raises:
            OSError: It cannot be written.
        """
        saver, self._saver = self._saver, None
        try:
            if saver is not None:
                saver.stop()
        finally:
            self.close()


def _shared(state: Mapping[str, Any], clock: Clock, *, schema_only: bool) -> Shared:
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


def _words(value: Any) -> str:
    return ", ".join(value) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
