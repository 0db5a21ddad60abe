from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

BUILT = ROOT / "docs" / "_build"
COUNTS = pytest.StashKey[dict[str, int]]()


@pytest.fixture
def record_count(pytestconfig: pytest.Config) -> Callable[[str, int], None]:
    """Record a count for the summary."""
    counts = pytestconfig.stash.setdefault(COUNTS, {})

    def record(what: str, count: int) -> None:
        counts[what] = count

    return record


@pytest.fixture(scope="session")
def built() -> Path:
    """The built documentation; `make docs` has built it, and where it is older than its sources this does."""
    index = BUILT / "index.html"
    sources = [path for path in (ROOT / "docs").rglob("*") if path.is_file() and BUILT not in path.parents]
    if not index.exists() or index.stat().st_mtime < max(path.stat().st_mtime for path in sources):
        command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(ROOT / "docs"), str(BUILT)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        index.touch()
    return BUILT


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = config.stash.get(COUNTS, {})
    if counts:
        listed = ", ".join(f"{what}: {count}" for what, count in counts.items())
        terminalreporter.write_line(f"documentation: {listed}")
