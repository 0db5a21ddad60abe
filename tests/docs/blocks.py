"""The code blocks of a page in Markdown, with the output that the page shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Block", "blocks", "fits", "pages"]

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=fence)$", re.M | re.S)
_INDENTED = re.compile(r"(?<=\n\n)(?:    .*\n|\n(?=    ))+")
_OUTPUT = ("", "text")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: The page, from the root of the project.
        line: The line of the page that its text begins in.
        language: The text after the opening fence; empty for an indented block.
        text: The code.
        shown: The output that the page shows below it, if any.
        place: The start and the end of the shown output in the page.
    """

    page: str
    line: int
    language: str
    text: str
    shown: str | None = None
    place: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """All pages, README.md first."""
    found = [path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts]
    return ["README.md", *sorted(str(path.relative_to(ROOT)) for path in found)]


def blocks(page: str) -> list[Block]:
    """The blocks of a page in their order; without the directives of Sphinx."""
    return list(_read(page, (ROOT / page).read_text(encoding="utf-8")))


def _read(page: str, text: str) -> Iterator[Block]:
    found = list(_FENCE.finditer(text))
    outside = _FENCE.sub(lambda match: re.sub("[^\n]", "x", match[0]), text)
    for match in _INDENTED.finditer(outside):
        yield Block(page, _line(text, match.start()), "", text[match.start() : match.end()])
    taken = -1
    for number, match in enumerate(found):
        language = match["language"].strip()
        if language.startswith("{") or number == taken:
            continue
        shown, place = None, (0, 0)
        if language in ("python", "console") and number + 1 < len(found):
            after = found[number + 1]
            if after["language"] in _OUTPUT and not text[match.end() : after.start()].strip():
                shown, place, taken = after["text"], after.span("text"), number + 1
        yield Block(page, _line(text, match.start("text")), language, match["text"], shown, place)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def fits(output: str, shown: str) -> bool:
    """Whether an output is the one that a page shows; there ``...`` matches any text."""
    known = [re.escape(part) for part in re.split(r" *\.\.\. *", _trimmed(shown))]
    return re.fullmatch("(?s:.*?)".join(known), _trimmed(output)) is not None


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
