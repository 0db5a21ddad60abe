"""SFTP and scp into an emulated machine, with the emulated file system and never the host's."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

import asyncssh

from smartdc.emulator.guest.filesystem import FileSystem
from smartdc.emulator.guest.inside import Guest, Login
from smartdc.emulator.guest.refusals import Unsupported

__all__ = ["Files"]


@dataclass
class _Open:
    """A file that a client has opened."""

    content: bytearray
    appends: bool


class Files(asyncssh.SFTPServer):
    """The files of one machine for one client. It replaces or refuses all operations of its base class.

    Args:
        guest: The machine.
        channel: The channel of the connection.
    """

    def __init__(self, guest: Guest, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(channel)
        self._guest = guest
        self._home = Login.of(channel.get_extra_info("username")).directory
        guest.files.directories.add(self._home)

    @property
    def _files(self) -> FileSystem:
        return self._guest.files

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open a file to read, write or append."""
        name = self._path(path, new=bool(pflags & asyncssh.FXF_CREAT))
        writes = pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_APPEND)
        if not writes:
            return _Open(self._files.read(name), appends=False)
        if pflags & asyncssh.FXF_EXCL and self._files.exists_here(name):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        if not pflags & asyncssh.FXF_CREAT:
            self._files.read(name)
        appends = bool(pflags & asyncssh.FXF_APPEND)
        with self._refusing():
            return _Open(self._files.open(name, append=not pflags & asyncssh.FXF_TRUNC), appends)

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> NoReturn:
        """Refuse the way to open files in later versions of SFTP."""
        self._refuse("SFTP 5")

    def close(self, file_obj: object) -> None:
        """Close a file, which needs no work."""

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Read a piece."""
        assert isinstance(file_obj, _Open)  # noqa: S101 - asyncssh gives back what `open` returned
        return bytes(file_obj.content[offset : offset + size])

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write a piece; zeros fill a hole before it."""
        assert isinstance(file_obj, _Open)  # noqa: S101
        content = file_obj.content
        start = len(content) if file_obj.appends else offset
        content.extend(bytes(max(0, start - len(content))))
        content[start : start + len(data)] = data
        return len(data)

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Describe a file or a directory."""
        name = self._path(path)
        if self._files.is_directory(name):
            return asyncssh.SFTPAttrs(
                type=asyncssh.FILEXFER_TYPE_DIRECTORY, size=0, permissions=stat.S_IFDIR | 0o755
            )
        return _attributes(self._files.read(name))

    lstat = stat

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        """Describe an open file."""
        assert isinstance(file_obj, _Open)  # noqa: S101
        return _attributes(file_obj.content)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Set the size; owners, permissions and times are ignored, because a machine does not keep them."""
        self.stat(path)
        if attrs.size is not None:
            _resize(self._files.read(self._path(path)), attrs.size)

    lsetstat = setstat

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """Set the size of an open file."""
        assert isinstance(file_obj, _Open)  # noqa: S101
        if attrs.size is not None:
            _resize(file_obj.content, attrs.size)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """List a directory."""
        directory = self._path(path)
        with self._refusing():
            names = self._files.names(directory)
        for name in (".", "..", *names):
            inside = self._files.resolve(directory, name)
            yield asyncssh.SFTPName(_bytes(name), attrs=self.stat(_bytes(inside)))

    def remove(self, path: bytes) -> None:
        """Remove a file."""
        with self._refusing():
            self._files.remove(self._path(path))

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Make a directory."""
        with self._refusing():
            self._files.make_directory(self._path(path.rstrip(b"/") or path, new=True))

    def rmdir(self, path: bytes) -> None:
        """Remove an empty directory."""
        with self._refusing():
            self._files.remove_directory(self._path(path))

    def realpath(self, path: bytes) -> bytes:
        """Return the absolute path of a name, which need not exist."""
        return _bytes(self._path(path or b".", new=True))

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Move a file or a directory; the new name must be free."""
        new = self._path(newpath, new=True)
        if self._files.exists_here(new):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        with self._refusing():
            self._files.rename(self._path(oldpath), new)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Move a file or a directory; an existing file is replaced."""
        with self._refusing():
            self._files.rename(self._path(oldpath), self._path(newpath, new=True))

    def readlink(self, path: bytes) -> NoReturn:
        """Refuse: there are no links."""
        self._refuse("SFTP readlink")

    def symlink(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        """Refuse: there are no links."""
        self._refuse("SFTP symlink")

    def link(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        """Refuse: there are no links."""
        self._refuse("SFTP link")

    def lock(self, file_obj: object, offset: int, length: int, flags: int) -> NoReturn:
        """Refuse: there are no locks."""
        self._refuse("SFTP lock")

    def unlock(self, file_obj: object, offset: int, length: int) -> NoReturn:
        """Refuse: there are no locks."""
        self._refuse("SFTP unlock")

    def statvfs(self, path: bytes) -> NoReturn:
        """Refuse: a machine's disk is not emulated."""
        self._refuse("SFTP statvfs")

    def fstatvfs(self, file_obj: object) -> NoReturn:
        """Refuse: a machine's disk is not emulated."""
        self._refuse("SFTP statvfs")

    def fsync(self, file_obj: object) -> None:
        """Flush a file to the disk, which needs no work."""

    def exit(self) -> None:
        """Send exit status 0: OpenSSH's scp fails without it, and asyncssh does not send it."""
        if self.channel.get_subsystem() == "sftp":
            self.channel.exit(0)

    def map_path(self, path: bytes) -> NoReturn:
        """Refuse access to the host's files."""
        self._refuse("SFTP of the host's files")

    def _path(self, path: bytes, *, new: bool = False) -> str:
        """The absolute path of a client's name, which must exist unless it is new."""
        with self._refusing():
            name = self._files.resolve(self._home, path.decode(errors="surrogateescape"))
            if not new:
                self._files.exists(name)
            return name

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turn Unsupported into an error of SFTP."""
        try:
            yield
        except Unsupported as refused:
            self._refuse(str(refused))

    def _refuse(self, what: str) -> NoReturn:
        self._guest.refuse(what)
        raise asyncssh.SFTPOpUnsupported(f"{what}: not supported on an emulated machine")


def _attributes(content: bytearray) -> asyncssh.SFTPAttrs:
    return asyncssh.SFTPAttrs(
        type=asyncssh.FILEXFER_TYPE_REGULAR, size=len(content), permissions=stat.S_IFREG | 0o644
    )


def _resize(content: bytearray, size: int) -> None:
    del content[size:]
    content.extend(bytes(size - len(content)))


def _bytes(name: str) -> bytes:
    return name.encode(errors="surrogateescape")
