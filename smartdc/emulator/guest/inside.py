"""What a command of an emulated machine works with: the machine, the login, and its input and output."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from smartdc.emulator.guest.filesystem import FileSystem
from smartdc.emulator.guest.refusals import Unsupported
from smartdc.emulator.guest.tokens import Lines

__all__ = ["Guest", "Login", "Process", "Source", "Streams", "lines_of"]

PATH = "/usr/local/sbin:/usr/local/bin:/opt/local/sbin:/opt/local/bin:/usr/sbin:/usr/bin:/sbin"

# fmt: off
#: Variables that change how a shell works, or cannot be set in some.
_NOT_TO_SET = frozenset({
    "CDPATH", "ENV", "EUID", "IFS", "LINENO", "OPTIND", "POSIXLY_CORRECT", "PPID", "RANDOM", "SECONDS",
    "UID",
})
# fmt: on


class Guest:
    """One machine from the inside.

    Args:
        hostname: Its name.
        metadata: Returns its metadata, as they are at the time; commands change them.
        described: Returns what ``mdata-get sdc:...`` knows of it.
        lock: Held while commands use its metadata.
        unsupported: Where what an emulated machine does not know is noted.

    Attributes:
        files: Its file system.
    """

    def __init__(
        self,
        hostname: str,
        metadata: Callable[[], MutableMapping[str, Any]],
        *,
        described: Callable[[], Mapping[str, Any]] = dict,
        lock: AbstractContextManager[Any] | None = None,
        unsupported: list[str] | None = None,
    ) -> None:
        self.hostname = hostname
        self.metadata = metadata
        self.described = described
        self.lock: AbstractContextManager[Any] = threading.RLock() if lock is None else lock
        self.files: FileSystem = FileSystem()
        self.unsupported: list[str] = [] if unsupported is None else unsupported

    def refuse(self, what: str) -> None:
        """Note that something was refused."""
        self.unsupported.append(f"machine {self.hostname}: {what}")


@dataclass
class Login:
    """One login to a machine, or a part of a pipeline, which does not change what the others see.

    Attributes:
        user: Who.
        directory: Where.
        variables: By name.
        exported: The names that programs see.
        options: Those of ``set`` that are on.
        status: That of the last command.
    """

    user: str
    directory: str
    variables: dict[str, str]
    exported: set[str]
    options: set[str] = field(default_factory=set)
    status: int = 0

    @classmethod
    def of(cls, user: str) -> Login:
        """A new login."""
        home = "/root" if user == "root" else f"/home/{user}"
        variables = {"HOME": home, "LOGNAME": user, "PATH": PATH, "PWD": home, "USER": user}
        return cls(user, home, variables, set(variables))

    def set(self, name: str, value: str) -> None:
        """Set a variable."""
        if name in _NOT_TO_SET:
            raise Unsupported(f"{name}: setting this variable")
        self.variables[name] = value

    def copy(self) -> Login:
        """A login that starts with the same and goes its own way."""
        return replace(
            self, variables=dict(self.variables), exported=set(self.exported), options=set(self.options)
        )


class Source:
    """What a command reads, and only once.

    Args:
        content: Returns it.
        file: The file that it is, if it is one.
    """

    def __init__(self, content: Callable[[], bytes], file: bytearray | None = None) -> None:
        self._content = content
        self.file = file

    def read(self) -> bytes:
        """Read what is left."""
        content, self._content = self._content, bytes
        return content()

    def line(self) -> bytes:
        """Read one line, with its end; nothing at the end."""
        line, newline, rest = self.read().partition(b"\n")
        self._content = lambda: rest
        return line + newline


def lines_of(source: Source) -> Lines:
    """Return what reads a script from standard input or from a file, line by line."""
    return lambda begun: source.line().decode(errors="surrogateescape")


@dataclass
class Streams:
    """Standard input, output and errors.

    Attributes:
        written: The files that were opened to be written to.
    """

    input: Source
    out: Callable[[bytes], None]
    errors: Callable[[bytes], None]
    written: list[bytearray] = field(default_factory=list)


@dataclass
class Process:
    """One command that runs.

    Attributes:
        name: What it was called.
        arguments: What follows the name.
        run: Runs a script, as a shell of its own for this login, and returns its status.
    """

    guest: Guest
    login: Login
    streams: Streams
    name: str
    arguments: list[str]
    run: Callable[[Guest, Login, Lines, Streams], int]

    def path(self, name: str) -> str:
        """Return the absolute path of a file's name."""
        return self.guest.files.resolve(self.login.directory, name)

    def write(self, text: str) -> None:
        """Write to standard output."""
        self.streams.out(text.encode(errors="surrogateescape"))

    def complain(self, text: str) -> None:
        """Write a line to standard error."""
        self.streams.errors(f"{self.name}: {text}\n".encode(errors="surrogateescape"))
