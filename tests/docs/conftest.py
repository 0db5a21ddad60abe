from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smartdc.emulator import Emulator
from tests.docs.blocks import ROOT
from tests.docs.scripts import EXAMPLES, Ended, Run

BUILT = ROOT / "docs" / "_build"
COUNTS = pytest.StashKey[dict[str, int]]()


@pytest.fixture
def record_count(pytestconfig: pytest.Config) -> Callable[[str, int], None]:
    """Record a count for the summary."""
    counts = pytestconfig.stash.setdefault(COUNTS, {})

    def record(what: str, count: int) -> None:
        counts[what] = count

    return record


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A cloud whose account is that of the environment."""
    monkeypatch.chdir(tmp_path)
    with Emulator(random_seed=7, datacenters=["us-sw-1", "us-east-1"]) as cloud, cloud.activate(rate=0):
        yield cloud


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs an example in this process."""

    def run(name: str, *arguments: object) -> Ended:
        with monkeypatch.context() as within:
            within.setattr(sys, "argv", [name, *map(str, arguments)])
            within.syspath_prepend(str(EXAMPLES))
            status: object = 0
            try:
                runpy.run_path(str(EXAMPLES / name), run_name="__main__")
            except SystemExit as ended:
                status = ended.code
        said = capsys.readouterr()
        if isinstance(status, str):  # as Python ends
            return Ended(1, said.out, f"{said.err}{status}\n")
        return Ended(status, said.out, said.err)

    return run


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
