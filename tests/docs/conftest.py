from __future__ import annotations

from collections.abc import Callable

import pytest

COUNTS = pytest.StashKey[dict[str, int]]()


@pytest.fixture
def record_count(pytestconfig: pytest.Config) -> Callable[[str, int], None]:
    """Keeps a count for the summary."""
    counts = pytestconfig.stash.setdefault(COUNTS, {})

    def record(what: str, count: int) -> None:
        counts[what] = count

    return record


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = config.stash.get(COUNTS, {})
    if counts:
        listed = ", ".join(f"{what}: {count}" for what, count in counts.items())
        terminalreporter.write_line(f"documentation: {listed}")
