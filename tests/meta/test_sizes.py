"""No file is longer than 400 lines."""

from __future__ import annotations

from pathlib import Path

MOST = 400
ROOT = Path(__file__).parents[2]


def test_no_file_is_long() -> None:
    files = [path for place in ("smartdc", "tests", "examples") for path in (ROOT / place).rglob("*.py")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
    assert len(lengths) > 300
    assert {path: length for path, length in lengths.items() if length > MOST} == {}
