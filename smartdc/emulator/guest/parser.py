"""The commands of a script, line by line.

https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html#tag_18_09 has the rules. The parser
knows simple commands, redirection, pipelines, and lists with ``&&``, ``||`` and ``;``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from smartdc.emulator.guest.refusals import ScriptError, Unsupported, UnsupportedBlock
from smartdc.emulator.guest.tokens import Lines, Operator, Tokens
from smartdc.emulator.guest.words import Word

__all__ = ["AndOr", "Parser", "Pipeline", "Redirection", "SimpleCommand"]

#: Reserved words, whose syntax is not supported; the last four are reserved only in some shells.
# fmt: off
_RESERVED = frozenset({
    "if", "then", "else", "elif", "fi", "do", "done", "case", "esac",
    "while", "until", "for", "{", "}", "[[", "function", "select", "time",
})
# fmt: on
_REDIRECTIONS = frozenset({"<", ">", ">>", ">&"})
_UNSUPPORTED = {
    "&": "&: commands in the background",
    "(": "(: subshells and functions",
    ")": "(: subshells and functions",
    "<<": "<<: here-documents",
}


@dataclass(frozen=True)
class Redirection:
    """One redirection of a command, such as ``2> errors``."""

    descriptor: int
    operator: str
    target: Word


@dataclass
class SimpleCommand:
    """One command with its variables and its redirections."""

    assignments: list[tuple[str, Word]] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    redirections: list[Redirection] = field(default_factory=list)


@dataclass
class Pipeline:
    """Commands, each of which reads what the one before it writes."""

    commands: list[SimpleCommand]
    negated: bool


@dataclass
class AndOr:
    """Pipelines, each with ``&&``, ``||`` or, for the first, nothing before it."""

    pipelines: list[tuple[str, Pipeline]]


class Parser:
    """Reads a script as a shell does: an error in a line is found only when the lines before it have run."""

    def __init__(self, lines: Lines) -> None:
        self._tokens = Tokens(lines)
        self._next: Operator | Word | None = Operator("\n")

    def line(self) -> list[AndOr] | None:
        """Return the commands of the next line, or None at the end.

        Raises:
            ScriptError: The syntax is wrong.
            Unsupported: The line has syntax that an emulated machine does not know.
        """
        self._tokens.begun = False
        self._skip_lines()
        if self._next is None:
            return None
        commands = [self._and_or()]
        while self._next == ";":
            self._advance()
            if self._next is None or self._next == "\n":
                break
            commands.append(self._and_or())
        if self._next is not None and self._next != "\n":
            raise self._unexpected()
        return commands

    def _advance(self) -> None:
        self._next = self._tokens.next()

    def _skip_lines(self) -> None:
        while self._next == "\n":
            self._advance()

    def _and_or(self) -> AndOr:
        pipelines = [("", self._pipeline())]
        while isinstance(self._next, Operator) and self._next in ("&&", "||"):
            operator = str(self._next)
            self._advance()
            self._skip_lines()
            pipelines.append((operator, self._pipeline()))
        return AndOr(pipelines)

    def _pipeline(self) -> Pipeline:
        negated = isinstance(self._next, Word) and self._next.literal == "!"
        if negated:
            self._advance()
        commands = [self._command()]
        while self._next == "|":
            self._advance()
            self._skip_lines()
            commands.append(self._command())
        return Pipeline(commands, negated)

    def _command(self) -> SimpleCommand:
        if isinstance(self._next, Word) and (self._next.literal in _RESERVED or self._next.literal == "!"):
            raise UnsupportedBlock(f"{self._next.literal}: compound commands")
        command = SimpleCommand()
        while True:
            token = self._next
            if isinstance(token, Word):
                assignment = None if command.words else token.assignment()
                if assignment is None:
                    command.words.append(token)
                else:
                    command.assignments.append(assignment)
                self._advance()
            elif token is not None and (token.isdigit() or token in _REDIRECTIONS):
                command.redirections.append(self._redirection(token))
            else:
                break
        if not (command.words or command.assignments or command.redirections):
            raise self._unexpected()
        return command

    def _redirection(self, operator: Operator) -> Redirection:
        digits = ""
        if operator.isdigit():
            digits = str(operator)
            self._advance()
            if not isinstance(self._next, Operator):
                raise self._unexpected()
            operator = self._next
        if operator not in _REDIRECTIONS:
            raise self._unexpected()
        self._advance()
        target = self._next
        if not isinstance(target, Word):
            raise self._unexpected()
        self._advance()
        descriptor = int(digits or (operator == "<" and "0") or "1")
        if descriptor != 0 if operator == "<" else descriptor not in (1, 2):
            raise Unsupported(f"{digits}{operator}: this descriptor")
        if operator == ">&" and target.literal not in ("1", "2"):
            raise Unsupported(">& to anything but 1 and 2")
        return Redirection(descriptor, str(operator), target)

    def _unexpected(self) -> Exception:
        """The error about the next token."""
        if self._next is None:
            return ScriptError("end of file unexpected")
        if isinstance(self._next, Word):
            return ScriptError("word unexpected")
        if self._next in _UNSUPPORTED:
            return UnsupportedBlock(_UNSUPPORTED[self._next])
        if self._next in ("<&", "<>", ">|"):
            return Unsupported(f"{self._next}: this redirection")
        shown = "newline" if self._next == "\n" else f'"{self._next}"'
        return ScriptError(f"{shown} unexpected")
