"""Lists are tables in a notebook that nbclient executes, and at IPython's prompt.

Marked soak, because nbclient and ipykernel install forty packages of 100 MB, and pip takes 10 to 25 seconds.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.triton_home import TritonHome
from tests.interop.pypi import install
from tests.test_console import Terminal

pytestmark = pytest.mark.soak

# Reads the sources of cells, and writes the output of each.
EXECUTE = """
import json, sys, nbformat
from nbclient import NotebookClient
cells = [nbformat.v4.new_code_cell(source) for source in json.load(sys.stdin)]
NotebookClient(nbformat.v4.new_notebook(cells=cells), timeout=60, kernel_name="python3").execute()
json.dump([[output.get("data", output) for output in cell.outputs] for cell in cells], sys.stdout)
"""
CLOUD = """
%load_ext smartdc
from smartdc import Table
from smartdc.emulator import Emulator
cloud = Emulator()
cloud.start()
sdc = cloud.datacenter()
image = sdc.images(name="base-64-lts")[0]
machine = sdc.create_machine("n" * 189, package="g4-highcpu-1G", image=image)
"""


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install("notebook", ["nbclient", "ipykernel"], "tables in notebooks", tmp_path_factory)


@pytest.fixture
def environment(notebooks: Path, tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(notebooks), "HOME": str(tmp_path), "IPYTHONDIR": str(tmp_path)}


@pytest.fixture
def execute(environment: dict[str, str]) -> Any:
    def run(*sources: str) -> list[list[dict[str, Any]]]:
        done = subprocess.run(
            [sys.executable, "-c", EXECUTE],
            input=json.dumps(sources),
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        outputs: list[list[dict[str, Any]]] = json.loads(done.stdout)
        return outputs

    return run


def test_a_notebook_shows_html(execute: Any) -> None:
    _, machines, odd, table, one, none, nested, after, unloaded = execute(
        CLOUD,
        "sdc.machines()",
        "[{'name': '<b>\\x1b[31m🦊 漢字'}]",
        "before = len(cloud.calls); Table(sdc.packages(), 'name,memory')",
        "machine",
        "[1], []",
        "{'a': [{'b': 1}], 'c': [[{'d': 2}]]}",
        "print(len(cloud.calls) - before)",
        "%unload_ext smartdc\n[{'a': 1}]",
    )
    html = machines[0]["text/html"]
    assert html.startswith("<table>")
    assert f">{'n' * 189}</td>" in html
    assert machines[0]["text/plain"].startswith("SHORTID ")
    assert "&lt;b&gt;\\x1b[31m🦊 漢字</td>" in odd[0]["text/html"]
    assert re.search(r">g4-highcpu-1G</td><td [^>]*>1G<", table[0]["text/html"])
    assert (list(one[0]), list(none[0]), list(nested[0])) == (["text/plain"],) * 3
    assert one[0]["text/plain"].startswith("<Machine nnn")
    assert none[0]["text/plain"] == "([1], [])"
    assert nested[0]["text/plain"] == "{'a': [{'b': 1}], 'c': [[{'d': 2}]]}"
    assert after[0]["text"] == "1\n"  # the request of the cell itself
    assert unloaded[-1] == {"text/plain": "[{'a': 1}]"}


def test_a_notebook_without_the_extension(execute: Any) -> None:
    (plain,) = execute("from smartdc import Table\n[{'a': 1}]")
    assert plain[0] == {"text/plain": "[{'a': 1}]"}


@pytest.fixture
def terminal(
    environment: dict[str, str], triton: TritonHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path_factory.mktemp("t"), {**environment, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
    yield terminal
    terminal.close()


def test_the_console_in_ipython(terminal: Terminal) -> None:
    terminal.run(sys.executable, "-m", "smartdc", "--emulated")
    terminal.wait_for("sdc is test in an emulated cloud", r"In \[1\]:")
    terminal.type("sdc.packages()", "Enter")
    terminal.wait_for(r"Out\[1\]: *\n *SHORTID +NAME +MEMORY", r"g4-highcpu-1G +1G")
    # Names that were shown are completed within quotes.
    terminal.type("sdc.package('g4-hi", "Tab")
    terminal.wait_for(r"sdc\.package\('g4-highcpu-1G")
    terminal.type("')['name']", "Enter")
    terminal.wait_for(r"Out\[2\]: 'g4-highcpu-1G'")
    # Tab makes no request, not even behind a property that makes one when it is read.
    terminal.type(
        f"m = sdc.machine('{'0' * 8}-0000-4000-8000-{'0' * 12}', lazy=True); n = len(cloud.calls)", "Enter"
    )
    terminal.wait_for(r"In \[4\]:")
    terminal.type("import warnings; warnings.simplefilter('ignore')  # completions() is provisional", "Enter")
    completions = "list(get_ipython().Completer.completions('m.ips.', 6))"
    terminal.type(f"{completions}, len(cloud.calls) - n", "Enter")
    terminal.wait_for(r"Out\[5\]: \(\[\], 0\)")
