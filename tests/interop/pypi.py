"""Third-party packages from PyPI that only few tests need, installed into .venv/interop once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import START_ENVIRONMENT

__all__ = ["install"]

_VENV = Path(__file__).parents[2] / ".venv"


def install(name: str, packages: list[str], not_tested: str, elsewhere: pytest.TempPathFactory) -> Path:
    """Install packages into one folder, unless they are installed; skips the test if that fails.

    Args:
        name: The folder's name.
        packages: What pip is to install.
        not_tested: What the test that is skipped would have shown.
        elsewhere: Makes the directory that is used when there is no .venv.

    Returns:
        The folder, for PYTHONPATH.
    """
    folder = (_VENV / "interop" if _VENV.is_dir() else elsewhere.mktemp("pypi")) / name
    done_mark = folder / ".installed"
    if done_mark.is_file() and done_mark.read_text() == "\n".join(packages):
        return folder
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
    try:
        subprocess.run(
            [*command, "--target", str(folder), *packages],
            env=START_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"not tested: {not_tested} (pip install took over three minutes)")
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or [f"exit status {error.returncode}"])[-1][:200]
        pytest.skip(f"not tested: {not_tested} (pip install failed: {reason})")
    done_mark.write_text("\n".join(packages))
    return folder
