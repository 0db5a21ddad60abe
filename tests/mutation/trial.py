"""Trying mutants: in children of one process that has collected all tests, or in a new process."""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.mutation.mutants import Mutant
from tests.mutation.transplant import transplant

__all__ = ["SURVIVED", "Result", "Trials", "affordable", "in_new_process"]

SURVIVED = "survived"
LOOPING = 5.0
"""Seconds of a processor after which a test with a mutant is ended, besides what the test needs."""
BLOCKED = 30.0
"""Seconds without the end of a test after which it is ended."""


@dataclass(frozen=True)
class Result:
    """The outcome of a mutant.

    Attributes:
        killer: What detected it: a test, ``timeout`` or ``import``; ``survived`` if nothing did.
        tests: How many tests were chosen for it.
    """

    mutant: Mutant
    killer: str
    tests: int

    def __str__(self) -> str:
        return f"{self.killer}\t{self.tests}\t{self.mutant}"

    @property
    def is_killed(self) -> bool:
        return self.killer != SURVIVED


class Trials:
    """A plugin that runs only the tests chosen for each mutant, each mutant in a child process.

    Args:
        mutants: What to try.
        chosen: Returns the tests for a mutant, by name without parameters.
        costs: Seconds of a processor that each test takes.
        most: Seconds that the tests of one mutant may take together.
        record: Called with each result.

    Attributes:
        collected: The names of all tests that there are; a map may have older ones.
    """

    def __init__(
        self,
        mutants: Iterable[Mutant],
        chosen: Callable[[Mutant], list[str]],
        costs: dict[str, float],
        most: float,
        record: Callable[[Result], None],
    ) -> None:
        self._mutants = mutants
        self._chosen = chosen
        self._costs = costs
        self._most = most
        self._record = record
        self._failed = ""
        self.collected: set[str] = set()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        session.config.pluginmanager.unregister(reporter)
        by_name: dict[str, list[pytest.Item]] = defaultdict(list)
        for item in session.items:
            by_name[item.nodeid.partition("[")[0]].append(item)
        self.collected.update(by_name)
        for mutant in self._mutants:
            names = list(affordable(self._chosen(mutant), self._costs, self._most))
            items = [item for name in names for item in by_name[name]]
            self._record(Result(mutant, self._tried(mutant, items), len(names)))
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed = report.nodeid

    def _tried(self, mutant: Mutant, items: list[pytest.Item]) -> str:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            os.setsid()
            try:
                self._run_in_child(mutant, items, writing)
            finally:
                os._exit(0)
        os.close(writing)
        answer = _last_line(reading, BLOCKED)
        os.close(reading)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return answer or "timeout"

    def _run_in_child(self, mutant: Mutant, items: list[pytest.Item], writing: int) -> None:
        """Write an empty line for each test that passes, and the outcome at the end."""
        _limit_cpu(LOOPING)
        try:
            transplant(
                import_module(mutant.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")),
                mutant.write(),
            )
        except BaseException as error:  # the module cannot be imported
            os.write(writing, f"import ({type(error).__name__})\n".encode())
            return
        for item, after in zip_longest(items, items[1:]):
            _limit_cpu(LOOPING + 5 * self._costs.get(item.nodeid.partition("[")[0], 1.0))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            os.write(writing, f"{self._failed}\n".encode())
            if self._failed:
                return
        os.write(writing, f"{SURVIVED}\n".encode())


def _limit_cpu(seconds: float) -> None:
    """End this process if it works longer than this from now on."""
    used = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 1, resource.RLIM_INFINITY))


def _last_line(reading: int, seconds: float) -> str:
    """What the child says at the end; empty if it ends without a word, or says nothing for so long."""
    said = b""
    while select.select([reading], [], [], seconds)[0]:
        more = os.read(reading, 1000)
        said += more
        if not more or said.strip():
            break
    return said.decode().strip()


def affordable(names: list[str], costs: dict[str, float], most: float) -> Iterator[str]:
    """The first of these tests that fit into `most` seconds; one that does not fit is left out."""
    left = most
    for name in names:
        cost = costs.get(name, 1.0)
        if cost <= left:
            left -= cost
            yield name


def in_new_process(copy: Path, mutant: Mutant, names: list[str]) -> Result:
    """Try a mutant that is written into a copy of the project."""
    file = copy / mutant.path
    original = file.read_text()
    file.write_text(mutant.write())
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=no", *names]
    started = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Result(mutant, f"timeout after {time.monotonic() - started:.0f} s", len(names))
    finally:
        file.write_text(original)
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    killer = (
        SURVIVED if done.returncode == 0 else failed[0] if failed else f"pytest ended with {done.returncode}"
    )
    return Result(mutant, killer, len(names))
