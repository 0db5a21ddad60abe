"""The rows that the tests name are rows of the page."""

import importlib
from pathlib import Path

import pytest

from .facts import PAGE, ROWS


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_every_row_that_a_test_names_stands_in_the_page() -> None:
    if not PAGE.exists():
        pytest.skip(f"{PAGE} is not here: the quotations cannot be compared")
    for path in sorted(Path(__file__).parent.glob("test_facts_*.py")):
        importlib.import_module(f".{path.stem}", __package__)
    sections = {part[0]: squeezed(part) for part in PAGE.read_text().split("\n## ")[1:]}
    lost = [row for row in ROWS.values() if squeezed(row.text) not in sections[row.section]]
    assert ROWS
    assert lost == []


def test_no_two_tests_name_the_same_row() -> None:
    named = list(ROWS.values())
    assert sorted(named) == sorted(set(named))
