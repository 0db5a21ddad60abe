"""The environment of a command on an emulated machine: the machine, the login, its input and output."""

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
#: Variables that change how a shell works, or that some shells do not allow to be set.
_UNSETTABLE = frozenset({
    "CDPATH", "ENV", "EUID", "IFS", "LINENO", "OPTIND", "POSIXLY_CORRECT", "PPID", "RANDOM", "SECONDS",
    "UID",
})
# fmt: on


class Guest:
    """The inside of one machine.

    Args:
        hostname: The machine's name.
        metadata: Returns the current metadata, which commands may change.
        facts: Returns the values of ``mdata-get sdc:...``.
        lock: The lock that commands hold while they use the metadata.
        unsupported: The list to which commands add what the machine does not support.

    Attributes:
        files: The machine's file system.
    """

    def __init__(
        self,
        hostname: str,
        metadata: Callable[[], MutableMapping[str, Any]],
        *,
        facts: Callable[[], Mapping[str, Any]] = dict,
        lock: AbstractContextManager[Any] | None = None,
        unsupported: list[str] | None = None,
    ) -> None:
        self.hostname = hostname
        self.metadata = metadata
        self.facts = facts
        self.lock: AbstractContextManager[Any] = threading.RLock() if lock is None else lock
        self.files: FileSystem = FileSystem()
        self.unsupported: list[str] = [] if unsupported is None else unsupported

    def refuse(self, what: str) -> None:
        """Record that the machine does not support something."""
        self.unsupported.append(f"machine {self.hostname}: {what}")


@dataclass
class Login:
    """The state of a login, or of one part of a pipeline, whose changes the other parts do not see.

    Attributes:
        user: The user's name.
        directory: The current directory.
        variables: The values of the variables, by name.
        exported: The names of the exported variables.
        options: The options that ``set`` has switched on.
        status: The status of the last command.
    """

    user: str
    directory: str
    variables: dict[str, str]
    exported: set[str]
    options: set[str] = field(default_factory=set)
    status: int = 0

    @classmethod
    def of(cls, user: str) -> Login:
        """Return the state of a new login."""
        home = "/root" if user == "root" else f"/home/{user}"
        variables = {"HOME": home, "LOGNAME": user, "PATH": PATH, "PWD": home, "USER": user}
        return cls(user, home, variables, set(variables))

    def set(self, name: str, value: str) -> None:
        """Set a variable."""
        if name in _UNSETTABLE:
            raise Unsupported(f"{name}: setting this variable")
        self.variables[name] = value

    def copy(self) -> Login:
        """Return a copy, whose changes do not affect this login."""
        return replace(
            self, variables=dict(self.variables), exported=set(self.exported), options=set(self.options)
        )


class Source:
    """The input of a command, which can be read once.

    Args:
        content: Returns the input.
        file: The file that the input comes from, if it is a file.
    """

    def __init__(self, content: Callable[[], bytes], file: bytearray | None = None) -> None:
        self._content = content
        self.file = file

    def read(self) -> bytes:
        """Read the rest."""
        content, self._content = self._content, bytes
        return content()

    def line(self) -> bytes:
        """Read one line with its newline; nothing at the end."""
        line, newline, rest = self.read().partition(b"\n")
        self._content = lambda: rest
        return line + newline


def lines_of(source: Source) -> Lines:
    """Return a function that reads a script from standard input or from a file, line by line."""
    return lambda begun: source.line().decode(errors="surrogateescape")


@dataclass
class Streams:
    """Standard input, output and errors.

    Attributes:
        written: The files that are open for writing.
    """

    input: Source
    out: Callable[[bytes], None]
    errors: Callable[[bytes], None]
    written: list[bytearray] = field(default_factory=list)


@dataclass
class Process:
    """One running command.

    Attributes:
        name: The name by which it was called.
        arguments: The arguments after the name.
        run: Runs a script for a login, and returns its status.
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
