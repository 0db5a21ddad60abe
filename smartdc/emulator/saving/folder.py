"""The files of the state directory: one process at a time uses it, and files are replaced atomically."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
import weakref
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from smartdc._files import identity_of

STATE_FILE = "state.json"
CLOCK_FILE = "clock.json"
LOCK_FILE = "lock"
FORMAT = "smartdc emulator"
VERSION = 1

_CHECKSUM = b'"sha256": "'
_PARTS = {"now", "emulator", "chance", "request_ids", "accounts", "datacenters"}


class StateRefused(ValueError):
    """A state directory cannot be used; the message names it, the reason, and what to do."""


class StateFolder:
    """A state directory that this process has locked until `close`.

    Args:
        path: The directory; if it does not exist, it is made, readable for this user only.

    Raises:
        StateRefused: Another emulator uses it.
        OSError: It cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: weakref.finalize[..., StateFolder] | None = None
        # The identity of the state's file when it was last read or written.
        self._known: tuple[int, ...] | None = None
        self._was_read = False
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.lock()
        except OSError as error:
            reason = f"the state cannot be kept in {path} ({error.strerror}): name a directory to write to"
            raise OSError(error.errno, reason) from error

    def lock(self) -> None:
        """Lock the directory for this process. Does nothing if it is already locked."""
        if self._lock is not None:
            return
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self.path / LOCK_FILE, flags, 0o600)
        if not _try_lock(descriptor):
            os.close(descriptor)
            raise StateRefused(
                f"{self.path} is used by another emulator: stop that one, or name another directory"
            )
        self._lock = weakref.finalize(self, os.close, descriptor)
        if self._was_read and identity_of(self.path / STATE_FILE) != self._known:
            self.close()
            raise StateRefused(
                f"another emulator has changed the state in {self.path} meanwhile:"
                " make a new Emulator, which reads it"
            )

    @property
    def is_locked(self) -> bool:
        """Whether this process has locked the directory."""
        return self._lock is not None

    def close(self) -> None:
        """Unlock the directory. In a forked child this does not end the lock of the parent."""
        release, self._lock = self._lock, None
        if release is not None:
            release()

    def read(self) -> dict[str, Any] | None:
        """Return the state that was saved last, or None.

        Raises:
            StateRefused: The state is damaged, or of another version.
        """
        path = self.path / STATE_FILE
        self._known, self._was_read = identity_of(path), True
        data = self._read_bytes(path)
        if data is None:
            return None
        state = self._parse(path, data)
        if not state.keys() >= _PARTS:
            raise self._damaged(path, "a part of it is missing")
        text, found, checksum = data.rpartition(_CHECKSUM)
        if not found or checksum.decode("latin-1").partition('"')[0] != hashlib.sha256(text).hexdigest():
            raise self._damaged(path, "its content does not match its checksum")
        clock = self.path / CLOCK_FILE
        data = self._read_bytes(clock)
        if data is not None:
            now = self._parse(clock, data).get("now")
            if not isinstance(now, int | float):
                raise self._damaged(clock, "it has no time")
            state["now"] = max(now, state["now"])
        return state

    def write_state(self, pieces: Iterable[str]) -> None:
        """Save the state. `pieces` are its JSON without the checksum and the closing brace."""
        text = "".join(pieces).encode("ascii")
        checksum = hashlib.sha256(text).hexdigest().encode()
        write_whole(self.path / STATE_FILE, text + _CHECKSUM + checksum + b'"}\n')
        self._known = identity_of(self.path / STATE_FILE)

    def write_clock(self, now: float) -> None:
        """Save only the emulated time."""
        text = json.dumps({"format": FORMAT, "version": VERSION, "now": now}, allow_nan=False)
        write_whole(self.path / CLOCK_FILE, f"{text}\n".encode("ascii"))

    def damaged(self, reason: str) -> StateRefused:
        """Return the error for a state that could be read but is inconsistent."""
        return self._damaged(self.path / STATE_FILE, reason)

    def _read_bytes(self, path: Path) -> bytes | None:
        if path.is_symlink():
            raise StateRefused(
                f"{path} is a symbolic link, which saving would replace: put the file itself there"
            )
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateRefused(f"{path} cannot be read ({error.strerror})") from error

    def _parse(self, path: Path, data: bytes) -> dict[str, Any]:
        try:
            parsed = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._damaged(path, f"it is not JSON: {error!s:.100}") from None
        if not isinstance(parsed, dict) or parsed.get("format") != FORMAT:
            raise self._damaged(path, "it is not the state of an emulator")
        if parsed.get("version") != VERSION:
            raise StateRefused(
                f"{path} is of version {parsed.get('version')!r:.20}, and this emulator reads version"
                f" {VERSION}: use the release that wrote it, or use another directory"
            )
        return parsed

    def _damaged(self, path: Path, reason: str) -> StateRefused:
        return StateRefused(f"{path} is damaged ({reason}): restore it from a copy, or use another directory")


def write_whole(path: Path, data: bytes, mode: int = 0o600, *, lasting: bool = True) -> None:
    """Replace a file atomically: at any moment, even after a crash, the old or the new content is there.

    Args:
        path: The file.
        data: Its content.
        mode: Its permissions.
        lasting: Wait until it is on the disk; False for a file that is not read after a crash.

    Raises:
        OSError: It cannot be written; the old file is unchanged.
    """
    new = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        new.unlink()  # left by a process that was killed
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(new, flags, mode), "wb") as file:
            file.write(data)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    if lasting and sys.platform != "win32":
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; return False if another process has locked it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK):
            return False
        os.close(descriptor)
        raise
    return True
