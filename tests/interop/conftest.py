import pytest

from tests.interop.npm_verifier import VERIFIED, npm_verifier

__all__ = ["npm_verifier"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(VERIFIED, []):
        terminalreporter.write_line(line)
