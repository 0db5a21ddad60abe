"""Reading a text one token ahead, only when it has to, as the server's generated parsers do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar


class Token(Protocol):
    """A part of the text: of which kind it is, and where it ends."""

    @property
    def kind(self) -> str: ...  # noqa: D102

    @property
    def end(self) -> int: ...  # noqa: D102


T = TypeVar("T", bound=Token)


class LookAhead(ABC, Generic[T]):
    """One text on its way to a rule."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._taken = 0
        """The end of the last token that was taken."""
        self._next: T | None = None

    @abstractmethod
    def _read(self) -> T:
        """The token at `_at`, which moves behind it."""

    @abstractmethod
    def _unexpected(self, token: T, kinds: tuple[str, ...]) -> Exception:
        """The error about a token that is of none of these kinds."""

    def _take(self, *kinds: str) -> T:
        token = self._expect(*kinds)
        self._taken, self._next = token.end, None
        return token

    def _expect(self, *kinds: str) -> T:
        """Return the next token without taking it; without `kinds` it may be any token."""
        if self._next is None:
            self._next = self._read()
        if kinds and self._next.kind not in kinds:
            raise self._unexpected(self._next, kinds)
        return self._next
