"""Small files that the user names: what is read of them, and when one counts as changed."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from smartdc._files import NoHomeError, TooLargeError, expanded, identity_of, read_small_file


def test_a_home_directory_that_does_not_exist() -> None:
    with pytest.raises(NoHomeError) as caught:
        expanded("~nobody-has-this-name/key")
    assert caught.value.args == (
        errno.ENOENT,
        "there is no home directory: set HOME, or give the whole path",
    )


def test_a_file_of_just_the_limit_is_read(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"12345")
    assert read_small_file(file, 5) == b"12345"
    with pytest.raises(TooLargeError):
        read_small_file(file, 4)


def test_a_file_is_opened_without_effects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A FIFO must not block, a terminal not become the controlling one, a child not inherit it, and Windows
    # not change the ends of lines.
    file = tmp_path / "key"
    file.write_bytes(b"12345")
    seen: list[int] = []
    opens = os.open

    def opened(path: Path, flags: int) -> int:
        seen.append(flags)
        return opens(path, os.O_RDONLY)

    binary = 1 << 30
    monkeypatch.setattr(os, "O_BINARY", binary, raising=False)
    monkeypatch.setattr(os, "open", opened)
    assert read_small_file(file, 5) == b"12345"
    assert seen == [os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | binary]


@pytest.mark.parametrize("changed", ["st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns"])
def test_each_sign_of_a_change_counts(monkeypatch: pytest.MonkeyPatch, changed: str) -> None:
    """A file system may keep only some of them."""
    signs = {"st_dev": 1, "st_ino": 2, "st_size": 3, "st_mtime_ns": 4, "st_ctime_ns": 5}
    monkeypatch.setattr(Path, "stat", lambda path: SimpleNamespace(**signs))
    before = identity_of("key")
    assert identity_of("key") == before
    signs[changed] += 1
    assert identity_of("key") != before


@pytest.mark.parametrize("path", ["no-such-file", "a\0b", "~nobody-has-this-name/key"])
def test_a_file_that_cannot_be_examined_has_no_identity(path: str) -> None:
    assert identity_of(path) is None
