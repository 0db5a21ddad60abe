"""``python -m tests.mutation``: see the package."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.mapping import ALREADY_IMPORTED, Mapping, make_map
from tests.mutation.mutants import Mutant, sampled
from tests.mutation.trial import Result, Trials, affordable, in_new_process

ROOT = Path(__file__).parents[2]
EQUIVALENTS = Path(__file__).with_name("equivalents.toml")
COPIED = ("smartdc", "tests", "docs", "examples", "pytest_smartdc.py", "pyproject.toml")


def arguments_of(config: dict[str, Any]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation", description="Try mutants of the client."
    )
    parser.add_argument("paths", nargs="*", help="modules or folders; all of the configuration by default")
    parser.add_argument("--sample", type=int, default=config["sample"], help="mutants of each module")
    parser.add_argument("--seed", type=int, default=config["seed"])
    parser.add_argument(
        "--seconds", type=float, default=config["seconds"], help="of a processor, for the tests of one mutant"
    )
    parser.add_argument(
        "--map", type=Path, default=ROOT / ".mutation", help="folder that tells which test runs what"
    )
    parser.add_argument("--remap", action="store_true", help="make a new map even if there is one")
    parser.add_argument("--report", type=Path, default=ROOT / ".mutation" / "report.txt")
    return parser.parse_args()


def modules(patterns: list[str], paths: list[str]) -> Iterator[str]:
    for file in sorted({file for pattern in patterns for file in ROOT.glob(pattern)}):
        path = str(file.relative_to(ROOT))
        if not paths or any(path == prefix or path.startswith(f"{prefix.rstrip('/')}/") for prefix in paths):
            yield path


def main() -> int:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutants"]
    arguments = arguments_of(config)
    chosen = list(modules(config["modules"], arguments.paths))
    if arguments.remap or not any(arguments.map.glob("*.coverage")):
        make_map(arguments.map, config["tests"])
    mapping = Mapping(arguments.map)
    sources = {path: (ROOT / path).read_text() for path in chosen}
    mutants = [
        mutant for path in chosen for mutant in sampled(path, sources[path], arguments.sample, arguments.seed)
    ]
    known = tomllib.loads(EQUIVALENTS.read_text())["equivalent"]
    listed = {(each["module"], each["place"], each["change"]) for each in known}

    def tests_of(mutant: Mutant) -> list[str]:
        return mapping.tests_of(mutant, sources[mutant.path])

    results: list[Result] = []
    with arguments.report.open("w") as report:

        def record(result: Result) -> None:
            results.append(result)
            line = f"{result.killer}\t{result.tests}\t{result.mutant}"
            print(line, file=report, flush=True)
            if not result.is_killed:
                print(f"survived so far ({result.tests} tests): {result.mutant}", flush=True)

        started = time.monotonic()
        tried = [mutant for mutant in mutants if (mutant.path, mutant.place, mutant.change) not in listed]
        trials = Trials(tried, tests_of, mapping.costs, arguments.seconds, record)
        pytest.main(["-q", *ALREADY_IMPORTED, "-p", "no:cacheprovider", *config["tests"]], plugins=[trials])
        survivors = [result.mutant for result in results if not result.is_killed]
        killed = len(results) - len(survivors)
        print(
            f"{len(results)} tried in {time.monotonic() - started:.0f} s, {len(survivors)} to be tried again"
        )
        lasting = []
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder)
            for name in COPIED:
                (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, copy / name)
            for mutant in survivors:
                names = list(affordable(tests_of(mutant), mapping.costs, 4 * arguments.seconds))
                result = in_new_process(copy, mutant, names)
                print(f"again: {result.killer}\t{result.tests}\t{result.mutant}", file=report, flush=True)
                killed += result.is_killed
                if not result.is_killed:
                    lasting.append(mutant)
    share = 100 * killed / max(1, len(results))
    for mutant in lasting:
        print(f"SURVIVED {mutant}")
    print(
        f"{len(chosen)} modules, {len(mutants)} mutants, {len(mutants) - len(tried)} of them equivalent, "
        f"{killed} of {len(results)} killed: {share:.1f} %, at least {config['least']} %"
    )
    return int(share < config["least"])


if __name__ == "__main__":
    sys.exit(main())
