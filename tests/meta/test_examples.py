"""Every example runs to its end: here, or in tests/docs if a page of the documentation shows it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import blocks, pages

FOLDER = Path(__file__).parents[2] / "examples"
ALL = sorted(
    path
    for path in FOLDER.glob("*.py")
    # The other files are imported by examples.
    if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")
)
# tests/docs runs these, and compares what they print.
SHOWN = {
    name
    for page in pages()
    for block in blocks(page)
    if block.language == "console"
    for name in re.findall(r"^\$ python examples/(\w+\.py) .*--emulated", block.text, re.MULTILINE)
}
EXAMPLES = [path for path in ALL if path.name not in SHOWN]
# `make demo` takes down 200 machines; here a few are enough.
ARGUMENTS = {"teardown_fleet.py": ["--machines", "16"], "fleet_on_dask.py": ["--machines", "4"]}
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\t[A-Z]+\thttps://\S+")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path), "--emulated", *ARGUMENTS.get(path.name, [])],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # stderr has the lines of verbose=True, if any.
    assert [line for line in done.stderr.splitlines() if not LOG_LINE.fullmatch(line)] == []
    assert done.stdout.strip().splitlines()[-1].startswith(f"{path.stem}: ")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8")
def test_a_command_runs_without_an_output() -> None:
    script = f"exec '{sys.executable}' '{FOLDER / 'ci_machine.py'}' --emulated -- exit 7 >&-"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=90, check=False)
    assert (done.returncode, done.stderr) == (7, "")


def test_without_dask_the_example_says_what_it_needs() -> None:
    code = f"""if True:
        import runpy, sys
        sys.modules['distributed'] = None
        sys.argv = ['fleet_on_dask.py', '--help']
        runpy.run_path({str(FOLDER / "fleet_on_dask.py")!r}, run_name='__main__')
    """
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "fleet_on_dask needs dask.distributed: pip install distributed\n"


def test_the_two_examples_of_the_tutorial_exist() -> None:
    assert {"tutorial.py", "teardown_fleet.py"} <= {path.name for path in EXAMPLES}


def test_there_are_examples_of_everyday_tasks() -> None:
    assert len(ALL) >= 10
    assert {path.name for path in ALL} >= SHOWN
