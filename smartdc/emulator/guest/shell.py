"""The inside of an emulated machine: a file system in memory, and a shell that knows a few commands.

Boot scripts and SSH logins run here. Nothing reaches the files or the programs of the real machine.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Guest", "Shell"]

_PACKAGES = {
    "bash-5.2.15": "The GNU Bourne Again Shell",
    "curl-8.4.0": "Client that groks URLs",
    "openssl-3.1.4": "Secure Socket Layer and cryptographic library",
    "pkgin-23.8.1": "Apt / yum like tool for managing pkgsrc binary packages",
}
_DIRECTORIES = ("/", "/home", "/home/admin", "/root", "/tmp", "/var", "/var/log")  # noqa: S108 - not the real one
_SEPARATORS = (";", "&&", "||")


class CommandFailed(Exception):
    """A command ended badly: what it said, and its exit status."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


class Guest:
    """One machine from the inside.

    Args:
        hostname: Its name.
        metadata: Looks its metadata up, as it is at the time.

    Attributes:
        files: Content by absolute path.
        directories: Absolute paths.
    """

    def __init__(self, hostname: str, metadata: Callable[[], Mapping[str, Any]]) -> None:
        self.hostname = hostname
        self.metadata = metadata
        self.files: dict[str, str] = {}
        self.directories = set(_DIRECTORIES)

    def boot(self) -> None:
        """Run the boot script as root, as the machine's own service does at each boot; keep its output."""
        script = self.metadata().get("user-script")
        if isinstance(script, str):
            out, errors, _ = Shell(self, "root").run(script)
            self.files["/var/log/user-script.log"] = out + errors


class Shell:
    """One login to a machine: who, and in which directory."""

    def __init__(self, guest: Guest, user: str) -> None:
        self.guest = guest
        self.user = user
        self.home = "/root" if user == "root" else f"/home/{user}"
        self.directory = self.home

    def run(self, script: str) -> tuple[str, str, int]:
        """Run commands, one or many lines.

        Returns:
            What they wrote to standard output and to standard error, and the last exit status.
        """
        out, errors, status = "", "", 0
        for line in script.splitlines():
            try:
                commands = _commands(line)
            except ValueError as problem:
                return out, f"{errors}-bash: syntax error: {problem}\n", 2
            for separator, words in commands:
                if (separator == "&&" and status) or (separator == "||" and not status):
                    continue
                try:
                    out += self.execute(words)
                    status = 0
                except CommandFailed as failure:
                    errors += f"-bash: {failure}\n"
                    status = failure.status
        return out, errors, status

    def execute(self, words: list[str]) -> str:
        """Run one command; its output goes to a file when it ends in a redirection."""
        if len(words) > 2 and words[-2] in (">", ">>"):
            path = self.path(words[-1])
            if posixpath.dirname(path) not in self.guest.directories:
                raise CommandFailed(f"{words[-1]}: No such file or directory")
            kept = self.guest.files.get(path, "") if words[-2] == ">>" else ""
            self.guest.files[path] = kept + self.execute(words[:-2])
            return ""
        command = _COMMANDS.get(posixpath.basename(words[0]))
        if command is None:
            raise CommandFailed(f"{words[0]}: command not found", 127)
        return command(self, words[1:])

    def path(self, name: str) -> str:
        """The absolute path of a name."""
        if name == "~" or name.startswith("~/"):
            name = self.home + name[1:]
        return posixpath.normpath(posixpath.join(self.directory, name))


def _commands(line: str) -> list[tuple[str, list[str]]]:
    """The commands of a line, each with the separator before it; ValueError for an open quotation."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|>")
    lexer.whitespace_split = True
    commands: list[tuple[str, list[str]]] = [(";", [])]
    for word in lexer:
        if word in _SEPARATORS:
            commands.append((word, []))
        else:
            commands[-1][1].append(word)
    return [(separator, command) for separator, command in commands if command]


def _operands(arguments: list[str]) -> list[str]:
    return [argument for argument in arguments if not argument.startswith("-")]


def _ls(shell: Shell, arguments: list[str]) -> str:
    guest = shell.guest
    listed: list[str] = []
    for name in _operands(arguments) or ["."]:
        path = shell.path(name)
        if path in guest.files:
            listed.append(name)
        elif path in guest.directories:
            entries = {*guest.files, *guest.directories} - {path}
            names = (posixpath.basename(entry) for entry in entries if posixpath.dirname(entry) == path)
            listed += sorted(entry for entry in names if not entry.startswith(".") or "-a" in arguments)
        else:
            raise CommandFailed(f"ls: {name}: No such file or directory", 2)
    return "".join(f"{name}\n" for name in listed)


def _touch(shell: Shell, arguments: list[str]) -> str:
    for name in _operands(arguments):
        path = shell.path(name)
        if posixpath.dirname(path) not in shell.guest.directories:
            raise CommandFailed(f"touch: cannot create {name}: No such file or directory")
        shell.guest.files.setdefault(path, "")
    return ""


def _cat(shell: Shell, arguments: list[str]) -> str:
    for name in arguments:
        if shell.path(name) not in shell.guest.files:
            raise CommandFailed(f"cat: {name}: No such file or directory")
    return "".join(shell.guest.files[shell.path(name)] for name in arguments)


def _mkdir(shell: Shell, arguments: list[str]) -> str:
    for name in _operands(arguments):
        path = shell.path(name)
        parent = posixpath.dirname(path)
        if parent not in shell.guest.directories:
            if "-p" not in arguments:
                raise CommandFailed(f"mkdir: {name}: No such file or directory")
            _mkdir(shell, ["-p", parent])
        shell.guest.directories.add(path)
    return ""


def _rm(shell: Shell, arguments: list[str]) -> str:
    for name in _operands(arguments):
        if shell.guest.files.pop(shell.path(name), None) is None and "-f" not in arguments:
            raise CommandFailed(f"rm: {name}: No such file or directory")
    return ""


def _cd(shell: Shell, arguments: list[str]) -> str:
    path = shell.path(arguments[0] if arguments else "~")
    if path not in shell.guest.directories:
        raise CommandFailed(f"cd: {arguments[0]}: No such file or directory")
    shell.directory = path
    return ""


def _pkgin(shell: Shell, arguments: list[str]) -> str:
    if arguments[:1] not in (["ls"], ["list"]):
        raise CommandFailed("pkgin: only 'ls' works on an emulated machine")
    return "".join(f"{name:<20} {about}\n" for name, about in _PACKAGES.items())


def _mdata_get(shell: Shell, arguments: list[str]) -> str:
    key = arguments[0] if arguments else ""
    value = shell.guest.metadata().get(key)
    if value is None:
        raise CommandFailed(f"No metadata for '{key}'")
    return f"{value}\n"


_COMMANDS: dict[str, Callable[[Shell, list[str]], str]] = {
    "cat": _cat,
    "cd": _cd,
    "echo": lambda shell, arguments: " ".join(arguments) + "\n",
    "hostname": lambda shell, arguments: f"{shell.guest.hostname}\n",
    "ls": _ls,
    "mdata-get": _mdata_get,
    "mdata-list": lambda shell, arguments: "".join(f"{key}\n" for key in shell.guest.metadata()),
    "mkdir": _mkdir,
    "pkgin": _pkgin,
    "pwd": lambda shell, arguments: f"{shell.directory}\n",
    "rm": _rm,
    "touch": _touch,
    "true": lambda shell, arguments: "",
    "uname": lambda shell, arguments: "SunOS\n",
    "whoami": lambda shell, arguments: f"{shell.user}\n",
}
