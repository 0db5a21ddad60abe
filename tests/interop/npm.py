"""Third-party programs from npm, installed into .venv/interop once: a second run needs no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

__all__ = ["NodeModules", "NodeProcess", "install"]

_SECONDS = 60.0
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


class NodeProcess:
    """A process of Node whose script answers each line of JSON with one, as loading its packages takes long.

    Args:
        modules: The packages.
        script: Name of the script, in this folder.
        arguments: Arguments of the script.
        environment: The environment, if it is not that of the tests.
    """

    def __init__(
        self,
        modules: NodeModules,
        script: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            [modules.node, str(Path(__file__).with_name(script)), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**(os.environ if environment is None else environment), "NODE_PATH": str(modules.path)},
        )

    def ask(self, question: object) -> Any:
        """The answer to an object of JSON."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        too_long = threading.Timer(_SECONDS, self._process.kill)
        too_long.start()
        self._process.stdin.write(f"{json.dumps(question)}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        too_long.cancel()
        assert line, "the process of Node ended"
        return json.loads(line)

    def close(self) -> None:
        """End the process, which ends with its input."""
        self._process.communicate(timeout=_SECONDS)
        assert self._process.returncode == 0
