"""With any extras installed, other people's tests run, and the plugin does not slow them down."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import START_ENVIRONMENT
from tests.meta.environments import installed, linked

EXTRAS = ("stream", "emulator", "progress")
SUBSETS = [subset for size in range(4) for subset in itertools.combinations(EXTRAS, size)]
each_subset = pytest.mark.parametrize("extras", SUBSETS, ids=lambda subset: "+".join(subset) or "none")

FOREIGN = """
import sys

def test_foreign():
    assert not [name for name in sys.modules if name.partition(".")[0] == "smartdc"]
"""

CLOUD = """
def test_cloud(smartdc_cloud):
    with smartdc_cloud.datacenter() as sdc:
        assert sdc.machines() == []

def test_shared_cloud(smartdc_emulator):
    with smartdc_emulator.datacenter() as sdc:
        assert sdc.machines() == []
"""

LOADING = 0.020
"""Seconds that loading the plugin may take. It takes 1 ms; to import smartdc takes 200."""


def run(python: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python isolated from this process, with warnings as errors."""
    return subprocess.run(
        [str(python), "-I", "-W", "error", *arguments],
        cwd=cwd,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )


def check(python: Path, extras: tuple[str, ...], folder: Path) -> None:
    """Run a suite that does not use smartdc, and one that uses emulated clouds."""
    (folder / "test_foreign.py").write_text(FOREIGN)
    foreign = run(python, "-m", "pytest", "-v", "test_foreign.py", cwd=folder)
    assert foreign.returncode == 0, foreign.stdout + foreign.stderr
    assert re.search(r"^plugins:.* smartdc-", foreign.stdout, re.MULTILINE)
    assert "= 1 passed in " in foreign.stdout  # no warnings
    assert foreign.stderr == ""

    (folder / "test_cloud.py").write_text(CLOUD)
    cloud = run(python, "-m", "pytest", "test_cloud.py", cwd=folder)
    if "emulator" in extras:
        assert cloud.returncode == 0, cloud.stdout + cloud.stderr
        assert "= 2 passed in " in cloud.stdout
    else:
        assert cloud.returncode == 1
        assert "= 2 errors in " in cloud.stdout
        for fixture in ("smartdc_cloud", "smartdc_emulator"):
            message = (
                rf"^the fixture {fixture} needs the extra 'emulator' .*: pip install 'smartdc\[emulator\]'$"
            )
            assert re.search(message, cloud.stdout, re.MULTILINE), cloud.stdout
        assert "starlette'" not in cloud.stdout  # no traceback, only the message
    assert cloud.stderr == ""


@pytest.mark.parametrize(
    "extras",
    [
        # Only the emulator makes a difference; the others run with `make soak`.
        subset if subset in ((), ("emulator",), EXTRAS) else pytest.param(subset, marks=pytest.mark.soak)
        for subset in SUBSETS
    ],
    ids=lambda subset: "+".join(subset) or "none",
)
def test_suites_run_with_each_subset_of_the_extras(
    extras: tuple[str, ...], wheel: Path, tmp_path: Path
) -> None:
    check(linked(tmp_path / "venv", wheel, extras), extras, tmp_path)


@pytest.mark.soak
@each_subset
def test_suites_run_with_each_subset_installed_by_pip(
    extras: tuple[str, ...], wheel: Path, tmp_path: Path
) -> None:
    try:
        python = installed(tmp_path / "venv", wheel, extras, START_ENVIRONMENT)
    except subprocess.CalledProcessError as error:
        if "No matching distribution found" not in error.stderr:
            raise AssertionError(error.stderr) from error
        pytest.skip(f"pip reaches no package index: {error.stderr.splitlines()[-1]}")
    check(python, extras, tmp_path)


def test_loading_the_plugin_is_quick(wheel: Path, tmp_path: Path) -> None:
    python = linked(tmp_path / "venv", wheel, EXTRAS)
    program = "import pytest, time; a = time.time(); import pytest_smartdc; print(time.time() - a)"
    # The best of three, as the machine may be busy.
    assert min(float(run(python, "-c", program, cwd=tmp_path).stdout) for _ in range(3)) < LOADING
