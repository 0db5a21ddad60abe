"""CONTRIBUTING's tables of what a change touches: each file is there, and has the word that leads there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AREA = "account"

# "`path` (`word`", which may be followed by more.
_PLACE = re.compile(r"`([\w./-]+/[\w./-]+|[A-Z]+\.md)` \(`([^`]+)`")
_PATH = re.compile(r"`((?:smartdc|tests|docs)/[^`]*)`")


def rows() -> Iterator[list[str]]:
    """The cells of each row of the tables in "What a change touches"."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.partition("\n## What a change touches\n")[2].partition("\n## ")[0]
    for line in section.splitlines():
        if line.startswith("| ") and not line.startswith(("| change", "| ---")):
            yield [cell.strip() for cell in line.strip("|").split("|")]


ROWS = list(rows())
LIMITS = {cells[0]: int(cells[-1]) for cells in ROWS if cells[-1].isdigit()}


@pytest.mark.parametrize("cells", ROWS, ids=lambda cells: f"{cells[0]}, {len(cells)} columns")
def test_each_place_is_there(cells: list[str]) -> None:
    places = [(path.replace("AREA", AREA), word) for cell in cells[1:] for path, word in _PLACE.findall(cell)]
    assert places
    missing = [path for path, _ in places if not (ROOT / path).is_file()]
    assert missing == []
    assert [(path, word) for path, word in places if word not in (ROOT / path).read_text()] == []


@pytest.mark.parametrize("change", LIMITS)
def test_a_change_touches_few_files(change: str) -> None:
    cells = next(cells for cells in ROWS if cells[0] == change and cells[-1].isdigit())
    always = set(_PATH.findall(re.sub(r"\bor `[^`]+`", "", cells[1])))
    assert 1 <= len(always) <= LIMITS[change]


def test_every_kind_of_change_is_in_both_tables() -> None:
    others = [cells[0] for cells in ROWS if not cells[-1].isdigit()]
    assert others == list(LIMITS)
    assert len(others) >= 9
