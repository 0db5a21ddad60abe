"""Reads small files that the user names, without hanging and without filling the memory.

Directories, FIFOs, devices and sockets are refused, even if one replaces the file during the call.
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
    """The path is not a regular file. The text says what it is."""


class TooLargeError(Exception):
    """The file is larger than allowed."""


def home_directory() -> Path:
    """Return the user's home directory.

    Raises:
        NoHomeError: There is none.
    """
    try:
        return Path.home()
    except RuntimeError:
        raise NoHomeError from None


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path with its ``~`` replaced.

    Raises:
        NoHomeError: The path begins with ``~``, and there is no such home directory.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise NoHomeError from None


def identity_of(path: str | os.PathLike[str]) -> tuple[int, ...] | None:
    """Return a value that changes when the file is replaced or changed; None if it cannot be examined."""
    try:
        status = expanded(path).stat()
    except (OSError, ValueError):  # not there, or a name that no file can have
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def read_small_file(path: Path, limit: int) -> bytes:
    """Return the content of a regular file of at most `limit` bytes.

    Raises:
        NotRegularError: It is not a regular file.
        TooLargeError: It is larger.
        OSError: It cannot be read.
    """
    # Checked before it is opened: opening alone has effects on some devices.
    _refuse_irregular(path.stat().st_mode)
    # If a FIFO replaces the file now, opening does not block; a terminal does not become the controlling one.
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
    del data  # so that no traceback shows it
    raise TooLargeError


def _refuse_irregular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotRegularError("is a directory" if stat.S_ISDIR(mode) else "is not a regular file")
