"""What an editor reports: pyright on all code of the documentation, and on the public names of smartdc."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.interop.npm import NodeModules, install

VERSION = "1.1.414"
NOT_VERIFIED = "not verified: the types, with pyright"
ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
LEAST_KNOWN = 0.99
"""The required share of public names with a known type; it was 0.997 when this was written."""

# What blocks assume: imports, a data center, a machine.
PRELUDE = """
import getpass
import json
import math
import unittest
from datetime import UTC, datetime, timedelta
from multiprocessing import Pool
from operator import methodcaller
from pathlib import Path
from typing import Any, Iterator

import pytest
import requests
from fabric import Connection

from smartdc import *
from smartdc.emulator import Emulator

sdc = east = west = DataCenter("us-central-1", "/ACCOUNT/keys/KEY")
cloud = smartdc_cloud = Emulator()
emulator = cloud.activate()
machine = test_machine = sdc.machine("web0")
machines = test_machines = sdc.machines()
image = a_base = sdc.image("base")
my_script: Any = None
deploy: Any = None
PUBLIC_KEY = "ssh-ed25519 AAAA"
token = "TOKEN"
"""

REVEALED = "signatures.py"
SIGNATURES = """
from smartdc import DataCenter, Machine

sdc = DataCenter("us-central-1", "/ACCOUNT/keys/KEY")
reveal_type(DataCenter.__init__)
reveal_type(sdc.machine("web0").state)
reveal_type(Machine.poll_until)
"""


@pytest.fixture(scope="module")
def pyright(tmp_path_factory: pytest.TempPathFactory) -> NodeModules:
    return install("pyright", VERSION, NOT_VERIFIED, tmp_path_factory)


def run(pyright: NodeModules, *arguments: str, imports: Sequence[Path] = (ROOT,)) -> dict[str, Any]:
    command = [pyright.node, str(pyright.path / "pyright" / "index.js"), "--pythonpath", sys.executable]
    done = subprocess.run(
        [*command, "--outputjson", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, imports))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def blocks(page: Path) -> list[str]:
    """The Python code of a page: its blocks, and what is typed at its prompts."""
    text = page.read_text(encoding="utf-8")
    typed = [example.source for example in doctest.DocTestParser().get_examples(prompts_only(text))]
    found = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    plain = [block for block in found if ">>> " not in block and not block.startswith("%")]
    return plain + ["".join(typed)] * bool(typed)


def prompts_only(text: str) -> str:
    """A page without the output of its prompts, which is not always in the form of a doctest."""
    kept: list[str] = []
    continued = False
    for line in map(str.strip, text.splitlines()):
        # Output may begin with "...", too: only what follows a prompt continues it.
        continued = line.startswith(">>> ") or (continued and line.startswith("... "))
        if continued:
            kept.append(line)
    return "\n".join(kept) + "\n"


@pytest.fixture(scope="module")
def report(pyright: NodeModules, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report on all code of the documentation, with default settings: no code needs an ignore."""
    folder = tmp_path_factory.mktemp("shown")
    for page in PAGES:
        for number, block in enumerate(blocks(page)):
            if (file := re.match(r"# (\w+\.py)\n", block)) is not None:  # a whole file, which others import
                (folder / file[1]).write_text(block)
                continue
            name = "_".join(page.relative_to(ROOT).with_suffix("").parts)
            (folder / f"{name}_{number}.py").write_text(f"{PRELUDE}\n# {page.name}\n{block}")
    (folder / REVEALED).write_text(SIGNATURES)
    return run(pyright, str(folder), str(ROOT / "examples"), imports=(ROOT, folder))


def test_code_of_the_documentation_has_no_errors(report: dict[str, Any]) -> None:
    errors = [
        f"{Path(found['file']).name}: {found['message']}: "
        + [*Path(found["file"]).read_text().splitlines(), ""][found["range"]["start"]["line"]]
        for found in report["generalDiagnostics"]
        if found["severity"] == "error"
    ]
    assert errors == []
    assert report["summary"]["filesAnalyzed"] > 40


def test_signatures_read_well(report: dict[str, Any]) -> None:
    found = report["generalDiagnostics"]
    sign_in, state, wait = (each["message"] for each in found if Path(each["file"]).name == REVEALED)
    assert "secret: str | PathLike[str] | bytes | KeyObject | None" in sign_in
    assert "PrivateKey" not in sign_in
    assert "Literal['provisioning'" in state  # so it is offered when one types a comparison
    assert "Literal['provisioning'" in wait


@pytest.mark.soak  # it takes twice as long as all else here
def test_public_types_are_known(pyright: NodeModules) -> None:
    report = run(pyright, "--verifytypes", "smartdc", "--ignoreexternal")["typeCompleteness"]
    unknown = [
        symbol["name"]
        for symbol in report["symbols"]
        if symbol["isExported"] and (not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"])
    ]
    assert report["completenessScore"] >= LEAST_KNOWN, unknown
    assert report["exportedSymbolCounts"]["withKnownType"] > 2500
