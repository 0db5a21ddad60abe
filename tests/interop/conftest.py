import pytest

from tests.interop.npm_verifier import VERIFIED, npm_verifier
from tests.ssh_fixtures import no_ssh_agent, ssh_agent, ssh_keys
from tests.triton_home import triton

__all__ = ["no_ssh_agent", "npm_verifier", "ssh_agent", "ssh_keys", "triton"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(VERIFIED, []):
        terminalreporter.write_line(line)
