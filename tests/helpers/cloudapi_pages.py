"""The facts of docs/cloudapi, as tests and comments name them: ``lists.md#name-filter-matches-prefixes``."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["FACTS", "ROOT", "anchor"]

ROOT = Path(__file__).resolve().parents[2]

_PAGES = ROOT / "docs" / "cloudapi"
_FACT = re.compile(r"^### (.+)$", re.MULTILINE)


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


def _facts() -> list[str]:
    pages = sorted(_PAGES.glob("*.md"))
    return [f"{page.name}#{anchor(heading)}" for page in pages for heading in _FACT.findall(page.read_text())]


FACTS = _facts()
