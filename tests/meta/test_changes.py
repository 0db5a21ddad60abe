"""CONTRIBUTING's tables of what a change touches: each file exists and contains the word beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AREA = "account"

# "`path` (`word`", which may be followed by more.
_PLACE = re.compile(r"`([\w./-]+/[\w./-]+|[A-Z]+\.md)`\s+\(`([^`]+)`")
_PATH = re.compile(r"`((?:smartdc|tests|docs)/[^`]+)`")


_TEXT = (ROOT / "CONTRIBUTING.md").read_text()
SECTION = _TEXT.partition("\n## What a change touches\n")[2].partition("\n## ")[0]
PLACES = sorted({(path.replace("AREA", AREA), word) for path, word in _PLACE.findall(SECTION)})


def rows() -> Iterator[list[str]]:
    """The cells of each row of its tables."""
    for line in SECTION.splitlines():
        if line.startswith("| ") and not line.startswith(("| change", "| ---")):
            yield [cell.strip() for cell in line.strip("|").split("|")]


ROWS = list(rows())
LIMITS = {cells[0]: int(cells[-1]) for cells in ROWS if cells[-1].isdigit()}


@pytest.mark.parametrize(("path", "word"), PLACES)
def test_each_place_exists(path: str, word: str) -> None:
    assert (ROOT / path).is_file()
    assert word in (ROOT / path).read_text()


def test_every_path_has_a_word() -> None:
    named = {path.replace("AREA", AREA) for path in _PATH.findall(SECTION)}
    assert named - {path for path, _ in PLACES} == {
        f"smartdc/machine/{AREA}.py",
        "tests/meta/test_changes.py",
    }


@pytest.mark.parametrize("change", LIMITS)
def test_a_change_touches_few_files(change: str) -> None:
    cells = next(cells for cells in ROWS if cells[0] == change and cells[-1].isdigit())
    always = set(_PATH.findall(re.sub(r"\bor `[^`]+`", "", cells[1])))
    assert 1 <= len(always) <= LIMITS[change]


def test_every_kind_of_change_is_in_both_tables() -> None:
    others = [cells[0] for cells in ROWS if not cells[-1].isdigit()]
    assert others == list(LIMITS)
    assert len(others) >= 9
