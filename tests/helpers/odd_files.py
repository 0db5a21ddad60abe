"""Files that are not what their names say, and a fixture for tests that could hang on them."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HUNDRED_MB = 100_000_000


@pytest.fixture
def impatient() -> Iterator[None]:
    """Interrupt a test that hangs."""

    def interrupt(*_: object) -> None:
        raise AssertionError("it hangs")

    earlier = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, earlier)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


def make_large(path: Path) -> None:
    path.touch()
    os.truncate(path, HUNDRED_MB)


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


IRREGULAR: dict[str, tuple[Callable[[Path], Any], str]] = {
    "directory": (lambda path: path.mkdir(), "is a directory"),
    "FIFO": (lambda path: os.mkfifo(path), "is not a regular file"),
    "symlink to a FIFO": (
        lambda path: os.mkfifo(f"{path}-") or path.symlink_to(f"{path}-"),  # type: ignore[func-returns-value]
        "is not a regular file",
    ),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
    "terminal": (lambda path: path.symlink_to("/dev/tty"), "is not a regular file|cannot be read"),
    "socket": (make_socket, "is not a regular file"),
    "symlink loop": (make_loop, "cannot be read .*symbolic links"),
    "dangling symlink": (lambda path: path.symlink_to("nothing"), "does not exist"),
    "100 MB": (make_large, "is larger than|has more than"),
}
irregular = pytest.mark.parametrize(("make", "problem"), IRREGULAR.values(), ids=IRREGULAR)
