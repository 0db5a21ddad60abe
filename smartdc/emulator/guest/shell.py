"""The shell of an emulated machine: it runs the syntax that `Parser` knows as sh does, and refuses the rest.

It runs boot scripts and SSH logins. Where POSIX leaves something open, it does what dash does; it refuses
what scripts rely on but shells do differently. The commands of a pipeline run one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from smartdc.emulator.guest import programs
from smartdc.emulator.guest.inside import Guest, Login, Process, Source, Streams, lines_of
from smartdc.emulator.guest.parser import AndOr, Parser, Pipeline, Redirection, SimpleCommand
from smartdc.emulator.guest.refusals import (
    INTERRUPTED,
    Exit,
    Hangup,
    ScriptError,
    Unsupported,
    UnsupportedBlock,
)
from smartdc.emulator.guest.tokens import Lines
from smartdc.emulator.guest.words import Word

__all__ = ["Shell", "boot"]

# fmt: off
#: Variables that a real shell or login sets, and an emulated one does not.
_SET_BY_SHELLS = frozenset({
    "_", "BASH", "BASH_VERSION", "COLUMNS", "EDITOR", "ENV", "EUID", "GROUPS", "HISTFILE", "HOSTNAME",
    "HOSTTYPE", "IFS", "KSH_VERSION", "LANG", "LC_ALL", "LINENO", "LINES", "MACHTYPE", "MAIL",
    "OPTARG", "OPTIND", "OSTYPE", "PAGER", "PIPESTATUS", "PPID", "PS1", "PS2", "PS4", "RANDOM",
    "SECONDS", "SHELL", "SHELLOPTS", "SHLVL", "SSH_AUTH_SOCK", "SSH_CLIENT", "SSH_CONNECTION",
    "SSH_TTY", "TERM", "TMPDIR", "TZ", "UID",
})
# fmt: on


class Shell:
    """One login to a machine, or one script that it runs."""

    def __init__(self, guest: Guest, user: str) -> None:
        self.guest = guest
        self.user = user
        self._login = Login.of(user)
        self.guest.files.directories.add(self._login.directory)

    def run(self, script: str, stdin: bytes = b"") -> tuple[str, str, int]:
        """Run commands, one or many lines.

        Returns:
            What they wrote to standard output and to standard error, and the exit status.
        """
        out, errors = bytearray(), bytearray()
        status = self.execute(script, Streams(Source(lambda: stdin), out.extend, errors.extend))
        return (
            out.decode(errors="surrogateescape"),
            errors.decode(errors="surrogateescape"),
            status,
        )

    def execute(self, script: str, streams: Streams) -> int:
        """Run commands with these streams, and return the exit status."""
        source = Source(lambda: script.encode(errors="surrogateescape"))
        return self.follow(lines_of(source), streams)

    def follow(self, lines: Lines, streams: Streams, *, terminal: bool = False) -> int:
        """Run commands line by line, and return the exit status.

        Args:
            lines: Returns the next line.
            streams: The streams of the commands.
            terminal: Whether the shell goes on after a syntax error or Ctrl-C.
        """
        while True:
            try:
                ended = _run_lines(self.guest, self._login, lines, streams)
            except Hangup as end:
                self._login.status = end.status
                ended = end.status != INTERRUPTED
            if ended or not terminal:
                return self._login.status


def boot(guest: Guest) -> None:
    """Run the boot script as root, as a service of a real machine does at each boot; log its output."""
    script = guest.metadata().get("user-script")
    if isinstance(script, str):
        log = guest.files.open("/var/log/user-script.log")
        Shell(guest, "root").execute(script, Streams(Source(bytes), log.extend, log.extend))


def _run_lines(guest: Guest, login: Login, lines: Lines, streams: Streams) -> bool:
    """Run the commands of a script until it ends or has a syntax error.

    Returns:
        Whether the script has ended; False after an error in a line, after which a terminal goes on.
    """
    try:
        parser = Parser(lines)
        while (line := parser.line()) is not None:
            for commands in line:
                _run_list(guest, login, commands, streams)
    except Hangup:
        raise
    except Exit as end:
        login.status = end.status
    except ScriptError as problem:
        login.status = 2
        _complain(streams, f"syntax error: {problem}")
        return False
    except Unsupported as refused:
        login.status = 127
        guest.refuse(str(refused))
        _complain(streams, _refusal(refused))
        return isinstance(refused, UnsupportedBlock)
    return True


def _run_script(guest: Guest, login: Login, lines: Lines, streams: Streams) -> int:
    _run_lines(guest, login, lines, streams)
    return login.status


def _run_list(guest: Guest, login: Login, commands: AndOr, streams: Streams) -> None:
    for number, (operator, pipeline) in enumerate(commands.pipelines, 1):
        if (operator == "&&" and login.status) or (operator == "||" and not login.status):
            continue
        status = _run_pipeline(guest, login, pipeline, streams)
        login.status = int(not status) if pipeline.negated else status
        last = number == len(commands.pipelines) and not pipeline.negated
        if login.status and last and "e" in login.options:
            raise Exit(login.status)


def _run_pipeline(guest: Guest, login: Login, pipeline: Pipeline, streams: Streams) -> int:
    if len(pipeline.commands) == 1:
        return _run(guest, login, pipeline.commands[0], streams)
    status, source = 0, streams.input
    for number, command in enumerate(pipeline.commands, 1):
        piped = bytearray()
        out = streams.out if number == len(pipeline.commands) else piped.extend
        try:
            status = _run(guest, login.copy(), command, Streams(source, out, streams.errors))
        except Hangup:
            raise
        except Exit as end:  # ends only this part of the pipeline
            status = end.status
        source = Source(lambda data=bytes(piped): data)  # type: ignore[misc]
    return status


def _run(guest: Guest, login: Login, command: SimpleCommand, streams: Streams) -> int:
    """Run one command and return its status."""
    try:
        words = [field for word in command.words for field in word.fields(_values(login))]
        special = bool(words) and words[0] in programs.SPECIAL
        if special and command.assignments:
            raise Unsupported(f"a variable before {words[0]}")
        if words[:1] == ["export"] and len(words) != len(command.words):
            raise Unsupported("export of a value that is several words")
        redirected = replace(streams, written=[])
        for redirection in command.redirections:
            name = _target(login, redirection.target)
            try:
                _redirect(guest, login, redirection, name, redirected)
            except OSError as error:
                _complain(redirected, f"{name}: {error.strerror}")
                if special:
                    raise Exit(2) from None
                return 2
        assigned = login.copy() if words else login
        for name, value in command.assignments:
            assigned.set(name, value.text(_values(assigned)))
            if words:
                assigned.exported.add(name)
        if not words:
            return 0
        return _call(guest, login if words[0] in programs.BUILT_IN else assigned, words, redirected)
    except Unsupported as refused:
        guest.refuse(str(refused))
        _complain(streams, _refusal(refused))
        return 127


def _call(guest: Guest, login: Login, words: list[str], streams: Streams) -> int:
    program = programs.find(words[0], login.variables.get("PATH", ""))
    if program is None:
        guest.refuse(f"{words[0][:80]}: command not found")
        _complain(streams, f"{words[0][:80]}: command not found")
        return 127
    name = words[0].rpartition("/")[2]
    return program(Process(guest, login, streams, name, words[1:], _run_script)) or 0


def _redirect(guest: Guest, login: Login, redirection: Redirection, name: str, streams: Streams) -> None:
    if redirection.operator == ">&":
        sink = streams.out if name == "1" else streams.errors
    else:
        path = guest.files.resolve(login.directory, name)
        if redirection.operator == "<":
            if guest.files.is_directory(path):
                raise Unsupported(f"{name[:80]}: reading a directory")
            file = guest.files.read(path)
            streams.input = Source(lambda: bytes(file), file)
            return
        file = guest.files.open(path, append=redirection.operator == ">>")
        if any(file is other for other in streams.written):
            raise Unsupported(f"{name[:80]}: one file for two outputs")
        streams.written.append(file)
        sink = file.extend
    if redirection.descriptor == 1:
        streams.out = sink
    else:
        streams.errors = sink


def _target(login: Login, word: Word) -> str:
    fields = word.fields(_values(login))
    if len(fields) != 1:
        raise Unsupported("a redirection to anything but one word")
    return fields[0]


def _values(login: Login) -> Callable[[str], str]:
    """Return a function that looks up a variable."""

    def value(name: str) -> str:
        if name == "?":
            return str(login.status)
        if name not in login.variables:
            if name in _SET_BY_SHELLS:
                raise Unsupported(f"${name}: this variable")
            if "u" in login.options:
                raise Unsupported(f"${name}: not set, with set -u")
        return login.variables.get(name, "")

    return value


def _refusal(refused: Unsupported) -> str:
    return f"{refused}: not supported on an emulated machine"


def _complain(streams: Streams, message: str) -> None:
    streams.errors(f"-bash: {message}\n".encode(errors="surrogateescape"))
