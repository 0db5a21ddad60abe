"""Which tests run which line: a plugin that lets coverage record it, and a reader of the records."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import coverage
import pytest

from tests.mutation.mutants import Mutant

__all__ = ["ALREADY_IMPORTED", "Mapping", "make_map"]

ALREADY_IMPORTED = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""Options for pytest: the package of the tests is imported before it, and its asserts need no rewriting."""

_ROOT = Path(__file__).parents[2]
_COSTS = "SMARTDC_MUTATION_COSTS"


def make_map(folder: Path, tests: list[str]) -> None:
    """Run the tests once, under coverage."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    environment = {
        **os.environ,
        "COVERAGE_FILE": str(folder / "lines.coverage"),
        _COSTS: str(folder / "costs.json"),
    }
    command = [
        sys.executable,
        "-m",
        "coverage",
        "run",
        "--rcfile=tests/mutation/coverage.ini",
        "-m",
        "pytest",
    ]
    options = ["-q", *ALREADY_IMPORTED, "-p", "no:cacheprovider", "-p", "tests.mutation.mapping", *tests]
    done = subprocess.run([*command, *options], env=environment, check=False)
    if done.returncode:
        raise SystemExit("the tests fail without a mutant: fix them first")


class Mapping:
    """What the run of all tests recorded.

    Args:
        folder: The folder that `make_map` wrote.
    """

    def __init__(self, folder: Path) -> None:
        self.costs: dict[str, float] = {}
        for file in sorted(folder.glob("*.json")):
            self.costs |= json.loads(file.read_text())
        self._lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        for file in sorted(folder.glob("*.coverage")):
            self._read(file)

    def tests_of(self, mutant: Mutant) -> list[str]:
        """The tests that may notice the mutant: the likeliest and quickest first."""
        original = (_ROOT / mutant.path).read_text()
        lines = self._lines.get(mutant.path, {})
        found = _union(lines, range(mutant.lines[0], mutant.lines[1] + 1))
        for more in (_places_of(original, mutant), lines):
            if not found:
                found = _union(lines, more)
        breadth = {test: sum(test in tests for tests in lines.values()) for test in found}
        near = Path(mutant.path).stem.strip("_")

        def order(test: str) -> tuple[bool, float, int]:
            is_near = near in Path(test.partition("::")[0]).stem
            return not is_near, round(self.costs.get(test, 1.0), 2), breadth[test]

        return sorted(found, key=order)

    def _read(self, file: Path) -> None:
        data = coverage.CoverageData(str(file))
        data.read()
        for measured in data.measured_files():
            path = "smartdc/" + measured.rpartition("/smartdc/")[2]
            for line, tests in data.contexts_by_lineno(measured).items():
                self._lines[path][line] |= {test for test in tests if test}


def _union(lines: dict[int, set[str]], chosen: Iterable[int]) -> set[str]:
    return set().union(*(lines[line] for line in chosen if line in lines))


def _places_of(source: str, mutant: Mutant) -> Iterator[int]:
    """The lines that use what the statement sets, or the lines of the function that it begins."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id in mutant.names:
            yield node.lineno
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and node.lineno == mutant.lines[0]:
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


_spent: dict[str, float] = defaultdict(float)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let coverage record each line for this test, including its fixtures."""
    measuring = coverage.Coverage.current()
    test = item.nodeid.partition("[")[0]
    if measuring is None:
        return (yield)
    measuring.switch_context(test)
    started = time.process_time()
    result = yield
    _spent[test] += time.process_time() - started
    measuring.switch_context("")
    return result


def pytest_sessionfinish() -> None:
    if _COSTS in os.environ:
        Path(os.environ[_COSTS]).write_text(json.dumps(_spent))
