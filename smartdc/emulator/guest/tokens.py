"""The tokens of a script: words and operators.

https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html#tag_18_03 has the rules.
"""

from __future__ import annotations

import string
from collections.abc import Callable

from smartdc.emulator.guest.refusals import ScriptError, Unsupported, UnsupportedBlock
from smartdc.emulator.guest.words import Part, Word

__all__ = ["Lines", "Operator", "Tokens"]

#: Returns the next line of a script with its newline, or nothing at the end of the script. The argument says
#: whether the line continues a command.
Lines = Callable[[bool], str]

#: Longer ones first, because the longest operator that matches wins.
_OPERATORS = ("<<", "&&", "||", ";;", ">>", "<&", ">&", "<>", ">|", "<", ">", "|", "&", ";", "(", ")", "\n")
_BLANKS = " \t"
_ENDS_WORD = "&|;<>() \t\n"
_NAME_START = string.ascii_letters + "_"
_NAME = _NAME_START + string.digits


class Operator(str):
    """An operator as written in the script, or the number before ``<`` or ``>``."""

    __slots__ = ()


class Tokens:
    """Reads the tokens of a script one by one, then None. It reads no line before it needs it.

    Attributes:
        begun: Whether a part of a command has been read; the parser resets it before each command.
    """

    def __init__(self, lines: Lines) -> None:
        self.begun: bool = False
        self._lines = lines
        self._ended = False
        self._script = ""
        self._at = 0

    def next(self) -> Operator | Word | None:
        """Read the next token."""
        while self._peek() and self._peek() in _BLANKS:
            self._at += 1
        if self._peek() == "#":
            end = self._script.find("\n", self._at)
            self._at = len(self._script) if end < 0 else end
        if not self._peek():
            return None
        self.begun = self.begun or self._peek() != "\n"
        if self._peek() in _ENDS_WORD:
            return self._operator()
        return self._word()

    def _peek(self) -> str:
        """The next character, or nothing at the end; a backslash at the end of a line joins two lines."""
        while self._at >= len(self._script) or self._script.startswith("\\\n", self._at):
            if self._at < len(self._script):
                self._at += 2
                self.begun = True
            elif not self._read_line():
                return ""
        return self._script[self._at]

    def _read_line(self) -> bool:
        """Read one more line, and return whether there was one."""
        line = "" if self._ended else self._lines(self.begun)
        self._ended = not line
        if "\0" in line:
            raise Unsupported("a NUL in a script")
        self._script = self._script[self._at :] + line
        self._at = 0
        return bool(line)

    def _take(self) -> str:
        character = self._peek()
        self._at += 1
        return character

    def _operator(self) -> Operator:
        operator = self._take()
        while operator != "\n" and self._peek() and operator + self._peek() in _OPERATORS:
            operator += self._take()
        return Operator(operator)

    def _word(self) -> Operator | Word:
        parts: list[Part] = []
        while (character := self._peek()) and character not in _ENDS_WORD:
            if character == "'":
                parts.append(self._single_quoted())
            elif character == '"':
                parts += self._double_quoted()
            elif character == "$":
                parts.append(self._dollar(quoted=False))
            elif character == "`":
                raise UnsupportedBlock("`: command substitution")
            elif character == "\\":
                escaped = self._script[self._at + 1 : self._at + 2]
                self._at += 2
                parts.append(Part(escaped or "\\", quoted=True))
            else:
                parts.append(Part(self._take()))
        word = Word(_joined(parts))
        digits = word.literal
        if digits is not None and set(digits) <= set(string.digits) and self._peek() in ("<", ">"):
            if len(digits) > 1:
                raise Unsupported(f"{digits[:20]}{self._peek()}: this descriptor")
            return Operator(digits)
        return word

    def _single_quoted(self) -> Part:
        while (end := self._script.find("'", self._at + 1)) < 0:
            if not self._read_line():
                raise ScriptError("unterminated quoted string")
        text = self._script[self._at + 1 : end]
        self._at = end + 1
        return Part(text, quoted=True)

    def _double_quoted(self) -> list[Part]:
        self._at += 1
        parts = [Part("", quoted=True)]  # "" is a word
        while (character := self._peek()) != '"':
            if not character:
                raise ScriptError("unterminated quoted string")
            if character == "$":
                parts.append(self._dollar(quoted=True))
            elif character == "`":
                raise UnsupportedBlock("`: command substitution")
            elif character == "\\":
                following = self._script[self._at + 1 : self._at + 2]
                escaped = following and following in '$`"\\'
                self._at += 2 if escaped else 1
                parts.append(Part(following if escaped else "\\", quoted=True))
            else:
                parts.append(Part(self._take(), quoted=True))
        self._at += 1
        return parts

    def _dollar(self, *, quoted: bool) -> Part:
        self._at += 1
        character = self._peek()
        if character == "?":
            self._at += 1
            return Part("?", quoted, variable=True)
        if character and character in _NAME_START:
            return Part(self._name(), quoted, variable=True)
        if character == "{":
            self._at += 1
            name = self._take() if self._peek() == "?" else self._name()
            if not name or self._take() != "}":
                raise Unsupported("${...} with more than a name")
            return Part(name, quoted, variable=True)
        if character == "(":
            raise UnsupportedBlock("$(: command substitution")
        if character and (character in "@*#-$!" or character in string.digits or character == "["):
            raise Unsupported(f"${character}")
        if not quoted and character and character in "'\"":
            raise Unsupported(f"$ before {character}")
        return Part("$", quoted)

    def _name(self) -> str:
        name = ""
        while self._peek() and self._peek() in _NAME:
            name += self._take()
        return name


def _joined(parts: list[Part]) -> tuple[Part, ...]:
    """Join adjacent parts that are alike, because a word is read character by character."""
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if last is not None and last.quoted == part.quoted and not last.variable and not part.variable:
            joined[-1] = Part(last.text + part.text, part.quoted)
        else:
            joined.append(part)
    return tuple(joined)
