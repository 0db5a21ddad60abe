"""The code in docs/emulator-recipes.md runs as printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ("pytester",)

PAGE = (Path(__file__).parents[2] / "docs" / "emulator-recipes.md").read_text(encoding="utf-8")
FILES: dict[str, str] = {
    name: text for text, name in re.findall(r"^```\w+\n(# (\S+)\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
}
SHELL = "with-emulator.sh"

USES_IT = """
from smartdc import DataCenter
with DataCenter.from_env() as sdc:
    print([package["name"] for package in sdc.packages(name="g4-highcpu-1G")])
"""


def test_the_python_of_the_page_passes(pytester: pytest.Pytester) -> None:
    for name, text in FILES.items():
        (pytester.path / name).write_text(text)
    assert len(FILES) == PAGE.count("```python\n") + PAGE.count("```sh\n") == 8
    tests = sum(text.count("\ndef test_") for text in FILES.values())
    pytester.runpytest_subprocess("-q", "-W", "error").assert_outcomes(passed=tests)


def test_a_command_runs_against_an_emulator(tmp_path: Path) -> None:
    script = tmp_path / SHELL
    script.write_text(FILES[SHELL])
    home = tmp_path / "home"
    home.mkdir()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "TMPDIR": str(tmp_path), "HOME": str(home)}
    ran = subprocess.run(
        ["sh", str(script), "sh", "-c", 'python -c "$1"; exit 3', "sh", USES_IT],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "['g4-highcpu-1G']\n", "")
    assert {path.name for path in tmp_path.iterdir()} == {"home", SHELL}
