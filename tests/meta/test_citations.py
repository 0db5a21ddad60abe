"""What comments, docstrings and pages cite is in this repository."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.cloudapi_pages import FACTS, ROOT

_LEFT_OUT = ("build", "dist", "_build", "__pycache__", "node_modules")
"""Folders made by tools; so is everything that begins with a dot (except .ci) or ends in .egg-info."""

_CITATION = re.compile(r"docs/cloudapi/([\w-]+\.md)(#[\w-]+)?")

# Each in two parts, so that this file does not match itself.
_OUTSIDE = {
    "a section of the notes that docs/cloudapi was written from": "[Oo]bserved" + r" [A-I]\d*\b",
    "a section of their older half": "[Bb]ehaviour" + r" [A-E]\d",
    "the same, as bare numbers": r"\((?:[A-E]|I)" + r"\d{1,2}\)",
    "the notes' files": "cloudapi-" + "(observed|behaviour)",
    "the design notes": "design" + r"\.md",
    "a folder beside the checkout": r"\.\./" + "shared",
}

_HERE = re.compile(r"__file__.*?parents\[(\d+)\]")


def _is_made(name: str) -> bool:
    return (name.startswith(".") and name != ".ci") or name in _LEFT_OUT or name.endswith(".egg-info")


def _read() -> Iterator[tuple[Path, str]]:
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if not _is_made(name))
        for path in (Path(folder) / name for name in sorted(files)):
            try:
                yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


_TEXTS = list(_read())


def test_every_fact_that_is_cited_is_on_its_page() -> None:
    pages = {name.partition("#")[0] for name in FACTS} | {"index.md"}
    cited = 0
    lost: list[str] = []
    for path, text in _TEXTS:
        for page, anchor in _CITATION.findall(text):
            cited += bool(anchor)
            if (page + anchor not in FACTS) if anchor else (page not in pages):
                lost.append(f"{path}: {page}{anchor}")
    assert lost == []
    assert cited > 100


def test_every_fact_has_a_unique_name() -> None:
    assert FACTS
    assert sorted(set(FACTS)) == sorted(FACTS)


def test_every_fact_has_a_source() -> None:
    for page in sorted((ROOT / "docs" / "cloudapi").glob("*.md")):
        for fact in page.read_text(encoding="utf-8").split("\n### ")[1:]:
            assert "\nSource: " in fact, f"{page.name}: {fact.splitlines()[0]}"


@pytest.mark.parametrize("what", _OUTSIDE)
def test_nothing_cites_notes_outside_the_repository(what: str) -> None:
    pattern = re.compile(_OUTSIDE[what])
    found = [f"{path}: {match.group()}" for path, text in _TEXTS for match in pattern.finditer(text)]
    assert found == []


def test_no_file_looks_outside_the_checkout() -> None:
    beyond = [
        f"{path}: {match.group()}"
        for path, text in _TEXTS
        for match in _HERE.finditer(text)
        if int(match.group(1)) >= len(path.parts)
    ]
    assert beyond == []
