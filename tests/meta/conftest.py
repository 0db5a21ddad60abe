"""The wheel and the sdist, built once for all the tests that look into them or install them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import START_ENVIRONMENT

ROOT = Path(__file__).parents[2]
# What .gitignore names, and git's folder, are not part of a checkout.
_UNTRACKED = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
IGNORED = (".git", *(Path(name).name for name in _UNTRACKED))


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, so that nothing is left in the checkout that the tests run in."""
    copy = tmp_path_factory.mktemp("project") / "checkout"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*IGNORED))
    return copy


@pytest.fixture(scope="session")
def dist(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist, and the wheel that was built from it, as `make dist` makes them."""
    out = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(out), str(checkout)],
        env=START_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return out


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def sdist(dist: Path) -> Path:
    (path,) = dist.glob("*.tar.gz")
    return path
