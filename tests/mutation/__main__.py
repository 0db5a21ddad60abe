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
from typing import Any, TextIO

import pytest

from tests.mutation.mapping import ALREADY_IMPORTED, Mapping, make_map
from tests.mutation.mutants import Mutant, sampled
from tests.mutation.trial import SURVIVED, Result, Trials, affordable, in_new_process

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
    parser.add_argument("--again", type=Path, help="try only what survived according to this report")
    parser.add_argument("--once", action="store_true", help="do not try survivors again in a new process")
    return parser.parse_args()


def modules(patterns: list[str], paths: list[str]) -> Iterator[str]:
    for file in sorted({file for pattern in patterns for file in ROOT.glob(pattern)}):
        path = str(file.relative_to(ROOT))
        if not paths or any(path == prefix or path.startswith(f"{prefix.rstrip('/')}/") for prefix in paths):
            yield path


def survivors_in(report: Path) -> set[str]:
    """The mutants whose last line in the report tells that they survived."""
    outcomes = {}
    for line in report.read_text().splitlines():
        killer, _, mutant = line.removeprefix("again: ").split("\t", 2)
        outcomes[mutant] = killer
    return {mutant for mutant, killer in outcomes.items() if killer == SURVIVED}


def chosen_mutants(config: dict[str, Any], arguments: argparse.Namespace) -> tuple[list[Mutant], int]:
    """The sampled mutants that are to be tried, and how many equivalents are left out."""
    mutants = [
        mutant
        for path in modules(config["modules"], arguments.paths)
        for mutant in sampled(path, (ROOT / path).read_text(), arguments.sample, arguments.seed)
    ]
    known = tomllib.loads(EQUIVALENTS.read_text())["equivalent"]
    listed = {(each["module"], each["place"], each["change"]) for each in known}
    tried = [mutant for mutant in mutants if (mutant.path, mutant.place, mutant.change) not in listed]
    equivalent = len(mutants) - len(tried)
    if arguments.again:
        before = survivors_in(arguments.again)
        tried = [mutant for mutant in tried if str(mutant) in before]
    return tried, equivalent


def tried_again(
    survivors: list[Mutant], mapping: Mapping, collected: set[str], seconds: float, report: TextIO
) -> list[Mutant]:
    """The mutants that survive in a new process, too."""
    lasting = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, copy / name)
        for mutant in survivors:
            there = [name for name in mapping.tests_of(mutant) if name in collected]
            names = list(affordable(there, mapping.costs, seconds))
            result = in_new_process(copy, mutant, names)
            print(f"again: {result}", file=report, flush=True)
            if not result.is_killed:
                lasting.append(mutant)
    return lasting


def main() -> int:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutants"]
    arguments = arguments_of(config)
    tried, equivalent = chosen_mutants(config, arguments)
    if arguments.remap or not any(arguments.map.glob("*.coverage")):
        make_map(arguments.map, config["tests"])
    mapping = Mapping(arguments.map)
    results: list[Result] = []
    with arguments.report.open("w") as report:

        def record(result: Result) -> None:
            results.append(result)
            print(result, file=report, flush=True)
            if not result.is_killed:
                print(f"survived so far ({result.tests} tests): {result.mutant}", flush=True)

        started = time.monotonic()
        trials = Trials(tried, mapping.tests_of, mapping.costs, arguments.seconds, record)
        pytest.main(["-q", *ALREADY_IMPORTED, "-p", "no:cacheprovider", *config["tests"]], plugins=[trials])
        if len(results) < len(tried):
            raise SystemExit("pytest ended before all mutants were tried")
        survivors = [result.mutant for result in results if not result.is_killed]
        print(f"{len(tried)} tried in {time.monotonic() - started:.0f} s, {len(survivors)} survived so far")
        if not arguments.once:
            survivors = tried_again(survivors, mapping, trials.collected, 4 * arguments.seconds, report)
    for mutant in survivors:
        print(f"SURVIVED {mutant}")
    killed = len(tried) - len(survivors)
    share = 100 * killed / max(1, len(tried))
    print(
        f"{equivalent} mutants are equivalent, of {len(tried)} others {killed} are killed: {share:.1f} %, "
        f"at least {config['least']} %"
    )
    return int(share < config["least"])


if __name__ == "__main__":
    sys.exit(main())
