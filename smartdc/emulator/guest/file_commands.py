"""Commands that list, create and remove files."""

from __future__ import annotations

import posixpath

from smartdc.emulator.guest.inside import Process
from smartdc.emulator.guest.options import options
from smartdc.emulator.guest.refusals import Unsupported

__all__ = ["ls", "mkdir", "rm", "touch"]


def ls(process: Process) -> int:
    """List files, then directories, each with a headline when there are several names."""
    flags, operands = options(process, "1Aad")
    if "a" in flags and "A" in flags:
        raise Unsupported("ls with -a and -A")
    files = process.guest.files
    status = 0
    plain: list[str] = []
    directories: list[tuple[str, str]] = []
    for name in operands or ["."]:
        try:
            path = process.path(name)
            if not files.exists(path):
                files.read(path)
        except OSError as error:
            process.complain(f"cannot access '{name}': {error.strerror}")
            status = 2
            continue
        if files.is_directory(path) and "d" not in flags:
            directories.append((name, path))
        else:
            plain.append(name)
    for name in sorted(plain, key=_bytes):
        process.write(f"{name}\n")
    for number, (name, path) in enumerate(sorted(directories, key=lambda directory: _bytes(directory[0]))):
        if plain or number:
            process.write("\n")
        if len(operands) > 1:
            process.write(f"{name}:\n")
        hidden = "a" in flags or "A" in flags
        names = [entry for entry in files.names(path) if hidden or not entry.startswith(".")]
        process.write("".join(f"{entry}\n" for entry in ([".", ".."] if "a" in flags else []) + names))
    return status


def touch(process: Process) -> int:
    """Create empty files where there are none."""
    _, operands = options(process, "")
    status = int(_missing_operand(process, operands, "missing file operand"))
    for name in operands:
        try:
            path = process.path(name)
            if not process.guest.files.exists(path):
                process.guest.files.open(path, append=True)
        except OSError as error:
            process.complain(f"cannot touch '{name}': {error.strerror}")
            status = 1
    return status


def mkdir(process: Process) -> int:
    """Create directories; ``-p`` also creates their parents, and accepts directories that exist."""
    flags, operands = options(process, "p")
    status = int(_missing_operand(process, operands, "missing operand"))
    for name in operands:
        try:
            if "p" in flags:
                _make_all(process, name)
            else:
                process.guest.files.make_directory(process.path(name.rstrip("/") or name))
        except OSError as error:
            process.complain(f"cannot create directory '{name}': {error.strerror}")
            status = 1
    return status


def _make_all(process: Process, name: str) -> None:
    files = process.guest.files
    made = "/" if name.startswith("/") else "."
    for part in name.split("/") if name else [""]:
        if part:
            made = posixpath.join(made, part)
        path = process.path(made if name else "")
        if path not in files.directories:
            files.make_directory(path)


def rm(process: Process) -> int:
    """Remove files; ``-r`` also removes directories, ``-f`` ignores missing files."""
    flags, operands = options(process, "fRr")
    if not operands and "f" in flags:
        return 0
    status = int(_missing_operand(process, operands, "missing operand"))
    recursive = "r" in flags or "R" in flags
    for name in operands:
        try:
            _remove(process, name, recursive)
        except FileNotFoundError as error:
            if "f" not in flags:
                process.complain(f"cannot remove '{name}': {error.strerror}")
                status = 1
        except OSError as error:
            if isinstance(error, NotADirectoryError) and "f" in flags:
                continue
            process.complain(f"cannot remove '{name}': {error.strerror}")
            status = 1
    return status


def _remove(process: Process, name: str, recursive: bool) -> None:
    files = process.guest.files
    if recursive and posixpath.basename(name.rstrip("/")) in (".", ".."):
        raise OSError(0, "refusing to remove '.' or '..'")
    path = process.path(name)
    if not recursive:
        files.remove(path)
        return
    if path in files.directories:
        if f"{process.login.directory}/".startswith(f"{path.rstrip('/')}/"):
            raise Unsupported("rm of the current directory")
        files.remove_tree(path)
    else:
        files.remove(path)


def _missing_operand(process: Process, operands: list[str], message: str) -> bool:
    if not operands:
        process.complain(message)
    return not operands


def _bytes(name: str) -> bytes:
    return name.encode(errors="surrogateescape")
