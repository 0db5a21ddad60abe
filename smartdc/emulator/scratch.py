"""The directory of a running emulator, which holds its private key; what killed ones left is removed."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

_PREFIX = "smartdc-emulator-"
_PID_FILE = "pid"


def make_directory() -> Path:
    """Make a directory that says whose it is, after removing those of processes that are gone."""
    remove_leftovers(Path(tempfile.gettempdir()))
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
    (directory / _PID_FILE).write_text(str(os.getpid()))
    return directory


def remove_leftovers(place: Path) -> None:
    """Remove the directories of this user's emulators that were killed; others are left alone."""
    if sys.platform == "win32":
        return  # there, asking whether a process lives would end it
    for directory in place.glob(f"{_PREFIX}*"):
        with suppress(OSError, ValueError, OverflowError):
            if directory.lstat().st_uid == os.getuid() and _is_dead(int((directory / _PID_FILE).read_text())):
                shutil.rmtree(directory)


def _is_dead(pid: int) -> bool:
    if pid <= 0:
        return False  # not the id of one process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
