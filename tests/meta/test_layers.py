"""The package as a whole: how full its folders are, which imports are circular, and what imports alone."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = sorted(ROOT.glob("smartdc/**/*.py"))

# The only imports upwards are for the types of Machine.datacenter and Snapshot.machine.
CIRCLE = {
    "smartdc.datacenter",
    "smartdc.machine",
    "smartdc.machine.machine",
    "smartdc.machine.snapshots",
    # These import Machine, and DataCenter derives from them.
    "smartdc.api.firewall",
    "smartdc.api.images",
    "smartdc.api.machines",
    "smartdc.api.migrations",
    "smartdc.api.streams",
}

# Imports each module in a child process that has imported only the packages around it, which Python imports
# first in any case.
ALONE = """
import importlib, os, sys, traceback
import smartdc.emulator
failed = False
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            importlib.import_module(name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        print(name)
        failed = True
sys.exit(failed)
"""


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def imports_of(path: Path) -> set[str]:
    """The modules of smartdc that a file imports, including imports for types."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & MODULES.keys() or {node.module}
    return (found & MODULES.keys()) - {module_of(path)}


def circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """The sets of files that reach each other."""
    reached = {start: reachable(start, arrows) for start in arrows}
    rings = {
        frozenset(name for name in others if start in reached[name]) for start, others in reached.items()
    }
    return [set(ring) for ring in rings if ring]


def reachable(start: str, arrows: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(arrows[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += arrows[name]
    return seen


def test_the_only_circle_is_that_of_machine_and_datacenter() -> None:
    found = circles({name: imports_of(path) for name, path in MODULES.items()})
    print(f"circles among {len(MODULES)} files, imports for types included: {found}")
    assert found == [CIRCLE]


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == [{"b", "c"}]


def test_folders_are_not_crowded() -> None:
    assert len([path for path in FILES if path.parent == ROOT / "smartdc"]) <= 15
    assert len([path for path in FILES if path.parent == ROOT / "smartdc" / "emulator"]) <= 8


def test_each_module_imports_alone() -> None:
    names = [name for name in MODULES if not name.endswith("__main__")]
    assert len(names) > 150
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *names],
        cwd=ROOT,
        env={"PATH": os.defpath},  # without coverage, which writes a file in each of some 200 children
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
