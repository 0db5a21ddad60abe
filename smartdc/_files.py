"""Small files that the user names, read without surprises: no file of this kind hangs, or fills the memory.

A directory, a FIFO, a device or a socket is refused, also when it takes the file's place meanwhile.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["NotRegularError", "TooLargeError", "read_small_file"]


class NotRegularError(Exception):
    """It is no regular file. The text says what it is."""


class TooLargeError(Exception):
    """It is larger than it may be."""


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
    if len(data) > limit:
        raise TooLargeError
    return data


def _refuse_irregular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotRegularError("is a directory" if stat.S_ISDIR(mode) else "is not a regular file")
