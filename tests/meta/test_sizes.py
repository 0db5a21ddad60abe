"""No file grows until nobody reads it."""

from __future__ import annotations

from pathlib import Path

MOST = 420
"""The rule is about 400 lines."""

_PACKAGE = Path(__file__).parents[2] / "smartdc"


def test_no_file_of_the_package_is_long() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in _PACKAGE.rglob("*.py")}
    assert lengths
    assert {str(path): length for path, length in lengths.items() if length > MOST} == {}
