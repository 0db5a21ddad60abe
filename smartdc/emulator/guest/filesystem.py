"""The file system of an emulated machine, in memory; the host's files are never touched.

It has files, directories and ``/dev/null``, but no links, owners, permissions or times.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Iterable

from smartdc.emulator.guest.refusals import Unsupported

__all__ = ["DIRECTORIES", "FileSystem"]

_NAMES = ("dev", "etc", "home", "home/admin", "opt", "root", "tmp", "usr", "var", "var/log")
DIRECTORIES = ("/", *(f"/{name}" for name in _NAMES))

_NULL = "/dev/null"

#: Directories where a real machine has files that an emulated one lacks: access to them is refused.
# fmt: off
_SYSTEM = frozenset({
    "bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "native", "opt", "proc", "run", "sbin", "sys",
    "system", "usr", "var",
})
# fmt: on
#: Directories within these that users may fill, except for the packages.
_FREE = ("/opt/", "/var/log/")
_PACKAGES = "/opt/local/"


class FileSystem:
    """Files and directories by absolute path.

    Errors are `OSError` with the number and the text of a real system.

    Attributes:
        files: The content of each file.
        directories: The directories.
    """

    def __init__(self, directories: Iterable[str] = DIRECTORIES) -> None:
        self.files: dict[str, bytearray] = {}
        self.directories: set[str] = set(directories)

    def resolve(self, directory: str, name: str) -> str:
        """Return the absolute path of a name; only its last part need not exist.

        Raises:
            OSError: The name is empty, or passes through something that is not a directory.
        """
        if not name:
            raise _error(errno.ENOENT)
        path = "/" if name.startswith("/") else directory
        for part in name.split("/"):
            self._need_directory(path)
            if part == "..":
                path = posixpath.dirname(path)
            elif part not in ("", "."):
                path = posixpath.join(path, part)
        return path

    def is_file(self, path: str) -> bool:
        """Whether this is a regular file."""
        return path in self.files or self._missing(path)

    def is_directory(self, path: str) -> bool:
        """Whether this is a directory."""
        return path in self.directories or self._missing(path)

    def exists(self, path: str) -> bool:
        """Whether there is anything at this path."""
        return path == _NULL or path in self.files or path in self.directories or self._missing(path)

    def read(self, path: str) -> bytearray:
        """Return the content of a file: the file itself, not a copy."""
        if path == _NULL:
            return bytearray()
        if path in self.directories:
            raise _error(errno.EISDIR)
        if path not in self.files:
            self._missing(path)
            raise _error(errno.ENOENT)
        return self.files[path]

    def open(self, path: str, *, append: bool = False) -> bytearray:
        """Return a file to write to; it is created, or emptied unless `append` is set."""
        if path == _NULL:
            return bytearray()
        if path in self.directories:
            raise _error(errno.EISDIR)
        self._need_place(path)
        content = self.files.setdefault(path, bytearray())
        if not append:
            content.clear()
        return content

    def make_directory(self, path: str) -> None:
        """Create a directory, whose parent must exist."""
        if self.exists_here(path):
            raise _error(errno.EEXIST)
        self._need_place(path)
        self.directories.add(path)

    def exists_here(self, path: str) -> bool:
        """Whether this path exists in this file system; unlike `exists`, it never refuses to answer."""
        return path == _NULL or path in self.files or path in self.directories

    def remove(self, path: str) -> None:
        """Remove a file."""
        if path == _NULL:
            raise Unsupported("removing /dev/null")
        if path in self.directories:
            raise _error(errno.EISDIR)
        self.read(path)
        del self.files[path]

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory."""
        if path in self.files:
            raise _error(errno.ENOTDIR)
        if self.names(path):
            raise _error(errno.ENOTEMPTY)
        self.directories.remove(path)

    def remove_tree(self, path: str) -> None:
        """Remove a file, or a directory with all its content."""
        if path in self.files:
            self.remove(path)
            return
        self._need_directory(path)
        _refuse_system(path)
        inside = f"{path}/"
        for entry in [entry for entry in list(self.files) if entry.startswith(inside)]:
            del self.files[entry]
        self.directories = {
            entry for entry in list(self.directories) if entry != path and not entry.startswith(inside)
        }

    def rename(self, old: str, new: str) -> None:
        """Move a file, or a directory with all its content; a file at the new path is replaced."""
        self._need_place(new)
        if old in self.files:
            if new in self.directories:
                raise _error(errno.EISDIR)
            self.files[new] = self.files.pop(old)
            return
        self._need_directory(old)
        _refuse_system(old)
        if new == old:
            return
        if new.startswith(f"{old}/"):
            raise _error(errno.EINVAL)
        if self.exists_here(new):
            raise _error(errno.EEXIST)
        moved = {old} | {entry for entry in list(self.directories) if entry.startswith(f"{old}/")}
        self.directories = self.directories - moved | {new + entry[len(old) :] for entry in moved}
        for entry in [entry for entry in list(self.files) if entry.startswith(f"{old}/")]:
            self.files[new + entry[len(old) :]] = self.files.pop(entry)

    def names(self, path: str) -> list[str]:
        """Return the names in a directory, sorted by their bytes."""
        self._need_directory(path)
        _refuse_system(path)
        entries = {*self.files, *self.directories}
        return sorted(posixpath.basename(entry) for entry in entries if posixpath.dirname(entry) == path)

    def _need_directory(self, path: str) -> None:
        if path in self.directories:
            return
        if path == _NULL or path in self.files:
            raise _error(errno.ENOTDIR)
        self._missing(path)
        raise _error(errno.ENOENT)

    def _need_place(self, path: str) -> None:
        """Refuse a new path whose directory does not exist, or that a real machine may have."""
        self._need_directory(posixpath.dirname(path))
        if not self.exists_here(path):
            _refuse_system(path)

    def _missing(self, path: str) -> bool:
        """Return False for a missing path; refuse one that a real machine may have."""
        if not self.exists_here(path):
            _refuse_system(path)
        return False


def _refuse_system(path: str) -> None:
    """Refuse a path where a real machine has, or may have, files of its system."""
    if path.startswith("/dev/"):
        raise Unsupported(f"{path[:80]}: devices other than {_NULL}")
    inside = path.split("/")[1] in _SYSTEM and not path.startswith(_FREE)
    if path == "/" or inside or f"{path}/".startswith(_PACKAGES):
        raise Unsupported(f"{path[:80]}: the system's own files")


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
