"""Small files that the user names, read without surprises: no file of this kind hangs, or fills the memory.

A directory, a FIFO, a device or a socket is refused, also when it takes the file's place meanwhile.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

__all__ = [
    "NoHomeError",
    "NotRegularError",
    "TooLargeError",
    "expanded",
    "home_directory",
    "identity_of",
    "read_small_file",
]


class NoHomeError(OSError):
    """There is no home directory: HOME is not set, and the system knows none."""

    def __init__(self) -> None:
        super().__init__(errno.ENOENT, "there is no home directory: set HOME, or give the whole path")


class NotRegularError(Exception):
    """It is no regular file. The text says what it is."""


class TooLargeError(Exception):
    """It is larger than it may be."""


def home_directory() -> Path:
    """The user's home directory.

    Raises:
        NoHomeError: There is none.
    """
    try:
        return Path.home()
    except RuntimeError:
        raise NoHomeError from None


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with its ``~`` replaced.

    Raises:
        NoHomeError: It begins with ``~``, and there is no such home directory.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise NoHomeError from None


def identity_of(path: str | os.PathLike[str]) -> tuple[int, ...] | None:
    """What changes when another file takes its place, or its content changes; None if it cannot be told."""
    try:
        seen = expanded(path).stat()
    except (OSError, ValueError):  # not there, or a name that no file can have
        return None
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def read_small_file(path: Path, limit: int) -> bytes:
    """What is in a regular file of at most `limit` bytes.

    Raises:
        NotRegularError: It is something else.
        TooLargeError: It is larger.
        OSError: It cannot be read.
    """
    # Looked at before it is opened: opening alone does something to some devices.
    _refuse_irregular(path.stat().st_mode)
    # A FIFO, should one take its place just now, does not make this wait; a terminal does not become ours.
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags)
    try:
        _refuse_irregular(os.fstat(descriptor).st_mode)
        with open(descriptor, "rb", closefd=False) as opened:
            data = opened.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(data) <= limit:
        return data
    del data  # a traceback does not show it
    raise TooLargeError


def _refuse_irregular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotRegularError("is a directory" if stat.S_ISDIR(mode) else "is not a regular file")
