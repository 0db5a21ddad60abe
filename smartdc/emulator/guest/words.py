"""The words of a command and what they expand to: tilde, variables, fields.

https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html#tag_18_06 has the rules.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass

from smartdc.emulator.guest.refusals import Unsupported

__all__ = ["Part", "Word", "is_name"]

_LETTERS = frozenset(string.ascii_letters + "_")
_NAME = _LETTERS | frozenset(string.digits)


@dataclass(frozen=True)
class Part:
    """A piece of a word.

    Attributes:
        text: Its text, or the name of its variable.
        quoted: Whether it is quoted, so that it is neither split nor a pattern.
        variable: Whether it is a variable.
    """

    text: str
    quoted: bool = False
    variable: bool = False


@dataclass(frozen=True)
class Word:
    """One word of a command, as it was written."""

    parts: tuple[Part, ...]

    @property
    def literal(self) -> str | None:
        """The text of a word without quotes and variables; None for another word."""
        if len(self.parts) == 1 and not self.parts[0].quoted and not self.parts[0].variable:
            return self.parts[0].text
        return None

    def assignment(self) -> tuple[str, Word] | None:
        """The name and the value of ``NAME=VALUE``; None for another word."""
        first = self.parts[0]
        name, equals, rest = first.text.partition("=")
        if first.quoted or first.variable or not equals or not is_name(name):
            return None
        value = Word(tuple(part for part in (Part(rest), *self.parts[1:]) if part.text or part.quoted))
        if any(":~" in part.text for part in value.parts if not part.quoted):
            raise Unsupported("~ inside a value")
        return name, value.with_home()

    def with_home(self) -> Word:
        """This word with the variable HOME in place of a leading tilde."""
        if not self.parts or self.parts[0].quoted or self.parts[0].variable:
            return self
        text = self.parts[0].text
        user, slash, _ = text.partition("/")
        if not user.startswith("~") or (not slash and len(self.parts) > 1):
            return self
        if user != "~":
            raise Unsupported(f"{user[:40]}: the home of another user")
        rest = (Part(text[1:]),) if text[1:] else ()
        return Word((Part("HOME", quoted=True, variable=True), *rest, *self.parts[1:]))

    def text(self, value: Callable[[str], str]) -> str:
        """Expand without splitting, as in the value of an assignment.

        Args:
            value: Returns the value of a variable.
        """
        return "".join(value(part.text) if part.variable else part.text for part in self.parts)

    def fields(self, value: Callable[[str], str]) -> list[str]:
        """Expand to words; there may be none.

        Args:
            value: Returns the value of a variable.

        Raises:
            Unsupported: The word is a pattern of file names.
        """
        fields = _Fields()
        for part in self.with_home().parts:
            text = value(part.text) if part.variable else part.text
            if part.quoted or not part.variable:
                if not part.quoted and "{" in text:
                    raise Unsupported("{ in a word")
                fields.add(text, quoted=part.quoted)
            else:
                fields.split(text)
        return fields.closed()


class _Fields:
    """Collects the words that a word expands to."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._text: str | None = None
        self._pattern = ""

    def add(self, text: str, *, quoted: bool) -> None:
        self._text = (self._text or "") + text
        self._pattern += "x" * len(text) if quoted else text

    def split(self, text: str) -> None:
        blanks = text.replace("\t", " ").replace("\n", " ")
        for number, piece in enumerate(blanks.split(" ")):
            if number:
                self._close()
            if piece:
                self.add(piece, quoted=False)

    def closed(self) -> list[str]:
        self._close()
        return self._done

    def _close(self) -> None:
        if self._text is None:
            return
        opened = self._pattern.find("[")
        brackets = 0 <= opened < self._pattern.rfind("]")
        special = [character for character in "*?" if character in self._pattern] + ["["] * brackets
        if special:
            raise Unsupported(f"{special[0]} in a word: a pattern of file names")
        self._done.append(self._text)
        self._text, self._pattern = None, ""


def is_name(text: str) -> bool:
    """Whether this can be the name of a variable."""
    return text[:1] in _LETTERS and _NAME.issuperset(text)
