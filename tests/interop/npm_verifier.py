"""The verifier that CloudAPI uses, http-signature 1.4.0 from npm, as one Node process for the session."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

__all__ = ["VERIFIED", "NpmVerifier", "npm_verifier"]

PACKAGE = "http-signature"
VERSION = "1.4.0"
NOT_VERIFIED = f"not verified: that {PACKAGE} {VERSION} from npm, CloudAPI's verifier, accepts our signatures"

VERIFIED = pytest.StashKey[list[str]]()
"""Lines for the end of the run: how much was verified."""

_SCRIPT = Path(__file__).with_name("verify_signature.js")
_VENV = Path(__file__).parents[2] / ".venv"


class NpmVerifier:
    """Asks the Node process.

    Attributes:
        accepted: How many signatures it has accepted.
        refused: How many it has refused.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.accepted = 0
        self.refused = 0

    def judge(
        self, method: str, url: str, headers: Mapping[str, str], public_key: str
    ) -> tuple[bool, str | None]:
        """Whether the request is signed by this key, and what was wrong with its header otherwise."""
        question = {"method": method, "url": url, "headers": dict(headers), "publicKey": public_key}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        self.accepted += answer["ok"]
        self.refused += not answer["ok"]
        return answer["ok"], answer["error"]


@pytest.fixture(scope="session")
def npm_verifier(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NpmVerifier]:
    """The verifier; skips where Node or the package cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"{NOT_VERIFIED} (no node or no npm here)")
    prefix = _VENV / "interop" if _VENV.is_dir() else tmp_path_factory.mktemp("npm")
    modules = _install(npm, prefix)
    process = subprocess.Popen(
        [node, str(_SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NODE_PATH": str(modules)},
    )
    with process:
        verifier = NpmVerifier(process)
        yield verifier
        # Leaving the block closes the pipe, which ends the process.
    assert process.returncode == 0
    pytestconfig.stash[VERIFIED] = [
        f"{PACKAGE} {VERSION} from npm accepted {verifier.accepted} of our signatures "
        f"and refused {verifier.refused} that were tampered with or of a kind it does not know"
    ]


def _install(npm: str, prefix: Path) -> Path:
    """Install the package unless it is there, and return where modules are."""
    modules = prefix / "node_modules"
    about = modules / PACKAGE / "package.json"
    if about.is_file() and json.loads(about.read_text())["version"] == VERSION:
        return modules
    prefix.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(prefix), "--no-audit", "--no-fund", "--silent"]
    try:
        done = subprocess.run(
            [*command, f"{PACKAGE}@{VERSION}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{NOT_VERIFIED} (npm install took over two minutes)")
    if done.returncode != 0 or not about.is_file():
        reason = (done.stderr or done.stdout).strip()[-200:] or f"exit status {done.returncode}"
        pytest.skip(f"{NOT_VERIFIED} (npm install failed: {reason})")
    return modules
