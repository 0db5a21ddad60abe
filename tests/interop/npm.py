"""Third-party programs from npm, installed into .venv/interop once: a second run needs no network."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["NodeModules", "install"]

_VENV = Path(__file__).parents[2] / ".venv"


@dataclass(frozen=True)
class NodeModules:
    """The folder of packages, and the Node that runs them.

    Attributes:
        node: Path of Node.
        path: The directory node_modules.
    """

    node: str
    path: Path


def install(
    package: str,
    version: str,
    not_verified: str,
    elsewhere: pytest.TempPathFactory,
    *,
    apart: bool = False,
) -> NodeModules:
    """Install a package unless it is installed; skips the test if that fails.

    Args:
        package: Its name.
        version: The exact version.
        not_verified: What the test that is skipped would have shown.
        elsewhere: Makes the directory that is used when there is no .venv.
        apart: Install it into a separate directory, beside other versions of the package.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"{not_verified} (node or npm is not installed)")
    prefix = _VENV / "interop" if _VENV.is_dir() else elsewhere.mktemp("npm")
    if apart:
        prefix /= f"{package}-{version}"
    modules = prefix / "node_modules"
    about = modules / package / "package.json"
    if about.is_file() and json.loads(about.read_text())["version"] == version:
        return NodeModules(node, modules)
    prefix.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(prefix), "--no-audit", "--no-fund", "--silent"]
    try:
        done = subprocess.run(
            [*command, f"{package}@{version}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{not_verified} (npm install took over two minutes)")
    if done.returncode != 0 or not about.is_file():
        reason = (done.stderr or done.stdout).strip()[-200:] or f"exit status {done.returncode}"
        pytest.skip(f"{not_verified} (npm install failed: {reason})")
    return NodeModules(node, modules)
