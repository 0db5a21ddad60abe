"""The line about how many operations are covered."""

import pytest

COVERED = pytest.StashKey[str]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    line = config.stash.get(COVERED, None)
    if line is not None:
        terminalreporter.write_line(line)
