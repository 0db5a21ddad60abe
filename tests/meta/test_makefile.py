"""How `make` finds a Python: quietly, and with one clear line when there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.meta.conftest import ROOT

# What a shim of pyenv does for a version that is installed but not active.
SHIM = """#!/bin/sh
echo "pyenv: python: command not found" >&2
echo "The command exists in these Python versions:" >&2
exit 127
"""
TOO_OLD = "#!/bin/sh\nexit 1\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files of a checkout that make reads, and a folder with the only programs on PATH."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "bin").mkdir()
    for name in ("mkdir", "rm", "sed"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name, path=os.defpath) or "")
    return tmp_path


def program(project: Path, name: str, text: str) -> None:
    path = project / "bin" / name
    path.write_text(text)
    path.chmod(0o755)


def make(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make with only the programs of the project on PATH."""
    found = shutil.which("make", path=os.defpath)
    assert found
    return subprocess.run(
        [found, *arguments],
        cwd=project,
        env={"PATH": str(project / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_python_that_is_new_enough_is_taken_quietly(project: Path) -> None:
    program(project, "python3", TOO_OLD)
    program(project, "python3.14", SHIM)
    (project / "bin" / "python3.12").symlink_to(sys.executable)
    (project / "bin" / "python3.11").symlink_to(sys.executable)
    made = make(project, "-n", ".venv/dev")
    assert made.stdout.startswith('"python3.12" -m venv .venv ')
    assert made.stderr == ""


@pytest.mark.parametrize("shims", [(), ("python3",), ("python3.13", "python3.12")], ids=len)
@pytest.mark.parametrize("goal", ["demo", "test"])
def test_no_python_is_one_clear_line(project: Path, goal: str, shims: tuple[str, ...]) -> None:
    for name in shims:
        program(project, name, SHIM)
    made = make(project, goal)
    assert made.returncode == 2
    (line,) = made.stderr.splitlines()
    message = f"smartdc needs Python 3.11 or later, found none: make {goal} PYTHON=/path/to/python"
    assert message in line
    assert made.stdout == ""


def test_a_python_that_is_named_but_too_old_is_refused(project: Path) -> None:
    program(project, "old", TOO_OLD)
    made = make(project, "test", "PYTHON=old")
    assert made.returncode == 2
    assert "smartdc needs Python 3.11 or later, found old: make test PYTHON=" in made.stderr


def test_an_existing_environment_needs_no_other_python(project: Path) -> None:
    python = project / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    made = make(project, "-n", ".venv/dev")
    assert made.returncode == 0
    assert made.stdout.startswith('echo "Installing smartdc[dev] into .venv ..."')


def test_half_an_environment_is_not_left_behind(project: Path) -> None:
    program(project, "no-venv", '#!/bin/sh\nif [ "$1" = -m ]; then mkdir .venv; exit 1; fi\n')
    made = make(project, ".venv/dev", "PYTHON=no-venv")
    assert made.returncode == 2
    assert not (project / ".venv").exists()


def test_help_lists_the_commands(project: Path) -> None:
    listed = make(project, "help").stdout.splitlines()
    assert [line.split()[1] for line in listed] == [
        "demo",
        "test",
        "quick",
        "soak",
        "lowest",
        "dist",
        "help",
    ]
    assert all(line.startswith("make ") for line in listed)
