"""The page docs/emulator-fidelity.md: ``python -m tests.emulator.fidelity`` writes it.

It runs the tests of facts, and records in tests/data/facts-of-operations.json which operations the tests of
each fact call. `conftest.py` fails a test that calls an operation that is not recorded for its facts;
`test_fidelity.py` compares the page with the recorded list.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from smartdc.emulator import Call, Emulator
from tests.emulator.differences import DIFFERENCES
from tests.helpers.cloudapi_pages import FACTS, ROOT
from tests.operations import OPERATIONS

__all__ = ["COLLECT", "HOW_TO_UPDATE", "PAGE", "Pair", "called", "listed", "page", "write_list"]

PAGE = ROOT / "docs" / "emulator-fidelity.md"
LIST = ROOT / "tests" / "data" / "facts-of-operations.json"
HOW_TO_UPDATE = "update the page and its list: python -m tests.emulator.fidelity"

#: An operation and a fact.
Pair = tuple[str, str]

#: With this environment variable, the tests write the list instead of comparing with it.
COLLECT = "SMARTDC_FACTS"

#: Pages whose facts hold for every operation, or for the client.
_COMMON = ("requests.md", "signing.md", "versions.md", "errors.md", "throttle.md", "hazards.md")
_OF_CLIENTS = ("profiles.md",)

_HEAD = """\
# How faithful the emulator is

The behaviour of the real server is [documented as single facts](cloudapi/index.md). Tests check these facts
against the emulator with raw requests, without this library's client. This page, which the tests generate,
counts the facts that have such a test.

Answers are also compared with the server's [OpenAPI description](cloudapi/index.md#sources) if it has the
operation. A fact that is not counted here may be tested in another way, or not at all.

Two differences apply to all operations: the emulator
[answers](emulator.md#where-it-answers-differently-on-purpose) where a real server would hang or crash, and it
does not take as long as a real server.

"""

_PAGES = """\
## Facts by page

| page | facts | tested against the emulator |
| --- | --- | --- |
"""

_OPERATIONS = """\

## Operation by operation

The second column has the facts whose tests call the operation. Facts about signing, requests, versions,
errors, the throttle and hazards apply to every operation; they are counted above and left out here.

| operation | facts tested | known differences |
| --- | --- | --- |
"""

_OTHERS = """\

## Operations without such a test

No test of a fact calls these operations, but other tests do. No difference is known:
"""


@contextmanager
def called(clouds: Iterable[Emulator], names: Sequence[str]) -> Iterator[set[Pair]]:
    """Collect the operations that are called on these emulators, each paired with all of these facts."""
    pairs: set[Pair] = set()

    def note(call: Call) -> None:
        if call.operation is not None:
            pairs.update((call.operation, name) for name in names)

    watched = list(clouds) if names else []
    for cloud in watched:
        cloud.on_call.append(note)
    try:
        yield pairs
    finally:
        for cloud in watched:
            cloud.on_call.remove(note)


@cache
def listed() -> set[Pair]:
    """The pairs that were recorded when the page was written."""
    facts: dict[str, list[str]] = json.loads(LIST.read_text())
    return {(operation, name) for operation, names in facts.items() for name in names}


def page(pairs: set[Pair]) -> str:
    """The text of the page."""
    tested = {name for _, name in pairs}
    of: defaultdict[str, set[str]] = defaultdict(set)
    for operation, name in pairs:
        if not name.startswith(_COMMON):
            of[operation].add(name)
    shown = sorted(of.keys() | DIFFERENCES.keys())
    others = sorted({row.name for row in OPERATIONS} - set(shown))
    operations = "".join(
        f"| {name} | {_counted(sorted(of[name]))} | {DIFFERENCES.get(name, '')} |\n" for name in shown
    )
    return _HEAD + _PAGES + _by_page(tested) + _OPERATIONS + operations + _OTHERS + ", ".join(others) + ".\n"


def _by_page(tested: set[str]) -> str:
    all_facts = Counter(name.partition("#")[0] for name in FACTS)
    with_test = Counter(name.partition("#")[0] for name in tested)
    return "".join(
        f"| [{name}](cloudapi/{name}) | {count} "
        f"| {'facts of the client' if name in _OF_CLIENTS else with_test[name]} |\n"
        for name, count in sorted(all_facts.items())
    )


def _counted(names: list[str]) -> str:
    links = ", ".join(f"[{_title(name)}](cloudapi/{name})" for name in names)
    return f"{len(names)}: {links}" if names else "0"


def _title(name: str) -> str:
    return name.partition("#")[2].replace("-", " ")


def write_list(pairs: set[Pair]) -> None:
    """Write the recorded pairs to the list."""
    of: defaultdict[str, list[str]] = defaultdict(list)
    for operation, name in sorted(pairs):
        of[operation].append(name)
    LIST.write_text(json.dumps(of, indent=1) + "\n")


def write() -> None:
    """Run the tests of facts, which write the list, and then write the page."""
    files = sorted(Path(__file__).parent.glob("test_*.py"))
    tests = [str(path) for path in files if "\n@fact(" in path.read_text()]
    command = [sys.executable, "-m", "pytest", "-q", *tests]
    subprocess.run(command, env={**os.environ, COLLECT: "1"}, check=True)
    PAGE.write_text(page(listed()))


if __name__ == "__main__":
    write()
