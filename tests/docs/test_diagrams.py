"""The diagrams in the documentation are those that the current code makes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.docs import diagrams

DRAWINGS: dict[str, Callable[[], diagrams.Drawing]] = {
    "pieces": diagrams.pieces,
    "request": diagrams.request_way,
    "states": lambda: diagrams.states(diagrams.seen_transitions()),
    "lost": lambda: diagrams.lost_answer(diagrams.lost_counts()),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_diagram_is_current(name: str) -> None:
    """If it is not, run ``python -m tests.docs.diagrams``."""
    assert (diagrams.FOLDER / f"{name}.svg").read_text(encoding="utf-8") == str(DRAWINGS[name]())
